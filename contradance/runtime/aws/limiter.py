"""Ends a handler that takes longer than its own timeout in an invocation that handles several messages.

Lambda ends only the whole invocation: without this, one handler that hangs takes the time of its neighbours.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from contradance.errors import HandlerTimedOut
from contradance.runtime.aws.retry_budget import RetryBudget


class Interrupted(BaseException):
    """Raised in a handler at its timeout; not an `Exception`, so that the handler does not catch it by accident."""


class AlarmLimiter:
    """`contradance.runtime.ports.Limiter` by the process's alarm signal, which Python delivers to the main thread."""

    def __init__(self, retry_budget: RetryBudget) -> None:
        self._retry_budget = retry_budget

    def begin(self, seconds: float) -> None:
        """Limit retries of calls to AWS to `seconds` from now."""
        self._retry_budget.begin_part(seconds)

    @contextmanager
    def handler(self, seconds: float) -> Iterator[None]:
        """Raise `HandlerTimedOut` in the block after `seconds`; outside of the main thread, do not limit it."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGALRM, _interrupt)
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))  # 0 would mean never
        try:
            yield
        except Interrupted as interrupted:
            message = f"The handler took longer than {seconds:.2f} seconds.\n  Raise its timeout=, or make it faster."
            raise HandlerTimedOut(message).with_traceback(interrupted.__traceback__) from None
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def _interrupt(_: int, __: FrameType | None) -> None:
    """Raise `Interrupted`, as handler of the alarm signal."""
    raise Interrupted
