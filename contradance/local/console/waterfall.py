"""A flow as a waterfall: its causes and effects nested, each delivery with a bar for each attempt over the flow's time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from contradance.operate.flow import DeliveryState, Flow, Handled, Happened, delivery_state
from contradance.runtime.journal_record import JournalRecord

WIDTH: Final = 1_000
"""Units of the time line."""
_LEAST: Final = 6
"""Least width of a bar, so that an attempt of a millisecond in an hour is seen."""
_DEEPEST: Final = 8
"""Most steps of indentation; what is deeper is shown at this depth."""


BarKind = Literal["done", "failed", "dead"]


class Segment(NamedTuple):
    """A part of a time line, in units of `WIDTH`."""

    kind: BarKind | Literal["wait"]
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class ShownAttempt:
    """One attempt, with its traceback unless an earlier attempt of the delivery had the same."""

    record: JournalRecord
    traceback: str | None
    same_as: int | None
    """The number of the earlier attempt."""


@dataclass(frozen=True, slots=True)
class Row:
    """One event, or one delivery."""

    depth: int
    event: Happened | None
    handled: Handled | None
    function: str
    """The function of a delivery; of one that has not begun, too."""
    state: DeliveryState
    segments: tuple[Segment, ...]
    attempts: tuple[ShownAttempt, ...]
    due: datetime | None
    """When the next attempt is due; None where none is."""


def waterfall(flow: Flow, now: datetime, most: int) -> list[Row]:
    """Return the first `most` rows of a flow, causes before effects; if it waits, the time line ends at `now`."""
    ends = max(flow.began + flow.duration, now if flow.waiting else flow.began)
    scale = _Scale(flow.began, max((ends - flow.began).total_seconds(), 0.001))
    rows: list[Row] = []
    pending: list[tuple[int, Handled | Happened, datetime]] = [(0, root, flow.began) for root in reversed(flow.roots)]
    while pending and len(rows) < most:
        depth, node, since = pending.pop()
        shown = min(depth, _DEEPEST)
        if isinstance(node, Handled):
            rows.append(_delivery_row(shown, node, since, scale))
            pending += [(depth + 1, event, _end(node.last)) for event in reversed(node.published)]
        else:
            rows.append(Row(shown, node, None, "", "done", (), (), None))
            pending += [(depth + 1, delivery, since) for delivery in reversed(node.deliveries)]
            rows += [
                Row(min(depth + 1, _DEEPEST), None, None, one.function, "waiting", (), (), one.due)
                for one in node.outstanding
            ]
    return rows[:most]


class _Scale:
    """Places moments on the time line."""

    def __init__(self, began: datetime, seconds: float) -> None:
        self._began = began
        self._seconds = seconds

    def x(self, moment: datetime) -> float:
        """Return the place of a moment on the time line: at least 0, and at most `WIDTH` minus `_LEAST`."""
        part = (moment - self._began).total_seconds() / self._seconds
        return round(min(max(part, 0.0), 1.0) * (WIDTH - _LEAST), 1)


def _delivery_row(depth: int, handled: Handled, since: datetime, scale: _Scale) -> Row:
    """Return the row of one delivery, whose wait began at `since`: state, bars, attempts and next attempt."""
    return Row(
        depth,
        None,
        handled,
        handled.last.function,
        delivery_state(handled.attempts),
        tuple(_segments(handled, since, scale)),
        tuple(_shown_attempts(handled)),
        handled.again,
    )


def _segments(handled: Handled, since: datetime, scale: _Scale) -> Iterator[Segment]:
    """Yield the bars of a delivery: each attempt after its wait, the first since `since`; then the wait for a next."""
    for record in handled.attempts:
        start, end = scale.x(record.started_at), scale.x(_end(record))
        waited = scale.x(since)
        if start - waited > 1:
            yield Segment("wait", waited, round(start - waited, 1))
        yield Segment(bar_kind(record), start, max(round(end - start, 1), _LEAST))
        since = _end(record)
    if handled.again is not None:
        waited = scale.x(since)
        yield Segment("wait", waited, WIDTH - waited)


def bar_kind(record: JournalRecord) -> BarKind:
    """Return the style of an attempt's bar: `done`, `failed` when it is tried again, else `dead`."""
    state = delivery_state((record,))
    return "failed" if state == "waiting" else "done" if state == "done" else "dead"


def _shown_attempts(handled: Handled) -> Iterator[ShownAttempt]:
    """Yield the attempts; one with an earlier attempt's traceback has that attempt's number instead."""
    seen: dict[str, int] = {}
    for record in handled.attempts:
        same = seen.get(record.traceback) if record.traceback else None
        yield ShownAttempt(record, None if same else record.traceback, same)
        if record.traceback:
            seen.setdefault(record.traceback, record.attempt)


def _end(record: JournalRecord) -> datetime:
    """Return the time at which an attempt ended."""
    return record.started_at + timedelta(milliseconds=record.duration_ms)
