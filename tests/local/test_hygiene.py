"""What clients do wrong, on purpose or not, over raw sockets: each is told so in one JSON shape, and harms nobody else."""

import json
import logging
import re
import socket
import threading
import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from contradance import route
from contradance.cli.narrator import Narrator
from contradance.cli.theme import Services
from contradance.errors import LaptopError
from contradance.local.invocation.gateway import Gateway, HttpResponse, public_message
from contradance.local.laptop import Laptop
from contradance.local.web.connection import MAX_HEAD_BYTES, Bounds
from contradance.local.web.server import Refusal, Server
from contradance.runtime.request import MAX_BODY_BYTES
from tests.local.desk import ROUTES, Echo, asked, opened, wait_until

LONG = 20
"""Seconds after which a socket gives up; no working machine needs them."""
GOOD = b"GET /items/a HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
TOO_LARGE = {"message": f"The request's body is over {MAX_BODY_BYTES:,} bytes."}


class Answer(NamedTuple):
    """One HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read; only where it says that it is JSON."""
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.body)


def read_answer(client: socket.socket) -> Answer:
    """Return the next answer on a connection."""
    with client.makefile("rb") as stream:
        status = int(stream.readline().split()[1])
        headers = {}
        while line := stream.readline().strip().decode():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return Answer(status, headers, stream.read(int(headers.get("content-length", 0))))


def rest(client: socket.socket) -> bytes:
    """Return what comes until the server closes the connection."""
    received = b""
    with suppress(ConnectionError):
        while more := client.recv(65_536):
            received += more
    return received


def connected(url: str) -> socket.socket:
    """Return a connection; the test closes it."""
    address = urlsplit(url)
    return socket.create_connection((address.hostname or "", address.port or 0), timeout=LONG)


def say(url: str, *parts: bytes) -> Answer:
    """Send bytes on a connection of their own, and return the answer."""
    with connected(url) as client:
        for part in parts:
            client.sendall(part)
        return read_answer(client)


