"""Time on the laptop: as it is, faster than it is, or turned by hand."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class MovableClock(Protocol):
    """A clock that can be told to move on, so that nobody waits for a retry."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""

    def sleep(self, seconds: float) -> None:
        """Let time pass."""

    def move_to(self, moment: datetime) -> None:
        """Move on to `moment`; never back."""


class RealClock:
    """The machine's clock, running `scale` times as fast from the moment it is made."""

    def __init__(self, scale: float = 1.0) -> None:
        self._scale = scale
        self._origin = datetime.now(UTC)
        self._started = time.monotonic()

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        if self._scale == 1.0:
            return datetime.now(UTC)  # also after a night asleep, which the monotonic clock knows nothing of
        return self._origin + timedelta(seconds=(time.monotonic() - self._started) * self._scale)

    def sleep(self, seconds: float) -> None:
        """Let `seconds` of this clock's time pass."""
        time.sleep(seconds / self._scale)

    def wait_for(self, moment: datetime) -> float:
        """Return the real seconds until this clock shows `moment`; 0 where it has passed."""
        return max((moment - self.now()).total_seconds(), 0) / self._scale


class VirtualClock:
    """A clock that stands still until it is told to move: 24 hours of retries take milliseconds."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the moment at which it stands."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move on by `seconds`."""
        self._now += timedelta(seconds=seconds)

    def move_to(self, moment: datetime) -> None:
        """Move on to `moment`; never back."""
        self._now = max(self._now, moment)


class SkippingClock:
    """The machine's clock, but with the waiting left out: it can be moved on, and runs from there."""

    def __init__(self) -> None:
        self._skipped = timedelta()

    def now(self) -> datetime:
        """Return the present moment in UTC, and whatever was skipped."""
        return datetime.now(UTC) + self._skipped

    def sleep(self, seconds: float) -> None:
        """Skip `seconds`."""
        self._skipped += timedelta(seconds=seconds)

    def move_to(self, moment: datetime) -> None:
        """Skip to `moment`; never back."""
        self._skipped += max(moment - self.now(), timedelta())
