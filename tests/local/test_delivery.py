import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contradance import Retry
from contradance.errors import Conflict, LaptopError
from contradance.local.dead_letter_queues import DeadLetterMessage
from contradance.local.invocation.flight_notes import FlightNotes
from contradance.local.laptop import Laptop
from contradance.operate.flow import flows
from contradance.retry import DeliveryMode
from contradance.runtime.once import OnceState
from tests.local.desk import (
    START,
    Desk,
    Does,
    always_fails,
    ask,
    dead_letters,
    fails_until,
    invalid,
    journaled,
    nothing,
    opened,
    show_latest,
)

BOTH: tuple[DeliveryMode, ...] = ("direct", "queue")


def losing(laptop: Laptop, conflicts: int) -> None:
    """Have another unit of work change an item before each of the next commits."""
    commit, left = laptop.environment.store.commit, iter(range(conflicts))

    def losing_commit(*work: Any) -> OnceState:
        if next(left, None) is not None:
            raise Conflict("an item changed between read and commit")
        return commit(*work)

    laptop.environment.store.commit = losing_commit  # type: ignore[method-assign,assignment]


def order_of(state: Path, seed: int) -> list[str]:
    desk = Desk()
    with opened(state, desk.clerk(), seed=seed) as laptop:
        ask(laptop, *"abcdefgh")
        laptop.drain()
    return desk.items()


def test_each_matching_rule_gets_one_delivery_and_no_other_rule_gets_any(tmp_path: Path) -> None:
    desk = Desk()
    picky = desk.clerk("picky", where={"item": ["b"]})
    with opened(tmp_path, desk.clerk("one"), desk.clerk("two"), picky, desk.bystander()) as laptop:
        ask(laptop, "a", "b")
        laptop.drain()

    calls = sorted((call.function, call.item) for call in desk.calls)
    assert calls == [("one", "a"), ("one", "b"), ("picky", "b"), ("two", "a"), ("two", "b")]


def test_a_conflict_that_never_ends_is_dead_lettered_when_sqs_receives_its_message_no_more(tmp_path: Path) -> None:
    clerk = Desk().clerk(delivery="queue", retry=Retry(times=0))
    with opened(tmp_path, clerk) as laptop:
        losing(laptop, 1_000_000)
        ask(laptop, "a")
        laptop.drain()

        (letter,) = dead_letters(laptop)
        records = journaled(laptop, "a")

    assert clerk.retry.receives == 5
    assert [(record.outcome, record.attempt) for record in records] == [("failed", 1)] * 5
    assert letter.attributes["ApproximateReceiveCount"] == "5"


def test_events_are_not_ordered_but_a_seed_repeats_its_order(tmp_path: Path) -> None:
    first, again, other = (order_of(tmp_path / name, seed) for name, seed in (("x", 1), ("y", 1), ("z", 2)))

    assert first == again
    assert first != other
    assert sorted(first) == sorted(other) == [*"abcdefgh"]


def test_a_failing_handler_is_tried_again_after_one_minute_and_after_two_more(tmp_path: Path) -> None:
    desk = Desk()
    with opened(tmp_path, desk.clerk(does=always_fails)) as laptop:
        ask(laptop, "a")
        laptop.drain()

    assert desk.times() == [0, 60, 180]
    assert [call.attempt for call in desk.calls] == [1, 2, 3]


def test_a_handler_that_succeeds_is_not_tried_again(tmp_path: Path) -> None:
    desk = Desk()
    with opened(tmp_path, desk.clerk(does=fails_until(2))) as laptop:
        ask(laptop, "a")
        laptop.drain()
        laptop.advance(timedelta(days=1))

        left = dead_letters(laptop)

    assert desk.times() == [0, 60]
    assert left == []


def test_behind_a_queue_conflicts_cost_no_attempt_and_no_pause_of_the_retry_policy(tmp_path: Path) -> None:
    desk = Desk()
    with opened(tmp_path, desk.clerk(delivery="queue", retry=Retry(times=0))) as laptop:
        losing(laptop, conflicts=100)
        ask(laptop, "a")
        laptop.drain()

        records = journaled(laptop, "a")
        left = dead_letters(laptop)
        taken = laptop.clock.now() - START

    assert len(desk.calls) == 101
    assert {call.attempt for call in desk.calls} == {1}
    assert [record.outcome for record in records] == ["failed"] * (len(records) - 1) + ["done"]
    assert {(record.attempt, record.dead) for record in records} == {(1, False)}
    assert (left, len(records) > 2) == ([], True)
    assert taken < len(records) * timedelta(seconds=10 + 5)


