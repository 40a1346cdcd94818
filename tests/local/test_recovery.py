"""A handler that ends its process is counted, and only it; what ran beside it runs again alone."""

import json
import shutil
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from contradance.choreography import AnyFunction
from contradance.local.clock import RealClock
from contradance.local.invocation.in_flight import FILE, Flight, InFlight
from contradance.local.invocation.record import LaptopContext
from contradance.local.laptop import Laptop
from contradance.retry import DeliveryMode
from contradance.runtime.journal_record import JournalRecord
from tests.durability import killer
from tests.durability.killer import CRASHED, ENDS
from tests.forking import ROOT, programs
from tests.local.desk import (
    Desk,
    always_fails,
    ask,
    asked,
    dead_letters,
    invalid,
    journaled,
    later,
    opened,
    show_latest,
    wait_until,
)


def lives(state: Path, how: str, delivery: str, mode: str, *items: str) -> list[int]:
    """Publish to a function that ends its process for `bad` items; return how each process ended."""
    ended = programs.run("-m", "tests.durability.killer", state, how, delivery, mode, *items, cwd=ROOT)
    ended.check_returncode()
    return list(json.loads(ended.stdout))


@pytest.mark.parametrize(("how", "delivery"), [*((how, "direct") for how in ENDS), ("os._exit", "queue")])
def test_a_handler_that_ends_its_process_is_dead_lettered_after_its_attempts(
    how: str, delivery: DeliveryMode, tmp_path: Path
) -> None:
    clerk = killer.clerk(how, delivery)
    attempts = clerk.retry.attempts(delivery)

    ends = lives(tmp_path, how, delivery, "drain", "bad", "good")

    with opened(tmp_path, clerk) as laptop:
        bad, good = journaled(laptop, "bad"), journaled(laptop, "good")
        letters = dead_letters(laptop)
    assert len(ends) == attempts + 1
    assert [(record.outcome, record.attempt) for record in bad] == [("failed", n + 1) for n in range(attempts)]
    assert all("ProcessEnded: the process ended while the handler ran" in str(record.error) for record in bad)
    assert bad[-1].dead
    assert [record.outcome for record in good] == ["done"]
    assert len(letters) == 1
    if delivery == "direct":
        assert letters[0].json["responsePayload"]["errorType"] == "ProcessEnded"


def left_by_a_killed_process(state: Path, clerk: AnyFunction, *items: str) -> None:
    """Leave a state in which these items were running, all together, when the process was killed."""
    with opened(state, clerk) as laptop:
        ask(laptop, *items)
        for id_, function in laptop.database.read("SELECT id, function FROM delivery"):
            laptop.in_flight.begin("delivery", function, id_, 1, 0)
        shutil.copy(state / FILE, state / "left")
    shutil.move(state / "left", state / FILE)


@pytest.mark.parametrize("items", ["a", "ab"])
def test_an_attempt_that_ended_with_its_process_is_recorded_after_a_rename(items: str, tmp_path: Path) -> None:
    desk = Desk()
    left_by_a_killed_process(tmp_path, desk.clerk("listen"), *items)

    with opened(tmp_path, desk.clerk("attend", deployed_as="listen")) as laptop:
        laptop.drain()
        records = {item: journaled(laptop, item) for item in items}
    with opened(tmp_path, desk.clerk("attend", deployed_as="listen")) as again:
        assert again.in_flight.left == []

    for found in records.values():
        assert [(one.function, one.outcome) for one in found] == [("clerk.attend", "failed"), ("clerk.attend", "done")]


def test_what_ran_together_runs_again_alone_and_is_not_counted(tmp_path: Path) -> None:
    desk = Desk()
    running: list[str] = []
    together: list[list[str]] = []

    def does(item: str, attempt: int) -> None:
        running.append(item)
        together.append([*running])
        running.remove(item)

    clerk = desk.clerk(does=does)
    left_by_a_killed_process(tmp_path, clerk, "a", "b", "c")
    with opened(tmp_path, clerk, clock=RealClock(), started=True) as laptop:
        wait_until(lambda: [record.outcome for record in journaled(laptop, "c")] == ["failed", "done"])
        records = {item: journaled(laptop, item) for item in "abc"}

    assert together == [["a"], ["b"], ["c"]]
    for interrupted, done in records.values():
        assert (interrupted.outcome, interrupted.attempt, interrupted.retries_left) == ("failed", 1, 3)
        assert (
            interrupted.error
            == "ProcessEnded: the process ended while this and 2 other invocations ran; it runs again alone"
        )
        assert (done.outcome, done.attempt) == ("done", 1)


def test_a_killer_among_others_is_found_and_the_others_are_done(tmp_path: Path) -> None:
    clerk = killer.clerk("os._exit", "direct")
    left_by_a_killed_process(tmp_path, clerk, "a", "bad", "b")

    ends = lives(tmp_path, "os._exit", "direct", "start")

    with opened(tmp_path, clerk) as laptop:
        outcomes = {item: [record.outcome for record in journaled(laptop, item)] for item in ("a", "bad", "b")}
        letters = dead_letters(laptop)
    assert ends == [CRASHED] * 3 + [0]
    assert outcomes == {"a": ["failed", "done"], "b": ["failed", "done"], "bad": ["failed"] * 4}
    assert len(letters) == 1