def request(method: str, target: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b"") -> bytes:
    """Return the bytes of a request from this machine."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    lines += [] if any(name == "Host" for name, _ in headers) else ["Host: 127.0.0.1"]
    lines += [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, "Connection: close", "\r\n"]).encode("latin-1") + body


class Told:
    """What the server said of refused requests."""

    def __init__(self) -> None:
        self.refusals: list[Refusal] = []

    @property
    def requests(self) -> list[tuple[str, str, int]]:
        return [(refusal.method, refusal.path, refusal.status) for refusal in self.refusals]


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Laptop]:
    with opened(tmp_path, *ROUTES) as running:
        yield running


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Told]]:
    told = Told()
    with opened(tmp_path_factory.mktemp("state"), *ROUTES) as running, serving(running, told) as served:
        yield served, told


@pytest.fixture
def url(shared: tuple[str, Told]) -> str:
    """Return the address of a server that tests share: what one client does harms no other."""
    return shared[0]


@pytest.fixture
def told(shared: tuple[str, Told]) -> Told:
    """Return what the shared server says during a test."""
    shared[1].refusals.clear()
    return shared[1]


@contextmanager
def serving(laptop: Laptop, told: Told | None = None, **bounds: Any) -> Iterator[str]:
    """Serve a laptop within bounds."""
    heard = told or Told()
    with Server(laptop, 0, bounds=Bounds(**bounds), when_refused=heard.refusals.append).serving() as url:
        yield url


class TestBodies:
    def test_a_body_of_the_largest_size_is_taken_and_one_byte_more_is_not(self, url: str) -> None:
        largest = say(url, request("POST", "/items/a", body=b" " * MAX_BODY_BYTES))
        larger = say(url, request("POST", "/items/a", body=b" " * (MAX_BODY_BYTES + 1)))

        assert largest.status == 201
        assert (larger.status, larger.json) == (413, TOO_LARGE)

    def test_the_runtime_holds_to_the_same_limit_without_a_server(self, laptop: Laptop) -> None:
        largest = laptop.request("POST", "/items/a", b" " * MAX_BODY_BYTES)
        larger = laptop.request("POST", "/items/a", b" " * (MAX_BODY_BYTES + 1))
        no_text = laptop.request("POST", "/items/a", b"\xff" * (MAX_BODY_BYTES + 1))

        assert largest.status == 201
        assert (
            (larger.status, json.loads(larger.body)) == (no_text.status, json.loads(no_text.body)) == (413, TOO_LARGE)
        )

    @pytest.mark.parametrize("expect", ["", "Expect: 100-continue\r\n"])
    def test_a_body_that_announces_its_size_is_refused_before_it_is_sent(self, url: str, expect: str) -> None:
        head = f"POST /items/a HTTP/1.1\r\nHost: localhost\r\n{expect}Content-Length: {MAX_BODY_BYTES + 1}\r\n\r\n"

        answer = say(url, head.encode())

        assert (answer.status, answer.json) == (413, TOO_LARGE)
        assert answer.headers["connection"] == "close"

    def test_a_body_in_chunks_is_refused_as_soon_as_it_is_too_large(self, url: str) -> None:
        chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"

        answer = say(
            url, b"POST /items/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", *[chunk] * 17
        )

        assert (answer.status, answer.json) == (413, TOO_LARGE)

    def test_a_body_in_chunks_that_is_small_enough_is_taken(self, url: str) -> None:
        head = b"POST /items/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"

        answer = say(url, head, b"2\r\n{}\r\n", b"0\r\n\r\n")

        assert answer.status == 201

    def test_of_a_body_that_is_too_large_no_more_is_kept_than_the_limit(self, laptop: Laptop) -> None:
        size = 32 * MAX_BODY_BYTES
        block = b"x" * MAX_BODY_BYTES
        head = f"POST /items/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n".encode()

        with serving(laptop, linger_seconds=LONG) as url:
            tracemalloc.start()
            answer = say(url, head, *[block] * 32)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()

        assert answer.status == 413
        assert peak < 8 * MAX_BODY_BYTES

    def test_the_protocol_of_aws_takes_what_ten_entries_may_be(self, url: str) -> None:
        headers = [("X-Amz-Target", "AWSEvents.PutEvents")]
        entries = json.dumps({"Entries": [asked("a", Detail=json.dumps({"text": "é" * 499_000}, ensure_ascii=False))]})

        taken = say(url, request("POST", "/", headers, entries.encode()))
        elsewhere = say(url, request("POST", "/items/a", headers, entries.encode()).partition(b"{")[0])
        larger = say(url, request("POST", "/", headers, b" " * 4_000_001))

        assert len(entries) > 2 * MAX_BODY_BYTES
        assert (taken.status, elsewhere.status, larger.status) == (200, 413, 413)


class TestSlowClients:
    HEAD = b"POST /items/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"

    def test_a_body_that_does_not_come_in_time_is_a_408(self, laptop: Laptop, told: Told) -> None:
        with serving(laptop, told, body_seconds=0.05) as url:
            answer = say(url, self.HEAD, b"some of it")

        assert (answer.status, answer.json) == (408, {"message": "The request's body took too long."})
        assert told.requests == [("POST", "/items/a", 408)]

    @pytest.mark.parametrize("before", [b"", GOOD.replace(b"close", b"keep-alive")], ids=["first", "second"])
    def test_headers_that_do_not_come_in_time_are_a_408(self, laptop: Laptop, before: bytes) -> None:
        with serving(laptop, head_seconds=0.2, idle_seconds=LONG) as url, connected(url) as client:
            if before:
                client.sendall(before)
                assert read_answer(client).status == 200
            client.sendall(b"GET / HTTP/1.1\r\nX: ")
            answer = read_answer(client)

        assert (answer.status, answer.json) == (408, {"message": "The request's headers took too long."})

    def test_a_connection_that_says_nothing_is_closed_without_a_word(self, laptop: Laptop, told: Told) -> None:
        with serving(laptop, told, head_seconds=0.05) as url, connected(url) as client:
            received = rest(client)

        assert received == b""
        assert told.requests == []

    def test_a_connection_that_is_kept_is_closed_when_no_next_request_comes(self, laptop: Laptop) -> None:
        with serving(laptop, idle_seconds=0) as url, connected(url) as client:
            client.sendall(GOOD.replace(b"close", b"keep-alive"))
            answer, after = read_answer(client), rest(client)

        assert (answer.status, after) == (200, b"")

    def test_one_connection_serves_one_request_after_another(self, url: str) -> None:
        kept = GOOD.replace(b"close", b"keep-alive")

        with connected(url) as client:
            answers = []
            for _ in range(3):
                client.sendall(kept)
                answers.append(read_answer(client).status)

        assert answers == [200, 200, 200]

    def test_requests_that_are_sent_ahead_are_answered_in_order(self, url: str) -> None:
        kept = GOOD.replace(b"close", b"keep-alive")

        with connected(url) as client:
            client.sendall(kept.replace(b"/a", b"/first") + kept.replace(b"/a", b"/second") + GOOD)
            received = rest(client)

        assert re.findall(rb'"item":"(\w+)"', received) == [b"first", b"second", b"a"]


class TestConnections:
    def test_over_the_bound_a_connection_is_a_503_until_another_has_closed(self, laptop: Laptop, told: Told) -> None:
        kept = GOOD.replace(b"close", b"keep-alive")

        with serving(laptop, told, connections=2, idle_seconds=LONG) as url:
            with connected(url) as first, connected(url) as second:
                for client in (first, second):
                    client.sendall(kept)
                    assert read_answer(client).status == 200
                with connected(url) as third:
                    refused, after = read_answer(third), rest(third)
                second.sendall(kept)
                still = read_answer(second)
            wait_until(lambda: say(url, GOOD).status == 200)

        assert (refused.status, refused.json) == (503, {"message": "Too many connections are open."})
        assert (after, still.status) == (b"", 200)
        assert told.requests[0] == ("", "", 503)


class TestMalformed:
    @pytest.mark.parametrize(
        "sent",
        [
            b"nonsense\r\n\r\n",
            b"\r\n\r\n\r\n",
            b"GET /items/a\r\n\r\n",
            b"GET  /items/a HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET /items/a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET /items/a\x00b HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET /items/caf\xc3\xa9 HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET /items/a HTTP/one\r\nHost: localhost\r\n\r\n",
            b"G\xcbT / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: localhost\r\nbad name: x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n",
            b"POST /items/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: ten\r\n\r\n",
            b"POST /items/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
            b"POST /items/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            b"POST /items/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + b"9" * 30 + b"\r\n\r\n",
            b"POST /items/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
            b"POST /items/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        ],
        ids=lambda sent: sent[:70].decode("latin-1"),
    )
    def test_what_is_no_http_is_a_400_in_the_one_shape_and_the_server_goes_on(
        self, url: str, told: Told, caplog: pytest.LogCaptureFixture, sent: bytes
    ) -> None:
        with connected(url) as client:
            client.sendall(sent)
            answer, after = read_answer(client), rest(client)

        assert (answer.status, answer.json) == (400, {"message": "Bad Request"})
        assert (answer.headers["connection"], after) == ("close", b"")
        assert told.requests == [("", "", 400)]
        assert caplog.text == ""
        assert say(url, GOOD).status == 200

    def test_a_body_that_ends_before_its_length_is_nobodys_request(self, url: str, told: Told) -> None:
        with connected(url) as client:
            client.sendall(b"POST /items/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{}")
            client.shutdown(socket.SHUT_WR)
            received = rest(client)

        assert received == b""
        assert say(url, GOOD).status == 200
        assert told.requests == []

    @pytest.mark.parametrize(
        "parts",
        [
            [request("GET", "/items/" + "a" * MAX_HEAD_BYTES)],
            [request("GET", "/items/a", [("X", "a" * MAX_HEAD_BYTES)])],
            [request("GET", "/items/a", [("X", "a")] * 3000)],
            [b"GET /items/a HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * (MAX_HEAD_BYTES + 1)],
            [b"GET /" + b"a" * (MAX_HEAD_BYTES + 1)],
        ],
        ids=["path", "header", "headers", "header without an end", "path without an end"],
    )
    def test_a_head_that_is_too_large_is_a_431(self, url: str, parts: list[bytes]) -> None:
        answer = say(url, *parts)

        assert (answer.status, answer.json) == (431, {"message": "The request's line and headers are too large."})

    def test_a_long_path_and_a_long_header_are_served(self, url: str) -> None:
        answer = say(url, request("GET", "/items/" + "a" * 5_000, [("X", "b" * 5_000)]))

        assert (answer.status, answer.json["item"]) == (200, "a" * 5_000)


class TestRequests:
    @pytest.mark.parametrize(
        ("method", "target"),
        [
            ("GET", "/nothing"),
            ("PUT", "/items/a"),
            ("OPTIONS", "/items/a"),
            ("OPTIONS", "*"),
            ("TRACE", "/items/a"),
            ("CONNECT", "127.0.0.1:80"),
            ("BREW", "/items/a"),
            ("get", "/items/a"),
            ("GET", "items/a"),
            ("GET", "http://127.0.0.1/items/a"),
            ("GET", "/items/../items/a"),
            ("GET", "/items/a#b/c"),
            ("GET", "//["),
        ],
    )
    def test_what_no_route_serves_is_not_found_as_api_gateway_says_it(
        self, url: str, told: Told, method: str, target: str
    ) -> None:
        answer = say(url, request(method, target))

        assert (answer.status, answer.json) == (404, {"message": "Not Found"})
        assert told.requests == [(method, target, 404)]

    def test_a_head_request_is_answered_without_a_body(self, url: str) -> None:
        with connected(url) as client:
            client.sendall(request("HEAD", "/items/a"))
            received = rest(client)

        assert received.startswith(b"HTTP/1.1 404 ")
        assert received.endswith(b"\r\n\r\n")

    @pytest.mark.parametrize(
        ("path", "item"),
        [
            ("caf%C3%A9", "café"),
            ("%00", "\x00"),
            ("%FF", "\ufffd"),
            ("%ED%A0%80", "\ufffd\ufffd\ufffd"),
            ("%zz", "%zz"),
            ("%", "%"),
            ("%F0%9F%8D%95", "🍕"),
            ("a%0D%0Ab", "a\r\nb"),
        ],
    )
    def test_a_path_is_decoded_whatever_it_holds(self, url: str, path: str, item: str) -> None:
        answer = say(url, request("GET", f"/items/{path}"))

        assert (answer.status, answer.json["item"]) == (200, item)

    def test_a_header_that_is_given_twice_is_joined_by_a_comma(self, url: str) -> None:
        twice = say(url, request("POST", "/items/a", [("Idempotency-Key", "k"), ("idempotency-key", "l")]))
        joined = say(url, request("POST", "/items/b", [("Idempotency-Key", "k,l")]))

        assert (twice.status, joined.status) == (201, 422)

    def test_an_upgrade_is_answered_as_the_request_it_is(self, url: str) -> None:
        wanted = request("GET", "/items/a", [("Upgrade", "websocket")]).replace(b": close", b": upgrade")

        assert say(url, wanted).status == 200

    def test_an_old_client_that_names_no_host_is_served(self, url: str) -> None:
        assert say(url, b"GET /items/a HTTP/1.0\r\n\r\n").status == 200


class TestOnlyThisMachine:
    @pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8700", "localhost", "LocalHost:1", "[::1]", "[::1]:8700"])
    def test_the_names_of_this_machine_are_served(self, url: str, host: str) -> None:
        assert say(url, request("GET", "/items/a", [("Host", host)])).status == 200

    @pytest.mark.parametrize(
        "host",
        [
            "",
            "example.com",
            "127.0.0.1.example.com",
            "localhost.example.com:80",
            "0.0.0.0",  # noqa: S104 - a name to be refused
            "localhost:x",
            "a@localhost",
        ],
    )
    def test_another_name_is_refused_as_a_rebound_one_would_be(self, url: str, told: Told, host: str) -> None:
        answer = say(url, request("GET", "/items/a?secret=1", [("Host", host)]))

        assert answer.status == 403
        assert answer.json == {"message": "Only this machine is served, by the names 127.0.0.1, localhost and [::1]."}
        assert told.requests == [("GET", "/items/a", 403)]

    @pytest.mark.parametrize(
        ("method", "origin", "status"),
        [
            ("POST", "https://example.com", 403),
            ("POST", "http://localhost.example.com", 403),
            ("POST", "null", 403),
            ("POST", "file://localhost", 403),
            ("OPTIONS", "https://example.com", 403),
            ("POST", "http://localhost:3000", 403),
            ("POST", "http://127.0.0.1:1", 403),
            ("POST", "http://localhost", 403),
            ("POST", "https://127.0.0.1", 403),
            ("POST", "http://127.0.0.1", 201),
            ("GET", "https://example.com", 200),
        ],
    )
    def test_the_page_of_another_site_changes_nothing_here(
        self, url: str, method: str, origin: str, status: int
    ) -> None:
        answer = say(url, request(method, "/items/a", [("Origin", origin)]))

        assert answer.status == status
        assert "access-control-allow-origin" not in answer.headers

    def test_a_request_that_is_refused_is_refused_without_its_body(self, url: str) -> None:
        head = b"POST /items/a HTTP/1.1\r\nHost: example.com\r\nContent-Length: 1000\r\n\r\n"

        assert say(url, head).status == 403


class Collapsing(Gateway):
    """A gateway with a fault."""

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        raise RuntimeError("the roof is gone")


class TestOurOwnTrouble:
    def test_a_fault_of_the_server_is_a_500_without_details_and_is_logged(
        self, laptop: Laptop, told: Told, caplog: pytest.LogCaptureFixture
    ) -> None:
        laptop.gateway = Collapsing(laptop.choreography, laptop.environment)

        with serving(laptop, told) as url, caplog.at_level(logging.ERROR, "contradance"):
            answer = say(url, GOOD)

        assert (answer.status, answer.json) == (500, {"message": "Internal Server Error"})
        assert told.requests == [("GET", "/items/a", 500)]
        assert "RuntimeError: the roof is gone" in caplog.text

    def test_a_state_that_cannot_be_kept_is_a_503_that_names_no_folder(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        @route("POST /notes", service="desk")
        def note() -> Echo:
            raise LaptopError(f"the laptop's state cannot be written to {tmp_path}/a b: disk is full.\n  Make room.")

        with opened(tmp_path, note) as laptop, serving(laptop) as url:
            answer = say(url, request("POST", "/notes"))

        assert answer.status == 503
        assert answer.json == {"message": "the laptop's state cannot be written to its folder: disk is full."}
        assert f"POST /notes was not answered: the laptop's state cannot be written to {tmp_path}" in caplog.text

    def test_what_is_asked_of_a_state_that_is_closed_is_a_503(self, laptop: Laptop) -> None:
        laptop.database.close()
        entries = json.dumps({"Entries": [asked("a")]}).encode()

        with serving(laptop) as url:
            posted = say(url, request("POST", "/items/a", [("Idempotency-Key", "k")]))
            published = say(url, request("POST", "/", [("X-Amz-Target", "AWSEvents.PutEvents")], entries))

        assert (posted.status, posted.json) == (503, {"message": "the laptop's state is closed."})
        assert published.status == 503
        assert json.loads(published.body)["message"] == "the laptop's state is closed."

    @pytest.mark.parametrize("folder", ["/srv/ada/.contradance", "./state", r"C:\state", "/a b/c"])
    def test_no_folder_is_said_however_it_is_written(self, folder: str) -> None:
        assert (
            public_message(LaptopError(f"it cannot be kept in {folder}: full."))
            == "it cannot be kept in its folder: full."
        )

    def test_a_request_that_outlives_the_server_is_told_that_it_stops(self, tmp_path: Path) -> None:
        began, go_on = threading.Event(), threading.Event()

        @route("GET /wait", service="desk")
        def wait() -> Echo:
            began.set()
            go_on.wait(LONG)
            return Echo(route="wait")

        with opened(tmp_path, wait) as laptop:
            server = Server(laptop, 0, bounds=Bounds(grace_seconds=0))
            with server.serving() as url, connected(url) as client:
                client.sendall(GOOD.replace(b"/items/a", b"/wait"))
                assert began.wait(LONG)
                server.stop()
                answer = read_answer(client)
                go_on.set()

        assert (answer.status, answer.json) == (503, {"message": "The laptop is stopping."})


def test_what_succeeds_is_not_told_as_refused(url: str, told: Told) -> None:
    say(url, GOOD)
    say(url, request("POST", "/items/a"))
    say(url, request("GET", "/items?limit=1"))

    assert told.requests == []


@pytest.mark.parametrize(
    ("method", "path", "line"),
    [
        ("POST", "/items", "18:30:00  http  ✗ POST /items  422\n"),
        ("", "", "18:30:00  http  ✗ malformed request  422\n"),
        ("GET", "/[red]" + "a" * 500, "18:30:00  http  ✗ GET /[red]" + "a" * 94 + "  422\n"),
    ],
    ids=["request", "no request", "long"],
)
def test_a_refused_request_is_one_line_of_run(
    method: str, path: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    at = datetime(2026, 1, 1, 18, 30, tzinfo=UTC)

    Narrator(Services(["desk"])).refused(Refusal(at, method, path, 422))

    assert capsys.readouterr().out == line
