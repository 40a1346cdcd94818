import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contradance.local.state.database import Database
from contradance.local.state.journal_row import records_of
from contradance.local.state.journal_table import STATE_FILE, open_journal
from contradance.local.state.laptop_journal import LaptopJournal
from contradance.operate.aws.late_lines import follow
from contradance.operate.flow import AcceptedEvent, Handled, Outstanding, flows
from contradance.operate.journal import LogLine, Records, Wanted
from contradance.operate.published import published, with_publishers
from contradance.runtime.journal_record import JournalRecord, LogEntry, PublishedEvent
from tests.food import DECLINED, HAPPY, OUTAGE, food
from tests.operate.test_flow import failed, record

START = datetime(2026, 1, 1, tzinfo=UTC)


class Late:
    """A journal whose lines become visible late and out of order: each look sees one list more."""

    def __init__(self, *looks: list[str]) -> None:
        self._looks = [*looks]
        self._visible: list[LogLine] = []
        self.asked: list[datetime] = []

    def newest(self, wanted: Wanted) -> Iterator[JournalRecord]:
        return iter(())

    def lines(self, wanted: Wanted) -> Iterator[LogLine]:
        self.asked.append(wanted.since)
        new = self._looks.pop(0)
        self._visible += [
            LogLine(name, START + timedelta(minutes=int(name)), "a.b", "INFO", name, None, None, None) for name in new
        ]
        found = sorted((line for line in self._visible if line.at >= wanted.since), key=lambda line: line.at)
        return iter(found if wanted.latest is None else found[-wanted.latest :])

    def flows(self, term: str) -> list[JournalRecord]:
        raise NotImplementedError

    def with_logs(self, records: Sequence[JournalRecord]) -> list[JournalRecord]:
        raise NotImplementedError

    def outstanding(self, correlation_ids: Iterable[str]) -> list[Outstanding]:
        raise NotImplementedError

    def of_flows(self, correlation_ids: Iterable[str]) -> list[JournalRecord]:
        raise NotImplementedError

    def not_consumed(self, term: str) -> list[AcceptedEvent]:
        raise NotImplementedError

    def latest(self) -> list[JournalRecord]:
        raise NotImplementedError

    def records(self, wanted: Wanted) -> Records:
        raise NotImplementedError

    def follow(self, wanted: Wanted, pauses: Iterable[object]) -> Iterator[LogLine]:
        raise NotImplementedError


def test_each_line_is_told_once_though_lines_come_late_and_out_of_order() -> None:
    journal = Late(["1", "3"], [], ["2", "4"], ["9"])

    told = [line.text for line in follow(journal, Wanted(START), range(4), lambda: START + timedelta(minutes=3))]

    assert told == ["1", "3", "2", "4", "9"]


@pytest.mark.parametrize(("latest", "lines"), [(2, ["3", "4", "5"]), (9, ["2", "3", "4", "5"])])
def test_lines_before_the_latest_ones_are_not_new(latest: int, lines: list[str]) -> None:
    journal = Late(["2", "3", "4"], [], ["5"])

    found = follow(journal, Wanted(START, latest=latest), range(3), lambda: START + timedelta(minutes=4))

    assert [line.text for line in found] == lines


def test_each_look_begins_a_while_before_the_last_look_whether_or_not_it_found_lines() -> None:
    journal, times = Late([], [], ["9"], []), [START + timedelta(minutes=number) for number in (1, 5, 9, 13)]

    found = [line.text for line in follow(journal, Wanted(START), range(4), iter(times).__next__)]

    assert found == ["9"]
    assert journal.asked == [START, START, START + timedelta(minutes=3), START + timedelta(minutes=7)]


def test_on_the_laptop_every_row_is_followed_also_of_an_attempt_that_began_long_before(tmp_path: Path) -> None:
    def attempt(number: int, began: datetime) -> JournalRecord:
        logs = (LogEntry(at=began, level="INFO", logger="a", message=f"logged {number}"),)
        return record("a.b", correlation_id=f"flow-{number}", started_at=began, logs=logs)

    database = Database(tmp_path / STATE_FILE, "OFF")
    journal = LaptopJournal(database)
    looks = [
        [attempt(1, START), attempt(2, START + timedelta(minutes=30))],
        [],
        [attempt(3, START + timedelta(minutes=16)), attempt(4, START - timedelta(days=1))],
        [attempt(5, START + timedelta(minutes=31))],
    ]

    def pauses() -> Iterator[None]:
        for look in looks:
            for one in look:
                journal.write(one)
            yield

    told = [line.text for line in journal.follow(Wanted(START), pauses()) if line.record is None]
    database.close()

    assert told == ["logged 1", "logged 2", "logged 3", "logged 5"]


