"""Behind a queue: each record gets its declared attempts, whatever happens to its neighbours."""

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contradance import Delivery, Retry, subscriber
from contradance.errors import AWSCallFailed
from contradance.local.state.database import Database
from contradance.runtime.once import Lease, OnceKey
from tests.examples import examples
from tests.runtime.desk import TicketOpened, opened
from tests.runtime.fakes import Outage, World, delivered
from tests.runtime.sqs import LambdaClock, Queue

TIMEOUT = timedelta(seconds=30)
DAYS = timedelta(days=7)


class Workshop:
    """A subscriber whose handler does what the event's channel names, and the number of attempts at each event.

    Without `counts_runs` each event is done in its first attempt, however often the handler runs.
    """

    def __init__(self, clock: LambdaClock, *, times: int = 2, batch: int = 10, counts_runs: bool = True) -> None:
        self.attempts: Counter[str] = Counter()

        @subscriber(
            service="repairs",
            delivery="queue",
            batch=batch,
            timeout=TIMEOUT,
            retry=Retry(times=times, max_age=DAYS),
        )
        def repair(event: TicketOpened, delivery: Delivery) -> None:
            self.attempts[delivery.event_id] += 1
            assert delivery.attempt == (self.attempts[delivery.event_id] if counts_runs else 1)
            kind, _, number = event.channel.partition(" ")
            match kind:
                case "slow":
                    clock.sleep(float(number))
                case "flaky" if self.attempts[delivery.event_id] <= int(number):
                    clock.sleep(1)
                    raise Outage("the workshop does not answer")
                case "failing":
                    raise Outage("the workshop does not answer")
                case "hanging":
                    clock.sleep(100_000)
                case "dying":
                    clock.die()

        self.function = repair


@pytest.fixture
def clock(world: World) -> LambdaClock:
    return on_lambda(world)


def on_lambda(world: World) -> LambdaClock:
    """Give a world the clock of a Lambda, and return it."""
    world.replace_clock(clock := LambdaClock())
    return clock


def queue_of(world: World, workshop: Workshop, *kinds: str, seed: int = 1, throttled: int = 0) -> Queue:
    """Return a queue that holds an event of each kind, as event-0, event-1, ..."""
    bodies = [delivered(opened(channel=kind), f"event-{number}") for number, kind in enumerate(kinds)]
    return Queue(world, workshop.function, bodies, Random(seed), throttled=throttled)


