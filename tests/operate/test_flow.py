from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contradance.operate.flow import Flow, Handled, Happened, flows
from contradance.runtime.journal_record import JournalRecord, Outcome, PublishedEvent
from tests.food import DECLINED, HAPPY, OUTAGE, REFUSED, food

START = datetime(2026, 1, 1, tzinfo=UTC)


def record(
    function: str, outcome: Outcome = "done", *, event: str | None = None, publishes: str = "", **changes: Any
) -> JournalRecord:
    """Return a record of the flow `f`; `publishes` names one event."""
    given = {
        "function": function,
        "trigger": "app.desk/Asked v1" if event else "POST /items",
        "event_id": event,
        "subject": "s",
        "correlation_id": "f",
        "causation_id": None,
        "attempt": 1,
        "outcome": outcome,
        "retries_left": 2,
        "published": (PublishedEvent(event_id=publishes, contract=f"app.desk/{publishes} v1"),) if publishes else (),
        "started_at": START,
        "duration_ms": 0.0,
    }
    return JournalRecord.model_validate(given | changes)


def failed(function: str, event: str, attempt: int, left: int) -> JournalRecord:
    return record(function, "failed", event=event, attempt=attempt, retries_left=left, error="it broke")


def only(*records: JournalRecord) -> Flow:
    (flow,) = flows(records)
    return flow


def counts(flow: Flow) -> tuple[int, int, int, int]:
    return flow.events, flow.deliveries, flow.dead_letters, flow.waiting


def drawn(node: Handled | Happened) -> Any:
    """Return a tree as nested tuples of names."""
    if isinstance(node, Handled):
        return node.last.function, *map(drawn, node.published)
    return node.event_id, *map(drawn, node.deliveries)


def test_a_flow_is_the_tree_of_what_caused_what() -> None:
    flow = only(
        record("a.route", publishes="e1"),
        record("b.one", event="e1", publishes="e2"),
        record("b.two", event="e1"),
        record("c.end", event="e2"),
    )

    assert [drawn(root) for root in flow.roots] == [("a.route", ("e1", ("b.one", ("e2", ("c.end",))), ("b.two",)))]
    assert counts(flow) == (2, 3, 0, 0)


def test_the_tree_does_not_depend_on_the_order_in_which_records_were_written() -> None:
    records = [
        record("c.end", event="e2"),
        record("b.one", event="e1", publishes="e2"),
        record("a.route", publishes="e1"),
    ]

    flow = only(*records)

    assert [drawn(root) for root in flow.roots] == [("a.route", ("e1", ("b.one", ("e2", ("c.end",)))))]


def test_attempts_at_one_delivery_are_one_delivery_and_the_last_one_counts() -> None:
    flow = only(failed("b.one", "e1", 1, 2), failed("b.one", "e1", 2, 1), record("b.one", event="e1", attempt=3))

    (event,) = flow.roots
    assert isinstance(event, Happened)
    (delivery,) = event.deliveries
    assert [attempt.attempt for attempt in delivery.attempts] == [1, 2, 3]
    assert (delivery.last.attempt, delivery.last.outcome) == (3, "done")
    assert counts(flow) == (1, 1, 0, 0)


def test_a_duplicate_is_no_delivery_of_its_own() -> None:
    flow = only(record("b.one", event="e1"), record("b.one", "duplicate", event="e1", attempt=2))

    (event,) = flow.roots
    assert isinstance(event, Happened)
    assert event.deliveries[0].last.outcome == "done"
    assert counts(flow) == (1, 1, 0, 0)


def test_a_delivery_whose_first_record_was_lost_has_ended_all_the_same() -> None:
    flow = only(record("b.one", "duplicate", event="e1", attempt=2))

    assert counts(flow) == (1, 1, 0, 0)


def test_an_event_that_was_published_twice_is_one_event() -> None:
    flow = only(
        record("a.route", publishes="e1"),
        record("b.one", event="e1", publishes="e2"),
        record("b.one", event="e1", publishes="e2", attempt=2),
        record("c.end", event="e2"),
    )

    assert [drawn(root) for root in flow.roots] == [("a.route", ("e1", ("b.one", ("e2", ("c.end",)))))]
    assert counts(flow) == (2, 2, 0, 0)


@pytest.mark.parametrize(
    "last",
    [
        failed("b.one", "e1", 3, 0),
        record("b.one", "invalid", event="e1"),
        record("b.one", "expired", event="e1", attempt=2),
    ],
)
def test_what_was_given_up_is_a_dead_letter_and_a_delivery_that_ended(last: JournalRecord) -> None:
    assert counts(only(last)) == (1, 1, 1, 0)


def test_what_failed_and_has_attempts_left_is_waiting() -> None:
    assert counts(only(failed("b.one", "e1", 1, 2), record("b.two", event="e1"))) == (1, 1, 0, 1)