def test_what_an_attempt_gave_back_that_ended_too_late_does_not_shorten_the_pause_of_the_next_one(
    tmp_path: Path,
) -> None:
    desk = Desk()
    with opened(tmp_path, desk.clerk(delivery="queue", does=fails_until(2))) as laptop:
        ask(laptop, "a")
        (pending,) = laptop.deliveries.due("clerk.listen", START, 1)
        late = laptop.in_flight.begin("delivery", pending.function, pending.id, pending.attempt, 0)
        FlightNotes(laptop.clock).give_back({"messageId": pending.id}, 1)
        laptop.drain()

    first, second = desk.times()
    assert late.pause == timedelta(seconds=1)
    assert second - first > 5


def test_no_dead_letter_is_noted_where_no_delivery_runs_that_could_be_settled(tmp_path: Path) -> None:
    with opened(tmp_path, Desk().clerk()) as laptop:
        ask(laptop, "a")
        laptop.drain()

        with pytest.raises(LookupError, match="no delivery runs in this context"):
            FlightNotes(laptop.clock).send("clerk.listen", "{}", {})


@pytest.mark.parametrize("times", [0, 1, 2])
def test_a_direct_function_is_tried_as_often_as_its_retry_says(tmp_path: Path, times: int) -> None:
    desk = Desk()
    with opened(tmp_path, desk.clerk(does=always_fails, retry=Retry(times=times))) as laptop:
        ask(laptop, "a")
        laptop.drain()

        left = dead_letters(laptop)

    assert len(desk.calls) == times + 1
    assert len(left) == 1


def test_a_failed_event_becomes_the_record_that_lambda_sends_to_its_on_failure_destination(tmp_path: Path) -> None:
    desk = Desk()
    with opened(tmp_path, desk.clerk(does=always_fails)) as laptop:
        ask(laptop, "a")
        laptop.drain()

        (dead,) = dead_letters(laptop)

    record = dead.json
    request_id, event = record["requestContext"]["requestId"], record["requestPayload"]
    assert (dead.function, dead.attributes) == ("clerk.listen", {})
    assert len(request_id) == 36
    assert event["detail-type"] == "Asked"
    stack = json.loads(dead.body)["responsePayload"]["stackTrace"]
    assert stack[-1].startswith('  File "tests/local/desk.py", line ')
    assert dead.body == json.dumps(
        {
            "version": "1.0",
            "timestamp": "2026-01-01T00:03:00.000Z",
            "requestContext": {
                "requestId": request_id,
                "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:clerk-listen:$LATEST",
                "condition": "RetriesExhausted",
                "approximateInvokeCount": 3,
            },
            "requestPayload": event,
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "responsePayload": {"errorMessage": "the clerk is out", "errorType": "Broken", "stackTrace": stack},
        },
        separators=(",", ":"),
    )


def test_behind_a_queue_a_failed_event_comes_again_after_six_function_timeouts(tmp_path: Path) -> None:
    desk = Desk()
    queued = desk.clerk(does=always_fails, delivery="queue", retry=Retry(times=3), timeout=timedelta(seconds=7))
    with opened(tmp_path, queued) as laptop:
        ask(laptop, "a")
        laptop.drain()

    assert desk.times() == [0, 42, 84, 126]


def test_a_queue_gives_an_event_up_after_one_attempt_more_than_retries_and_dead_letters_it_as_it_came(
    tmp_path: Path,
) -> None:
    desk = Desk()
    with opened(tmp_path, desk.clerk(does=always_fails, delivery="queue", retry=Retry(times=4))) as laptop:
        ask(laptop, "a")
        laptop.drain()

        (dead,) = dead_letters(laptop)

    assert [call.attempt for call in desk.calls] == [1, 2, 3, 4, 5]
    assert [*dead.json] == [
        "version",
        "id",
        "detail-type",
        "source",
        "account",
        "time",
        "region",
        "resources",
        "detail",
    ]
    assert dead.json["detail"]["data"] == {"item": "a"}
    assert dead.attributes["REASON"] == "failed"
    assert dead.attributes["ERROR_MESSAGE"].startswith("Broken: the clerk is out")
    assert dead.attributes["ATTEMPTS"] == "5"


