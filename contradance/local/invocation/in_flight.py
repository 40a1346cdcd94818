"""What runs at this moment: which invocations, in which threads, and for how long.

A line of a file lists each delivery whose handler is about to start, until its outcome is on disk. A process that ends by
itself clears the file; one that was killed leaves the list of the deliveries that it ran.
"""

import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import monotonic
from types import FrameType, MappingProxyType
from typing import Final, Literal, NamedTuple

from contradance.bounds import MAX_TRACEBACK_BYTES, shortened
from contradance.local.dead_letter_queues import DeadLetterMessage
from contradance.local.invocation.process_settings import ProcessSettings
from contradance.local.state.slots import Slots
from contradance.operate.ports import Hang
from contradance.runtime.attempt import Attempt

FILE: Final = "bus.running"
"""The file inside the state folder."""
RUNS: Final = "runs"
STOPPED: Final = "stopped"
"""Running when the operator ended the process."""
WAITS: Final = "waits"
"""To be run alone, after a process was killed."""
_LATE: Final = "late"
"""Running after its timeout."""
Kind = Literal["delivery", "request"]


class Left(NamedTuple):
    """A line that a killed process left: one of its deliveries, or a request that it answered."""

    state: str
    kind: str
    id: str
    attempt: str
    function: str


@dataclass(eq=False, slots=True)
class Flight:
    """One running invocation."""

    kind: Kind
    function: str
    id: str
    """The id of the delivery, or of the request."""
    attempt: int
    deadline: float
    """In seconds of the monotonic clock."""
    started: float
    """The same."""
    thread: int
    slot: int | None
    """Its line in the file; None after its end."""
    late: bool = False
    """Whether it has outlived its timeout, and this is recorded."""
    logged: Attempt | None = None
    """The latest attempt that logged something: after a timeout another thread records its lines."""
    pause: timedelta | None = None
    """The pause before a delivery that the runtime repeats without counting its attempt."""
    letter: DeadLetterMessage | None = None
    """The dead letter that replaces the delivery when it is settled."""

    def move_log(self, attempt: Attempt) -> None:
        """Move the lines that are not recorded yet to `attempt`, which records the timeout; none of another event."""
        if self.logged is not None and not self.logged.recorded and self.logged.event_id == attempt.event_id:
            attempt.take_log(self.logged)


_flight: Final[ContextVar[Flight | None]] = ContextVar("contradance_flight", default=None)


def running_flight() -> Flight | None:
    """Return the invocation that runs in this context; None outside of one."""
    return _flight.get()


def note_logged(attempt: Attempt) -> None:
    """Set the running invocation's `logged` attempt, for the record of a timeout; no effect without an invocation."""
    flight = running_flight()
    if flight is not None:
        flight.logged = attempt


