import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contradance.deployed import Deployed
from contradance.errors import OperateError
from contradance.local.system.deployed import deployed
from contradance.operate.aws.insights import InsightsJournal
from contradance.operate.flow import flows
from contradance.operate.journal import Wanted
from contradance.operate.level import Level
from contradance.runtime.journal_record import JournalRecord
from functions.choreography import food_delivery
from tests.operate.fakes import FakeAws, FakeService
from tests.operate.test_flow import record

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SINCE = NOW - timedelta(days=1)
DEPLOYED = deployed(food_delivery, "http://127.0.0.1:8700")
Row = list[dict[str, str]]


def row(function: str, said: object, at: str = "2026-01-01 18:00:00.123", pointer: str = "") -> Row:
    """Return one row as Insights returns it."""
    message = said if isinstance(said, str) else json.dumps(said)
    group = f"123456789012:/aws/lambda/{function.replace('.', '-')}"
    fields = {"@timestamp": at, "@message": message, "@log": group, "@ptr": pointer or message}
    return [{"field": name, "value": value} for name, value in fields.items()]


def journaled(one: JournalRecord) -> Row:
    """Return the log line of a record as the runtime on AWS writes it."""
    said = {
        "level": "INFO",
        "message": "delivery",
        "service": "loans",
        "correlation_id": one.correlation_id,
        "journal": one.model_dump(mode="json"),
    }
    return row("loyalty.add_loyalty_points", said, one.started_at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3])


class Logs(FakeService):
    """CloudWatch Logs that finds these rows, whatever the search; it takes a few looks."""

    def __init__(self, *rows: Row, status: str = "Complete") -> None:
        self.queries: list[dict[str, Any]] = []
        self._statuses: list[str] = []

        def start(**asked: object) -> dict[str, Any]:
            self.queries.append(asked)
            self._statuses = ["Scheduled", "Running", status]
            return {"queryId": "q"}

        def results(**_: object) -> dict[str, Any]:
            found = self._statuses.pop(0)
            return {"status": found, "results": [*rows] if found == "Complete" else []}

        super().__init__({"start_query": start, "get_query_results": results})


def journal(logs: Logs, stack: Deployed = DEPLOYED) -> tuple[InsightsJournal, list[float]]:
    pauses: list[float] = []
    return InsightsJournal(stack, FakeAws(logs=logs), SINCE, lambda: NOW, pause=pauses.append), pauses


RECORDS = [
    record("orders.place_order", publishes="event-1"),
    record("loyalty.add_loyalty_points", event="event-1"),
]


def test_a_flow_is_found_by_what_it_is_about_and_read_whole() -> None:
    logs = Logs(*map(journaled, RECORDS))
    found, pauses = journal(logs)

    (flow,) = flows(found.flows("event-1"))

    assert (flow.correlation_id, flow.events, flow.deliveries) == ("f", 1, 1)
    touched, whole = (query["queryString"] for query in logs.queries)
    assert 'filter ispresent(journal.function) and strcontains(@message, "event-1")' in touched
    assert 'journal.correlation_id in ["f"]' in whole
    assert {query["startTime"] for query in logs.queries} == {int(SINCE.timestamp())}
    assert len(pauses) == 4


@pytest.mark.parametrize(("length", "searches"), [(36, 2), (256, 9)])
def test_many_flows_are_read_in_searches_that_cloudwatch_takes(length: int, searches: int) -> None:
    """An event of others may have an id of 256 characters."""
    logs = Logs(*map(journaled, RECORDS))
    found, _ = journal(logs)
    names = [f"{number:0{length}}" for number in range(250)]

    assert len(found.of_flows(names)) == searches * len(RECORDS)
    assert len(found.with_logs([record("a.b", correlation_id=name) for name in names])) == len(names)

    queries = [query["queryString"] for query in logs.queries]
    assert max(map(len, queries)) < 10_000
    assert [sum(name in query for query in queries) for name in names] == [2] * len(names), "once with its logs"
    assert found.with_logs([]) == []
    assert len(queries) == len(logs.queries)