def test_a_dead_letter_that_was_handled_later_is_none_any_more() -> None:
    flow = only(failed("b.one", "e1", 3, 0), record("b.one", event="e1", attempt=4))

    assert counts(flow) == (1, 1, 0, 0)


def test_an_event_from_outside_is_a_root_of_its_own() -> None:
    flow = only(record("b.one", event="e1", publishes="e2"), record("b.two", event="e1"), record("c.end", event="e2"))

    assert [drawn(root) for root in flow.roots] == [("e1", ("b.one", ("e2", ("c.end",))), ("b.two",))]
    (root,) = flow.roots
    assert isinstance(root, Happened)
    assert root.contract == "app.desk/Asked v1"


def test_a_published_event_that_nobody_has_handled_yet_is_an_event_all_the_same() -> None:
    flow = only(record("a.route", publishes="e1"))

    assert [drawn(root) for root in flow.roots] == [("a.route", ("e1",))]
    assert counts(flow) == (1, 0, 0, 0)


def test_a_scheduled_run_that_was_given_up_is_a_dead_letter_but_no_delivery() -> None:
    flow = only(record("a.daily", "failed", subject=None, trigger="rate(1 day)", retries_left=0))

    assert counts(flow) == (0, 0, 1, 0)
    assert flow.subject is None


def test_several_flows_about_one_subject_are_told_apart_and_the_earliest_comes_first() -> None:
    found = flows(
        [
            record("a.route", correlation_id="a-later", started_at=START + timedelta(hours=1)),
            record("a.route", correlation_id="z-earlier", publishes="e1"),
            record("b.one", correlation_id="z-earlier", event="e1"),
        ]
    )

    assert [(flow.correlation_id, flow.events) for flow in found] == [("z-earlier", 1), ("a-later", 0)]
    assert {flow.subject for flow in found} == {"s"}


def test_a_flow_lasts_from_its_first_start_to_its_last_end() -> None:
    flow = only(
        record("a.route", publishes="e1", duration_ms=5.0),
        record("b.one", event="e1", started_at=START + timedelta(seconds=60), duration_ms=250.0),
    )

    assert flow.duration == timedelta(seconds=60.25)


def test_no_records_are_no_flows() -> None:
    assert flows([]) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [(HAPPY, (4, 8, 0, 0)), (REFUSED, (4, 6, 0, 0)), (DECLINED, (2, 3, 0, 0)), (OUTAGE, (1, 1, 1, 0))],
    ids=["happy", "refused", "declined", "outage"],
)
def test_the_orders_of_the_food_delivery_count_as_they_should(
    tmp_path: Path, body: dict[str, object], expected: tuple[int, int, int, int]
) -> None:
    with food(tmp_path) as system:
        order_id = system.order(body)

        flow = system.flow(order_id)

    assert counts(flow) == expected
    assert flow.subject == order_id
    assert len(flow.roots) == 1


def test_a_flow_is_found_by_its_subject_its_correlation_id_and_any_of_its_events(tmp_path: Path) -> None:
    with food(tmp_path) as system:
        order_id, other = system.order(HAPPY), system.order(DECLINED)
        journal = system.laptop.journal
        records = journal.flows(order_id)
        terms = {records[0].correlation_id, *(event.event_id for found in records for event in found.published)}

        found = {term: journal.flows(term) for term in terms}
        latest = flows(journal.latest())
        nobody = journal.flows("nobody")

    assert len(terms) == 5
    assert all(same == records for same in found.values())
    assert [flow.subject for flow in latest] == [other]
    assert nobody == []


def test_what_is_yet_to_be_delivered_is_part_of_the_flow(tmp_path: Path) -> None:
    with food(tmp_path) as system:
        status, order = system.ask("POST", "/orders", HAPPY)
        journal = system.laptop.journal
        records = journal.flows(order["order_id"])

        (begun,) = flows(records, journal.outstanding({record.correlation_id for record in records}))
        system.laptop.drain()
        (ended,) = flows(journal.flows(order["order_id"]), journal.outstanding([begun.correlation_id]))

    assert status == 201
    (placing,) = begun.roots
    assert isinstance(placing, Handled)
    (placed,) = placing.published
    assert [one.function for one in placed.outstanding] == ["payments.process_payment"]
    assert (begun.events, begun.deliveries, begun.waiting) == (1, 0, 1)
    assert (ended.events, ended.deliveries, ended.waiting) == (4, 8, 0)


def test_a_failed_delivery_says_when_it_is_made_again(tmp_path: Path) -> None:
    with food(tmp_path) as system:
        _, order = system.ask("POST", "/orders", OUTAGE)
        system.laptop.advance(timedelta(minutes=1))
        records = system.laptop.journal.flows(order["order_id"])

        (flow,) = flows(records, system.laptop.journal.outstanding({record.correlation_id for record in records}))

    (placing,) = flow.roots
    (payment,) = placing.published[0].deliveries  # type: ignore[union-attr]
    assert payment.again == records[0].started_at + timedelta(minutes=3)
    assert flow.waiting == 1
