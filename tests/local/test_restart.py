import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel

from contradance import Retry, Table, subscriber
from contradance.function import AnyFunction
from contradance.local.clock import RealClock
from contradance.retry import DeliveryMode
from tests.local.desk import (
    Asked,
    Desk,
    always_fails,
    ask,
    dead_letters,
    fails_until,
    journaled,
    later,
    opened,
    wait_until,
)

BOTH = pytest.mark.parametrize("delivery", ["direct", "queue"])


@BOTH
def test_after_a_restart_attempts_continue_where_they_were(tmp_path: Path, delivery: DeliveryMode) -> None:
    desk = Desk()
    clerk = desk.clerk(does=fails_until(3), delivery=delivery)
    with opened(tmp_path, clerk) as laptop:
        ask(laptop, "a")
        laptop.advance(timedelta(seconds=30))

    with opened(tmp_path, clerk, clock=later(30)) as laptop:
        laptop.drain()
        left = dead_letters(laptop)
        outcomes = [record.outcome for record in journaled(laptop, "a")]

    assert [call.attempt for call in desk.calls] == [1, 2, 3]
    assert desk.times() == ([0, 60, 180] if delivery == "direct" else [0, 60, 120])
    assert outcomes == ["failed", "failed", "done"]
    assert left == []


@BOTH
def test_a_restart_gives_an_event_no_attempts_beyond_its_retries(tmp_path: Path, delivery: DeliveryMode) -> None:
    desk = Desk()
    clerk = desk.clerk(does=always_fails, delivery=delivery, retry=Retry(times=2))
    with opened(tmp_path, clerk) as laptop:
        ask(laptop, "a")
    for seconds in (1, 61, 181):
        with opened(tmp_path, clerk, clock=later(seconds)) as laptop:
            laptop.advance(timedelta(seconds=1))

    with opened(tmp_path, clerk, clock=later(3600)) as laptop:
        laptop.drain()
        left = dead_letters(laptop)

    assert [call.attempt for call in desk.calls] == [1, 2, 3]
    assert len(left) == 1


@BOTH
def test_after_a_restart_nothing_is_delivered_again_to_a_handler_that_finished(
    tmp_path: Path, delivery: DeliveryMode
) -> None:
    desk = Desk()
    functions = [desk.clerk("good", delivery=delivery), desk.clerk("bad", fails_until(2), delivery=delivery)]
    with opened(tmp_path, *functions) as laptop:
        ask(laptop, "a", "b")
        laptop.advance(timedelta(seconds=1))

    with opened(tmp_path, *functions, clock=later(10)) as laptop:
        laptop.drain()

    assert sorted(desk.items("good")) == ["a", "b"]
    assert sorted(desk.items("bad")) == ["a", "a", "b", "b"]


def test_what_was_accepted_and_never_tried_is_delivered_after_a_restart(tmp_path: Path) -> None:
    desk = Desk()
    with opened(tmp_path, desk.clerk()) as laptop:
        ask(laptop, "a", "b")

    with opened(tmp_path, desk.clerk()) as laptop:
        laptop.drain()

    assert sorted(desk.items()) == ["a", "b"]


def test_dead_letters_and_the_journal_outlive_a_restart(tmp_path: Path) -> None:
    clerk = Desk().clerk(does=always_fails)
    with opened(tmp_path, clerk) as laptop:
        ask(laptop, "a")
        laptop.drain()
        before = (dead_letters(laptop), journaled(laptop, "a"))

    with opened(tmp_path, clerk) as laptop:
        after = (dead_letters(laptop), journaled(laptop, "a"))

    assert len(before[0]) == 1
    assert after == before


def test_what_a_faster_clock_has_left_in_the_future_is_made_at_once(tmp_path: Path) -> None:
    desk = Desk()
    clerk = desk.clerk(does=fails_until(2), retry=Retry(times=2))
    with opened(tmp_path, clerk, clock=later(10_000_000_000)) as ahead:
        ask(ahead, "a")
        ahead.advance(timedelta(seconds=1))

    with opened(tmp_path, clerk, clock=RealClock(1), started=True):
        wait_until(lambda: desk.times() != [] and len(desk.items()) == 2)

    assert [call.attempt for call in desk.calls] == [1, 2]


