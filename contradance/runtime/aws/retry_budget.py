"""The time that the running invocation may still spend on AWS calls."""

import random
import time
from collections.abc import Callable
from typing import Final

_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 2.0
_RESERVE_SECONDS: Final = 0.5
"""Kept back for reporting a failure before Lambda ends the invocation."""
_UNLIMITED_SECONDS: Final = 900.0
"""Longest duration of an invocation; also the budget of the initialisation, before the first one."""


class RetryBudget:
    """Pauses between tries with backoff and jitter, within the time of the invocation.

    Three layers retry: this one inside an invocation, then Lambda or the queue, then the sweeper or a redrive. An inner
    layer leaves time for a clean failure, so that the next one can take over.
    """

    def __init__(
        self,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._now = now
        self._sleep = sleep
        self._chance = chance
        self._deadline = self._end = now() + _UNLIMITED_SECONDS

    def begin(self, seconds: float) -> None:
        """Set the budget of an invocation that has `seconds` left: that time without a reserve."""
        self._deadline = self._end = self._now() + seconds - _RESERVE_SECONDS

    def begin_part(self, seconds: float) -> None:
        """Set the budget of a part of the invocation; it ends with the invocation at the latest."""
        self._deadline = min(self._end, self._now() + seconds - _RESERVE_SECONDS)

    def seconds_left(self) -> float:
        """Return the seconds that are left; at least 0."""
        return max(self._deadline - self._now(), 0.0)

    def pause(self, tries: int) -> bool:
        """Pause after failed try number `tries` and return True; return False at once when the time is too short."""
        longest: float = min(_FIRST_PAUSE_SECONDS * 2 ** (tries - 1), _LONGEST_PAUSE_SECONDS)
        seconds = longest * self._chance()
        if seconds >= self.seconds_left():
            return False
        self._sleep(seconds)
        return True
