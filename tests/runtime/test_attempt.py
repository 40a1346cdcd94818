"""One attempt: what it prints, how long it took, and the size of its dead letter."""

import json
from datetime import timedelta

import pytest

from contradance import subscriber
from contradance.bounds import MAX_MESSAGE_BYTES, MAX_REASON_BYTES
from contradance.runtime.attempt import Attempt, message_body, running_attempt
from contradance.runtime.attempt_log import LONGEST_TEXT
from tests.runtime.desk import TicketOpened
from tests.runtime.fakes import World


@subscriber(service="repairs")
def mend(event: TicketOpened) -> None: ...


@pytest.fixture
def attempt(world: World) -> Attempt:
    return Attempt(mend, "desk.tickets/TicketOpened v3", world.environment)


def logged(world: World) -> list[str]:
    return [entry.message for entry in world.journal.records[-1].logs]


def test_printed_text_is_kept_by_lines_whatever_its_pieces_are(world: World, attempt: Attempt) -> None:
    completed = [
        [entry.message for entry in attempt.keep_printed(text)] for text in ("one", " line\ntwo", "\n \n\nthr", "ee")
    ]
    attempt.record("done", 1)

    assert completed == [[], ["one line"], ["two"], []]
    assert logged(world) == ["one line", "two", "three"]


def test_a_line_that_never_ends_takes_bounded_memory(world: World, attempt: Attempt) -> None:
    sizes = set()
    for _ in range(10):
        attempt.keep_printed("x" * LONGEST_TEXT)
        sizes.add(len(attempt._unfinished))
    attempt.record("done", 1)

    assert sizes == {LONGEST_TEXT}
    assert logged(world) == ["x" * LONGEST_TEXT]


def test_an_attempt_that_is_created_after_its_end_began_earlier(world: World, attempt: Attempt) -> None:
    attempt.began(seconds_ago=40)
    attempt.record("failed", 1)

    (record,) = world.journal.records
    assert record.started_at == world.clock.now() - timedelta(seconds=40)
    assert 40_000 <= record.duration_ms < 50_000


def test_an_attempt_is_found_only_while_it_runs(attempt: Attempt) -> None:
    with attempt as entered:
        assert running_attempt() is entered is attempt

    assert running_attempt() is None


def test_what_the_handler_raised_is_kept_with_a_dead_letter_and_with_a_failure(attempt: Attempt) -> None:
    first, second = KeyError("first"), KeyError("second")

    attempt.dead_letter("failed", 1, "it failed", {}, raised=first)
    assert attempt.raised is first
    attempt.failed(2, second)
    assert attempt.raised is second


def test_a_duration_is_in_milliseconds_to_the_microsecond(
    world: World, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contradance.runtime.attempt.perf_counter", lambda: attempt._clock + 0.0123456)
    attempt.record("done", 1)

    assert world.journal.records[0].duration_ms == 12.346


def test_a_repeated_attempt_costs_no_retry(world: World, attempt: Attempt) -> None:
    attempt.record("failed", 1, counts=False)
    attempt.record("failed", 1)
    attempt.record("failed", 9)

    first, second, last = (record.retries_left for record in world.journal.records)
    assert (first - second, last) == (1, 0)


def test_a_body_is_not_larger_than_what_was_delivered() -> None:
    event = {"name": "Zoë 東京", "odd": "\ud800\ufffe\x00"}

    body = message_body(event)

    assert body == '{"name":"Zoë 東京","odd":"\\ud800\\ufffe\\u0000"}'
    assert json.loads(body) == event


@pytest.mark.parametrize("spare", [0, 99, 100, 101, 104, 200, 50_000])
def test_a_dead_letter_fits_into_a_message(world: World, attempt: Attempt, spare: int) -> None:
    empty = len(message_body({"text": ""}))

    attempt.dead_letter("failed", 3, "é" * 10_000, {"text": "x" * (MAX_MESSAGE_BYTES - empty - spare)})

    (letter,) = world.dead_letters.sent
    error = letter.attributes["ERROR_MESSAGE"].encode()
    assert len(error) <= max(min(spare - 100, MAX_REASON_BYTES), 0)
    assert (len(error) > MAX_REASON_BYTES - 4) is (spare > 5_000)
    sizes = [len(name) + len("String") + len(value.encode()) for name, value in letter.attributes.items()]
    assert spare < 100 or len(letter.body.encode()) + sum(sizes) <= MAX_MESSAGE_BYTES
