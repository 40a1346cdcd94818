"""The workers, step by step: a pool that starts nothing by itself, and a clock that the test moves."""

import json
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from contradance.choreography import AnyFunction
from contradance.errors import LaptopError
from contradance.local.clock import RealClock
from contradance.local.events.entry import envelope
from contradance.local.events.pending_delivery import PendingDelivery
from contradance.local.invocation import in_flight, record, worker_queue, workers
from contradance.local.invocation.in_flight import FILE, Left
from contradance.local.invocation.worker_queue import DEFAULT_CONCURRENCY, MAX_HUNG, Invocation, WorkerQueue
from contradance.local.laptop import Laptop
from tests.local.desk import START, Desk, Does, always_fails, ask, asked, fails_until, journaled, nothing, opened


class Pool:
    """A pool whose work runs in the test's own thread, when the test says so; what runs alone runs at once."""

    refuses_alone = False

    def __init__(self, threads: int, thread_name_prefix: str) -> None:
        self.threads = threads
        self.work: deque[Callable[[], object]] = deque()
        self.waited: bool | None = None
        self.refuses = False

    def submit(self, act: Callable[..., object], *given: object) -> None:
        refuses = self.refuses_alone if act.__name__ == "_work_alone" else self.refuses
        if act.__name__.endswith("_alone") and not refuses:
            act(*given)
            return
        self.work.append(partial(act, *given))
        if refuses:
            raise RuntimeError("can't start new thread")

    def shutdown(self, *, wait: bool) -> None:
        self.waited = wait

    def run(self) -> None:
        while self.work:
            self.work.popleft()()


class Shop:
    """A laptop whose workers are started, without a thread that keeps the time."""

    def __init__(self, laptop: Laptop, seconds: list[float]) -> None:
        self.laptop = laptop
        self.seconds = seconds
        self.workers = laptop._runner._workers
        laptop.bus.dispatcher = self.workers
        assert isinstance(laptop.clock, RealClock)
        self.clock = laptop.clock

    def start(self, *others: PendingDelivery) -> None:
        """Start the workers; first these and what a killed process has left run alone."""
        self.workers.start(self.clock, [*others, *self.laptop._runner._recovery.suspects()])

    @property
    def pool(self) -> Pool:
        """The pool of the workers."""
        return cast("Pool", self.workers._pool)

    @property
    def queue(self) -> WorkerQueue:
        """The queue of the only function."""
        (queue,) = self.workers._queues.values()
        return queue

    @property
    def alarms(self) -> dict[str, float]:
        """When the queues are filled from disk, in seconds after `START`."""
        return {name: due - START.timestamp() for name, due in self.workers._alarms.items()}

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and do what is due."""
        self.seconds[0] += seconds
        self.workers.fill_due(self.laptop.clock.now())
        self.workers.time_out_late()

    def on_disk(self) -> int:
        """Return how many deliveries are stored."""
        (count,) = self.laptop.database.read("SELECT count(*) FROM delivery")[0]
        return int(count)


@pytest.fixture
def desk() -> Desk:
    return Desk()


Open = Callable[..., Shop]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Return a function that opens a shop of some functions."""
    seconds = [0.0]
    monkeypatch.setattr(workers, "ThreadPoolExecutor", Pool)
    for module in (workers, record, in_flight):
        monkeypatch.setattr(module, "monotonic", lambda: seconds[0])
    laptops = []

    def open_shop(*functions: AnyFunction, before: Callable[[Laptop], object] = lambda _: None) -> Shop:
        clock = RealClock(wall=lambda: START + timedelta(seconds=seconds[0]), monotonic=lambda: seconds[0])
        laptops.append(laptop := opened(tmp_path, *functions, clock=clock))
        before(laptop)
        opened_shop = Shop(laptop, seconds)
        if not laptop.in_flight.left:
            opened_shop.start()
        return opened_shop

    yield open_shop
    for laptop in laptops:
        laptop.close()


@pytest.mark.parametrize(("concurrency", "most"), [(None, DEFAULT_CONCURRENCY), (1, 1), (3, 3)])
def test_a_burst_starts_as_many_workers_as_may_run_at_a_time(
    shop: Open, desk: Desk, concurrency: int | None, most: int
) -> None:
    it = shop(desk.clerk(concurrency=concurrency))

    ask(it.laptop, *"abcdefgh")
    begun = len(it.pool.work)
    it.pool.run()

    assert (begun, it.queue.concurrency, it.pool.threads) == (most, most, 1 + most + MAX_HUNG)
    assert sorted(desk.items()) == [*"abcdefgh"]
    assert (it.queue.invocations, it.queue.reserved, it.alarms) == (0, set(), {})
    assert it.on_disk() == 0, "the last worker commits the deletions"