def test_a_renamed_function_gets_what_waits_and_what_failed_under_its_old_name(tmp_path: Path) -> None:
    """`deployed_as=` keeps a queue and dead letters on AWS; on the laptop both are found by the function's name."""
    desk = Desk()
    before = desk.clerk(does=fails_until(99), retry=Retry(times=1))
    with opened(tmp_path, before) as laptop:
        ask(laptop, "failed")
        laptop.drain()
        ask(laptop, "waiting")
    after = replace(desk.clerk(), name="clerk.hear")

    with opened(tmp_path, after, clock=later(3600)) as laptop:
        laptop.drain()
        waiting, letters = laptop.deliveries.count()[0], dead_letters(laptop)

    assert after.deployed_name == before.name != after.name
    assert (waiting, desk.items()[-1]) == (0, "waiting")
    assert [(letter.function, "failed" in letter.body) for letter in letters] == [("clerk.hear", True)]


class Note(BaseModel):
    item: str


def noting(name: str, deployed_as: str | None = None) -> AnyFunction:
    notes = Table(name, key=("item",), model=Note, service="clerk", deployed_as=deployed_as)

    @subscriber(service="clerk", uses=[notes.write])
    def note(asked: Asked) -> None:
        notes.put(Note(item=asked.item))

    return note


def test_a_renamed_table_has_its_items_and_keeps_those_of_its_new_name(tmp_path: Path) -> None:
    with opened(tmp_path, noting("notes")) as laptop:
        ask(laptop, "old")
        ask(laptop, "both")
        laptop.drain()
        copied = "INSERT INTO item SELECT 'clerk.books', partition, sort, version, document FROM item WHERE partition = 'both'"
        laptop.database.write(lambda connection: connection.execute(copied))

    with opened(tmp_path, noting("books", "notes")) as laptop:
        rows = laptop.database.read("SELECT table_name, partition FROM item ORDER BY table_name, partition")

    assert [tuple(row) for row in rows] == [
        ("clerk.books", "both"),
        ("clerk.books", "old"),
        ("clerk.notes", "both"),
    ]


@pytest.mark.parametrize(
    ("text", "kept"),
    [("no JSON", "detail"), ("[1]", "requestPayload"), ("null", "requestPayload"), ("{}", ""), ('{"detail": 1}', "")],
)
def test_a_message_that_waits_while_its_function_loses_its_queue_becomes_a_dead_letter(
    tmp_path: Path, text: str, kept: str
) -> None:
    desk = Desk()
    with opened(tmp_path, desk.clerk(delivery="queue")) as laptop:
        laptop.bus.enqueue_direct("clerk.listen", text)

    with opened(tmp_path, desk.clerk()) as laptop:
        laptop.drain()
        (letter,) = dead_letters(laptop)
        waiting, _ = laptop.deliveries.count()

    assert (letter.json[kept] if kept else letter.json) == (text if kept == "detail" else json.loads(text))
    assert (waiting, desk.calls) == (0, [])


def test_a_retry_is_made_now_of_functions_that_still_exist(tmp_path: Path) -> None:
    desk = Desk()
    removed, kept = desk.clerk("removed", always_fails), desk.clerk("kept", fails_until(2))
    with opened(tmp_path, removed, kept) as laptop:
        ask(laptop, "a")
        laptop.advance(timedelta(seconds=1))

    clock = RealClock(wall=later(2).now, monotonic=lambda: 0.0)
    with opened(tmp_path, kept, clock=clock, started=True) as laptop:
        retried = laptop.retry(None)
        wait_until(lambda: len(desk.items("kept")) == 2)

    assert [(one.function, one.attempt) for one in retried] == [("clerk.kept", 2)]
    assert desk.items("removed") == ["a"]
