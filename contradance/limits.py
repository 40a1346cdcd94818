"""Limits of one function: timeout, memory and concurrency."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from contradance.errors import InvalidFunction
from contradance.signature import check_whole_number

LONGEST_TIMEOUT: Final = timedelta(minutes=15)
"""Longest timeout of a function. Lambda quota."""
SPARE_TIME: Final = timedelta(seconds=5)
"""What an invocation for a batch has beyond the timeouts of its attempts, for reporting their outcomes."""
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
        """Raise `InvalidFunction` for limits that Lambda does not support."""
        if not isinstance(self.timeout, timedelta):
            raise InvalidFunction(f"{function} has timeout={self.timeout!r}.\n  Write timedelta(seconds=...).")
        if not timedelta(0) < self.timeout <= LONGEST_TIMEOUT or self.timeout % timedelta(seconds=1):
            raise InvalidFunction(
                f"{function} has timeout={self.timeout}.\n"
                "  Lambda runs a function for 1 second to 15 minutes, in whole seconds."
            )
        check_whole_number(function, "memory", self.memory)
        if not MEMORY[0] <= self.memory <= MEMORY[1]:
            raise InvalidFunction(
                f"{function} has memory={self.memory}.\n  Lambda supports {MEMORY[0]} to {MEMORY[1]:,} MB."
            )
        if self.concurrency is not None:
            check_whole_number(function, "concurrency", self.concurrency)
            if self.concurrency < 1:
                raise InvalidFunction(
                    f"{function} has concurrency={self.concurrency}.\n  Use 1 or more, or leave it out."
                )


def batch_timeout(timeout: timedelta, batch: int) -> timedelta:
    """Return the longest time of an invocation for `batch` events behind a queue; `timeout` is that of one attempt."""
    return timeout * batch + SPARE_TIME


def check_batch(function: str, timeout: timedelta, batch: int) -> None:
    """Raise `InvalidFunction` for a batch that Lambda would end before its last event had its time."""
    longest = batch_timeout(timeout, batch)
    if longest <= LONGEST_TIMEOUT:
        return
    fits = (LONGEST_TIMEOUT - SPARE_TIME) // timeout
    fix = (
        f"Write batch={fits}, the largest that fits, or a shorter timeout."
        if fits
        else f"Behind a queue an attempt may take {LONGEST_TIMEOUT - SPARE_TIME}."
    )
    raise InvalidFunction(
        f"{function} has timeout={timeout} and batch={batch}: an invocation would take up to {longest}, and Lambda ends it "
        f"after {LONGEST_TIMEOUT}.\n  {fix}"
    )