def test_a_direct_event_that_would_be_too_old_at_its_next_attempt_is_given_up_before_its_retries(
    tmp_path: Path,
) -> None:
    desk = Desk()
    young = Retry(times=2, max_age=timedelta(minutes=2))
    with opened(tmp_path, desk.clerk(does=always_fails, retry=young)) as laptop:
        ask(laptop, "a")
        laptop.drain()

        (dead,) = dead_letters(laptop)

    assert desk.times() == [0, 60]
    assert dead.json["requestContext"]["condition"] == "EventAgeExceeded"
    assert dead.json["requestContext"]["approximateInvokeCount"] == 2


def test_behind_a_queue_an_event_that_is_too_old_is_given_up_unhandled(tmp_path: Path) -> None:
    desk = Desk()
    young = Retry(times=5, max_age=timedelta(minutes=2))
    with opened(tmp_path, desk.clerk(does=always_fails, delivery="queue", retry=young)) as laptop:
        ask(laptop, "a")
        laptop.drain()

        (dead,) = dead_letters(laptop)
        outcomes = [record.outcome for record in journaled(laptop, "a")]

    assert desk.times() == [0, 60, 120]
    assert outcomes == ["failed", "failed", "failed", "expired"]
    assert dead.attributes["REASON"] == "expired"
    assert dead.json["detail"]["data"] == {"item": "a"}


@pytest.mark.parametrize("delivery", BOTH)
def test_an_invalid_event_is_a_dead_letter_at_once_and_never_reaches_the_handler(
    tmp_path: Path, delivery: DeliveryMode
) -> None:
    desk = Desk()
    with opened(tmp_path, desk.clerk(delivery=delivery)) as laptop:
        laptop.bus.put_events(Entries=[invalid(5)])
        laptop.drain()

        (dead,) = dead_letters(laptop)
        now = laptop.clock.now()

    assert desk.calls == []
    assert now == START
    assert dead.attributes["REASON"] == "invalid"
    assert "data.item: Input should be a valid string" in dead.attributes["ERROR_MESSAGE"]
    assert dead.json["detail"]["data"] == {"item": 5}


@pytest.mark.parametrize("delivery", BOTH)
def test_a_failing_function_keeps_no_other_from_its_events(tmp_path: Path, delivery: DeliveryMode) -> None:
    desk = Desk()
    functions = [desk.clerk("bad", always_fails, delivery=delivery), desk.clerk("good", delivery=delivery)]
    with opened(tmp_path, *functions) as laptop:
        ask(laptop, "a", "b", "c")
        laptop.drain()

        left = dead_letters(laptop)

    assert sorted(desk.items("good")) == ["a", "b", "c"]
    assert set(desk.times("good")) == {0}
    assert [dead.function for dead in left] == ["clerk.bad"] * 3


def test_an_event_that_is_published_again_reaches_a_handler_that_finished_no_second_time(tmp_path: Path) -> None:
    desk = Desk()
    with opened(tmp_path, desk.clerk()) as laptop:
        ask(laptop, "a")
        laptop.drain()
        ask(laptop, "a")
        laptop.drain()

        outcomes = [record.outcome for record in journaled(laptop, "a")]

    assert desk.items() == ["a"]
    assert outcomes == ["done", "duplicate"]


@pytest.mark.parametrize("text", ["no JSON", "[]", "{}", '{"detail": {}}'])
def test_a_delivery_without_a_rule_has_the_ids_of_its_event_or_its_own(tmp_path: Path, text: str) -> None:
    with opened(tmp_path, Desk().clerk()) as laptop:
        ask(laptop, "a")
        (pending,) = laptop.deliveries.due("clerk.listen", START, 1)
        laptop.bus.enqueue_direct("clerk.listen", pending.envelope)
        identifier = laptop.bus.enqueue_direct("clerk.listen", text)

        ids = laptop.database.read("SELECT event_id, correlation_id FROM event ORDER BY id")

    assert ids == [("event-a", "flow-a"), ("event-a", "flow-a"), (identifier, None)]


