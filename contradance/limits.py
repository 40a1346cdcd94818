"""Limits of one function: timeout, memory and concurrency."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from contradance.errors import InvalidFunction

LONGEST_TIMEOUT: Final = timedelta(minutes=15)
"""Longest timeout of a function. Lambda quota."""
MEMORY: Final = (128, 10_240)
"""Least and most memory of a function, in MB. Lambda quotas."""


@dataclass(frozen=True)
class Limits:
    """One function's timeout, memory and concurrency."""

    timeout: timedelta = timedelta(seconds=30)
    memory: int = 256
    """In MB."""
    concurrency: int | None = None
    """Most invocations at a time; None for the account's limit."""

    def check(self, function: str) -> None:
        """Refuse limits that Lambda does not support."""
        if not isinstance(self.timeout, timedelta):
            raise InvalidFunction(f"{function} has timeout={self.timeout!r}.\n  Write timedelta(seconds=...).")
        if not timedelta(0) < self.timeout <= LONGEST_TIMEOUT or self.timeout % timedelta(seconds=1):
            raise InvalidFunction(
                f"{function} has timeout={self.timeout}.\n"
                "  Lambda runs a function for 1 second to 15 minutes, in whole seconds."
            )
        if not MEMORY[0] <= self.memory <= MEMORY[1]:
            raise InvalidFunction(
                f"{function} has memory={self.memory}.\n  Lambda supports {MEMORY[0]} to {MEMORY[1]:,} MB."
            )
        if self.concurrency is not None and self.concurrency < 1:
            raise InvalidFunction(f"{function} has concurrency={self.concurrency}.\n  Use 1 or more, or leave it out.")
