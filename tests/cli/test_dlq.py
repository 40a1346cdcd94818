import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from contradance.cli.app import app
from contradance.errors import OperateError
from contradance.operate.dead_letter import LetterOutcome, QueueMessage, read_dead_letter
from tests.cli.operated import Operator, operator
from tests.cli.project import ROOT
from tests.food import HAPPY, OUTAGE
from tests.operate.test_dead_letters import broken_order
from tests.operate.test_incident import LOYALTY, buggy, with_loyalty

PAYMENT = "payments.process_payment"


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture
def incident(tmp_path: Path) -> Iterator[Operator]:
    """Return the operator of a fixed system, in which three events died of a bug and one of its data."""
    with operator(tmp_path, with_loyalty(buggy())) as before:
        for _ in range(3):
            before.system.order(HAPPY)
    with operator(tmp_path) as found:
        found.system.laptop.bus.put_events(Entries=[broken_order()])
        found.system.laptop.drain()
        yield found


def test_dead_letters_are_listed_by_what_they_died_of(incident: Operator) -> None:
    result = incident.types("dlq", "list")

    lines = [line for line in result.stdout.splitlines() if line]
    assert result.exit_code == 1
    assert lines[0] == f"{LOYALTY}  3 failed  RestaurantConfirmedOrder"
    assert lines[1] == "  ZeroDivisionError: integer division or modulo by zero (tests/operate/test_incident.py:35)"
    assert lines[2].startswith("  first 2026-01-01T00:00:00Z, last 2026-01-01T00:0")
    assert lines[3].startswith("  see one: contradance trace ")
    assert lines[4] == f"{PAYMENT}  1 invalid  OrderPlaced"
    assert "    data.order_id: Field required" in lines
    assert lines[-1] == "4 dead letters."
    assert "Ada" not in result.output


def test_a_function_may_be_named_without_its_service(incident: Operator) -> None:
    _, _, short = LOYALTY.partition(".")
    for command in (["dlq", "list"], ["logs", "--since", "2026-01-01"]):
        assert incident.types(*command, "--subscriber", short).stdout != ""
        assert (
            incident.types(*command, "--subscriber", short).stdout
            == incident.types(*command, "--subscriber", LOYALTY).stdout
        )


def test_a_machine_can_read_the_list(incident: Operator) -> None:
    found = json.loads(incident.types("dlq", "list", "--json", "--reason", "failed").stdout)

    (group,) = found["groups"]
    assert (found["count"], found["hidden"], found["approximate"]) == (3, 0, False)
    assert (group["subscriber"], group["reason"], group["count"]) == (LOYALTY, "failed", 3)


def test_the_event_that_a_list_names_can_be_followed(incident: Operator) -> None:
    listed = incident.types("dlq", "list", "--subscriber", LOYALTY)

    command = re.search(r"see one: contradance (trace \S+)", listed.stdout)
    assert command is not None
    traced = incident.types(*command[1].split())
    assert traced.exit_code == 0
    assert f"{LOYALTY}  ✗ failed → dead letter" in traced.stdout


def test_a_dead_letter_is_shown_with_its_event_and_without_personal_data(incident: Operator) -> None:
    result = incident.types("dlq", "show", "--subscriber", LOYALTY, "--limit", "1")
    as_json = json.loads(incident.types("dlq", "show", "--json", "--reason", "invalid").stdout)

    assert result.exit_code == 0
    assert "error       ZeroDivisionError: integer division or modulo by zero" in result.stdout
    assert result.stdout.endswith("1 dead letter.\nAt most 1 of each function are shown. More: add --limit N\n")
    assert '"detail-type": "RestaurantConfirmedOrder"' in result.stdout
    assert "Ada" not in result.output
    (letter,) = as_json["dead_letters"]
    assert letter["event"]["detail"]["data"]["customer"]["name"] == "***"


def test_a_redrive_is_a_dry_run_unless_told(incident: Operator) -> None:
    dry = incident.types("dlq", "redrive", "--subscriber", LOYALTY)
    incident.system.laptop.drain()
    nothing = incident.system.show("/customers/ada/loyalty")

    wet = incident.types("dlq", "redrive", "--subscriber", LOYALTY, "--yes")
    incident.system.laptop.drain()
    healed = incident.system.show("/customers/ada/loyalty")

    assert (dry.exit_code, dry.stdout) == (
        0,
        f"{LOYALTY}: 3 would be redriven\nDry run: nothing was sent. Send it: add --yes\n",
    )
    assert (wet.exit_code, wet.stdout) == (0, f"{LOYALTY}: 3 redriven\n")
    assert (nothing["orders"], healed["orders"]) == (0, 3)