def test_what_only_mentions_a_term_is_not_about_it() -> None:
    logs = Logs(journaled(record("a.b", event="event-1", error="event-12345 was there")))
    found, _ = journal(logs)

    assert found.flows("event-12345") == []
    assert len(logs.queries) == 1


@pytest.mark.parametrize(("term", "is_found"), [("event-1234", True), ("event-12", True), ("event", False)])
def test_an_id_may_be_shortened_as_on_the_laptop(term: str, is_found: bool) -> None:
    found, _ = journal(Logs(journaled(record("a.b", event="event-1234"))))

    assert bool(found.flows(term)) is is_found


def test_a_term_is_quoted() -> None:
    logs = Logs()
    found, _ = journal(logs)

    found.flows('a" or "b\\')

    assert r'strcontains(@message, "a\" or \"b\\")' in logs.queries[0]["queryString"]


def test_the_latest_flow_is_the_one_that_began_last() -> None:
    later = record("orders.place_order", correlation_id="g", started_at=NOW - timedelta(hours=1))
    logs = Logs(*map(journaled, [*RECORDS, later]))
    found, _ = journal(logs)

    found.latest()

    assert 'journal.correlation_id in ["g"]' in logs.queries[1]["queryString"]
    assert len(logs.queries) == 2


def test_more_log_groups_than_one_search_takes_are_searched_in_turn() -> None:
    function = next(iter(DEPLOYED.functions.values()))
    many = {f"a.f{number}": function.model_copy(update={"log_group": f"g{number}"}) for number in range(120)}
    logs = Logs()
    found, _ = journal(logs, DEPLOYED.model_copy(update={"functions": many}))

    found.records(Wanted(SINCE))

    assert [len(query["logGroupNames"]) for query in logs.queries] == [50, 50, 20]


def test_one_functions_lines_are_looked_for_in_its_own_group_and_by_subject() -> None:
    logs = Logs()
    found, _ = journal(logs)

    [*found.lines(Wanted(SINCE, function="loyalty.add_loyalty_points", subject="s-1"))]

    (query,) = logs.queries
    assert query["logGroupNames"] == ["/aws/lambda/loyalty-add_loyalty_points"]
    assert 'filter (subject = "s-1" or journal.subject = "s-1")' in query["queryString"]


def test_lines_from_which_cloudwatch_makes_metrics_are_not_logs() -> None:
    metrics = {"_aws": {"Timestamp": 1, "CloudWatchMetrics": [{"Namespace": "contradance"}]}, "delivered": [1.0]}
    logs = Logs(row("loyalty.add_loyalty_points", metrics), row("loyalty.add_loyalty_points", {"message": "slow"}))
    found, _ = journal(logs)

    assert [line.text for line in found.lines(Wanted(SINCE))] == ["slow"]
    assert "filter not ispresent(_aws.Timestamp)" in logs.queries[0]["queryString"]


def test_lines_are_what_functions_log_and_what_the_journal_keeps() -> None:
    said = {"level": "WARNING", "message": "slow", "subject": "s-1", "event_id": "event-1"}
    found, _ = journal(
        Logs(
            journaled(RECORDS[1]),
            row("loyalty.add_loyalty_points", said, "2026-01-01 18:00:01.000"),
            row("loyalty.add_loyalty_points", "START RequestId: x\n", "2026-01-01 18:00:02.000"),
            row("loyalty.add_loyalty_points", {"journal": {"of": "tomorrow"}}, "2026-01-01 18:00:03.000"),
        )
    )

    lines = [*found.lines(Wanted(SINCE))]

    assert [line.record for line in lines] == [RECORDS[1], None, None, None]
    assert [line.text for line in lines[1:3]] == ["slow", "START RequestId: x"]
    assert (lines[1].level, lines[1].subject, lines[1].event_id) == ("WARNING", "s-1", "event-1")
    assert {line.function for line in lines} == {"loyalty.add_loyalty_points"}