def test_one_delivery_starts_one_worker_and_the_next_another(shop: Open, desk: Desk) -> None:
    it = shop(desk.clerk())

    for item in "ab":
        ask(it.laptop, item)

    assert len(it.pool.work) == it.queue.invocations == 2


def test_what_does_not_fit_in_the_queue_is_read_from_disk_once(
    shop: Open, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (worker_queue, workers):
        monkeypatch.setattr(module, "MAX_QUEUED", 3)
    it = shop(desk.clerk(concurrency=2))

    ask(it.laptop, *"abcdefgh")
    ready, more = len(it.queue.ready), it.queue.more
    it.pool.run()

    assert (ready, more) == (3, True)
    assert desk.items() == [*"abcdefgh"], "the earliest first"


def test_what_waits_on_disk_at_the_start_is_made_and_other_functions_need_no_worker(shop: Open, desk: Desk) -> None:
    idle = desk.watchman("rate(1 day)")

    it = shop(desk.clerk(), idle, before=lambda laptop: ask(laptop, *"abc"))
    begun = len(it.pool.work)
    it.pool.run()

    assert begun == 1
    assert desk.items() == [*"abc"]


def test_a_worker_that_finds_many_on_disk_starts_others(shop: Open, desk: Desk) -> None:
    it = shop(desk.clerk(concurrency=9), before=lambda laptop: ask(laptop, *"abc"))

    fill = it.workers._fill
    at_once = []
    it.workers._fill = lambda queue: (fill(queue), at_once.append(len(it.pool.work)))[0]  # type: ignore[method-assign,func-returns-value]
    it.pool.run()

    assert at_once[0] == 2
    assert sorted(desk.items()) == [*"abc"]


def test_a_delivery_is_made_once_though_the_disk_is_read_between_its_commit_and_its_queue(
    shop: Open, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = shop(desk.clerk())
    enqueue = it.workers.enqueue

    def enqueue_late(accepted: list[PendingDelivery]) -> None:
        it.workers.refill("clerk.listen")
        it.pool.run()
        enqueue(accepted)

    monkeypatch.setattr(it.workers, "enqueue", enqueue_late)
    ask(it.laptop, "a")
    it.pool.run()

    assert [record.outcome for record in journaled(it.laptop, "a")] == ["done"]


def test_a_delivery_that_is_accepted_while_disk_is_read_is_made_once(shop: Open, desk: Desk) -> None:
    it = shop(desk.clerk(concurrency=1), before=lambda laptop: ask(laptop, "a"))
    take_due = it.laptop.deliveries.take_due

    def accepting(function: str, now: datetime, limit: int, take: Callable[[list[PendingDelivery]], None]) -> None:
        if len(desk.calls) == 0:
            ask(it.laptop, "b")
        take_due(function, now, limit, take)

    it.laptop.deliveries.take_due = accepting  # type: ignore[method-assign]
    it.pool.run()

    assert sorted(desk.items()) == ["a", "b"]


def test_a_failure_sets_one_alarm_for_the_earliest_retry(shop: Open, desk: Desk) -> None:
    it = shop(desk.clerk(does=always_fails))
    ask(it.laptop, "a")
    it.pool.run()
    it.seconds[0] += 10
    ask(it.laptop, "b")
    it.pool.run()
    first = it.alarms

    it.pass_time(49.9)
    early = [*it.pool.work]
    it.pass_time(0.1)
    it.pool.run()
    second = it.alarms
    it.pass_time(10)
    it.pool.run()

    assert first == {"clerk.listen": 60}
    assert early == []
    assert second == {"clerk.listen": 70}
    assert (desk.items(), desk.times()) == (["a", "b", "a", "b"], [0, 10, 60, 70])
    assert it.alarms == {"clerk.listen": 180}


def test_an_event_that_is_due_later_waits_on_disk_for_its_alarm(shop: Open, desk: Desk) -> None:
    it = shop(desk.clerk(delivery="queue"))
    identifier = it.laptop.bus.enqueue_direct("clerk.listen", "{}", 30)
    it.pool.run()

    assert (it.queue.reserved, [*it.queue.ready], it.alarms) == (set(), [], {"clerk.listen": 30})
    assert [one.id for one in it.laptop.deliveries.due("clerk.listen", START + timedelta(seconds=30), 9)] == [
        identifier
    ]


def test_an_event_without_a_rule_is_handled_at_once_as_a_first_attempt(shop: Open, desk: Desk) -> None:
    it = shop(desk.clerk(does=always_fails))
    it.laptop.bus.enqueue_direct("clerk.listen", json.dumps(envelope(asked("a"), START)))
    it.pool.run()

    assert (desk.items(), it.alarms) == (["a"], {"clerk.listen": 60})


def during(its: list[Shop], act: Callable[[Shop], object]) -> Does:
    """Return what a handler does in its first attempt at item a: an action in the shop."""

    def does(item: str, attempt: int) -> None:
        if (item, attempt) == ("a", 1):
            act(its[0])

    return does


def test_a_hang_makes_room_for_others_until_its_thread_returns(
    shop: Open, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(workers, "MAX_HUNG", 1)
    its: list[Shop] = []
    seen: list[object] = []

    def hang(it: Shop) -> None:
        it.pass_time(9.999)
        seen.append((it.queue.abandoned, len(it.pool.work)))
        it.pass_time(0.001)
        seen.append((it.queue.abandoned, len(it.pool.work)))
        seen.append((tmp_path / FILE).read_text().split(" ", 1)[0])
        seen.append([one.function for one in it.laptop.in_flight.hangs()])
        it.pass_time(1)
        seen.append(it.queue.abandoned)

    its.append(it := shop(desk.clerk(does=during(its, hang), concurrency=1)))
    ask(it.laptop, *"ab")
    it.pool.run()

    assert seen == [(0, 0), (1, 1), "late", ["clerk.listen"], 1]
    assert caplog.messages == ["clerk.listen hangs in 1 threads: it runs less often from now on"]
    assert (it.queue.abandoned, it.queue.invocations) == (0, 0)
    assert desk.items() == ["a", "b"]
    (failed,) = journaled(it.laptop, "a")
    assert (failed.outcome, failed.retries_left) == ("failed", 2)
    assert str(failed.error).startswith("TimedOut: Task timed out after 10.00 seconds (tests/local/test_workers.py:")
    assert it.alarms == {"clerk.listen": 70}


@pytest.mark.parametrize(("seconds", "error"), [(9.999, "Broken"), (10, "TimedOut"), (11, "TimedOut")])
def test_a_failure_after_the_timeout_is_a_timeout_though_the_timekeeper_has_not_seen_it(
    shop: Open, desk: Desk, seconds: float, error: str
) -> None:
    its: list[Shop] = []

    def fail_late(it: Shop) -> None:
        it.seconds[0] += seconds
        always_fails("a", 1)

    its.append(it := shop(desk.clerk(does=during(its, fail_late))))
    ask(it.laptop, "a")
    it.pool.run()

    (failed,) = journaled(it.laptop, "a")
    assert str(failed.error).startswith(f"{error}: ")
    assert it.queue.abandoned == 0


def test_a_failure_of_the_laptop_is_tried_again_after_five_seconds(
    shop: Open, desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    it = shop(desk.clerk(), before=lambda laptop: ask(laptop, "a"))
    with monkeypatch.context() as broken:
        broken.setattr(it.laptop.deliveries, "take_due", lambda *_: (_ for _ in ()).throw(LaptopError("the disk")))
        it.pool.run()

    assert (it.alarms, it.queue.invocations, desk.calls) == ({"clerk.listen": 5}, 0, [])
    assert "deliveries to clerk.listen are delayed by a failure" in caplog.text
    it.pass_time(5)
    it.pool.run()
    assert desk.items() == ["a"]


def test_after_a_failure_of_the_laptop_five_real_seconds_pass_whatever_the_time_scale(
    shop: Open, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = shop(desk.clerk(), before=lambda laptop: ask(laptop, "a"))
    monkeypatch.setattr(it.clock, "_scale", 60.0)
    monkeypatch.setattr(it.laptop.deliveries, "take_due", lambda *_: (_ for _ in ()).throw(LaptopError("the disk")))
    it.pool.run()

    assert it.alarms == {"clerk.listen": 5 * 60}


def test_a_worker_that_no_thread_can_be_started_for_runs_in_the_next_free_one(shop: Open, desk: Desk) -> None:
    it = shop(desk.clerk())
    it.pool.refuses = True

    ask(it.laptop, "a")
    it.pool.run()

    assert desk.items() == ["a"]


def test_a_jump_of_the_clock_clears_the_alarms_and_reads_the_disk(shop: Open, desk: Desk) -> None:
    it = shop(desk.clerk(does=fails_until(2)))
    ask(it.laptop, "a")
    it.pool.run()

    it.seconds[0] += 60
    it.workers.fill_all()
    alarms = it.alarms
    it.pool.run()

    assert alarms == {}
    assert desk.items() == ["a", "a"]


def test_after_stop_nothing_begins_and_the_timekeeper_ends_with_the_last_worker(shop: Open, desk: Desk) -> None:
    its: list[Shop] = []
    awake: list[bool] = []

    def stop(it: Shop) -> None:
        it.workers._changed.wait = lambda timeout=None: True  # type: ignore[method-assign]
        it.workers.stop()
        awake.append(it.workers.sleep([], 0))

    its.append(it := shop(desk.clerk(does=during(its, stop), concurrency=1)))
    ask(it.laptop, *"ab")
    it.pool.run()
    ask(it.laptop, "c")

    assert (awake, it.workers.sleep([], 0)) == ([True], False)
    assert (desk.items(), [*it.pool.work]) == (["a"], [])
    assert (it.workers.close(), it.pool.waited) == (True, True)


def test_the_end_waits_for_no_thread_that_hangs(shop: Open, desk: Desk) -> None:
    its: list[Shop] = []
    ended: list[object] = []

    def hang(it: Shop) -> None:
        it.pass_time(10)
        ended.append((it.workers.close(), it.pool.waited))

    its.append(it := shop(desk.clerk(does=during(its, hang))))
    ask(it.laptop, "a")
    it.pool.run()

    assert ended == [(False, False)]


@pytest.mark.parametrize(
    ("moments", "alarm", "least", "pause"),
    [
        ([], None, 0, 1),
        ([0.25, 3], None, 0, 0.25),
        ([3], 0.5, 0, 0.5),
        ([0.25], 0.5, 0, 0.25),
        ([-5], None, 0, 0),
        ([0.25], None, 0.75, 0.75),
        ([], None, 3, 3),
    ],
)
def test_the_timekeeper_sleeps_until_the_first_moment_or_a_second(  # noqa: PLR0917 - a table
    shop: Open, desk: Desk, moments: list[float], alarm: float | None, least: float, pause: float
) -> None:
    it = shop(desk.clerk())
    pauses: list[float | None] = []
    it.workers._changed.wait = lambda timeout=None: bool(pauses.append(timeout))  # type: ignore[method-assign,func-returns-value]
    if alarm is not None:
        it.workers._set_alarm(it.queue, START + timedelta(seconds=alarm))

    awake = it.workers.sleep([START + timedelta(seconds=moment) for moment in moments], least)

    assert awake
    assert pauses == pytest.approx([pause])


def test_the_timekeeper_wakes_up_for_the_first_timeout(shop: Open, desk: Desk) -> None:
    its: list[Shop] = []
    pauses: list[float | None] = []

    def sleep(it: Shop) -> None:
        it.workers._changed.wait = lambda timeout=None: bool(pauses.append(timeout))  # type: ignore[method-assign,func-returns-value]
        for _ in range(3):
            it.workers.sleep([], 0)
            it.seconds[0] += 9.75

    its.append(it := shop(desk.clerk(does=during(its, sleep))))
    ask(it.laptop, "a")
    it.pool.run()

    assert pauses == [1, 0.25, 0]


def test_an_earlier_alarm_replaces_a_later_one_and_wakes_the_timekeeper(shop: Open, desk: Desk) -> None:
    it = shop(desk.clerk())
    woken: list[float] = []
    it.workers._changed.notify_all = lambda: woken.append(it.alarms["clerk.listen"])  # type: ignore[method-assign]

    for seconds in (30, 40, 30, 20):
        it.workers._set_alarm(it.queue, START + timedelta(seconds=seconds))

    assert woken == [30, 20]


def test_a_timeout_that_cannot_be_settled_is_tried_again_after_five_seconds(
    shop: Open, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    its: list[Shop] = []
    alarms: list[dict[str, float]] = []

    def hang(it: Shop) -> None:
        with monkeypatch.context() as broken:
            broken.setattr(it.workers._invoker, "settle", lambda *_: 1 / 0)
            it.pass_time(12)
        alarms.append(it.alarms)

    its.append(it := shop(desk.clerk(does=during(its, hang))))
    ask(it.laptop, "a")
    it.pool.run()

    assert alarms == [{"clerk.listen": 17}]
    assert (it.queue.invocations, it.queue.abandoned, it.queue.reserved) == (0, 0, set())


@pytest.mark.parametrize("does", [nothing, always_fails])
def test_an_outcome_that_cannot_be_written_delays_its_delivery_by_five_seconds(
    shop: Open, desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, does: Does
) -> None:
    it = shop(desk.clerk(does=does))
    with monkeypatch.context() as broken:
        for name in ("finish", "postpone"):
            broken.setattr(it.laptop.deliveries, name, lambda *_: (_ for _ in ()).throw(LaptopError("the disk")))
        ask(it.laptop, "a")
        it.pool.run()

    assert (desk.items(), it.alarms) == (["a"], {"clerk.listen": 5})
    assert caplog.text.count("a delivery to clerk.listen could not be settled") == 1
    it.pass_time(5)
    it.pool.run()
    assert it.laptop.deliveries.count()[0] == (does is always_fails)


def test_a_delivery_that_cannot_be_begun_does_not_time_out_and_is_made_later(
    shop: Open, desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    it = shop(desk.clerk())
    with monkeypatch.context() as broken:
        broken.setattr(it.workers._invoker, "begin", lambda *_: (_ for _ in ()).throw(OSError("no space left")))
        ask(it.laptop, *"ab")
        it.pool.run()

    assert (it.alarms, it.queue.invocations, it.queue.reserved) == ({"clerk.listen": 5}, 0, set())
    assert caplog.text.count("deliveries to clerk.listen are delayed by a failure") == 2
    it.pass_time(11)
    it.pool.run()
    assert [record.outcome for item in "ab" for record in journaled(it.laptop, item)] == ["done", "done"]
    assert (it.queue.invocations, it.queue.abandoned) == (0, 0)


def left_by_a_killed_process(*items: str) -> Callable[[Laptop], None]:
    """Return what asks for some items, and has a killed process leave the deliveries as running."""

    def leave(laptop: Laptop) -> None:
        ask(laptop, *items)
        due = laptop.deliveries.due("clerk.listen", START, 9)
        laptop.in_flight.left = [Left("runs", "delivery", one.id, "1", "clerk.listen") for one in due]

    return leave


def test_what_a_killed_process_ran_runs_alone_before_all_others(shop: Open, desk: Desk) -> None:
    its: list[Shop] = []
    seen: list[object] = []

    def look(item: str, attempt: int) -> None:
        it = its[0]
        if item in "ab":
            ask(it.laptop, f"{item}1", f"{item}2")
            it.workers.fill_due(START)
            seen.append((item, it.laptop.threads.may_run.is_set(), len(it.pool.work), it.queue.invocations))

    its.append(it := shop(desk.clerk(does=look, concurrency=3), before=left_by_a_killed_process("a", "b")))
    removed = PendingDelivery("removed", "desk.removed", 1, 0, 0, None, "{}")
    it.start(removed)
    begun = len(it.pool.work)
    alone = desk.items()
    it.pool.run()

    assert seen == [("a", False, 0, 1), ("b", False, 0, 1)]
    assert (alone, it.laptop.threads.may_run.is_set(), begun) == (["a", "b"], True, 3)
    assert sorted(desk.items()) == ["a", "a1", "a2", "b", "b1", "b2"]
    assert (it.queue.invocations, it.queue.reserved) == (0, set())
    assert [record.outcome for record in journaled(it.laptop, "a")] == ["failed", "done"]
    assert it.on_disk() == 0


def test_what_a_killed_process_ran_runs_once_though_no_thread_can_be_started(
    shop: Open, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pool, "refuses_alone", True)
    it = shop(desk.clerk(), before=left_by_a_killed_process("a", "b"))
    it.start()
    alone, may_run = desk.items(), it.laptop.threads.may_run.is_set()
    it.pool.run()

    assert (alone, may_run, desk.items()) == (["a", "b"], True, ["a", "b"])
    assert (it.queue.invocations, it.queue.reserved, it.on_disk()) == (0, set(), 0)


def test_one_that_hangs_alone_times_out_and_the_next_runs(shop: Open, desk: Desk) -> None:
    its: list[Shop] = []
    seen: list[object] = []

    def hang(item: str, attempt: int) -> None:
        if item == "a":
            its[0].pass_time(9)
            seen.append(its[0].queue.abandoned)
            its[0].pass_time(1)
            seen.append(its[0].queue.abandoned)

    its.append(it := shop(desk.clerk(does=hang), before=left_by_a_killed_process("a", "b")))
    it.start()
    it.pool.run()

    assert (seen, desk.items()) == ([0, 1], ["a", "b"])
    assert (it.queue.invocations, it.queue.abandoned, it.alarms) == (0, 0, {"clerk.listen": 70})
    assert "TimedOut" in str(journaled(it.laptop, "a")[-1].error)


@pytest.mark.parametrize("step", ["begin", "wait_no_more"])
def test_one_that_cannot_be_made_alone_is_made_later_among_the_others(
    step: str, shop: Open, desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    it = shop(desk.clerk(), before=left_by_a_killed_process("a"))
    owner = it.workers._invoker if step == "begin" else it.workers._recovery
    with monkeypatch.context() as broken:
        broken.setattr(owner, step, lambda *_: (_ for _ in ()).throw(OSError("no space left")))
        it.start()
    alarms, may_run = it.alarms, it.laptop.threads.may_run.is_set()
    it.pool.run()
    it.pass_time(11)

    assert (alarms, may_run) == ({}, True), "the start reads the disk, which clears the alarm"
    assert "a delivery to clerk.listen is delayed by a failure" in caplog.text
    assert (desk.items(), it.queue.invocations, it.queue.abandoned) == (["a"], 0, 0)
    assert [record.outcome for record in journaled(it.laptop, "a")] == ["failed", "done"]


def test_a_failure_of_the_laptop_while_one_runs_alone_lets_the_next_run(
    shop: Open, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = shop(desk.clerk())
    ask(it.laptop, "a")
    it.queue.invocations += 1
    invocation = Invocation(it.queue, it.queue.ready.popleft(), 0)
    with monkeypatch.context() as broken:
        broken.setattr(it.workers._invoker, "begin", lambda *_: (_ for _ in ()).throw(OSError("no space left")))
        it.workers._work_alone(invocation)

    assert invocation.settled.is_set()
    assert (it.alarms, it.queue.invocations) == ({"clerk.listen": 5}, 1), "the other is the worker that was started"


def test_after_stop_no_more_run_alone(shop: Open, desk: Desk) -> None:
    its: list[Shop] = []
    its.append(
        it := shop(
            desk.clerk(does=during(its, lambda it: it.workers.stop())), before=left_by_a_killed_process("a", "b")
        )
    )
    it.start()
    it.pool.run()

    assert desk.items() == ["a"]
    assert not it.laptop.threads.may_run.is_set()


class TestQueue:
    """A function's queue by itself."""

    @staticmethod
    def queue(desk: Desk, **limits: int) -> WorkerQueue:
        return WorkerQueue(desk.clerk(**limits))  # type: ignore[arg-type]

    @staticmethod
    def pending(identifier: str = "a", due: float = 0) -> PendingDelivery:
        return PendingDelivery(identifier, "clerk.listen", 1, 0, due, None, "{}")

    def test_hangs_take_a_place_beyond_the_most_that_may_hang(self, desk: Desk) -> None:
        queue = self.queue(desk, concurrency=3)

        rooms = []
        for queue.abandoned in (0, MAX_HUNG, MAX_HUNG + 1, MAX_HUNG + 2, MAX_HUNG + 3):
            for queue.invocations in range(5):
                if not queue.has_capacity:
                    break
            rooms.append(queue.invocations)

        assert rooms == [3, 3, 2, 1, 0]

    def test_a_delivery_is_ready_when_it_is_due_and_nothing_older_is_on_disk(self, desk: Desk) -> None:
        later, older = self.queue(desk), self.queue(desk)
        older.more = True

        later.enqueue(self.pending(due=1.5), now=1)
        for queue in (later, older):
            queue.reserved = {"a"}
            queue.enqueue(self.pending(due=1), now=1)

        assert ([*later.ready], later.more) == ([], True), "the first one is older, and on disk"
        assert ([*older.ready], older.reserved, older.more) == ([], set(), True)

    def test_a_full_queue_takes_no_more(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(worker_queue, "MAX_QUEUED", 2)
        queue = self.queue(desk)
        queue.reserved = {*"abc"}

        for identifier in "abc":
            queue.enqueue(self.pending(identifier, due=1), now=1)

        assert ([one.id for one in queue.ready], queue.reserved, queue.more) == ([*"ab"], {*"ab"}, True)
