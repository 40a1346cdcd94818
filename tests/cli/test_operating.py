import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from contradance.cli.app import app
from contradance.cli.moment import moment
from contradance.local.clock import RealClock
from contradance.local.laptop import Laptop
from contradance.local.system.deployed import deployed
from contradance.local.web.server import Server
from functions.choreography import food_delivery
from tests.cli.operated import Operator, operator
from tests.cli.project import ROOT
from tests.food import HAPPY, OUTAGE, Food
from tests.local.desk import wait_until
from tests.operate.fakes import FakeAws, FakeService
from tests.operate.test_incident import LOYALTY
from tests.operate.test_insights import RECORDS, Logs, journaled
from tests.operate.test_replay import without
from tests.patience import LONG

DAY = ["--from", "2026-01-01", "--to", "2026-01-02"]
PAYMENT = "payments.process_payment"


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Operator]:
    """Return the operator of a system whose clock runs; one happy order has passed."""
    with (
        Laptop(food_delivery, tmp_path, clock=RealClock(), variables={}, synchronous="OFF") as laptop,
        Server(laptop, 0).serving() as url,
    ):
        laptop.start()
        found = Operator(Food(laptop), tmp_path, url)
        found.system.ask("POST", "/orders", HAPPY)
        wait_until(lambda: len(journal(found)) == 9)
        yield found


def journal(found: Operator) -> list[dict[str, object]]:
    found.system.laptop.database.flush()
    return [json.loads(text) for (text,) in found.system.laptop.database.read("SELECT record FROM journal ORDER BY id")]


def test_a_replay_is_a_dry_run_that_says_what_it_would_do(tmp_path: Path) -> None:
    with operator(tmp_path, without(LOYALTY)) as before:
        before.system.order(HAPPY)
        before.system.order(HAPPY)
    with operator(tmp_path) as found:
        found.system.order(HAPPY)
        result = found.types("replay", "--subscriber", LOYALTY, *DAY)
        as_json = json.loads(found.types("replay", "--subscriber", LOYALTY, *DAY, "--again", "--json").stdout)
        found.system.laptop.drain()
        wallet = found.system.show("/customers/ada/loyalty")

    assert result.exit_code == 0
    assert result.stdout == (
        f"Replay to {LOYALTY}, of 2026-01-01T00:00:00Z to 2026-01-02T00:00:00Z:\n"
        "  3 events of the archive match its rule\n"
        "  1 it has completed: no effect\n"
        "  0 break their contract: these become dead letters\n"
        "Events are replayed by their own time, minute by minute, unordered within a minute.\n"
        "Dry run: nothing was replayed. Replay it: add --yes\n"
    )
    assert (as_json["matched"], as_json["done"], as_json["again"], as_json["basis"]) == (3, 1, True, "archive")
    assert wallet["orders"] == 1


def test_a_replay_runs_to_its_end(live: Operator) -> None:
    result = live.types("replay", "--subscriber", PAYMENT, "--from", "1h", "--to", "now", "--yes")

    wait_until(lambda: len(journal(live)) == 10)
    assert result.exit_code == 0, result.output
    assert re.fullmatch(r"replay\.[0-9a-f]{12}: COMPLETED", result.stdout.splitlines()[0])
    assert [(one["function"], one["outcome"]) for one in journal(live)[9:]] == [(PAYMENT, "duplicate")]


def test_to_publish_again_is_confirmed_by_name(live: Operator) -> None:
    words = ["replay", "--subscriber", PAYMENT, "--from", "1h", "--to", "now", "--again", "--yes"]

    unconfirmed = live.types(*words)
    wrong = live.types(*words, "--confirm", LOYALTY)
    before = len(journal(live))
    confirmed = live.types(*words, "--confirm", PAYMENT, "--json")
    wait_until(lambda: len(journal(live)) == before + 8)

    assert (unconfirmed.exit_code, wrong.exit_code, before) == (2, 2, 9)
    assert "PaymentSuccess or PaymentFailed" in " ".join(unconfirmed.stderr.replace("│", "").split())
    assert (confirmed.exit_code, json.loads(confirmed.stdout)["state"]) == (0, "COMPLETED")


def test_again_needs_no_confirmation_where_nothing_is_published(live: Operator) -> None:
    result = live.types("replay", "--subscriber", LOYALTY, "--from", "1h", "--to", "now", "--again", "--yes")

    wait_until(lambda: len(journal(live)) == 10)
    assert result.exit_code == 0
    assert [(one["function"], one["outcome"]) for one in journal(live)[9:]] == [(LOYALTY, "done")]


