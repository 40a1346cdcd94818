import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.client import HTTPMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3  # type: ignore[import-untyped]  # it carries no types
import pytest
from botocore.config import Config  # type: ignore[import-untyped]  # the same
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # the same
from pydantic import BaseModel

from contradance import route
from contradance.errors import LaptopError
from contradance.local.laptop import Laptop
from contradance.local.system import client
from contradance.local.system.client import LaptopClient
from contradance.local.web import loop_failures
from contradance.local.web.loop_failures import LoopFailures
from contradance.local.web.server import Server
from tests.local.desk import ROUTES, Desk, asked, opened
from tests.patience import LONG


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def laptop(tmp_path: Path, desk: Desk) -> Iterator[Laptop]:
    with opened(tmp_path, desk.clerk(), *ROUTES) as running:
        yield running


@pytest.fixture
def url(laptop: Laptop) -> Iterator[str]:
    with Server(laptop, 0).serving() as served:
        yield served


@pytest.fixture
def aws(url: str) -> Iterator[Any]:
    """Return boto3's client, as any program would use it."""
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
    config = Config(retries={"max_attempts": 1}, proxies={})
    client = boto3.client("events", endpoint_url=url, region_name="us-east-1", config=config, **keys)
    yield client
    client.close()


def ask_http(
    url: str, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> tuple[int, HTTPMessage, bytes]:
    """Return (status, headers, body) of one request, whose target goes out as it is given."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=LONG)
    connection.request(method, target, body, dict(headers or {}))
    answer = connection.getresponse()
    found = (answer.status, answer.headers, answer.read())
    connection.close()
    return found


def test_a_route_is_served_over_a_real_socket(url: str) -> None:
    status, headers, body = ask_http(url, "GET", "/items/caf%C3%A9%20x")

    assert (status, headers["content-type"]) == (200, "application/json")
    assert json.loads(body)["item"] == "café x"


@pytest.mark.parametrize("status", [204, 304])
def test_a_response_that_has_no_body_has_no_length_either(tmp_path: Path, status: int) -> None:
    class Answered(BaseModel):
        """What the handler returns."""

        at: str = "once"

    @route("GET /emptied", service="desk", status=status)
    def answer_nothing() -> Answered:
        """Answer with a status that has no body."""
        return Answered()

    with opened(tmp_path, answer_nothing) as laptop, Server(laptop, 0).serving() as served:
        found, headers, body = ask_http(served, "GET", "/emptied")

    assert (found, headers["content-length"], body) == (status, None, b"")


def test_it_answers_on_loopback_alone(url: str) -> None:
    assert urlsplit(url).hostname == "127.0.0.1"


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("POST", "/items/a%2Fb", 201),
        ("GET", "/items?q=1&q=2", 200),
        ("GET", "/nothing", 404),
        ("PUT", "/items/a", 404),
        ("OPTIONS", "/items/a", 404),
        ("GET", "//items//a", 404),
    ],
)
def test_a_request_is_answered_as_without_a_socket(
    url: str, laptop: Laptop, method: str, target: str, status: int
) -> None:
    found, _, body = ask_http(url, method, target)
    without = laptop.request(method, target)

    assert found == without.status == status
    assert body.decode() == without.body


def test_a_head_request_and_a_body_that_is_no_text_do_no_harm(url: str) -> None:
    head, _, _ = ask_http(url, "HEAD", "/items/a")
    posted, _, _ = ask_http(url, "POST", "/items/a", b"\xff\x00\xfe")

    assert (head, posted) == (404, 201)


def test_boto3_publishes_through_it(aws: Any, laptop: Laptop, desk: Desk) -> None:
    answer = aws.put_events(Entries=[asked("a"), asked("b", Detail="[]"), asked("c")])
    laptop.drain()

    good, bad, fine = answer["Entries"]
    assert answer["FailedEntryCount"] == 1
    assert good["EventId"] != fine["EventId"]
    assert bad == {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    assert sorted(desk.items()) == ["a", "c"]


def test_boto3_is_told_what_the_laptop_refuses(aws: Any) -> None:
    with pytest.raises(ClientError) as elsewhere:
        aws.put_events(Entries=[asked("a", EventBusName="elsewhere")])
    with pytest.raises(ClientError) as unknown:
        aws.list_connections()

    assert elsewhere.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert unknown.value.response["Error"]["Code"] == "UnknownOperationException"
    assert unknown.value.response["Error"]["Message"] == "The laptop does not answer AWSEvents.ListConnections."


def test_the_protocol_of_aws_is_spoken_at_the_root_alone(url: str) -> None:
    status, _, _ = ask_http(url, "POST", "/items", headers={"X-Amz-Target": "AWSEvents.PutEvents"})

    assert status == 404


def test_another_process_publishes_by_the_client(url: str, laptop: Laptop, desk: Desk) -> None:
    answer = LaptopClient(url).put_events(Entries=[asked("a")])
    laptop.drain()

    assert answer["FailedEntryCount"] == 0
    assert desk.items() == ["a"]


def test_the_client_goes_through_no_proxy(url: str, laptop: Laptop, desk: Desk) -> None:
    program = (
        "import json, sys; from contradance.local.system.client import LaptopClient;"
        "LaptopClient(sys.argv[1]).put_events(Entries=[json.loads(sys.argv[2])])"
    )
    proxied = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}
    proxied["http_proxy"] = "http://127.0.0.1:1"

    subprocess.run([sys.executable, "-c", program, url, json.dumps(asked("a"))], env=proxied, check=True)
    laptop.drain()

    assert desk.items() == ["a"]


def test_the_client_says_what_the_laptop_refuses(url: str) -> None:
    with pytest.raises(LaptopError, match=f"the laptop at {url} refused: There is no bus 'elsewhere' here"):
        LaptopClient(url).put_events(Entries=[asked("a", EventBusName="elsewhere")])


def test_the_client_says_where_no_laptop_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(LaptopError) as refusal:
        LaptopClient(f"http://127.0.0.1:{port}").put_events(Entries=[asked("a")])

    assert str(refusal.value) == (
        f"no laptop answers at http://127.0.0.1:{port}: Connection refused.\n  Start one with: contradance run"
    )


def test_the_client_names_a_laptop_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_TIMEOUT_SECONDS", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        with pytest.raises(LaptopError) as refusal:
            LaptopClient(url).description()

    assert str(refusal.value).startswith(
        f"the laptop at {url} has not answered in 0.01 seconds.\n  If a handler blocks"
    )


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found"])
@pytest.mark.parametrize(
    "rest", ["content-length: 6\r\n\r\n<html>", "\r\n[]", "content-length: 9\r\n\r\n{", "\r\n\xff"]
)
def test_the_client_says_when_something_else_answers(status: str, rest: str) -> None:
    _check_names_the_other_program(f"HTTP/1.0 {status}\r\n{rest}")


@pytest.mark.parametrize(
    "answer", ["SSH-2.0-OpenSSH\r\n", "-ERR unknown command\r\n", "HTTP/1.0 200 OK\r\n" + "x: y\r\n" * 101]
)
def test_the_client_says_when_the_answer_is_not_http(answer: str) -> None:
    _check_names_the_other_program(answer)


def _check_names_the_other_program(answer: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        def answer_once() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(100_000)
                connection.sendall(answer.encode("latin-1"))
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(100_000):  # closing with unread bytes would reset the connection
                    pass

        thread = threading.Thread(target=answer_once)
        thread.start()
        with pytest.raises(LaptopError) as refusal:
            LaptopClient(url).put_events(Entries=[asked("a")])
        thread.join(LONG)

    assert str(refusal.value).startswith(f"the program at {url} is not a laptop of this version.")


def test_a_port_that_is_taken_is_told_with_the_way_out(laptop: Laptop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        with pytest.raises(LaptopError) as refusal:
            Server(laptop, port)

    assert str(refusal.value) == (
        f"port {port} of 127.0.0.1 is not free: Address already in use.\n"
        "  Stop what uses it, or choose another with --port (0 takes any)."
    )


def test_a_port_is_free_again_when_the_server_has_stopped(laptop: Laptop) -> None:
    server = Server(laptop, 0)
    with server.serving(), socket.create_connection(("127.0.0.1", server.port), timeout=LONG) as client:
        client.sendall(b"GET /items HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        while client.recv(1 << 16):  # until the server has closed: its side, with its port, waits in TIME_WAIT
            pass

    with Server(laptop, server.port).serving() as again:
        status, _, _ = ask_http(again, "GET", "/items")

    assert status == 200


def test_a_failure_of_the_event_loop_is_logged_once_in_a_while(
    laptop: Laptop, caplog: pytest.LogCaptureFixture
) -> None:
    server, seen = Server(laptop, 0), threading.Event()

    def fail(kind: str, number: int) -> None:
        loop.call_exception_handler(
            {"message": f"{kind}(<object {number}>)", "exception": OSError(24, "Too many open files")}
        )

    with server.serving() as url:
        ask_http(url, "GET", "/items/1")
        loop = server.servers[0].get_loop()
        for number in range(2_048):
            loop.call_soon_threadsafe(fail, "accept", number)
        loop.call_soon_threadsafe(fail, "start", 0)
        loop.call_soon_threadsafe(seen.set)
        assert seen.wait(LONG)

    assert [line.getMessage() for line in caplog.records if line.name == "contradance.server"] == [
        "the server failed: accept: OSError: [Errno 24] Too many open files",
        "the server failed: start: OSError: [Errno 24] Too many open files",
    ]


def test_a_failure_of_the_event_loop_is_logged_again_after_a_minute(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, loop, logged = LoopFailures(), asyncio.new_event_loop(), list[float]()
    for second in (0.0, 59.9, 60.0, 119.9):
        monkeypatch.setattr(loop_failures, "monotonic", lambda at=second: at)
        log(loop, {"message": "accept"})
        logged += [second] * len(caplog.records)
        caplog.clear()
    loop.close()

    assert logged == [0.0, 60.0]


def test_a_second_signal_ends_the_process_whatever_fails(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    server, codes = Server(laptop, 0), list[int]()

    def fail() -> None:
        raise OSError(9, "a handler has closed the file")

    monkeypatch.setattr(laptop.in_flight, "mark_stopped", fail)
    monkeypatch.setattr("os._exit", codes.append)
    try:
        with server.serving():
            server.stop_on_signals()
            signal.raise_signal(signal.SIGTERM)
            with pytest.raises(OSError, match="closed"):
                signal.raise_signal(signal.SIGINT)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

    assert codes == [128 + signal.SIGINT]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_process_gives_up_the_port_and_ends_by_a_signal(laptop: Laptop) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    server = Server(laptop, 0)
    try:
        with server.serving():
            server.stop_on_signals()
            reading, writing = os.pipe()
            child = os.fork()
            if child == 0:  # as multiprocessing does
                os.write(writing, b"runs")
                signal.pause()
                os._exit(0)
            os.read(reading, 4)
            os.close(reading)
            os.close(writing)
        with Server(laptop, server.port).serving():
            os.kill(child, signal.SIGTERM)
        _, status = os.waitpid(child, 0)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

    assert os.waitstatus_to_exitcode(status) == -signal.SIGTERM