def test_a_queue_moves_what_was_received_too_often_and_never_consumed(tmp_path: Path) -> None:
    clerk = Desk().clerk(delivery="queue", retry=Retry(times=1))
    with opened(tmp_path, clerk) as laptop:
        ask(laptop, "a")
        (pending,) = laptop.deliveries.due("clerk.listen", START, 1)
        counts = []
        for receives in (clerk.retry.receives - 1, clerk.retry.receives):
            laptop._drain._invoker.settle(clerk, pending._replace(attempt=receives), RuntimeError("refused"), None)
            counts.append((len(dead_letters(laptop)), laptop.deliveries.count()[0]))
        (letter,) = dead_letters(laptop)

    assert counts == [(0, 1), (1, 0)]
    assert (letter.body, letter.attributes["ApproximateReceiveCount"]) == (pending.envelope, str(clerk.retry.receives))


def test_a_request_without_an_end_is_recorded_with_the_time_that_it_took(tmp_path: Path) -> None:
    with opened(tmp_path, show_latest) as laptop:
        laptop._drain._invoker.record_request(show_latest, "r-1", "TimedOut: it took too long", seconds=3)

        (record,) = laptop.journal.latest()

    assert (record.outcome, record.correlation_id, record.dead) == ("failed", "r-1", False)
    assert record.started_at == START - timedelta(seconds=3)
    assert record.duration_ms >= 3_000


def test_a_finished_delivery_is_not_open_before_its_deletion_is_committed(tmp_path: Path) -> None:
    desk = Desk()
    with opened(tmp_path, desk.clerk("one"), desk.clerk("two")) as laptop:
        ask(laptop, "a")
        (flow,) = {pending.correlation_id for pending in laptop.deliveries.due("clerk.one", START, 10)}
        deliveries = [*laptop.deliveries.due("clerk.one", START, 10), *laptop.deliveries.due("clerk.two", START, 10)]
        assert flow is not None
        counts = [laptop.deliveries.count_of_flow(flow)]
        for pending in deliveries:
            laptop.deliveries.finish(pending)
            counts.append(laptop.deliveries.count_of_flow(flow))
        on_disk = laptop.database.read("SELECT count(*) FROM delivery")
        laptop.deliveries.flush()

        assert (counts, on_disk) == ([2, 1, 0], [(2,)])
        assert (laptop.deliveries.count_of_flow(flow), laptop.database.read("SELECT count(*) FROM delivery")) == (
            0,
            [(0,)],
        )


def test_finished_deliveries_are_not_remembered_after_the_commit_of_their_deletion(tmp_path: Path) -> None:
    with opened(tmp_path, Desk().clerk()) as laptop:
        ask(laptop, *"abc")
        for pending in laptop.deliveries.due("clerk.listen", START, 3):
            laptop.deliveries.finish(pending)
            laptop.deliveries.flush()

        assert len(laptop.deliveries._finishing) == 1, "the last one, of before its commit"


def test_a_dead_letter_takes_the_place_of_a_delivery_that_is_still_pending_alone(tmp_path: Path) -> None:
    with opened(tmp_path, Desk().clerk()) as laptop:
        ask(laptop, "a")
        (pending,) = laptop.deliveries.due("clerk.listen", START, 1)
        for body in ("first", "second"):
            laptop.deliveries.dead_letter(pending, DeadLetterMessage(body, START.timestamp(), body))

        assert [letter.body for letter in dead_letters(laptop)] == ["first"]
        assert laptop.deliveries.count() == (0, None)


def test_deliveries_are_counted_by_whether_they_are_due(tmp_path: Path) -> None:
    with opened(tmp_path, Desk().clerk("one"), Desk().clerk("two")) as laptop:
        deliveries = laptop.deliveries
        none = deliveries.count()
        for delay in (-1, 0, 1, 2, 3):
            laptop.bus.enqueue_direct("clerk.one", "{}", delay)
        due = deliveries.due("clerk.one", START, 5)
        deliveries.finish(due[0])

        assert none == (0, None)
        assert [one.due - START.timestamp() for one in due] == [-1, 0]
        assert deliveries.backlog("clerk.one") == (1, 3)
        assert deliveries.due("clerk.one", START, 1) == due[1:]
        assert deliveries.backlog("clerk.two") == (0, 0)
        assert deliveries.next_due("clerk.one", START) == START.timestamp() + 1
        assert deliveries.next_due("clerk.two", START) is None
        assert deliveries.count() == (4, START)
        assert deliveries.functions() == ["clerk.one"]