def rewrite(state: Path, lines: list[str]) -> None:
    """Replace what a killed process left."""
    (state / FILE).write_bytes(b"".join(line.encode().ljust(255) + b"\n" for line in lines))


def left_ids(state: Path, clerk: AnyFunction, *items: str) -> dict[str, str]:
    """Publish items, and return the id of the delivery of each; nothing has run."""
    with opened(state, clerk) as laptop:
        ask(laptop, *items)
        return {
            flow.removeprefix("flow-"): id_
            for id_, flow in laptop.database.read("SELECT id, correlation_id FROM delivery")
        }


BESIDE = {
    "another delivery": "runs delivery gone 1 clerk.listen",
    "a thread that hung": "late delivery gone 1 clerk.listen",
    "a request": "runs request r-1 1 desk.show_latest",
    "a request that hung": "late request r-1 1 desk.show_latest",
}


@pytest.mark.parametrize("beside", BESIDE.values(), ids=BESIDE)
def test_a_delivery_that_ran_beside_anything_is_not_to_blame(beside: str, tmp_path: Path) -> None:
    clerk = Desk().clerk()
    ids = left_ids(tmp_path, clerk, "a")
    rewrite(tmp_path, [f"runs delivery {ids['a']} 1 clerk.listen", beside])

    with opened(tmp_path, clerk, show_latest) as laptop:
        laptop.drain()
        interrupted, done = journaled(laptop, "a")

    assert [(one.outcome, one.attempt, one.dead) for one in (interrupted, done)] == [
        ("failed", 1, False),
        ("done", 1, False),
    ]
    assert "while this and 1 other invocation ran; it runs again alone" in str(interrupted.error)


@pytest.mark.parametrize("text", ["no JSON", "[1]", "{}", '{"detail": 1}', "null"])
@pytest.mark.parametrize("delivery", ["direct", "queue"])
def test_a_message_that_is_no_event_stops_no_start(text: str, delivery: DeliveryMode, tmp_path: Path) -> None:
    clerk = Desk().clerk(delivery=delivery)
    with opened(tmp_path, clerk) as laptop:
        identifier = laptop.bus.enqueue_direct("clerk.listen", text if delivery == "queue" else json.dumps({"a": text}))
    rewrite(tmp_path, [f"runs delivery {identifier} 1 clerk.listen"])

    with opened(tmp_path, clerk) as laptop:
        laptop.drain()

        assert len(dead_letters(laptop)) == 1


def test_what_waited_to_run_alone_still_does_after_another_kill(tmp_path: Path) -> None:
    desk = Desk()
    ids = left_ids(tmp_path, desk.clerk(), "first", "waiting", "alone")
    rewrite(
        tmp_path,
        [f"waits delivery {ids['waiting']} 1 clerk.listen", f"runs delivery {ids['alone']} 1 clerk.listen"],
    )

    with opened(tmp_path, desk.clerk()) as laptop:
        laptop.drain()
        alone, waiting = journaled(laptop, "alone"), journaled(laptop, "waiting")

    assert desk.items() == ["waiting", "alone", "first"]
    assert [(record.outcome, record.attempt) for record in alone] == [("failed", 1), ("done", 2)]
    assert [(record.outcome, record.attempt) for record in waiting] == [("done", 1)]


def test_an_attempt_counts_once_when_the_start_that_records_it_is_killed_too(tmp_path: Path) -> None:
    clerk = Desk().clerk()
    ids = left_ids(tmp_path, clerk, "a")
    lines = [f"runs delivery {ids['a']} 1 clerk.listen"]
    rewrite(tmp_path, lines)
    with opened(tmp_path, clerk) as laptop:
        laptop._drain._recovery.suspects()

    rewrite(tmp_path, lines)
    with opened(tmp_path, clerk) as laptop:
        laptop.drain()
        records = journaled(laptop, "a")

    assert [(record.outcome, record.attempt) for record in records] == [("failed", 1), ("done", 2)]


def test_a_delivery_that_had_committed_is_not_to_blame(tmp_path: Path) -> None:
    clerk = Desk().clerk()
    left_by_a_killed_process(tmp_path, clerk, "a")
    shutil.copy(tmp_path / FILE, tmp_path / "left")
    with opened(tmp_path, clerk) as laptop:
        laptop.in_flight.forget_left()
        rows = laptop.database.read("SELECT * FROM delivery")
        laptop.drain()
        laptop.database.write(
            lambda connection: connection.executemany("INSERT INTO delivery VALUES (?,?,?,?,?,?,?)", rows)
        )
    shutil.move(tmp_path / "left", tmp_path / FILE)

    with opened(tmp_path, clerk) as laptop:
        laptop.drain()
        outcomes = [record.outcome for record in journaled(laptop, "a")]

    assert outcomes == ["done", "duplicate"]


