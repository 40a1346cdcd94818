"""The rows of a waterfall are bounded; an attempt has one state, wherever it is shown."""

from datetime import UTC, datetime, timedelta

import pytest

from contradance.local.console.feed import summary
from contradance.local.console.waterfall import bar_kind, waterfall
from contradance.operate.flow import Outstanding, flows
from contradance.runtime.journal_record import JournalRecord, PublishedEvent

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
LENT = "library.loans/Lent v1"


def record(**changed: object) -> JournalRecord:
    return JournalRecord.model_validate(
        {
            "function": "loans.lend",
            "trigger": "POST /loans",
            "event_id": None,
            "subject": "1",
            "correlation_id": "flow",
            "causation_id": None,
            "attempt": 1,
            "outcome": "done",
            "retries_left": 2,
            "started_at": BEGAN,
            "duration_ms": 1.0,
            **changed,
        }
    )


@pytest.mark.parametrize("most", [1, 2, 3, 7])
def test_a_waterfall_has_at_most_the_rows_that_are_wanted(most: int) -> None:
    lent = PublishedEvent(event_id="e", contract=LENT)
    waiting = [Outstanding("flow", "e", f"readers.remind_{number}", BEGAN) for number in range(5)]
    (flow,) = flows([record(published=(lent,))], waiting)

    assert len(waterfall(flow, BEGAN + timedelta(seconds=1), most)) == most


@pytest.mark.parametrize(
    ("changed", "state", "bar"),
    [
        ({"outcome": "done"}, "done", "done"),
        ({"outcome": "duplicate", "event_id": "e", "trigger": LENT}, "done", "done"),
        ({"outcome": "failed", "event_id": "e", "trigger": LENT}, "waiting", "failed"),
        ({"outcome": "failed", "event_id": "e", "trigger": LENT, "retries_left": 0}, "dead", "dead"),
        ({"outcome": "invalid", "event_id": "e", "trigger": LENT}, "dead", "dead"),
        ({"outcome": "expired", "event_id": "e", "trigger": LENT}, "dead", "dead"),
        ({"outcome": "failed", "retries_left": 0}, "failed", "dead"),
        ({"outcome": "failed", "trigger": "rate(1 day)"}, "waiting", "failed"),
    ],
    ids=str,
)
def test_an_attempt_has_one_state_on_the_live_page_and_in_the_waterfall(
    changed: dict[str, object], state: str, bar: str
) -> None:
    one = record(**changed)

    assert (summary(one)["state"], bar_kind(one)) == (state, bar)
