"""The laptop's clocks: real or scaled time, virtual time, and real time with the waits skipped."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from contradance.errors import LaptopError
from contradance.operate.journal import YEARS

LEAST_JUMP_SECONDS: Final = 1.0
"""Least jump of a clock that is noticed; time servers correct less all the time."""
_LONGEST_COMPARISON_SECONDS: Final = 0.1
"""Two clocks that are read further apart cannot be compared."""


def check_time(now: datetime) -> None:
    """Raise `LaptopError` for a time of a year in which no record can be written."""
    if now.year not in YEARS:
        raise LaptopError(
            f"the clock shows the year {now.year}, but records have years from {YEARS.start} to {YEARS.stop - 1}.\n"
            "  Set the clock of this machine."
        )


class MovableClock(Protocol):
    """A clock that moves on command, so that tests need not wait for retries."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        ...

    def after(self, duration: timedelta) -> datetime:
        """Return the time `duration` from now."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""

    def move_to(self, moment: datetime) -> None:
        """Move forward to `moment`; an earlier one changes nothing."""


class RealClock:
    """The machine's clock; with a `scale`, time runs `scale` times as fast from the clock's creation.

    Args:
        scale: how many times as fast.
        wall: the time of day in UTC, which a person or a time server may set.
        monotonic: seconds that only go forward; they stand still while the machine sleeps.
    """

    def __init__(
        self,
        scale: float = 1.0,
        *,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._scale = scale
        self._wall = wall
        self._monotonic = monotonic
        self._origin = wall()
        self._started = monotonic()
        self._ahead = self._origin.timestamp() - self._started
        """How far the time of day was ahead of the monotonic clock when they were compared last."""

    def now(self) -> datetime:
        """Return the current time in UTC; with a scale, counted from the clock's creation."""
        if self._scale == 1.0:
            return self._wall()
        return self._origin + timedelta(seconds=(self._monotonic() - self._started) * self._scale)

    def jump(self) -> timedelta:
        """Return by how far the clock jumped since the last call, negative if set back; 0 below 1 s and with a scale.

        It jumps when the machine's clock is set, and forward when the machine has slept. A scaled clock does not jump.
        """
        before = self._monotonic()
        ahead = self._wall().timestamp() - before
        if self._scale != 1.0 or self._monotonic() - before > _LONGEST_COMPARISON_SECONDS:
            return timedelta(0)
        jumped, self._ahead = ahead - self._ahead, ahead
        return timedelta(seconds=jumped) if abs(jumped) >= LEAST_JUMP_SECONDS else timedelta(0)

    def after(self, duration: timedelta) -> datetime:
        """Return the time that this clock will show when `duration` of real time has passed."""
        return self.now() + duration * self._scale

    def sleep(self, seconds: float) -> None:
        """Sleep `seconds` of this clock's time."""
        time.sleep(seconds / self._scale)

    def real_seconds_until(self, moment: datetime) -> float:
        """Return the real seconds until this clock shows `moment`; 0 for a time in the past."""
        return max((moment - self.now()).total_seconds(), 0) / self._scale


class VirtualClock:
    """A clock that stands still until `sleep` or `move_to`: 24 hours of retries take milliseconds."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the time at which the clock stands."""
        return self._now

    def after(self, duration: timedelta) -> datetime:
        """Return the time `duration` from now."""
        return self._now + duration

    def sleep(self, seconds: float) -> None:
        """Move forward by `seconds`, without waiting."""
        self._now += timedelta(seconds=seconds)

    def move_to(self, moment: datetime) -> None:
        """Move forward to `moment`; an earlier one changes nothing."""
        self._now = max(self._now, moment)


class SkippingClock:
    """The machine's clock plus the time that was skipped: `sleep` and `move_to` skip instead of waiting."""

    def __init__(self) -> None:
        self._skipped = timedelta()

    def now(self) -> datetime:
        """Return the current time in UTC plus the skipped time."""
        return datetime.now(UTC) + self._skipped

    def after(self, duration: timedelta) -> datetime:
        """Return the time `duration` from now."""
        return self.now() + duration

    def sleep(self, seconds: float) -> None:
        """Move forward by `seconds`, without waiting."""
        self._skipped += timedelta(seconds=seconds)

    def move_to(self, moment: datetime) -> None:
        """Skip forward to `moment`; an earlier one changes nothing."""
        self._skipped += max(moment - self.now(), timedelta())