def test_a_replay_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with operator(tmp_path) as found:
        route = found.types("replay", "--subscriber", "orders.place_order", *DAY)
        moment_ = found.types("replay", "--subscriber", LOYALTY, "--from", "zebra", "--to", "now")

    assert (route.exit_code, moment_.exit_code) == (1, 2)
    assert route.stderr.startswith("OperateError: orders.place_order consumes no events")


def test_lists_have_the_date_where_the_day_changes(tmp_path: Path) -> None:
    with operator(tmp_path) as found:
        found.system.order(HAPPY)
        found.system.laptop.advance(timedelta(days=1))
        found.system.order(HAPPY)
        listed = [found.types(*command, "--since", "2026-01-01").stdout for command in (["logs"], ["events", "list"])]

    for lines in listed:
        assert re.findall(r"^\d{4}-.*", lines, re.MULTILINE) == ["2026-01-02"]


def test_logs_tell_each_delivery_of_one_function_or_one_order(tmp_path: Path) -> None:
    with operator(tmp_path) as found:
        found.system.order(HAPPY)
        order = found.system.order(OUTAGE)
        of_function = found.types("logs", "--since", "2026-01-01", "--subscriber", PAYMENT)
        of_order = found.types("logs", "--since", "2026-01-01", "--subject", order)
        as_json = found.types("logs", "--since", "2026-01-01", "--subject", order, "--json")
        none = found.types("logs")

    lines = of_function.stdout.splitlines()
    assert of_function.exit_code == of_order.exit_code == none.exit_code == 0
    assert sum("✓ process_payment" in line for line in lines) == 1
    assert sum("GatewayOutage: the payment gateway does not answer (" in line for line in lines) == 6
    assert sum(line.strip() == "GatewayOutage: the payment gateway does not answer" for line in lines) == 1
    assert [line.split()[2:4] for line in of_order.stdout.splitlines() if "✓" in line] == [["✓", "place_order"]]
    journaled = [json.loads(line)["journal"] for line in as_json.stdout.splitlines()]
    assert [one["outcome"] for one in journaled if one] == ["done", *["failed"] * 6]
    assert none.stdout == ""


def test_logs_are_followed_until_ctrl_c(live: Operator, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "contradance", "logs", "--follow", "--state", str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        first = [process.stdout.readline() for _ in range(9)]
        live.system.ask("POST", "/orders", HAPPY)
        second = [process.stdout.readline() for _ in range(9)]
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=LONG)
    finally:
        process.kill()
        process.communicate()

    assert sum("place_order" in line for line in first) == sum("place_order" in line for line in second) == 1
    assert (process.returncode, complaint) == (0, "")


def test_events_are_listed_with_who_consumed_each(tmp_path: Path) -> None:
    with operator(tmp_path) as found:
        found.system.order(HAPPY)
        found.system.order(OUTAGE)
        everything = found.types("events", "list", "--since", "2026-01-01")
        some = found.types("events", "list", "--since", "2026-01-01", "--type", "OrderPlaced")
        as_json = json.loads(found.types("events", "list", "--since", "2026-01-01", "--json").stdout)
        none = found.types("events", "list")

    assert len(everything.stdout.splitlines()) == len(as_json) == 5
    done, dead = some.stdout.splitlines()
    assert re.fullmatch(r"00:00:00  OrderPlaced  [0-9a-f-]{36}  orders.place_order  ✓ " + re.escape(PAYMENT), done)
    assert dead.endswith(f"✗ {PAYMENT}")
    assert none.stdout.startswith("No events since 20")


def test_a_doctor_finds_nothing_in_what_is_well_and_says_what_is_not(tmp_path: Path) -> None:
    with operator(tmp_path) as found:
        well = found.types("doctor")
        found.system.order(OUTAGE)
        ill = found.types("doctor")
        as_json = json.loads(found.types("doctor", "--json").stdout)

    assert (well.exit_code, ill.exit_code) == (0, 1)
    assert re.match(r"(\d+) of \1 checks passed\.\nThe state in .* is \d+\.\d MB\.\n  Less, once", well.stdout)
    assert well.stdout.endswith(f": contradance prune --state {tmp_path}\n")
    assert ill.stdout.splitlines()[:2] == [
        f"✗ dead letters of {PAYMENT}: 1",
        f"  See why: contradance dlq list --subscriber {PAYMENT}",
    ]
    assert [finding["what"] for finding in as_json["findings"]] == [f"dead letters of {PAYMENT}"]