def test_the_laptops_records_are_found_by_time_function_and_subject(tmp_path: Path) -> None:
    with food(tmp_path) as system:
        first = system.order(HAPPY)
        system.laptop.advance(timedelta(hours=1))
        second = system.order(DECLINED)

    with open_journal(tmp_path) as journal:
        everything = journal.records(Wanted(START))
        of_first = journal.records(Wanted(START, subject=first)).records
        late = journal.records(Wanted(START + timedelta(hours=1))).records
        early = journal.records(Wanted(START, START + timedelta(hours=1))).records
        payments = journal.records(Wanted(START, function="payments.process_payment")).records
        lines = [*journal.lines(Wanted(START, function="payments.process_payment"))]

    assert everything.whole
    assert {record.subject for record in of_first} == {first}
    assert {record.subject for record in late} == {second}
    assert len(early) + len(late) == len(everything.records)
    ended = [line.record.model_copy(update={"logs": ()}) for line in lines if line.record]
    assert ended == payments
    assert {line.function for line in lines} == {"payments.process_payment"}
    assert any(line.record is None and line.text.startswith("Processing payment") for line in lines)
    assert len(payments) == 2


def test_records_are_found_over_many_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contradance.local.state.journal_table._PAGE", 4)
    with food(tmp_path) as system:
        for _ in range(3):
            system.order(HAPPY)
        system.laptop.database.flush()
        found = system.laptop.journal.records(Wanted(START)).records

    assert len(found) == 3 * 9
    assert [one.started_at for one in found] == sorted(one.started_at for one in found)


def test_events_are_told_with_who_consumed_each(tmp_path: Path) -> None:
    with food(tmp_path) as system:
        order = system.order(HAPPY)
        outage = system.order(OUTAGE)

    with open_journal(tmp_path) as journal:
        events = published(journal.records(Wanted(START)).records)

    by_name = {(event.contract.partition("/")[2], event.subject): event for event in events}
    assert len(events) == 5
    assert by_name["OrderPlaced v1", order].completed == ("payments.process_payment",)
    assert by_name["OrderPlaced v1", outage].dead == ("payments.process_payment",)
    assert by_name["OrderPlaced v1", order].publisher == "orders.place_order"
    assert len(by_name["RestaurantConfirmedOrder v1", order].completed) == 4


def test_an_event_has_its_publisher_although_the_window_begins_after_it_was_published(tmp_path: Path) -> None:
    with food(tmp_path) as system:
        system.order(HAPPY)

    with open_journal(tmp_path) as journal:
        everything = journal.records(Wanted(START)).records
        whole = {event.event_id: (event.contract, event.publisher) for event in published(everything)}
        for skipped in range(len(everything)):
            for event in with_publishers(published(everything[skipped:]), journal):
                assert (event.contract, event.publisher) == whole[event.event_id]


@pytest.mark.parametrize("skipped", [0, 1])
def test_an_event_in_two_versions_has_the_newer_name_in_lists_and_in_traces(skipped: int) -> None:
    old, new = (PublishedEvent(event_id="e", contract=f"app.desk/Asked v{version}") for version in (1, 2))
    records = [
        record("a.ask", published=(old, new)),
        record("b.two", event="e", trigger=new.contract),
        record("b.one", event="e", trigger=old.contract),
    ][skipped:]

    (event,) = published(records)
    (root,) = flows(records)[0].roots
    (happened,) = root.published if isinstance(root, Handled) else (root,)

    assert event.contract == happened.contract == new.contract


def test_an_event_that_waits_for_a_retry_is_told_to(tmp_path: Path) -> None:
    (event,) = published([failed("b.one", "e1", 1, 2), record("b.two", event="e1")])

    assert (event.completed, event.waiting, event.dead) == (("b.two",), ("b.one",), ())
    assert (event.publisher, event.contract) == (None, "app.desk/Asked v1")


GOOD = record("a.b", event="one").model_dump_json()


def changed(**changes: object) -> str:
    return json.dumps({**json.loads(GOOD), **changes})


def each(name: str, *odd: object) -> list[str]:
    return [changed(**{name: one}) for one in odd]


ODD = [
    *("", "x", "[]", "null", "{}", "5", "[" * 5_000),
    *each("outcome", "later", 5, None, {}),
    *each("duration_ms", -1, 1e12, 1e300, "x", None, {}, []),
    GOOD.replace('"duration_ms":', '"duration_ms":1e999,"other":'),
    GOOD.replace('"duration_ms":', '"duration_ms":NaN,"other":'),
    *each("attempt", -1, 10**9, 1.5, {}, "x"),
    *each("started_at", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "2026-01-01T00:00:00", "x", {}, None),
    *(text for name in ("function", "event_id", "correlation_id") for text in each(name, "another")),
]


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_a_record_that_cannot_be_read_is_shown_among_those_that_can(text: str) -> None:
    good = record("a.b", event="one")
    row = (good.function, good.event_id, good.correlation_id)

    found = records_of([(*row, GOOD, None), (*row, text, None), (*row, GOOD, None)])

    assert [one.outcome for one in found] == ["done", "unreadable", "done"]
    assert (found[1].function, found[1].event_id, found[1].correlation_id) == row
    assert found[1].started_at == found[0].started_at
    (flow,) = flows(found[1:2])
    assert (flow.waiting, flow.dead_letters, flow.deliveries) == (0, 0, 0)


def test_records_that_name_each_other_as_causes_make_a_tree_with_an_end() -> None:
    records = [
        record("a.begin", publishes="one"),
        record("a.first", event="one", publishes="two"),
        record("a.second", event="two", publishes="one"),
    ]

    (flow,) = flows(records)

    assert len(flow.roots) == 1