def test_time_passes_only_as_far_as_it_is_advanced(tmp_path: Path) -> None:
    desk = Desk()
    with opened(tmp_path, desk.clerk(does=always_fails)) as laptop:
        ask(laptop, "a")
        laptop.advance(timedelta(seconds=59))
        before = desk.times()
        laptop.advance(timedelta(seconds=1))
        after = desk.times()

        now = laptop.clock.now()

    assert (before, after) == ([0], [0, 60])
    assert now == START + timedelta(minutes=1)


def test_a_delivery_that_waits_for_its_retry_is_told_as_waiting(tmp_path: Path) -> None:
    with opened(tmp_path, Desk().clerk(does=always_fails)) as laptop:
        ask(laptop, "a")
        laptop.advance(timedelta(seconds=1))

        (flow,) = flows(journaled(laptop, "a"))

    assert (flow.deliveries, flow.waiting, flow.dead_letters) == (0, 1, 0)


@pytest.mark.parametrize("does", [nothing, always_fails])
def test_a_drain_ends_with_an_error_when_no_outcome_can_be_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, does: Does
) -> None:
    desk = Desk()
    with opened(tmp_path, desk.clerk(does=does)) as laptop:
        ask(laptop, "a")
        with monkeypatch.context() as broken:
            for name in ("finish", "postpone"):
                broken.setattr(laptop.deliveries, name, lambda *_: (_ for _ in ()).throw(LaptopError("the disk")))
            with pytest.raises(LaptopError, match=r"a delivery to clerk\.listen could not be stored 5 times"):
                laptop.drain()
        assert caplog.text.count("a delivery to clerk.listen could not be settled") == 5
        laptop.drain()

        assert laptop.deliveries.count() == (0, None)
        assert len(dead_letters(laptop)) == (does is always_fails)


@pytest.mark.parametrize("delivery", ["direct", "queue"])
def test_a_movable_clock_does_not_measure_the_real_time_of_a_handler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, delivery: DeliveryMode
) -> None:
    seconds = [0.0]
    monkeypatch.setattr("contradance.local.invocation.record.monotonic", lambda: seconds[0])

    def take_long(item: str, attempt: int) -> None:
        seconds[0] += 1_000_000

    with opened(tmp_path, Desk().clerk(does=take_long, delivery=delivery)) as laptop:
        ask(laptop, "a")
        laptop.drain()

        assert [record.outcome for record in journaled(laptop, "a")] == ["done"]


def test_an_event_that_is_no_longer_utf_8_is_a_dead_letter_and_not_delivered_with_other_data(tmp_path: Path) -> None:
    desk = Desk()
    damage = "UPDATE event SET envelope = CAST(replace(CAST(envelope AS BLOB), 'abc', x'61ff63') AS TEXT)"
    with opened(tmp_path, desk.clerk()) as laptop:
        ask(laptop, "abc")
        laptop.database.write(lambda connection: connection.execute(damage))
        laptop.drain()

        (letter,) = dead_letters(laptop)
        assert "a\ufffdc" in letter.body
        assert desk.items() == []


@pytest.mark.parametrize("due", [2.6e11, 1e300], ids=["year 10209", "no year"])
def test_a_drain_leaves_a_delivery_whose_time_is_damaged_and_makes_the_others(tmp_path: Path, due: float) -> None:
    desk = Desk()
    with opened(tmp_path, desk.clerk(does=fails_until(2))) as laptop:
        ask(laptop, "a")
        laptop.database.write(lambda connection: connection.execute("UPDATE delivery SET due = ?", (due,)))
        ask(laptop, "b")
        laptop.drain()

        assert (desk.items(), laptop.deliveries.count()[0]) == (["b", "b"], 1)
        assert laptop.clock.now().year == START.year