def hidden_by(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a list that gets the seconds for which messages are hidden."""
    seconds: list[float] = []
    hide = queue.hide

    def note(message: Mapping[str, Any], pause: float) -> None:
        seconds.append(pause)
        hide(message, pause)

    monkeypatch.setattr(queue, "hide", note)
    return seconds


def test_a_lease_that_cannot_be_given_back_does_not_dead_letter_twice(
    world: World, clock: LambdaClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def release(key: OnceKey, lease: Lease, *, counted: bool = True) -> None:
        raise AWSCallFailed("dynamodb did not answer UpdateItem", "", {})

    monkeypatch.setattr(world.store, "release", release)
    queue = queue_of(world, Workshop(clock, times=0), "failing")

    queue.run()

    assert world.outcomes == ["failed"]
    assert [letter.attributes["ATTEMPTS"] for letter in world.dead_letters.sent] == ["1"]


def test_ten_slow_events_all_run_in_their_first_attempt(world: World, clock: LambdaClock) -> None:
    workshop = Workshop(clock)
    queue = queue_of(world, workshop, *["slow 29"] * 10)

    queue.run()

    assert workshop.attempts == {f"event-{number}": 1 for number in range(10)}
    assert (world.dead_letters.sent, queue.moved, queue.invocations) == ([], [], 1)


def test_a_hanging_event_costs_its_own_time_alone(world: World, clock: LambdaClock) -> None:
    workshop = Workshop(clock, times=1)
    queue = queue_of(world, workshop, "hanging", "slow 20", "slow 20", "slow 20")
    started = clock.now()

    queue.run()

    assert workshop.attempts == {"event-0": 2, "event-1": 1, "event-2": 1, "event-3": 1}
    (letter,) = world.dead_letters.sent
    assert letter.attributes["ERROR_MESSAGE"].startswith("HandlerTimedOut: The handler took longer")
    assert queue.invocations == 2
    assert clock.now() - started < 3 * TIMEOUT + 6 * TIMEOUT + timedelta(minutes=1)


def test_a_hanging_handler_is_interrupted_at_the_end_of_its_own_time(world: World, clock: LambdaClock) -> None:
    queue = queue_of(world, Workshop(clock, times=0), "hanging")
    started = clock.now()

    queue.run()

    assert clock.now() - started == TIMEOUT
    assert world.outcomes == ["failed"]


@pytest.mark.parametrize("reason", ["failed", "invalid", "expired"])
def test_a_dead_letter_leaves_its_queue_before_the_next_message_is_begun(
    world: World, clock: LambdaClock, reason: str
) -> None:
    for seed in range(6):  # in some of these orders the process dies after the dead letter
        workshop = Workshop(clock, times=0)
        event = delivered(opened(channel="failing"), f"dead-{seed}")
        if reason == "invalid":
            event["detail"]["data"] = None
        queue = Queue(
            world, workshop.function, [event, delivered(opened(channel="dying"), f"dying-{seed}")], Random(seed)
        )
        if reason == "expired":
            queue.age("message-0", DAYS + timedelta(seconds=1))

        queue.run()

    reasons = Counter(letter.attributes["REASON"] for letter in world.dead_letters.sent)
    assert reasons == Counter({reason: 6}) + Counter({"failed": 6})


def test_the_pause_after_a_failure_does_not_grow_with_the_batch(world: World, clock: LambdaClock) -> None:
    pauses = {}
    for batch in (1, 10):
        workshop = Workshop(clock, batch=batch)
        event = delivered(opened(channel="flaky 1"), f"batch-{batch}")
        started = clock.now()
        Queue(world, workshop.function, [event], Random(1)).run()
        pauses[batch] = clock.now() - started

    assert pauses[1] == pauses[10] == timedelta(seconds=1) + 6 * TIMEOUT


def test_a_record_that_cannot_end_in_the_time_left_is_not_begun_and_returns_at_once(
    world: World, clock: LambdaClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop = Workshop(clock, batch=3)
    queue = queue_of(world, workshop, "slow 29", "slow 29", "slow 29")
    clock.late = timedelta(seconds=20)  # an invocation that began late: its two last records fit no more
    pauses = hidden_by(queue, monkeypatch)

    queue.run()

    assert set(workshop.attempts.values()) == {1}
    assert (queue.invocations, {*pauses}) == (2, {0})
    assert clock.now() - LambdaClock().now() < timedelta(minutes=3)


@pytest.mark.parametrize("share", [0, 1], ids=["least", "most"])
def test_a_message_that_lost_a_conflict_returns_within_five_seconds(
    world: World, clock: LambdaClock, monkeypatch: pytest.MonkeyPatch, share: int
) -> None:
    jitter = SimpleNamespace(uniform=lambda low, high: low + share * (high - low))
    monkeypatch.setattr("contradance.runtime.batch.random", jitter)
    queue = queue_of(world, Workshop(clock, counts_runs=False), "slow 0")
    world.store.conflicts = 100
    pauses = hidden_by(queue, monkeypatch)

    queue.run()

    assert {*pauses} == {share * 5}


def test_a_process_that_dies_uses_up_no_attempt_of_its_neighbours(world: World, clock: LambdaClock) -> None:
    workshop = Workshop(clock, times=1)
    queue = queue_of(world, workshop, "slow 1", "dying", "slow 2", "flaky 1", "failing")

    queue.run()

    letters = Counter(letter.attributes["REASON"] for letter in world.dead_letters.sent)
    assert workshop.attempts == {"event-0": 1, "event-1": 2, "event-2": 1, "event-3": 2, "event-4": 2}
    assert (letters, queue.moved) == ({"failed": 2}, [])
    assert any(
        "2 attempts ended without a result" in one.attributes["ERROR_MESSAGE"] for one in world.dead_letters.sent
    )


def test_what_lambda_never_runs_ends_in_the_net(world: World, clock: LambdaClock) -> None:
    workshop = Workshop(clock, times=0, batch=1)
    queue = queue_of(world, workshop, "slow 1", throttled=100)

    queue.run()

    assert (workshop.attempts, queue.moved, queue.throttled) == ({}, ["message-0"], 95)


@examples(15)
@given(conflicts=st.integers(0, 150), batch=st.integers(1, 3))
def test_conflicts_cost_no_attempt_and_no_pause_of_the_retry_policy(conflicts: int, batch: int) -> None:
    with TemporaryDirectory() as folder, closing(Database(Path(folder) / "state", synchronous="OFF")) as database:
        world = World(database)
        workshop = Workshop(on_lambda(world), times=0, batch=batch, counts_runs=False)
        queue = queue_of(world, workshop, "slow 0", "slow 0", "slow 0")
        world.store.conflicts = conflicts
        started = world.clock.now()

        queue.run()

    assert [record.outcome for record in world.journal.records if record.outcome != "failed"] == ["done"] * 3
    assert {(record.attempt, record.dead) for record in world.journal.records} == {(1, False)}
    assert (world.dead_letters.sent, queue.moved) == ([], [])
    lost = world.outcomes.count("failed")
    assert world.clock.now() - started < (lost + 3) * TIMEOUT + lost * timedelta(seconds=5)


def failures(kind: str, times: int) -> tuple[int, bool]:
    """Return (attempts, whether it becomes a dead letter) of an event."""
    word, _, number = kind.partition(" ")
    if word == "flaky":
        return min(int(number), times) + 1, int(number) > times
    return (1, False) if word == "slow" else (times + 1, True)


KINDS = st.one_of(
    st.integers(0, 29).map("slow {}".format),
    st.integers(0, 6).map("flaky {}".format),
    st.sampled_from(["failing", "hanging"]),
)


@given(
    kinds=st.lists(KINDS, min_size=1, max_size=25),
    times=st.integers(0, 4),
    batch=st.integers(1, 10),
    dying=st.booleans(),
    throttled=st.integers(0, 2),
    seed=st.integers(0, 1000),
)
def test_each_record_gets_exactly_its_declared_attempts(  # noqa: PLR0917 - Hypothesis gives them by name
    kinds: list[str],
    times: int,
    batch: int,
    dying: bool,
    throttled: int,
    seed: int,
) -> None:
    everything = [*kinds, "dying"] if dying else kinds
    expected = {f"event-{number}": failures(kind, times) for number, kind in enumerate(everything)}
    with TemporaryDirectory() as folder:
        database = Database(Path(folder) / "state.sqlite3", synchronous="OFF")
        world = World(database)
        workshop = Workshop(on_lambda(world), times=times, batch=batch)
        queue = queue_of(world, workshop, *everything, seed=seed, throttled=throttled)

        queue.run()
        database.close()

    dead = Counter(record.event_id for record in world.journal.records if record.dead)
    assert {event: workshop.attempts[event] for event in expected} == {event: n for event, (n, _) in expected.items()}
    assert dead == Counter(event for event, (_, died) in expected.items() if died)
    assert Counter(letter.attributes["REASON"] for letter in world.dead_letters.sent) == (
        {"failed": dead.total()} if dead else {}
    )
    assert queue.moved == []
