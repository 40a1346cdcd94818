import json
import re
import sqlite3
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from contradance.cli.app import app
from tests.cli.project import ROOT
from tests.food import DECLINED, HAPPY, OUTAGE, REFUSED, food

TIMES = re.compile(r"\d+\.\d ms")


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def trace(state: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["trace", *arguments, "--state", str(state)])


def test_an_order_is_followed_through_every_service(tmp_path: Path) -> None:
    with food(tmp_path) as system:
        order_id = system.order(REFUSED)
        system.order(HAPPY)

    result = trace(tmp_path, order_id)

    lines = [re.sub(r"^[│├└─ ]+|  [0-9a-f]{8}$", "", TIMES.sub("_", line)) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert lines[0] == f"subject {order_id}"
    assert re.fullmatch(r"4 events, 6 deliveries in \d+\.\d\d s", lines[1])
    assert lines[2:7] == [
        "POST /orders  orders.place_order  ✓ _",
        "OrderPlaced",
        "payments.process_payment  ✓ _",
        "PaymentSuccess",
        "restaurants.confirm_order  ✓ _",
    ]
    assert sorted(lines[7:]) == [
        "PaymentReversed",
        "RestaurantOrderConfirmationFailed",
        "notifications.notify_customer  ✓ _",
        "notifications.notify_customer  ✓ _",
        "orders.update_order_status  ✓ _",
        "payments.reverse_payment  ✓ _",
    ]


def test_a_machine_can_read_what_happened(tmp_path: Path) -> None:
    with food(tmp_path) as system:
        order_id = system.order(REFUSED)

    records = json.loads(trace(tmp_path, order_id, "--json").stdout)["records"]

    assert {record["subject"] for record in records} == {order_id}
    assert {record["outcome"] for record in records} == {"done"}
    assert len(records) == 7


def test_without_a_term_the_latest_flow_is_shown(tmp_path: Path) -> None:
    with food(tmp_path) as system:
        system.order(HAPPY)
        latest = system.order(DECLINED)

    result = trace(tmp_path)

    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, f"subject {latest}")


def test_attempts_that_came_to_the_same_are_told_in_one_place(tmp_path: Path) -> None:
    with food(tmp_path) as system:
        system.order(OUTAGE)

    result = trace(tmp_path)

    text = " ".join(result.stdout.replace("│", "").split())
    assert result.exit_code == 0
    assert "1 event, 1 delivery, 1 dead letter in 15 min 0 s" in text
    assert "payments.process_payment ✗ failed → dead letter" in text
    assert "attempts 1 to 6 failed, 00:00:00 to 00:15:00 GatewayOutage: the payment gateway does not answer" in text


def test_a_delivery_that_waits_for_its_retry_is_shown_as_waiting(tmp_path: Path) -> None:
    with food(tmp_path) as system:
        system.ask("POST", "/orders", OUTAGE)
        system.laptop.advance(timedelta(seconds=1))

        result = trace(tmp_path)

    assert result.exit_code == 0
    assert "1 still to be delivered" in result.stdout
    assert "payments.process_payment  … again at 00:03:00" in result.stdout


def test_an_event_without_an_envelope_is_a_flow_without_a_subject(tmp_path: Path) -> None:
    with food(tmp_path) as system:
        detail = '{"metadata": {"version": 1}}'
        entry = {"Source": "food.orders", "DetailType": "OrderPlaced", "Detail": detail}
        answer = system.laptop.bus.put_events(Entries=[entry])
        system.laptop.drain()

    result = trace(tmp_path)

    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, f"flow {answer['Entries'][0]['EventId']}")
    assert "payments.process_payment  ✗ invalid → dead letter" in result.stdout


def test_every_line_fits_a_terminal_of_80_columns(tmp_path: Path) -> None:
    with food(tmp_path) as system:
        for body in (HAPPY, REFUSED, DECLINED, OUTAGE):
            system.order(body)
            result = trace(tmp_path)

            assert max(map(len, result.stdout.splitlines())) <= 80


def test_a_term_that_nothing_is_about_is_a_finding(tmp_path: Path) -> None:
    with food(tmp_path) as system:
        system.order(HAPPY)

    result = trace(tmp_path, "nobody")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"Nothing in {tmp_path} is about nobody.\n"


def replay(connection: sqlite3.Connection, event_id: str) -> None:
    """Store an event again, with a delivery, as a replay to a function that was deployed after the event."""
    accepted = "INSERT INTO event SELECT NULL, event_id, time, accepted, correlation_id, envelope, 0, bus FROM event WHERE event_id = ?"
    row = connection.execute(accepted, (event_id,)).lastrowid
    pending = "INSERT INTO delivery SELECT 'd', 'payments.process_payment', id, correlation_id, time, time, 1 FROM event WHERE id = ?"
    connection.execute(pending, (row,))


def test_an_event_that_no_function_has_consumed_matched_no_rule_or_waits(tmp_path: Path) -> None:
    def entry(detail_type: str, source: str = "another.team") -> dict[str, str]:
        return {"Source": source, "DetailType": detail_type, "Detail": '{"metadata": {"version": 1}}'}

    with food(tmp_path) as system:
        entries = [entry("OrderPlaced"), entry("OrderPlaced", "food.orders")]
        answers = system.laptop.bus.put_events(Entries=entries)["Entries"]
        unmatched, still_waiting = (one["EventId"] for one in answers)
        told = trace(tmp_path, unmatched)
        waiting = trace(tmp_path, still_waiting[:8])
        system.laptop.database.write(partial(replay, event_id=unmatched))
        replayed = trace(tmp_path, unmatched)
        system.laptop.drain()
        consumed = trace(tmp_path, still_waiting)

    assert (told.exit_code, told.stdout) == (1, "")
    assert told.stderr == (
        f"another.team/OrderPlaced {unmatched} matched no rule: no function consumes it.\n"
        f"  Why: contradance why {unmatched} --state {tmp_path}\n"
    )
    assert f"another.team/OrderPlaced {unmatched} has 1 pending delivery" in replayed.stderr
    assert (
        f"food.orders/OrderPlaced {still_waiting} has 1 pending delivery, without an attempt yet.\n" in waiting.stderr
    )
    assert (consumed.exit_code, consumed.stderr) == (0, "")


def test_a_state_in_which_nothing_happened_is_a_finding(tmp_path: Path) -> None:
    with food(tmp_path):
        pass

    result = trace(tmp_path)

    assert (result.exit_code, result.stderr) == (1, f"Nothing has happened in {tmp_path} yet.\n")


def test_without_a_state_it_says_how_to_get_one_and_makes_none(tmp_path: Path) -> None:
    state = tmp_path / "none"

    result = trace(state)

    assert result.exit_code == 1
    assert result.stderr == (
        f"LaptopError: there is no laptop's state in {state}.\n  Start one with: contradance run --state {state}\n"
    )
    assert not state.exists()
