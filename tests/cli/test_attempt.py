"""One attempt in the terminal: its line, its error, and its traceback once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contradance.cli.attempt import ShownTracebacks, attempt_lines
from contradance.cli.theme import Services
from contradance.runtime.journal_record import JournalRecord, PublishedEvent

START = datetime(2026, 1, 31, 18, tzinfo=UTC)
SERVICES = Services(["orders", "payments"])
REMEMBERED = 1_000
TRACEBACK = 'Traceback (most recent call last):\n  File "pay.py", line 3, in pay\n    raise KeyError\nKeyError: 1'


def attempt(**changes: Any) -> JournalRecord:
    known: dict[str, Any] = {
        "function": "orders.pay",
        "trigger": "food.orders/OrderPlaced v1",
        "event_id": "e",
        "subject": "order-1",
        "correlation_id": "c",
        "causation_id": None,
        "attempt": 1,
        "outcome": "done",
        "retries_left": 2,
        "started_at": START,
        "duration_ms": 1.25,
    }
    return JournalRecord(**{**known, **changes})


def shown(record: JournalRecord, tracebacks: ShownTracebacks | None = None) -> list[str]:
    return [line.plain for line in attempt_lines(record, SERVICES, tracebacks)]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "✓ pay  OrderPlaced  1.2 ms  order-1"),
        ({"outcome": "duplicate"}, "= pay  OrderPlaced  1.2 ms  order-1  duplicate: already done"),
        ({"outcome": "failed"}, "✗ pay  OrderPlaced  1.2 ms  order-1  failed, attempt 1, 2 retries left"),
        (
            {"outcome": "failed", "retries_left": 1},
            "✗ pay  OrderPlaced  1.2 ms  order-1  failed, attempt 1, 1 retry left",
        ),
        (
            {"outcome": "failed", "retries_left": 0, "attempt": 3},
            "✗ pay  OrderPlaced  1.2 ms  order-1  failed, attempt 3, now a dead letter",
        ),
        ({"outcome": "invalid"}, "✗ pay  OrderPlaced  1.2 ms  order-1  invalid, attempt 1, now a dead letter"),
        ({"outcome": "unreadable"}, "? pay  OrderPlaced  1.2 ms  order-1  unreadable"),
        (
            {"outcome": "failed", "event_id": None, "trigger": "POST /orders", "retries_left": 0},
            "✗ pay  POST /orders  1.2 ms  order-1  failed: answered with 500",
        ),
        (
            {"published": [PublishedEvent(contract="food.payments/PaymentSuccess v1", event_id="p")]},
            "✓ pay  OrderPlaced → PaymentSuccess  1.2 ms  order-1",
        ),
    ],
    ids=["done", "duplicate", "failed", "one left", "dead", "invalid", "unreadable", "request", "published"],
)
def test_a_line_shows_function_trigger_and_what_became_of_it(changes: dict[str, Any], line: str) -> None:
    assert shown(attempt(**changes)) == [f"18:00:00  orders    {line}"]


@pytest.mark.parametrize(
    ("changes", "style"),
    [
        ({"retries_left": 2}, "yellow"),
        ({"retries_left": 0}, "red"),
        ({"event_id": None, "trigger": "POST /orders"}, "red"),
    ],
    ids=["tried again", "dead", "request"],
)
def test_an_error_is_red_where_nothing_tries_again(changes: dict[str, Any], style: str) -> None:
    _, *below = attempt_lines(attempt(outcome="failed", error="KeyError: 1\n  pay.py:3", **changes), SERVICES)

    assert [(line.plain.strip(), line.style) for line in below] == [("KeyError: 1", style), ("pay.py:3", style)]


def test_a_traceback_is_printed_once_for_each_function_whatever_its_message() -> None:
    tracebacks = ShownTracebacks()
    later = START + timedelta(seconds=5)

    def below(**changes: Any) -> list[str]:
        return [line.strip() for line in shown(attempt(**changes), tracebacks)[1:]]

    assert below() == []
    assert below(traceback=TRACEBACK) == [line.strip() for line in TRACEBACK.splitlines()]
    assert below(traceback=TRACEBACK.replace("KeyError: 1", "KeyError: 2"), started_at=later) == [
        "the same traceback as at 18:00:00"
    ]
    assert below(traceback=TRACEBACK, function="payments.pay")[0] == "Traceback (most recent call last):"
    assert below(traceback=TRACEBACK.replace("line 3", "line 4"))[0] == "Traceback (most recent call last):"


def test_the_traceback_that_was_repeated_last_is_forgotten_last() -> None:
    tracebacks = ShownTracebacks()

    def repeated(number: int) -> bool:
        record = attempt(traceback=f"Traceback:\n  File pay.py, line {number}\nKeyError")
        return tracebacks.lines(record)[0].startswith("the same traceback")

    for number in range(REMEMBERED):
        assert not repeated(number)
    assert repeated(0)
    assert not repeated(REMEMBERED)  # now 1 is forgotten, the one that was seen the longest time ago

    assert repeated(0)
    assert repeated(2)
    assert not repeated(1)
