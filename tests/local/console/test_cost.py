"""What many flows and dead letters cost: the number of a page's queries does not grow with them."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from contradance.local.clock import RealClock
from contradance.local.console.feed import Feed
from contradance.local.dead_letter_queues import DeadLetterMessage, keep
from contradance.local.laptop import Laptop
from contradance.local.state.journal_row import read_logs
from contradance.local.state.journal_table import open_journal
from contradance.local.state.schema import OWN_BUS
from contradance.local.web.server import Server
from contradance.operate.journal import read_record
from contradance.runtime.journal_record import JournalRecord, LogEntry, Outcome
from tests.local.console.test_console import ask, library
from tests.local.system.test_cost import traced

FEW, MANY = 150, 3_000
NOW = datetime.now(UTC)
REMIND = "readers.remind"
LENT = "library.loans/Lent v1"
PAGES = [
    "live",
    "flows",
    "flows?before=200",
    "flows?outcome=failed",
    "flows?outcome=done&function=readers.remind",
    "flows?outcome=waiting",
    "flows?term=closed",
    "flows?term=nothing%20like%20it",
    "flows?span=1h&event=library.loans%2FLent%20v1",
    "flows/flow-77",
    "functions",
    "functions/readers.remind",
    "dead-letters",
    "dead-letters/readers.remind",
]


def record(number: int, outcome: Outcome, attempt: int = 1) -> JournalRecord:
    """Return an attempt of the flow with this number."""
    return JournalRecord(
        function=REMIND,
        trigger=LENT,
        event_id=f"event-{number}",
        subject=f"loan-{number}",
        correlation_id=f"flow-{number}",
        causation_id=None,
        attempt=attempt,
        outcome=outcome,
        retries_left=3 - attempt,
        started_at=NOW - timedelta(seconds=MANY - number),
        duration_ms=1.5,
        error="ConnectionError: closed" if outcome == "failed" else None,
    )


def envelope(number: int) -> str:
    """Return the event of the flow with this number."""
    metadata = {"event_id": f"event-{number}", "version": 1, "correlation_id": f"flow-{number}", "subject": "s"}
    event = {"id": f"e-{number}", "source": "library.loans", "detail-type": "Lent", "time": "2026-01-01T00:00:00Z"}
    return json.dumps({**event, "detail": {"metadata": metadata, "data": {"loan": f"loan-{number}"}}})


def keep_event(connection: sqlite3.Connection, number: int) -> None:
    """Write the event of the flow with this number."""
    at = NOW.timestamp()
    connection.execute(
        "INSERT INTO event (event_id, time, accepted, correlation_id, envelope, archived, bus) VALUES (?, ?, ?, ?, ?, 1, ?)",
        (f"event-{number}", at, at, f"flow-{number}", envelope(number), OWN_BUS),
    )


def fill(connection: sqlite3.Connection, count: int) -> None:
    """Write flows, of which each third failed three times and left a dead letter."""
    at = NOW.timestamp()
    for number in range(count):
        attempts = (1, 2, 3) if number % 3 == 0 else (1,)
        for attempt in attempts:
            one = record(number, "failed" if number % 3 == 0 else "done", attempt)
            connection.execute(
                "INSERT INTO journal (function, event_id, subject, correlation_id, record) VALUES (?, ?, ?, ?, ?)",
                (one.function, one.event_id, one.subject, one.correlation_id, one.model_dump_json()),
            )
        keep_event(connection, number)
        if number % 3 == 0:
            keep(connection, REMIND, DeadLetterMessage(f"m-{number}", at, envelope(number), {}, "arn:queue", 3))


@contextmanager
def served(folder: Path, count: int) -> Iterator[str]:
    """Serve a laptop with `count` flows."""
    with Laptop(library(), folder, clock=RealClock(), variables={}, synchronous="OFF") as laptop:
        laptop.database.write(lambda connection: fill(connection, count))
        with Server(laptop, 0, feed=Feed()).serving() as url:
            yield url


def queries(folder: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Return how many queries each page makes."""
    found = {}
    with traced(monkeypatch) as statements, served(folder, count) as url:
        for page in PAGES:
            statements.clear()
            status, _, _ = ask(url, "GET", f"/_contradance/{page}")
            assert status == 200, page
            found[page] = sum(one.lstrip().startswith("SELECT") for one in statements)
    return found


