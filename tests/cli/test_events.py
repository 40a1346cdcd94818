import json
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner, Result

from contradance.catalog.sample import sample
from contradance.cli.app import app
from contradance.cli.events import _names
from contradance.local.web.server import Server
from contradance.testing import running
from food_contracts.payments import PaymentFailed
from food_contracts.registry import registry
from tests.album import ObjectCreated, album
from tests.cli.project import ROOT
from tests.food import Food, food

DATA = sample(PaymentFailed).model_dump_json()


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture
def system(tmp_path: Path) -> Iterator[Food]:
    with food(tmp_path) as found:
        yield found


@pytest.fixture
def port(system: Food) -> Iterator[str]:
    with Server(system.laptop, 0).serving() as url:
        yield url.rpartition(":")[2]


def publish(data: str, port: str, given: str | None = None, detail_type: str = "PaymentFailed") -> Result:
    return CliRunner().invoke(app, ["events", "publish", detail_type, "--data", data, "--port", port], input=given)


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return str(listener.getsockname()[1])


@pytest.mark.parametrize("detail_type", [contract.identity.detail_type for contract in registry])
def test_a_sample_is_json_that_the_contract_takes(detail_type: str) -> None:
    result = CliRunner().invoke(app, ["events", "sample", detail_type])

    contract = registry.named(detail_type)[0]
    assert result.exit_code == 0
    assert contract.model_validate_json(result.stdout) == sample(contract)


@pytest.mark.parametrize("command", [["events", "sample", "Nothing"], ["events", "publish", "Nothing", "--data", "{}"]])
def test_an_event_that_the_registry_does_not_hold_is_refused_with_those_it_holds(command: list[str]) -> None:
    result = CliRunner().invoke(app, command)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("DeclarationError: the registry 'food' holds no 'Nothing'.\n  It holds: ")
    assert "OrderPlaced" in result.stderr


@pytest.mark.parametrize(("key", "matched"), [("a.jpg", True), ("a.txt", False)])
def test_publishing_names_the_command_that_shows_what_becomes_of_the_event(
    key: str, matched: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = SimpleNamespace(choreography=lambda: album)
    monkeypatch.setattr("contradance.cli.events.the_project", lambda: project)
    monkeypatch.setattr("contradance.cli.inspecting.the_project", lambda: project)
    detail = json.loads(sample(ObjectCreated).model_dump_json(exclude_none=True))
    data = json.dumps({**detail, "object": {**detail["object"], "key": key}})
    with running(album, tmp_path) as laptop, Server(laptop, 0).serving() as url:
        published = publish(data, url.rpartition(":")[2], detail_type="ObjectCreated")
        laptop.drain()

    event_id = published.stdout.split()[-1]
    why = CliRunner().invoke(app, ["why", event_id, "--state", str(tmp_path)])

    assert ("Follow it: contradance trace" in published.stdout) == matched
    assert ("No subscriber's rule matches it: contradance why" in published.stdout) == (not matched)
    assert event_id in why.stdout
    assert ("gallery.index_photo  done" in why.stdout) == matched
    assert ("detail.object.key" in why.stdout) == (not matched)


@pytest.mark.parametrize("way", ["inline", "file", "standard input"])
def test_data_is_published_however_it_is_given(tmp_path: Path, system: Food, port: str, way: str) -> None:
    file = tmp_path / "event.json"
    file.write_text(DATA, encoding="utf-8")
    data = {"inline": DATA, "file": f"@{file}", "standard input": "-"}[way]

    result = publish(data, port, DATA if way == "standard input" else None)
    system.laptop.drain()

    first, second = result.stdout.splitlines()
    event_id = second.rpartition(" ")[2]
    assert result.exit_code == 0
    assert first == f"Published food.payments/PaymentFailed v1 as {event_id}."
    assert second == f"  Follow it: contradance trace {event_id}"
    assert {record.event_id for record in system.laptop.journal.flows(event_id)} == {event_id}


def test_a_published_event_can_be_followed_as_it_says(tmp_path: Path, system: Food, port: str) -> None:
    published = publish(DATA, port)
    system.laptop.drain()

    command = published.stdout.splitlines()[1].partition("contradance ")[2].split()
    traced = CliRunner().invoke(app, [*command, "--state", str(tmp_path)])

    assert traced.exit_code == 0
    assert "PaymentFailed" in traced.stdout


def test_data_that_breaks_its_contract_is_refused_by_field_without_a_value_and_never_sent(
    system: Food, port: str
) -> None:
    data = json.dumps(json.loads(DATA) | {"order_id": "zebra", "surprise": "zebra"})

    result = publish(data, port)

    lines = result.stderr.splitlines()
    assert (result.exit_code, result.stdout) == (1, "")
    assert lines[0].startswith("ContractViolation: the data breaks food.payments/PaymentFailed v1")
    assert [line.partition(":")[0] for line in lines[1:-2]] == ["  data.order_id", "  data.surprise"]
    assert lines[-2] == "  See what it should look like: contradance events sample 'PaymentFailed v1'"
    assert lines[-1] == "See the page explanation/wire of contradance's documentation."
    assert "zebra" not in result.output
    assert system.laptop.journal.latest() == []


@pytest.mark.parametrize("data", ["", "no json", "[]", "5"])
def test_data_that_is_no_object_is_refused(data: str) -> None:
    result = publish(data, free_port())

    assert result.exit_code == 1
    assert "\n  data: " in result.stderr


def test_without_a_running_laptop_it_says_how_to_start_one() -> None:
    port = free_port()

    result = publish(DATA, port)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"LaptopError: no laptop answers at http://127.0.0.1:{port}: Connection refused.\n"
        "  Start one with: contradance run\n"
    )


