"""The laptop's clocks: real or scaled time, virtual time, and real time with the waits skipped."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class MovableClock(Protocol):
    """A clock that moves on command, so that tests need not wait for retries."""

    def now(self) -> datetime:
        """Return the current time in UTC."""

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""

    def move_to(self, moment: datetime) -> None:
        """Move forward to `moment`; an earlier one changes nothing."""


class RealClock:
    """The machine's clock; with a `scale`, time runs `scale` times as fast from the clock's creation."""

    def __init__(self, scale: float = 1.0) -> None:
        self._scale = scale
        self._origin = datetime.now(UTC)
        self._started = time.monotonic()

    def now(self) -> datetime:
        """Return the current time in UTC."""
        if self._scale == 1.0:
            return datetime.now(UTC)  # the monotonic clock stands still while the machine sleeps
        return self._origin + timedelta(seconds=(time.monotonic() - self._started) * self._scale)

    def sleep(self, seconds: float) -> None:
        """Sleep `seconds` of this clock's time."""
        time.sleep(seconds / self._scale)

    def wait_for(self, moment: datetime) -> float:
        """Return the real seconds until this clock shows `moment`; 0 for a time in the past."""
        return max((moment - self.now()).total_seconds(), 0) / self._scale


class VirtualClock:
    """A clock that stands still until `sleep` or `move_to`: 24 hours of retries take milliseconds."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the time at which the clock stands."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move forward by `seconds`."""
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

    def sleep(self, seconds: float) -> None:
        """Skip `seconds`."""
        self._skipped += timedelta(seconds=seconds)

    def move_to(self, moment: datetime) -> None:
        """Skip forward to `moment`; an earlier one changes nothing."""
        self._skipped += max(moment - self.now(), timedelta())
