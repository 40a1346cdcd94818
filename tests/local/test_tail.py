"""The latest lines and events are the end of all of them, and no more of the journal is read for them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contradance.local.state.database import Database
from contradance.local.state.journal_table import JournalReader
from contradance.local.state.laptop_journal import LaptopJournal
from contradance.operate.journal import Wanted
from contradance.operate.published import latest_published, published
from contradance.runtime.journal_record import JournalRecord, PublishedEvent

START = datetime(2026, 1, 1, tzinfo=UTC)
RECORDS = 3_500


class Counting:
    """A reader that counts the rows that it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.rows = 0

    def read(self, query: str, parameters: tuple[object, ...] = ()) -> list[Any]:
        found = self._database.read(query, parameters)
        self.rows += len(found)
        return found


def record(number: int) -> JournalRecord:
    """Return a record: each third publishes, the next two consume what it published."""
    flow, place = divmod(number, 3)
    event = f"event-{flow:05}"
    return JournalRecord(
        function=f"a.f{place}", trigger="library.a/Asked v1" if place else "POST /asks", event_id=event if place else None,
        subject=f"subject-{flow % 7}", correlation_id=f"flow-{flow}", causation_id=None, attempt=1,
        outcome="failed" if number % 11 == 0 else "done", retries_left=1,
        published=() if place else (PublishedEvent(event_id=event, contract="library.a/Asked v1"),),
        started_at=START + timedelta(seconds=number), duration_ms=1.0, error="ValueError: no" if number % 11 == 0 else None,
    )  # fmt: skip


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A journal of a few thousand records."""
    database = Database(Path(tmp_path_factory.mktemp("journal")) / "bus.sqlite3", "OFF")
    journal = LaptopJournal(database)
    for number in range(RECORDS):
        journal.write(record(number))
    database.flush()
    yield database
    database.close()


@pytest.mark.parametrize("since", [0, 1_200, 9_999])
@pytest.mark.parametrize(
    "narrowed",
    [{}, {"function": "a.f1"}, {"subject": "subject-3"}, {"level": "WARNING"}],
    ids=["all", "function", "subject", "level"],
)
def test_the_latest_lines_are_the_end_of_all_lines(database: Database, since: int, narrowed: dict[str, Any]) -> None:
    journal = JournalReader(database)
    start = START + timedelta(seconds=since)

    every = [*journal.lines(Wanted(start, **narrowed))]

    for latest in (1, 40, 1_000, 1_001, 5_000):
        assert [*journal.lines(Wanted(start, latest=latest, **narrowed))] == every[-latest:], latest
    assert [line.at for line in every] == sorted(line.at for line in every)
    expected = [
        one
        for one in map(record, range(since, RECORDS))
        if one.function == narrowed.get("function", one.function)
        and one.subject == narrowed.get("subject", one.subject)
    ]
    assert [line.record for line in every] == [one for one in expected if "level" not in narrowed or one.error]
    records = Wanted(start, **narrowed)
    assert [*journal.newest(records)] == journal.records(records).records[::-1] == expected[::-1]


@pytest.mark.parametrize("limit", [0, 1, 40, 5_000])
@pytest.mark.parametrize("contract", ["library.a/Asked v1", "library.a/Other v1"])
def test_the_latest_events_are_the_end_of_all_events(database: Database, limit: int, contract: str) -> None:
    journal, wanted = JournalReader(database), Wanted(START)

    every = [event for event in published(journal.records(wanted).records) if event.contract == contract]

    assert latest_published(journal.newest(wanted), limit, lambda one: one == contract) == every[-limit:]


def test_no_more_of_the_journal_is_read_than_the_latest_need(database: Database) -> None:
    reader = Counting(database)
    journal = JournalReader(reader)  # type: ignore[arg-type]  # it reads as a Database does

    lines = [*journal.lines(Wanted(START, latest=40))]
    events = latest_published(journal.newest(Wanted(START)), 40)

    assert (len(lines), len(events)) == (40, 40)
    assert reader.rows == 2 * 1_000  # a page each
