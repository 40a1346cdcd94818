import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from pydantic import BaseModel

from contradance import Reply, Retry, route
from contradance.errors import LaptopError
from contradance.local.clock import RealClock
from contradance.local.invocation.threads import TooManyRequests
from contradance.local.state.journal_table import open_journal
from tests.local.desk import (
    Asked,
    Desk,
    always_fails,
    ask,
    dead_letters,
    fails_until,
    journaled,
    opened,
    show_latest,
    wait_until,
)
from tests.patience import LONG

FAST = 3000.0
"""A minute of the clock is 20 ms."""
"""Seconds that no working machine needs."""


class Visit(BaseModel):
    name: str


@route("POST /visits/{name}", service="desk")
def sign_in(name: str) -> Reply[Visit, Asked]:
    return Reply(Visit(name=name), publishes=Asked(item=name))


def test_a_started_laptop_delivers_each_event_once_to_each_function(tmp_path: Path) -> None:
    desk = Desk()
    items = [str(number) for number in range(10)]
    functions = [desk.clerk("one"), desk.clerk("two", delivery="queue"), desk.clerk("three")]
    with opened(tmp_path, *functions, clock=RealClock(), started=True) as laptop:
        ask(laptop, *items)

        wait_until(lambda: len(desk.calls) >= 30)

    called = Counter((call.function, call.item) for call in desk.calls)
    assert called == Counter((name, item) for name in ("one", "two", "three") for item in items)


def test_a_started_laptop_delivers_what_was_accepted_before(tmp_path: Path) -> None:
    desk = Desk()
    with opened(tmp_path, desk.clerk(), clock=RealClock()) as laptop:
        ask(laptop, "a")
        laptop.start()

        wait_until(lambda: desk.items() == ["a"])


def workers() -> int:
    """Return how many threads of this process make deliveries."""
    return sum(thread.name.startswith("contradance_") for thread in threading.enumerate())


def test_threads_are_started_as_deliveries_ask_for_them(tmp_path: Path) -> None:
    desk = Desk()
    names = [f"clerk_{number}" for number in range(40)]
    clerks = [desk.clerk(name, where={"item": [name]}) for name in names]
    before = workers()
    with opened(tmp_path, *clerks, clock=RealClock(), started=True) as laptop:
        idle = workers() - before
        for name in names:  # one after the other
            ask(laptop, name)
            wait_until(lambda name=name: bool(journaled(laptop, name)))  # type: ignore[misc]
        busy = workers() - before

    assert idle == 0
    assert 0 < busy < len(names) / 2


def test_a_started_laptop_waits_for_a_retry_as_long_as_its_clock_says(tmp_path: Path) -> None:
    desk = Desk()
    with opened(tmp_path, desk.clerk(does=fails_until(3)), clock=RealClock(FAST), started=True) as laptop:
        ask(laptop, "a")

        wait_until(lambda: len(journaled(laptop, "a")) == 3)

    first, second, third = (call.at for call in desk.calls)
    assert second - first >= timedelta(minutes=1)
    assert third - second >= timedelta(minutes=2)


@pytest.mark.filterwarnings("ignore::contradance.UnconsumedEvent")
def test_other_processes_see_the_record_of_a_request_that_causes_no_delivery(tmp_path: Path) -> None:
    with opened(tmp_path, sign_in, clock=RealClock(), started=True) as laptop, open_journal(tmp_path) as journal:
        assert laptop._pruning
        laptop._pruning.stop()  # each of its steps would commit the record, too
        laptop.request("POST", "/visits/ada", "")

        wait_until(lambda: [record.trigger for record in journal.latest()] == ["POST /visits/{name}"])


@pytest.mark.parametrize("delivery", ["direct", "queue"])
def test_a_started_laptop_keeps_what_it_gives_up(tmp_path: Path, delivery: str) -> None:
    desk = Desk()
    clerk = desk.clerk(does=always_fails, delivery="queue" if delivery == "queue" else "direct", retry=Retry(times=1))
    with opened(tmp_path, clerk, clock=RealClock(FAST), started=True) as laptop:
        ask(laptop, "a")

        wait_until(lambda: len(dead_letters(laptop)) == 1)

    assert len(desk.calls) == 2


def test_of_a_batch_only_the_failed_events_come_again(tmp_path: Path) -> None:
    desk = Desk()

    def does(item: str, attempt: int) -> None:
        if item == "bad":
            fails_until(2)(item, attempt)

    with opened(tmp_path, desk.clerk(does=does, delivery="queue"), clock=RealClock(FAST)) as laptop:
        ask(laptop, "a", "b", "bad", "c")
        laptop.start()

        wait_until(lambda: len(journaled(laptop, "bad")) == 2)
        records = {item: [record.outcome for record in journaled(laptop, item)] for item in ("a", "b", "bad", "c")}

    assert Counter(desk.items()) == {"a": 1, "b": 1, "c": 1, "bad": 2}
    assert records == {"a": ["done"], "b": ["done"], "c": ["done"], "bad": ["failed", "done"]}


def test_a_function_with_concurrency_one_runs_alone_and_others_run_beside_it(tmp_path: Path) -> None:
    desk, inside, most = Desk(), [0], [0]
    pair = threading.Barrier(2)

    def alone(item: str, attempt: int) -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        threading.Event().wait(0.01)
        inside[0] -= 1

    def together(item: str, attempt: int) -> None:
        pair.wait(LONG)

    functions = [desk.clerk("alone", alone, concurrency=1), desk.clerk("together", together)]
    with opened(tmp_path, *functions, clock=RealClock(), started=True) as laptop:
        ask(laptop, *"abcdefgh")

        wait_until(lambda: len(desk.calls) == 16)
        wait_until(lambda: all(len(journaled(laptop, item)) == 2 for item in "abcdefgh"))

    assert most == [1]