def test_the_number_of_queries_of_a_page_does_not_depend_on_how_much_happened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few, many = (queries(tmp_path / str(count), count, monkeypatch) for count in (FEW, MANY))

    assert many == few
    assert max(few.values()) < 60
    assert max(count for page, count in few.items() if "before" not in page) < 8


def test_a_flow_reads_only_the_logs_that_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def read_and_noted(text: str) -> tuple[LogEntry, ...]:
        read.append(text)
        return read_logs(text)

    monkeypatch.setattr("contradance.local.console.history.read_logs", read_and_noted)
    monkeypatch.setattr("contradance.local.state.journal_row.read_logs", read_and_noted)
    monkeypatch.setattr("contradance.local.console.flows._MOST", 6)
    with Laptop(library(), tmp_path, clock=RealClock(), variables={}, synchronous="OFF") as laptop:
        for number in range(40):
            entry = LogEntry(at=NOW, level="INFO", logger="readers", message=f"read page {number}")
            one = record(number, "done").model_copy(update={"correlation_id": "flow", "logs": (entry,)})
            laptop.journal.write(one)
        with Server(laptop, 0, feed=Feed()).serving() as url:
            status, _, page = ask(url, "GET", "/_contradance/flows/flow")

    shown = re.findall(r"read page (\d+)", page)
    assert (status, shown, len(read)) == (200, ["0", "1", "2"], 3)
    assert "The first 6 rows of 40 attempts" in page


def test_a_page_reads_a_part_of_a_long_flow_and_links_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def read_and_noted(written: str | object) -> JournalRecord | None:
        read.append(str(written))
        return read_record(written)

    monkeypatch.setattr("contradance.local.state.journal_row.read_record", read_and_noted)
    monkeypatch.setattr("contradance.local.console.history.LISTED", 3)
    monkeypatch.setattr("contradance.local.console.history.SHOWN", 4)
    monkeypatch.setattr("contradance.local.console.history._EVENTS", len(envelope(0)) + 1)
    with Laptop(library(), tmp_path, clock=RealClock(), variables={}, synchronous="OFF") as laptop:
        for number in range(10):
            one = record(number, "failed" if number == 9 else "done").model_copy(update={"correlation_id": "flow"})
            laptop.journal.write(one)
        laptop.journal.write(record(10, "done"))
        for number in range(10):
            laptop.database.write(partial(keep_event, number=number))
        with Server(laptop, 0, feed=Feed()).serving() as url:
            for page in ("live", "flows", "flows?outcome=failed"):
                read.clear()
                _, _, text = ask(url, "GET", f"/_contradance/{page}")
                assert ("and 7 more attempts" in text, len(read)) == (True, 3 if "?" in page else 4), page
                assert ('<td class="number">3+</td>' in text) is (page != "live"), page
            target, seen, sizes = "", [], []
            while True:
                read.clear()
                _, _, text = ask(url, "GET", f"/_contradance/flows/flow{target}")
                seen += re.findall(r'href="#event-event-(\d+)"', text)
                sizes.append(len(read))
                following = re.search(r'href="(\?after=\d+)">Next<', text)
                assert text.count('<details class="event"') == 2
                assert ("Only the first ones" in text) is (following is not None)
                if following is None:
                    break
                target = following[1]
    assert [int(number) for number in seen] == [*range(10)]
    assert sizes == [4, 4, 2]
    assert "attempts 9 to 10 of 10" in text


@pytest.mark.parametrize(("most", "cut"), [(9, True), (10, False)])
def test_a_search_for_flows_reads_at_most_so_many_attempts_and_reports_a_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, *, cut: bool
) -> None:
    reported: list[str] = []
    monkeypatch.setattr("contradance.local.state.journal_table.MOST_FOUND", most)
    with Laptop(library(), tmp_path, clock=RealClock(), variables={}, synchronous="OFF") as laptop:
        for number in range(10):
            laptop.journal.write(record(number, "done").model_copy(update={"correlation_id": "flow"}))
        laptop.database.flush()
        with open_journal(tmp_path, reported.append) as journal:
            found = [journal.flows("flow"), journal.of_flows(["flow"]), journal.latest()]

    assert [len(records) for records in found] == [most] * 3
    assert [text.splitlines()[0] for text in reported] == ["Only the first 10,000 attempts are read."] * 3 * cut