@pytest.mark.parametrize(
    ("name", "told"), [("missing.json", "No such file or directory"), ("text.bin", "it is not UTF-8")]
)
def test_a_file_that_cannot_be_read_is_a_mistake_of_usage(tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / "text.bin").write_bytes(b"\xff\xfe")

    result = publish(f"@{tmp_path / name}", free_port())

    text = " ".join(result.stderr.replace("│", "").split())
    assert result.exit_code == 2
    assert "cannot be read:" in text
    assert told in text


@pytest.mark.parametrize("command", [["events"], ["events", "sample"], ["events", "publish", "PaymentFailed"]])
def test_what_is_incomplete_is_a_mistake_of_usage(command: list[str]) -> None:
    assert CliRunner().invoke(app, command).exit_code == 2


def envelope(detail_type: str, source: str = "food.payments", version: int = 1) -> str:
    detail = {"metadata": {"version": version}, "data": {}}
    return json.dumps({"source": source, "detail-type": detail_type, "detail": detail})


def test_every_subscriber_says_whether_an_event_would_reach_it_and_which_field_said_no() -> None:
    result = CliRunner().invoke(app, ["events", "would-match", "-"], input=envelope("PaymentFailed"))

    said = result.stdout.splitlines()
    assert result.exit_code == 0
    assert [line for line in said if line.startswith("yes")] == [
        "yes  orders.update_order_status",
        "yes  notifications.notify_customer",
    ]
    refusal = said.index("no   payments.process_payment")
    assert said[refusal + 1].startswith("     ")
    assert 'the pattern requires ["food.orders"]' in said[refusal + 1]


def test_an_event_that_reaches_nobody_is_a_finding() -> None:
    result = CliRunner().invoke(app, ["events", "would-match", "-"], input=envelope("PaymentFailed", version=2))

    assert result.exit_code == 1
    assert "yes" not in result.stdout
    assert "detail.metadata.version: the event has a number, the pattern requires [1]" in result.stdout


@pytest.mark.parametrize(
    ("event", "message"),
    [("{", "the event is not JSON"), ("[]", "the event has no source"), ('{"source": "x"}', "no detail-type")],
)
def test_what_is_no_event_is_refused(event: str, message: str) -> None:
    result = CliRunner().invoke(app, ["events", "would-match", "-"], input=event)

    assert result.exit_code == 1
    assert message in result.stderr


@pytest.mark.parametrize(
    ("identity", "names"),
    [
        ("library.loans/BookLent v1", ("library.loans/BookLent v1", "BookLent v1", "BookLent")),
        ("library.loans/BookLent v12", ("library.loans/BookLent v12", "BookLent v12", "BookLent")),
        ("aws.s3/Object Created", ("aws.s3/Object Created", "Object Created", "Object Created")),
    ],
)
def test_a_list_is_of_one_event_by_each_of_its_names(identity: str, names: tuple[str, ...]) -> None:
    assert _names(identity) == names


def test_data_alone_is_matched_as_the_event_that_it_would_be() -> None:
    data = CliRunner().invoke(app, ["events", "sample", "PaymentFailed"]).stdout

    told = CliRunner().invoke(app, ["events", "would-match", "PaymentFailed", "--data", data])
    as_json = CliRunner().invoke(app, ["events", "would-match", "PaymentFailed", "--data", "-", "--json"], input=data)
    broken = CliRunner().invoke(app, ["events", "would-match", "PaymentFailed", "--data", "{}"])

    assert told.exit_code == as_json.exit_code == 0
    assert "yes  orders.update_order_status" in told.stdout
    assert 'source: the event has "food.payments", the pattern requires' in told.stdout
    found = {one["function"]: one for one in json.loads(as_json.stdout)}
    assert found["orders.update_order_status"] == {
        "function": "orders.update_order_status",
        "matches": True,
        "mismatch": None,
    }
    assert found["payments.process_payment"]["mismatch"]["held"] == '"food.payments"'
    assert broken.exit_code == 1
    assert "the data breaks food.payments/PaymentFailed v1" in broken.stderr
