"""The time of one attempt in an invocation that makes several: a record of a batch may not use its neighbours' time."""

from datetime import timedelta
from typing import Final

from contradance.runtime.ports import Context

RESERVE_SECONDS: Final = 1.0
"""Kept back for reporting a failure."""


class OwnTime:
    """Lambda's context for one attempt: it ends after the function's `timeout`, or with the invocation.

    Args:
        invocation: the context of the whole invocation, whose clock it uses.
        timeout: longest time of the attempt.
    """

    def __init__(self, invocation: Context, timeout: timedelta) -> None:
        self._invocation = invocation
        left = invocation.get_remaining_time_in_millis()
        self._kept_back = max(left - int(timeout.total_seconds() * 1000), 0)

    @property
    def aws_request_id(self) -> str:
        """The id of the invocation."""
        return self._invocation.aws_request_id

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds left before the attempt's end, at least 0."""
        return max(self._invocation.get_remaining_time_in_millis() - self._kept_back, 0)


def is_enough(invocation: Context, timeout: timedelta) -> bool:
    """Return whether an attempt that takes its whole timeout ends, and is reported, before the invocation ends."""
    return invocation.get_remaining_time_in_millis() / 1000 >= timeout.total_seconds() + RESERVE_SECONDS