class InFlight:
    """The running invocations of one laptop.

    Args:
        state: the folder of the state file.
        renamed: the names of renamed functions by the names that the killed process may have listed.
    """

    def __init__(self, state: Path, renamed: Mapping[str, str] = MappingProxyType({})) -> None:
        self._slots = Slots(state / FILE)
        self._flights: set[Flight] = set()
        self._attempts: dict[str, int] = {}
        self._lock = threading.Lock()  # not taken by `stop`: a signal may interrupt any of these methods
        left = [Left(*parts) for line in self._slots.before if len(parts := line.split(" ")) == len(Left._fields)]
        self.left = [one._replace(function=renamed.get(one.function, one.function)) for one in left]
        """What ran, or waited to run alone, when the process before this one was killed."""
        self.settings = ProcessSettings()
        """Restored after each invocation, and every second for those that hang."""

    def begin(self, kind: Kind, function: str, identifier: str, attempt: int, deadline: float) -> Flight:
        """List an invocation as running in the calling thread, and return it; it is the thread's `running_flight`."""
        self._attempts[identifier] = attempt
        slot = self._slots.fill(_line(RUNS, kind, identifier, attempt, function))
        flight = Flight(kind, function, identifier, attempt, deadline, monotonic(), threading.get_ident(), slot)
        self._flights.add(flight)
        _flight.set(flight)
        return flight

    def end(self, flight: Flight) -> None:
        """Remove an invocation from the list; its thread calls this, when the outcome is on disk."""
        _flight.set(None)
        self._flights.discard(flight)
        with self._lock:
            if flight.slot is not None:
                self._slots.clear(flight.slot)
                flight.slot = None
            if self._attempts.get(flight.id) == flight.attempt:  # a late invocation ends after the next one began
                del self._attempts[flight.id]

    def attempt_of(self, identifier: str) -> int:
        """Return the number of the running attempt at a delivery, or at a request; 1 when none runs."""
        return self._attempts.get(identifier, 1)

    @contextmanager
    def request(self, function: str, identifier: str, deadline: float) -> Iterator[Flight]:
        """List a request as running while the block runs; its `Flight` is the block's value."""
        flight = self.begin("request", function, identifier, 1, deadline)
        try:
            yield flight
        finally:
            self.settings.restore()
            self.end(flight)

    def wait_alone(self, identifier: str, attempt: int, function: str) -> int:
        """List a delivery as waiting to run alone; return its line, for `wait_no_more`."""
        return self._slots.fill(_line(WAITS, "delivery", identifier, attempt, function))

    def forget_left(self) -> None:
        """Clear the lines that the killed process left, because what they list is recorded."""
        self.left = []
        self._slots.clear_before()

    def wait_no_more(self, slot: int) -> None:
        """Clear a line of `wait_alone`: its delivery no longer waits to run alone."""
        self._slots.clear(slot)

    def mark_late(self, flight: Flight) -> None:
        """List an invocation as late: it has outlived its timeout, so its attempt is over, whatever its thread does."""
        with self._lock:
            flight.late = True
            self._change(flight, _LATE)

    def take_late_requests(self) -> list[Flight]:
        """Mark the requests that have outlived their timeouts, and return those that were not marked before."""
        now = monotonic()
        flights = self._flights.copy()
        late = [one for one in flights if one.kind == "request" and not one.late and one.deadline <= now]
        for flight in late:
            self.mark_late(flight)
        return late

    def mark_stopped(self) -> None:
        """List every running invocation as ended by the operator, who ends the process: no handler is to blame."""
        for flight in self._flights.copy():
            self._change(flight, STOPPED)

    def _change(self, flight: Flight, state: str) -> None:
        """Write `state` into an invocation's line; do nothing after its end."""
        slot = flight.slot
        if slot is not None:
            self._slots.change(slot, _line(state, flight.kind, flight.id, flight.attempt, flight.function))

    def hangs(self) -> list[Hang]:
        """Return the invocations that have outlived their timeouts, the oldest first, each with its thread's stack."""
        now, frames = monotonic(), sys._current_frames()  # noqa: SLF001 - documented, in spite of its name
        late = sorted((one for one in self._flights.copy() if one.deadline <= now), key=lambda one: one.started)
        return [
            Hang(
                function=one.function,
                seconds=round(now - one.started, 1),
                where=_where(frame),
                stack=shortened("".join(traceback.format_stack(frame)), MAX_TRACEBACK_BYTES),
            )
            for one in late
            if (frame := frames.get(one.thread)) is not None
        ]

    def longest_left(self) -> float:
        """Return the seconds until the last deadline of what runs; negative after it, 0 if nothing runs."""
        return max((flight.deadline for flight in self._flights.copy()), default=monotonic()) - monotonic()

    def where(self, flight: Flight) -> str:
        """Return where an invocation's thread is, as `functions/loans/remind_reader.py:12`; empty if it ended."""
        frame = sys._current_frames().get(flight.thread)  # noqa: SLF001 - the same
        return "" if frame is None else _where(frame)

    def close(self) -> None:
        """Clear the file, because the process ends by itself; what still runs is not listed from now on."""
        self._slots.close(in_use=bool(self._flights))


def _line(state: str, kind: str, identifier: str, attempt: int, function: str) -> str:
    """Return a line of the file: state, kind, id, attempt and function, separated by spaces."""
    return f"{state} {kind} {identifier} {attempt} {function}"


def _where(frame: FrameType) -> str:
    """Return the innermost line of the application, or else of a library, as `path:line`; empty without one."""
    lines = [line for line in traceback.extract_stack(frame) if not line.filename.startswith("<")]
    own = [line for line in lines if _is_own(line.filename)] or lines
    return f"{'/'.join(own[-1].filename.replace(chr(92), '/').split('/')[-3:])}:{own[-1].lineno}" if own else ""


def _is_own(filename: str) -> bool:
    """Whether a file belongs to the application: not to Python, an installed package or contradance."""
    return not filename.startswith((sys.base_prefix, sys.prefix, _PACKAGE))


_PACKAGE: Final = str(Path(__file__).parents[2])