def test_a_doctor_without_a_laptop_says_how_to_start_one(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["doctor", "--port", "9", "--state", str(tmp_path)])

    assert result.exit_code == 1
    assert (
        "✗ bus food-delivery: no laptop answers at http://127.0.0.1:9: Connection refused.\n  Start one with: contradance run"
        in result.stdout
    )


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the options of a stack on AWS, whose logs hold a flow of two records."""
    file = tmp_path / "outputs.json"
    stack = deployed(food_delivery, "http://127.0.0.1:8700").model_dump(mode="json", by_alias=True)
    file.write_text(json.dumps({"deployed": stack}), encoding="utf-8")
    logs = Logs(*map(journaled, RECORDS))
    fake = FakeAws(logs=logs, events=FakeService({"start_replay": {"State": "STARTING"}}))
    monkeypatch.setattr("contradance.operate.aws.services.Boto", lambda *_: fake)
    return ["--outputs", str(file)]


def test_a_stacks_flow_is_traced_as_the_laptops_is(outputs: list[str]) -> None:
    result = CliRunner().invoke(app, ["trace", "event-1", *outputs])

    assert result.exit_code == 0, result.output
    assert "1 event, 1 delivery in 0.00 s" in result.stdout
    assert LOYALTY in result.stdout


def test_a_stacks_lines_are_told_as_the_laptops_are(outputs: list[str]) -> None:
    result = CliRunner().invoke(app, ["logs", *outputs])

    assert result.exit_code == 0, result.output
    assert ["✓ place_order" in line or "✓ add_loyalty_points" in line for line in result.stdout.splitlines()] == [
        True,
        True,
    ]


def test_a_replay_on_aws_is_counted_in_the_journal_and_says_so(outputs: list[str]) -> None:
    result = CliRunner().invoke(app, ["replay", "--subscriber", LOYALTY, "--from", "2h", "--to", "now", *outputs])

    assert result.exit_code == 0, result.output
    assert "1 event of the contracts that it consumes is in the journal" in result.stdout
    assert "An archive on AWS cannot be read" in result.stdout
    assert "The last 10 minutes may not have reached the archive" in result.stdout


def test_the_owner_of_a_bus_replays_to_another_stacks_rule(outputs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    events = FakeService(
        {
            "list_rules": {"Rules": [{"Name": "marketing-thanks"}]},
            "describe_rule": {"State": "ENABLED", "EventPattern": "{}"},
            "list_targets_by_rule": {"Targets": []},
            "start_replay": {"State": "STARTING"},
            "describe_replay": lambda **asked: {"ReplayName": asked["ReplayName"], "State": "COMPLETED"},
        }
    )
    monkeypatch.setattr("contradance.operate.aws.stack.Boto", lambda *_: FakeAws(events=events))
    words = ["replay", "--rule", "marketing-thanks", "--from", "2h", "--to", "1h", *outputs]

    dry = CliRunner().invoke(app, words)
    unconfirmed = CliRunner().invoke(app, [*words, "--again", "--yes"])
    before = [operation for operation, _ in events.asked]
    done = CliRunner().invoke(app, [*words, "--again", "--yes", "--confirm", "marketing-thanks"])
    both = CliRunner().invoke(app, [*words, "--subscriber", LOYALTY])

    assert (dry.exit_code, unconfirmed.exit_code, done.exit_code, both.exit_code) == (0, 2, 0, 2), done.output
    assert "Replay to rule marketing-thanks of another stack" in dry.stdout
    assert "nothing is counted here" in dry.stdout
    assert "start_replay" not in before
    assert re.fullmatch(r"again\.[0-9a-f]{12}: COMPLETED\n", done.stdout)


NOW = datetime(2026, 1, 31, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("now", NOW),
        ("90m", NOW - timedelta(minutes=90)),
        ("2d", NOW - timedelta(days=2)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T18:00+01:00", datetime(2026, 1, 31, 17, tzinfo=UTC)),
        ("2026-01-31T18:00:00Z", NOW),
    ],
)
def test_a_moment_is_said_as_people_say_it(text: str, meant: datetime) -> None:
    assert moment(text, NOW, "--from") == meant


@pytest.mark.parametrize("text", ["zebra", "", "5", "99999999d", "-1h", "2026-13-01"])
def test_what_is_no_moment_is_a_mistake_of_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not a time"):
        moment(text, NOW, "--from")
