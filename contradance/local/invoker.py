"""The laptop's Lambda: it invokes a function as AWS would, and writes down what came of each delivery."""

import json
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from contradance.choreography import AnyFunction
from contradance.errors import LaptopError
from contradance.local.bus import Bus
from contradance.local.record import Exhausted, context, failure_record, redriven, sqs_batch
from contradance.local.waiting import Waiting
from contradance.runtime.consume import describe
from contradance.runtime.entry import invoke
from contradance.runtime.ports import Place

_LOG = logging.getLogger("contradance.invoker")
UNSETTLED_SECONDS: Final = 5.0
"""Pause before a delivery whose outcome could not be written down is made again."""

Failures = dict[str, BaseException]
"""The deliveries of one invocation that failed, by their ids."""


class TimedOut(Exception):
    """An invocation outlived its function's timeout."""


class Invoker:
    """Invokes functions, and settles deliveries: finished, to be made again, or a dead letter."""

    def __init__(self, bus: Bus, place: Place, when_settled: Callable[[Waiting], None]) -> None:
        self._bus = bus
        self._place = place
        self._when_settled = when_settled

    def invoke(self, function: AnyFunction, batch: Sequence[Waiting], deadline: float) -> Failures:
        """Invoke a function; `deadline` is on the machine's monotonic clock, in seconds."""
        called = context(batch[0].id, deadline)
        try:
            if function.delivery == "direct":
                invoke(function, json.loads(batch[0].envelope), called, self._place)
                return {}
            answer = invoke(function, sqs_batch(batch, self._place.clock.now()), called, self._place)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - journaled by the runtime; it is what Lambda would retry
            return dict.fromkeys((waiting.id for waiting in batch), error)
        failed = answer["batchItemFailures"] if isinstance(answer, dict) else []
        return {item["itemIdentifier"]: RuntimeError("reported as a batch item failure") for item in failed}

    def time_out(self, function: AnyFunction, batch: Sequence[Waiting]) -> Failures:
        """Journal an invocation that outlived its timeout; Lambda would have ended it there."""
        seconds = function.limits.timeout.total_seconds()
        error = TimedOut(f"Task timed out after {seconds:.2f} seconds")
        for waiting in batch:
            attempt = describe(function, json.loads(waiting.envelope), self._place)
            attempt.began(seconds)
            attempt.leave("failed", waiting.attempt, error=f"TimedOut: {error}")
        return dict.fromkeys((waiting.id for waiting in batch), error)

    def settle(self, function: AnyFunction, batch: Sequence[Waiting], failed: Failures) -> list[datetime]:
        """Write down what came of each delivery; return when those that failed are to be made again."""
        again = []
        for waiting in batch:
            try:
                if waiting.id in failed:
                    again += self._give_back(function, waiting, failed[waiting.id])
                else:
                    self._bus.finish(waiting)
            except Exception:  # noqa: BLE001 - the delivery is still on disk, and is made again
                _LOG.exception("a delivery to %s could not be settled", function.name)
                again.append(later(self._place, UNSETTLED_SECONDS))
            else:
                with suppress(LaptopError):  # what is told is not what is done
                    self._when_settled(waiting)
        return again

    def _give_back(self, function: AnyFunction, waiting: Waiting, error: BaseException) -> list[datetime]:
        """Have a failed delivery made again after its pause; bury it where its attempts or its time are used up."""
        now = self._place.clock.now()
        if waiting.attempt < function.retry.attempts(function.delivery):
            following = now + function.retry.delay(function.delivery, waiting.attempt, function.limits.timeout)
            self._bus.postpone(waiting, following)
            return [following]
        if function.delivery == "queue":
            self._bus.bury(waiting, redriven(waiting))
        else:
            condition: Exhausted = "RetriesExhausted" if waiting.attempt > function.retry.times else "EventAgeExceeded"
            self._bus.bury(waiting, failure_record(waiting, now, condition, error))
        return []


def later(place: Place, seconds: float) -> datetime:
    """Return the moment that is `seconds` from now."""
    now = place.clock.now()
    return datetime.fromtimestamp(now.timestamp() + seconds, now.tzinfo)
