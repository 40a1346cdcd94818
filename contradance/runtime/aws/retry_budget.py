"""How long the running invocation may still wait for AWS."""

import random
import time
from collections.abc import Callable
from typing import Final

_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 2.0
_RESERVE_SECONDS: Final = 0.5
"""Kept back, so that a failure can still be told before Lambda ends the invocation."""
_UNLIMITED_SECONDS: Final = 900.0
"""Longest that an invocation lasts; what is done before the first one begins has that much."""


class RetryBudget:
    """Pauses before another try, as long as there is time for one. Waiting and chance are arguments."""

    def __init__(
        self,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._now = now
        self._sleep = sleep
        self._chance = chance
        self._deadline = now() + _UNLIMITED_SECONDS

    def begin(self, seconds: float) -> None:
        """Begin an invocation that has `seconds` left."""
        self._deadline = self._now() + seconds - _RESERVE_SECONDS

    def seconds_left(self) -> float:
        """Return the seconds that may still be spent; never less than 0."""
        return max(self._deadline - self._now(), 0.0)

    def pause(self, tries: int) -> bool:
        """Wait after the failed try number `tries`; return False, at once, where the time does not allow another."""
        longest: float = min(_FIRST_PAUSE_SECONDS * 2 ** (tries - 1), _LONGEST_PAUSE_SECONDS)
        seconds = longest * self._chance()
        if seconds >= self.seconds_left():
            return False
        self._sleep(seconds)
        return True
