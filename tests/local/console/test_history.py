import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contradance.local.console import history
from contradance.local.console.flow_search import OUTCOMES, SPANS, FlowFilter, FlowSearch
from contradance.local.console.history import PAGE, History
from contradance.local.state.database import Database
from contradance.local.state.journal_table import STATE_FILE
from contradance.local.state.laptop_journal import LaptopJournal
from contradance.local.state.reader import Parameters
from contradance.runtime.journal_record import JournalRecord
from tests.local.console.test_console import library

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


class Kept:
    """A file with flows in it."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder / STATE_FILE, "OFF")
        self.journal = LaptopJournal(self.database)
        self.history = History(self.database, self.journal)

    def record(self, flow: str, number: int = 0, **changed: object) -> None:
        self.journal.write(
            JournalRecord.model_validate(
                {
                    "function": "loans.remind",
                    "trigger": "library.loans/Lent v1",
                    "event_id": f"{flow}-{number}",
                    "subject": f"about {flow}",
                    "correlation_id": flow,
                    "causation_id": None,
                    "attempt": 1,
                    "outcome": "done",
                    "retries_left": 2,
                    "started_at": BEGAN + timedelta(seconds=number),
                    "duration_ms": 1.0,
                    **changed,
                }
            )
        )

    def all(self) -> list[str]:
        """Return the flows of every page, one page after the other."""
        found: list[str] = []
        before = None
        while True:
            page = self.history.latest(before)
            assert len(page.flows) <= PAGE
            found += [flow.correlation_id for flow in page.flows]
            if page.older is None:
                return found
            before = page.older


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    opened = Kept(tmp_path)
    yield opened
    opened.database.close()


def test_the_flow_in_which_something_happened_last_comes_first(kept: Kept) -> None:
    for flow in ("a", "b", "c", "a"):
        kept.record(flow)

    assert kept.all() == ["a", "c", "b"]


def test_more_flows_of_one_subject_than_a_page_shows_are_on_the_pages_after_it(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PAGE", 2)
    for flow in ("a", "b", "c", "b"):
        kept.record(flow, subject="about all")

    first = kept.history.named("about all")
    second = kept.history.named("about all", first.older)

    assert [flow.correlation_id for flow in first.flows] == ["b", "c"]
    assert [flow.correlation_id for flow in second.flows] == ["a"]
    assert second.older is None


def test_every_flow_stands_on_one_page_however_its_records_are_mixed(kept: Kept) -> None:
    flows = [f"flow {number}" for number in range(3 * PAGE + 1)]
    for number in range(12):
        for flow in flows:
            kept.record(flow, number)

    assert kept.all() == flows[::-1]


def test_a_page_that_is_exactly_full_is_the_last(kept: Kept) -> None:
    for number in range(PAGE):
        kept.record(f"flow {number}")

    assert kept.history.latest().older is None


def test_nothing_happened_yet(kept: Kept) -> None:
    assert kept.history.latest() == ([], None)
    assert kept.history.flow("none") == (None, {}, 0, 1, None)


def test_a_flow_is_found_by_its_subject_and_the_latest_first(kept: Kept) -> None:
    for flow in ("a", "b"):
        kept.record(flow, 1 if flow == "b" else 0, subject="the same")

    assert [flow.correlation_id for flow in kept.history.named("the same").flows] == ["b", "a"]


def test_what_the_last_failed_attempt_said_is_told(kept: Kept) -> None:
    for attempt in (1, 2):
        kept.record("a", attempt=attempt, outcome="failed", error=f"attempt {attempt}")
    kept.record("b", error=None)

    found = kept.history.failures("loans.remind", ["a-0", "b-0", "c-0"])

    assert {event: [one.error for one in attempts] for event, attempts in found.items()} == {
        "a-0": ["attempt 1", "attempt 2"]
    }


@pytest.mark.parametrize(
    ("wanted", "finds"),
    [
        *((FlowFilter(outcome=outcome), outcome == "done") for outcome in OUTCOMES),
        *((FlowFilter(span=span), True) for span in SPANS),
        (FlowFilter(term="loans"), True),
        (FlowFilter(trigger="rate(1 day)"), False),
        (FlowFilter(function="loans.remind"), True),
        (FlowFilter(event="library.loans/Lent v1"), True),
    ],
    ids=str,
)
def test_a_record_that_cannot_be_read_breaks_no_filter(kept: Kept, wanted: FlowFilter, *, finds: bool) -> None:
    kept.record("a")
    insert = "INSERT INTO journal (function, event_id, correlation_id, record) VALUES ('loans.remind', 'e', 'b', '{')"
    kept.database.write(lambda connection: connection.execute(insert))

    page = FlowSearch(library(), kept.database, kept.history).page(wanted, None, BEGAN)

    assert ("a" in [flow.correlation_id for flow in page.flows]) is finds


def test_no_question_walks_through_a_whole_table(kept: Kept) -> None:
    asked: list[str] = []
    read = kept.database.read

    def watched(query: str, parameters: Parameters = ()) -> list[object]:
        plan = [row[3] for row in read(f"EXPLAIN QUERY PLAN {query}", parameters)]
        asked.extend(plan)
        return read(query, parameters)

    kept.database.read = watched  # type: ignore[method-assign]  # to see what SQLite would do
    for flow in ("a", "b"):
        kept.record(flow)

    kept.history.latest()
    kept.history.latest(before=2)
    kept.history.named("about a")
    kept.history.flow("a", 1)
    kept.history.events(["a-0"])
    kept.history.failures("loans.remind", ["a-0"])

    assert len(asked) > 10
    walks = [
        step
        for step in asked
        if step.startswith("SCAN") and not step.startswith(("SCAN json_each", "SCAN journal USING"))
    ]
    assert [step for step in walks if "journal" in step or "event" in step] == [], json.dumps(asked)
