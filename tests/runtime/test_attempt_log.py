from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

from contradance.runtime import attempt_log
from contradance.runtime.attempt_log import LONGEST_TEXT, AttemptLog, bounded_entry
from contradance.runtime.journal_record import LogEntry


class Array:
    """A value like numpy's arrays: a comparison with it has no truth value."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> Any:
        raise ValueError("the truth value of an array is ambiguous")

    __hash__ = None  # type: ignore[assignment]  # like theirs

    def __repr__(self) -> str:
        return self.text


def entry(message: str, **fields: object) -> LogEntry:
    return LogEntry(at=datetime(2026, 1, 1, tzinfo=UTC), level="INFO", logger="a", message=message, fields=fields)


def test_a_line_within_its_limits_is_the_same_object_whatever_its_values_are() -> None:
    line = entry("measured", scores=Array("[1 2 3]"))

    assert bounded_entry(line) is line


def test_a_value_that_cannot_be_compared_is_cut_by_its_text() -> None:
    cut = bounded_entry(entry("measured", scores=Array("1 " * LONGEST_TEXT)))

    assert isinstance(cut.fields["scores"], str)
    assert len(cut.fields["scores"]) < LONGEST_TEXT + 100


@pytest.mark.parametrize("lines", [0, 1, 50, 51, 150, 151, 500])
def test_the_first_and_the_last_lines_are_kept_and_the_others_counted(lines: int) -> None:
    log = AttemptLog()
    for number in range(lines):
        log.add(entry(f"line {number}"))

    kept = [one.message for one in log.entries()]

    every = [f"line {number}" for number in range(lines)]
    left_out = lines - 150
    assert kept == (
        every
        if left_out <= 0
        else [*every[:50], f"left out here: {left_out} line{'s' * (left_out > 1)}", *every[-100:]]
    )


def test_a_log_is_read_at_any_moment_of_another_threads_line() -> None:
    class Read(list[LogEntry]):
        def append(self, line: LogEntry) -> None:
            log.entries()
            super().append(line)
            log.entries()

    log, numbers = AttemptLog(), count()
    log._first, log._last = Read(), Read()  # type: ignore[assignment]  # a list has what is used of a deque here
    for _ in range(attempt_log._FIRST + 3):
        log.add(entry(f"line {next(numbers)}"))

    assert len(log.entries()) == attempt_log._FIRST + 3