@pytest.mark.parametrize("delivery", ["queue", "direct"])
def test_a_last_attempt_is_recorded_and_dead_lettered_once_when_the_process_is_killed_after_it(
    delivery: DeliveryMode, tmp_path: Path
) -> None:
    """Neither its record nor the end of its delivery may wait for a later commit: no once-record tells that it ran."""
    desk, killed = Desk(), tmp_path / "killed"
    clerk = desk.clerk(does=always_fails, delivery=delivery)
    with opened(tmp_path / "state", clerk) as laptop:
        ask(laptop, "a")
        ends = laptop.in_flight.end

        def end(flight: Flight) -> None:
            """End an invocation, and keep what is on disk then: what a kill leaves."""
            ends(flight)
            shutil.copytree(tmp_path / "state", killed, dirs_exist_ok=True)

        with patch.object(laptop.in_flight, "end", end):
            laptop.drain()

    with opened(killed, clerk, clock=later(3_600)) as laptop:
        laptop.drain()
        records, letters = journaled(laptop, "a"), dead_letters(laptop)

    assert [call.attempt for call in desk.calls] == [1, 2, 3]
    assert [record.attempt for record in records] == [1, 2, 3]
    assert len(letters) == 1


@pytest.mark.parametrize("delivery", ["queue", "direct"])
@pytest.mark.parametrize("entry", [asked("a"), invalid(1)], ids=["failed", "invalid"])
def test_a_kill_after_any_commit_leaves_one_dead_letter_and_a_record_of_it(
    entry: dict[str, Any], delivery: DeliveryMode, tmp_path: Path
) -> None:
    clerk, killed = Desk().clerk(does=always_fails, delivery=delivery), tmp_path / "killed"
    with opened(tmp_path / "state", clerk) as laptop:
        commit = laptop.database._commit

        def commit_and_copy() -> None:
            """Commit, and keep what is on disk then: what a kill leaves."""
            commit()
            shutil.copytree(tmp_path / "state", killed / str(len([*killed.glob("*")])))

        with patch.object(laptop.database, "_commit", commit_and_copy):
            laptop.bus.put_events(Entries=[entry])
            laptop.drain()

    left = []
    for state in killed.iterdir():
        with opened(state, clerk, clock=later(3_600)) as laptop:
            laptop.drain()
            left.append((len(dead_letters(laptop)), sum(record.dead for record in records(laptop)) >= 1))
    assert left == [(1, True)] * len(left)
    assert len(left) > 1


def test_time_is_left_until_the_deadline_so_that_each_failure_is_recorded_by_the_runtime_or_the_runner() -> None:
    with patch("contradance.local.invocation.record.monotonic") as monotonic:
        monotonic.side_effect = [9.9999, 10.0, 10.1]
        context = LaptopContext("r", deadline=10.0)

        assert [context.get_remaining_time_in_millis() for _ in range(3)] == [1, 0, 0]


def test_a_clean_end_leaves_nothing_and_the_operator_blames_nothing(tmp_path: Path) -> None:
    with opened(tmp_path, Desk().clerk()) as laptop:
        ask(laptop, "a")
        laptop.drain()
    after_close = (tmp_path / FILE).read_bytes()

    clerk = Desk().clerk()
    left_by_a_killed_process(tmp_path, clerk, "b")
    left = InFlight(tmp_path)
    (line,) = left.left
    flight = left.begin("delivery", line.function, line.id, 1, 0)
    left.forget_left()
    left.mark_stopped()
    shutil.copy(tmp_path / FILE, tmp_path / "left")
    left.end(flight)
    left.close()
    shutil.move(tmp_path / "left", tmp_path / FILE)
    with opened(tmp_path, clerk) as again:
        again.drain()
        records = journaled(again, "b")

    assert after_close == b""
    assert [(record.outcome, record.attempt) for record in records] == [("failed", 1), ("done", 1)]
    assert records[0].error == "ProcessEnded: the process was stopped while it ran; it runs again"


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 1000, b"runs\n", b"\xff" * 600, b"runs delivery x 1 clerk.gone " * 40]
)
def test_a_file_that_is_no_list_is_ignored(content: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(content)

    with opened(tmp_path, Desk().clerk()) as laptop:
        ask(laptop, "a")
        laptop.drain()

        assert [record.outcome for record in journaled(laptop, "a")] == ["done"]


def test_a_request_that_ends_its_process_has_a_record(tmp_path: Path) -> None:
    with opened(tmp_path, show_latest) as laptop, laptop.in_flight.request("desk.show_latest", "r-1", 0):
        shutil.copy(tmp_path / FILE, tmp_path / "left")
    shutil.move(tmp_path / "left", tmp_path / FILE)

    with opened(tmp_path, show_latest) as laptop:
        laptop.drain()
        (record,) = records(laptop)

    assert (record.outcome, record.trigger, record.dead) == ("failed", "GET /items/latest", False)
    assert "the process ended while the request was answered" in str(record.error)


def records(laptop: Laptop) -> list[JournalRecord]:
    laptop.database.flush()
    return [JournalRecord.model_validate_json(text) for (text,) in laptop.database.read("SELECT record FROM journal")]
