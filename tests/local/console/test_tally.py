from datetime import UTC, datetime

from contradance.local.console.tally import Tally
from contradance.runtime.journal_record import JournalRecord, Outcome, PublishedEvent

LENT = "library.loans/Lent v1"


def record(function: str, outcome: Outcome = "done", *, published: str = "", event: str | None = "e") -> JournalRecord:
    return JournalRecord(
        function=function,
        trigger=LENT,
        event_id=event,
        subject="1",
        correlation_id="f",
        causation_id=None,
        attempt=1,
        outcome=outcome,
        retries_left=0,
        published=(PublishedEvent(event_id=published, contract="library.a/Done v1"),) if published else (),
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        duration_ms=1,
    )


def test_an_event_counts_once_however_many_consume_it() -> None:
    tally = Tally()

    for function in ("a.x", "b.y"):
        tally.count(record(function))

    assert tally.counts().times == {"a.x": 1, "b.y": 1, LENT: 1}


def test_an_event_counts_when_it_is_published_and_not_again_when_it_is_consumed() -> None:
    tally = Tally()

    tally.count(record("a.x", published="e2", event=None))
    tally.count(record("b.y", event="e2").model_copy(update={"trigger": "library.a/Done v1"}))

    assert tally.counts().times["library.a/Done v1"] == 1


def test_a_function_is_in_trouble_until_it_succeeds() -> None:
    tally = Tally()

    tally.count(record("a.x", "failed"))
    assert tally.counts().troubled == {"a.x"}
    tally.count(record("a.x"))

    assert tally.counts().troubled == frozenset()
    assert tally.counts()[2:] == (2, 1, 1)