def test_what_is_kept_is_a_finding_and_says_why(incident: Operator) -> None:
    result = incident.types("dlq", "redrive", "--yes")

    assert result.exit_code == 1
    assert (
        f"kept: {PAYMENT}  OrderPlaced e\n  still invalid: event e breaks food.orders/OrderPlaced v1" in result.stdout
    )
    assert f"{LOYALTY}: 3 redriven\n{PAYMENT}: 1 kept\n" in result.stdout


def test_a_machine_can_read_what_became_of_each(incident: Operator) -> None:
    result = incident.types("dlq", "redrive", "--yes", "--json", "--reason", "failed")

    told = json.loads(result.stdout)["dead_letters"]
    assert [(one["subscriber"], one["outcome"], one["why"]) for one in told] == [(LOYALTY, "redriven", None)] * 3


def test_a_purge_is_a_dry_run_unless_told(incident: Operator) -> None:
    dry = incident.types("dlq", "purge", "--reason", "invalid")
    wet = incident.types("dlq", "purge", "--reason", "invalid", "--yes")
    left = json.loads(incident.types("dlq", "list", "--json").stdout)["count"]

    assert dry.stdout == f"{PAYMENT}: 1 would be deleted\nDry run: nothing was deleted. Delete it: add --yes\n"
    assert wet.stdout == f"{PAYMENT}: 1 deleted\n"
    assert left == 3


def test_a_letter_that_a_purge_cannot_delete_is_a_finding(incident: Operator) -> None:
    assert incident.system.laptop.dead_letters.receive(PAYMENT, 10, 60)

    ended = incident.types("dlq", "purge", "--reason", "invalid", "--yes")

    assert ended.exit_code == 1
    assert f"{PAYMENT}: 1 kept" in ended.stdout


def test_where_there_are_none_all_is_fine(tmp_path: Path) -> None:
    with operator(tmp_path) as found:
        listed, shown = found.types("dlq", "list"), found.types("dlq", "show")
        redriven = found.types("dlq", "redrive")

    assert (listed.exit_code, listed.stdout.splitlines()[0]) == (0, "No dead letters.")
    assert (shown.exit_code, redriven.exit_code) == (1, 0)


def test_a_function_behind_a_queue_says_how_often_it_was_tried(tmp_path: Path) -> None:
    with operator(tmp_path) as found:
        found.system.order(OUTAGE)
        result = found.types("dlq", "show", "--subscriber", PAYMENT)

    assert "attempts    6\n" in result.stdout
    assert "error       GatewayOutage: the payment gateway does not answer" in result.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["dlq", "list", "--reason", "zebra"],
        ["dlq", "list", "--local", "--stack", "prod"],
        ["dlq", "list", "--stack", "prod", "--outputs", "file"],
        ["dlq", "show", "--limit", "0"],
        ["dlq"],
    ],
)
def test_what_cannot_be_meant_is_a_mistake_of_usage(words: list[str]) -> None:
    assert CliRunner().invoke(app, words).exit_code == 2


def test_an_unknown_function_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with operator(tmp_path) as found:
        result = found.types("dlq", "list", "--subscriber", "zebra")

    assert result.exit_code == 1
    assert result.stderr.startswith("OperateError: food-delivery has no function zebra here.\n  It has: deliveries.")


@pytest.mark.parametrize("command", ["redrive", "purge"])
def test_what_was_done_before_an_error_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def breaks(*_: object, **__: object) -> Iterator[LetterOutcome]:
        message = QueueMessage("m", "no event", {}, datetime(2026, 1, 1, tzinfo=UTC), 1, moved=False)
        yield LetterOutcome(read_dead_letter(LOYALTY, message), "deleted")
        raise OperateError("AWS refused sqs receive_message: Throttling: slower")

    def typed(*words: str) -> Result:
        return CliRunner().invoke(app, ["dlq", command, "--yes", "--state", str(tmp_path), *words])

    monkeypatch.setattr(f"contradance.operate.dead_letters.{command}", breaks)

    ended, as_json = typed(), typed("--json")

    assert (ended.exit_code, ended.stdout) == (1, f"{LOYALTY}: 1 deleted\n")
    assert "Throttling" in ended.stderr
    assert [one["outcome"] for one in json.loads(as_json.stdout)["dead_letters"]] == ["deleted"]


@pytest.mark.parametrize("command", ["redrive", "purge"])
def test_a_queue_with_more_letters_than_a_run_handles_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def cuts(*_: object, when_cut: Callable[[str], None], **__: object) -> Iterator[LetterOutcome]:
        when_cut(LOYALTY)
        return iter(())

    monkeypatch.setattr(f"contradance.operate.dead_letters.{command}", cuts)

    ended = CliRunner().invoke(app, ["dlq", command, "--yes", "--state", str(tmp_path)])

    assert ended.exit_code == 1
    assert f"{LOYALTY} may have more dead letters" in ended.stderr
    assert "Run it again for the rest." in ended.stderr
