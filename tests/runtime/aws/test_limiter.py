"""A handler that hangs in a batch is interrupted at the end of its own time."""

import signal
import threading
import time
from contextlib import suppress

import pytest

from contradance.errors import HandlerTimedOut
from contradance.runtime.aws.limiter import AlarmLimiter
from contradance.runtime.aws.retry_budget import RetryBudget


@pytest.fixture
def limiter() -> AlarmLimiter:
    return AlarmLimiter(RetryBudget())


def test_a_handler_that_sleeps_is_interrupted(limiter: AlarmLimiter) -> None:
    with pytest.raises(HandlerTimedOut, match="longer than"), limiter.handler(0.01):
        time.sleep(3600)


def test_a_handler_that_catches_every_exception_is_interrupted(limiter: AlarmLimiter) -> None:
    def stubborn() -> None:
        while True:
            with suppress(Exception):
                time.sleep(3600)

    with pytest.raises(HandlerTimedOut), limiter.handler(0.01):
        stubborn()


def test_the_traceback_ends_in_the_handler(limiter: AlarmLimiter) -> None:
    def hang() -> None:
        time.sleep(3600)

    with pytest.raises(HandlerTimedOut) as raised, limiter.handler(0.01):
        hang()

    assert "hang" in [entry.name for entry in raised.traceback]


def test_a_handler_in_time_is_left_alone_and_the_signal_is_as_before(limiter: AlarmLimiter) -> None:
    before = signal.getsignal(signal.SIGALRM)

    with limiter.handler(3600):
        pass

    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_an_error_of_the_handler_is_raised_as_it_is(limiter: AlarmLimiter) -> None:
    with pytest.raises(KeyError, match="own"), limiter.handler(3600):
        raise KeyError("own")

    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_in_another_thread_nothing_is_interrupted(limiter: AlarmLimiter) -> None:
    ended = []

    def run() -> None:
        with limiter.handler(0.0):
            ended.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

    assert ended == [True]


def test_calls_to_aws_are_tried_again_within_the_time_of_one_attempt() -> None:
    now = [0.0]
    budget = RetryBudget(now=lambda: now[0])
    budget.begin(100)
    limiter = AlarmLimiter(budget)

    limiter.begin(31)
    first = budget.seconds_left()
    now[0] = 95
    limiter.begin(31)

    assert first == pytest.approx(30.5)
    assert budget.seconds_left() == pytest.approx(4.5)  # the invocation's
