import json
import os
import signal
import socket
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from typer.testing import CliRunner

from contradance.cli.app import app
from tests.cli.project import ROOT, Running, running
from tests.food import HAPPY, OUTAGE
from tests.patience import LONG

SLOW = """\
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

from pydantic import BaseModel

from contradance import Choreography, Contract, Registry, Reply, Setting, route, subscriber


class Asked(Contract, source="shop.desk", subject="item"):
    item: str


class Done(BaseModel):
    item: str


@route("POST /items/{item}", service="desk")
def ask(item: str) -> Reply[Done, Asked]:
    return Reply(Done(item=item), publishes=Asked(item=item))


@subscriber(service="clerk")
def work(asked: Asked) -> None:
    deadline = monotonic() + 120
    Path("begun").touch()
    while not Path("go").exists() and monotonic() < deadline:
        sleep(0.01)
    Path("finished").touch()


shop = Choreography("shop", contracts=Registry("shop", [Asked]), functions=[ask, work])
"""
"""A project whose one delivery begins, and ends when it is told to."""


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[tool.contradance]\nchoreography = "slow.shop:shop"\n')
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow" / "shop.py").write_text(SLOW)
    return tmp_path


def ask(url: str, method: str, path: str, body: object = None) -> Any:
    """Return the JSON of one request to a running laptop."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data=data, method=method)  # noqa: S310 - loopback
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=LONG) as answer:
        return json.load(answer)


def wait_for(file: Path, laptop: Running) -> None:
    deadline = time.monotonic() + LONG
    while not file.exists():
        assert time.monotonic() < deadline, laptop.output
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_when_what_is_in_flight_is_finished(slow: Path, number: int) -> None:
    with running(slow) as laptop:
        ask(laptop.url(), "POST", "/items/a")
        wait_for(slow / "begun", laptop)

        os.kill(laptop.process.pid, number)
        laptop.said("Stopping: finishing running deliveries")
        early = (slow / "finished").exists()
        (slow / "go").touch()
        code = laptop.ended()

    assert (code, early) == (0, False)
    assert (slow / "finished").exists()
    assert "✓ work  Asked" in laptop.output
    assert laptop.output.endswith("Stopped. Pending deliveries continue at the next start.\n")


@pytest.mark.parametrize("options", [[], ["--reload"]], ids=["alone", "reload"])
def test_a_second_signal_leaves_what_runs_for_the_next_start(options: list[str], slow: Path) -> None:
    with running(slow, *options) as laptop:
        ask(laptop.url(), "POST", "/items/a")
        wait_for(slow / "begun", laptop)

        os.kill(laptop.process.pid, signal.SIGINT)
        laptop.said("Stopping: finishing running deliveries")
        os.kill(laptop.process.pid, signal.SIGINT)
        code = laptop.ended()

    assert code == 128 + signal.SIGINT
    assert not (slow / "finished").exists()


def test_a_signal_that_comes_as_soon_as_it_says_that_it_runs_stops_it_too(slow: Path) -> None:
    with running(slow) as laptop:
        laptop.url()
        os.kill(laptop.process.pid, signal.SIGTERM)

        code = laptop.ended()

    assert code == 0
    assert "Traceback" not in laptop.output


def test_after_a_kill_it_continues_where_it_was(slow: Path) -> None:
    with running(slow) as laptop:
        ask(laptop.url(), "POST", "/items/a")
        wait_for(slow / "begun", laptop)
        laptop.process.kill()
        laptop.ended()
    (slow / "go").touch()

    with running(slow) as laptop:
        laptop.said("✓ work  Asked")
        os.kill(laptop.process.pid, signal.SIGTERM)
        code = laptop.ended()

    assert code == 0
    assert (slow / "finished").exists()


def test_a_setting_is_set_and_what_happens_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ["--state", str(tmp_path), "--time-scale", "1000", "--set", "refusal_rate=1", "--set", "refusal_seed=3"]
    with running(ROOT, *options) as laptop:
        refused = ask(laptop.url(), "POST", "/orders", HAPPY)["order_id"]
        laptop.said(rf"4 events, 6 deliveries in .*  subject {refused}\n")
        given_up = ask(laptop.url(), "POST", "/orders", OUTAGE)["order_id"]
        laptop.said(rf"1 event, 1 delivery, 1 dead letter in .*  subject {given_up}\n")
        payment = ask(laptop.url(), "GET", f"/payments/{refused}")
        os.kill(laptop.process.pid, signal.SIGINT)
        code = laptop.ended()
    monkeypatch.chdir(ROOT)

    traced = CliRunner().invoke(app, ["trace", refused, "--state", str(tmp_path)])

    assert code == 0
    assert payment["status"] == "refunded"
    assert "failed, attempt 1, 5 retries left\n" in laptop.output
    assert "failed, attempt 6, now a dead letter\n" in laptop.output
    assert traced.exit_code == 0
    assert "PaymentReversed" in traced.stdout


class Collector(BaseHTTPRequestHandler):
    """A collector that takes OTLP over HTTP."""

    received: ClassVar[list[ExportTraceServiceRequest]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.received.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def collector() -> Iterator[str]:
    Collector.received.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_spans_go_to_the_collector_that_the_environment_names(tmp_path: Path, collector: str) -> None:
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector, "NO_PROXY": "127.0.0.1"}
    with running(ROOT, "--state", str(tmp_path), environment=environment) as laptop:
        laptop.said(f"Traces go to {collector}\n")
        ask(laptop.url(), "POST", "/orders", HAPPY)
        laptop.said(r"4 events, 8 deliveries in .*\n")
        os.kill(laptop.process.pid, signal.SIGINT)
        code = laptop.ended()

    resources = [one for request in Collector.received for one in request.resource_spans]
    spans = [span for one in resources for scope in one.scope_spans for span in scope.spans]
    services = {
        pair.value.string_value for one in resources for pair in one.resource.attributes if pair.key == "service.name"
    }
    assert code == 0
    assert services == {"food-delivery"}
    assert Counter(span.name.partition(" ")[0] for span in spans) == {"POST": 1, "publish": 4, "process": 8}
    assert len({span.trace_id for span in spans}) == 1


def test_it_greets_with_its_routes_one_under_the_other(tmp_path: Path) -> None:
    with running(ROOT, "--state", str(tmp_path)) as laptop:
        url = laptop.url()
        laptop.said("Ctrl-C stops it")
        os.kill(laptop.process.pid, signal.SIGTERM)
        laptop.ended()

    lines = laptop.output.splitlines()
    assert lines[0] == f"food-delivery is running at {url}; its state is in {tmp_path}/"
    assert lines[1:7] == [
        "  POST   /orders                                 orders.place_order",
        "  GET    /orders/{order_id}                      orders.show_order",
        "  GET    /orders                                 orders.list_orders",
        "  GET    /payments/{order_id}                    payments.show_payment",
        "  GET    /customers/{customer_id}/loyalty        loyalty.show_loyalty_points",
        "  GET    /customers/{customer_id}/notifications  notifications.list_notifications",
    ]
    assert lines[7:10] == [
        f"Live view: {url}/_contradance/live",
        f"Trace a flow: contradance trace --state {tmp_path}",
        "Ctrl-C stops it; no event is lost.",
    ]


def refusal(*options: str) -> tuple[int, str]:
    """Return (exit code, words of the message) of a `run` that does not get as far as to run."""
    result = CliRunner().invoke(app, ["run", *options])
    return result.exit_code, " ".join(result.stderr.replace("│", "").split())


@pytest.fixture
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.usefixtures("_in_the_project")
@pytest.mark.parametrize("assignment", ["nothing=1", "refusal_rate", "gateway_key=x"])
def test_a_setting_that_no_function_uses_is_refused_with_those_there_are(tmp_path: Path, assignment: str) -> None:
    code, told = refusal("--state", str(tmp_path), "--set", assignment)

    assert code == 2
    assert f"'{assignment}' does not set a setting. Settings: refusal_rate=0.0, refusal_seed=0." in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("_in_the_project")
def test_a_setting_of_the_wrong_type_is_refused_by_what_it_should_be(tmp_path: Path) -> None:
    code, told = refusal("--state", str(tmp_path), "--set", "refusal_rate=often")

    assert code == 2
    assert "setting 'refusal_rate' should be float: Input should be a valid number" in told
    assert "stack" not in told


@pytest.mark.usefixtures("_in_the_project")
def test_a_port_that_is_taken_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        code, told = refusal("--state", str(tmp_path), "--port", str(port))

    assert code == 1
    assert told.startswith(f"LaptopError: port {port} of 127.0.0.1 is not free: Address already in use.")


@pytest.mark.usefixtures("_in_the_project")
def test_a_state_that_is_a_file_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    code, told = refusal("--state", str(tmp_path / "file"), "--port", "0")

    assert code == 1
    assert told.startswith(f"LaptopError: the laptop's state cannot be kept in {tmp_path / 'file'}/bus.sqlite3: ")
    assert told.endswith("Choose another folder with --state.")


NUMBERS = [
    *(("--port", number) for number in ("65536", "-1", "x", "1.5")),
    *(("--time-scale", number) for number in ("0", "-1", "nan", "inf", "1e300")),
    *(("--archive-delay", number) for number in ("-1", "nan", "inf", "1e300")),
    *(("--archive-days", number) for number in ("0", "nan", "1" + "0" * 30)),
]
"""Each would fail later, when a time is computed."""


@pytest.mark.parametrize("options", [*NUMBERS, ["--nothing"], ["x"]], ids=" ".join)
def test_options_that_make_no_sense_are_mistakes_of_usage(options: Sequence[str]) -> None:
    assert refusal(*options)[0] == 2


def test_without_a_project_it_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    code, told = refusal("--port", "0")

    assert code == 1
    assert told.startswith("DeclarationError: there is no pyproject.toml with [tool.contradance]")
    assert list(tmp_path.iterdir()) == []


def test_a_front_end_under_development_may_use_the_routes(tmp_path: Path) -> None:
    front_end, options = "http://localhost:3000", ("--state", str(tmp_path), "--cors-origin", "http://localhost:3000")
    with running(ROOT, *options) as laptop:
        connection = HTTPConnection(laptop.url().removeprefix("http://"), timeout=LONG)
        headers = {"Origin": front_end, "Access-Control-Request-Method": "POST"}
        connection.request("OPTIONS", "/orders", headers=headers)
        allowed = connection.getresponse().headers["Access-Control-Allow-Origin"]
        connection.close()

    assert allowed == front_end


@pytest.mark.parametrize("origin", ["localhost:3000", "http://localhost:3000/path", "", "file:///x", "http://a b"])
def test_what_is_not_an_origin_is_refused(origin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)

    result = CliRunner().invoke(app, ["run", "--cors-origin", origin], terminal_width=200)

    assert result.exit_code == 2
    assert "--cors-origin" in result.output