def test_a_schedule_with_concurrency_one_makes_one_run_at_a_time(tmp_path: Path) -> None:
    desk, inside, most = Desk(), [0], [0]

    def alone(_: str, __: int) -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        threading.Event().wait(0.01)
        inside[0] -= 1

    watchman = desk.watchman("rate(1 day)", alone, concurrency=1)
    with opened(tmp_path, watchman, clock=RealClock(), started=True) as laptop:
        now = laptop.clock.now()
        for minutes in range(8):
            laptop.bus.enqueue_scheduled(watchman.name, "rate(1 day)", now - timedelta(minutes=minutes))

        wait_until(lambda: len(desk.calls) == 8)

    assert most == [1]


def test_a_slow_function_keeps_no_other_from_its_events(tmp_path: Path) -> None:
    desk, release = Desk(), threading.Event()

    def slow(item: str, attempt: int) -> None:
        release.wait(LONG)

    functions = [desk.clerk("slow", slow), desk.clerk("quick")]
    with opened(tmp_path, *functions, clock=RealClock(), started=True) as laptop:
        ask(laptop, *"abcdefgh")

        wait_until(lambda: len(desk.items("quick")) == 8)
        slow_ones = len(desk.items("slow"))
        release.set()

    assert slow_ones < 8


def test_a_handler_that_outlives_its_timeout_has_failed_and_is_tried_again(tmp_path: Path) -> None:
    desk, release = Desk(), threading.Event()

    def slow_at_first(item: str, attempt: int) -> None:
        if attempt == 1:
            release.wait(LONG)

    clerk = desk.clerk(does=slow_at_first, timeout=timedelta(seconds=1))
    with opened(tmp_path, clerk, clock=RealClock(FAST), started=True) as laptop:
        ask(laptop, "a")

        wait_until(lambda: [record.outcome for record in journaled(laptop, "a")] == ["failed", "done"])
        release.set()

    assert [call.attempt for call in desk.calls] == [1, 2]


def test_close_waits_for_what_is_in_flight_and_settles_it(tmp_path: Path) -> None:
    desk, begun, release = Desk(), threading.Event(), threading.Event()
    ended: list[bool] = []

    def slow(item: str, attempt: int) -> None:
        begun.set()
        release.wait(LONG)

    clerk = desk.clerk(does=slow)
    laptop = opened(tmp_path, clerk, clock=RealClock(), started=True)
    ask(laptop, "a")
    begun.wait(LONG)

    closing = threading.Thread(target=lambda: ended.append(laptop.close()))
    closing.start()
    wait_until(lambda: laptop._runner._workers.stopping)
    waited = closing.is_alive()
    release.set()
    closing.join(LONG)

    with opened(tmp_path, clerk) as again:
        again.drain()
        outcomes = [record.outcome for record in journaled(again, "a")]
    assert waited
    assert ended == [True]
    assert desk.items() == ["a"]
    assert outcomes == ["done"]


def test_close_begins_nothing_more_and_the_next_start_does(tmp_path: Path) -> None:
    desk, begun, release = Desk(), threading.Event(), threading.Event()

    def slow(item: str, attempt: int) -> None:
        begun.set()
        release.wait(LONG)

    clerk = desk.clerk(does=slow, concurrency=1)
    laptop = opened(tmp_path, clerk, clock=RealClock(), started=True)
    ask(laptop, "a", "b", "c")
    begun.wait(LONG)
    closing = threading.Thread(target=laptop.close)
    closing.start()
    wait_until(lambda: laptop._runner._workers.stopping)
    release.set()
    closing.join(LONG)
    before = len(desk.calls)

    with opened(tmp_path, clerk, clock=RealClock(), started=True):
        wait_until(lambda: len(desk.calls) == 3)

    assert before == 1
    assert sorted(desk.items()) == ["a", "b", "c"]


def test_only_a_real_clock_starts_and_only_a_movable_one_is_drained(tmp_path: Path) -> None:
    with opened(tmp_path / "x", Desk().clerk()) as laptop, pytest.raises(LaptopError, match="a virtual clock stands"):
        laptop.start()
    with opened(tmp_path / "y", Desk().clerk(), clock=RealClock()) as laptop:
        with pytest.raises(LaptopError, match="a real clock cannot be moved"):
            laptop.drain()
        with pytest.raises(LaptopError, match="a real clock cannot be moved"):
            laptop.advance(timedelta(1))


def test_a_started_laptop_runs_its_schedules(tmp_path: Path) -> None:
    desk = Desk()
    with opened(tmp_path, desk.watchman("rate(1 minute)"), clock=RealClock(FAST), started=True):
        wait_until(lambda: len(desk.calls) >= 3)

    first, second, third = (call.at for call in desk.calls[:3])
    assert first < second < third


def test_a_request_that_is_refused_because_no_thread_starts_does_not_run_later(tmp_path: Path) -> None:
    release, ran = threading.Event(), list[str]()
    with opened(tmp_path, show_latest) as laptop:
        first = laptop.threads.start(show_latest, lambda: release.wait(LONG))

        with (
            patch.object(threading.Thread, "start", side_effect=RuntimeError("can't start new thread")),
            pytest.raises(TooManyRequests),
        ):
            laptop.threads.start(show_latest, lambda: ran.append("refused"))
        release.set()
        last = laptop.threads.start(show_latest, lambda: ran.append("last"))
        laptop.threads._pool.shutdown(wait=True)

    assert (first.result(), last.result()) == (True, None)
    assert ran == ["last"]