@pytest.mark.parametrize("status", ["Failed", "Timeout", "Cancelled"])
def test_a_search_that_does_not_complete_is_said_not_to(status: str) -> None:
    found, _ = journal(Logs(status=status))

    with pytest.raises(OperateError, match=rf"did not complete a search of 13 log groups: {status}\.\n  Try again"):
        found.records(Wanted(SINCE))


def test_a_search_that_never_ends_is_given_up() -> None:
    endless = FakeService({"start_query": {"queryId": "q"}, "get_query_results": {"status": "Running", "results": []}})
    pauses: list[float] = []
    found = InsightsJournal(DEPLOYED, FakeAws(logs=endless), SINCE, lambda: NOW, pause=pauses.append)

    with pytest.raises(OperateError, match="did not complete"):
        found.records(Wanted(SINCE))

    assert sum(pauses) == 120


def test_what_is_yet_to_be_delivered_is_not_known_on_aws() -> None:
    found, _ = journal(Logs())

    assert found.outstanding(["f"]) == []


@pytest.mark.parametrize(
    ("search", "cut"),
    [
        (lambda found: found.flows("event-1"), True),
        (lambda found: found.of_flows(["f"]), True),
        (lambda found: found.with_logs(RECORDS), True),
        (lambda found: found.latest(), True),
        (lambda found: [*found.newest(Wanted(SINCE))], True),
        (lambda found: next(found.newest(Wanted(SINCE))), False),  # the latest is all that is wanted
        (lambda found: [*found.lines(Wanted(SINCE))], True),
        (lambda found: [*found.lines(Wanted(SINCE, latest=2))], False),
        (lambda found: [*found.lines(Wanted(SINCE, latest=3))], True),
    ],
)
def test_a_search_that_leaves_out_wanted_lines_is_reported_once(
    search: Callable[[InsightsJournal], object], cut: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contradance.operate.aws.insights.MOST_FOUND", 2)
    told: list[str] = []
    logs = Logs(*map(journaled, RECORDS))
    found = InsightsJournal(DEPLOYED, FakeAws(logs=logs), SINCE, lambda: NOW, pause=lambda _: None, report=told.append)

    for _ in range(2):
        search(found)

    assert [sentence.partition(":")[0] for sentence in told] == (
        ["CloudWatch returns at most 10,000 lines of a search"] if cut else []
    )
    assert found.records(Wanted(SINCE)).whole is False


def test_a_search_of_many_log_groups_is_whole_unless_a_part_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contradance.operate.aws.insights.MOST_FOUND", 3)
    monkeypatch.setattr("contradance.operate.aws.insights._GROUPS", 4)
    found, _ = journal(Logs(*map(journaled, RECORDS)))

    records = found.records(Wanted(SINCE))

    assert (len(records.records) > 3, records.whole) == (True, True)


@pytest.mark.parametrize(
    ("level", "condition"),
    [
        ("DEBUG", None),
        ("INFO", '(not ispresent(level) or level not in ["DEBUG"])'),
        ("WARNING", '(level in ["WARNING", "ERROR", "CRITICAL"] or ispresent(journal.function))'),
        ("CRITICAL", '(level in ["CRITICAL"] or ispresent(journal.function))'),
    ],
)
def test_a_line_without_a_level_counts_as_info(level: Level, condition: str | None) -> None:
    logs = Logs(row("loyalty.add_loyalty_points", "text alone"), row("loyalty.add_loyalty_points", {"level": "NOTICE"}))
    found, _ = journal(logs)

    lines = [*found.lines(Wanted(SINCE, level=level))]

    filters = [part for part in logs.queries[0]["queryString"].split(" | ") if "(level" in part or "level)" in part]
    assert filters == ([f"filter {condition}"] if condition else [])
    assert len(lines) == (2 if level in ("DEBUG", "INFO") else 0)


def test_an_empty_line_is_a_line_without_text() -> None:
    found, _ = journal(Logs([field for field in row("a.b", "") if field["field"] != "@message"]))

    assert [line.text for line in found.lines(Wanted(SINCE))] == [""]
