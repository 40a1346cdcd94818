"""The laptop's Lambda: it invokes functions as AWS does, and records the outcome of each delivery."""

import json
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from contradance.choreography import AnyFunction
from contradance.errors import LaptopError
from contradance.local.events.bus import Bus
from contradance.local.events.pending_delivery import PendingDelivery
from contradance.local.invocation.record import Exhausted, LaptopContext, failure_record, redriven, sqs_batch
from contradance.runtime.consume import describe
from contradance.runtime.entry import invoke
from contradance.runtime.ports import Environment

_LOG = logging.getLogger("contradance.invoker")
UNSETTLED_SECONDS: Final = 5.0
"""Pause before a delivery is repeated whose outcome could not be recorded."""

Failures = dict[str, BaseException]
"""The error of each failed delivery of one invocation, by delivery id."""


class TimedOut(Exception):
    """An invocation outlived its function's timeout."""


class Invoker:
    """Invokes functions, and settles each delivery: finished, postponed or dead-lettered."""

    def __init__(self, bus: Bus, environment: Environment, when_settled: Callable[[PendingDelivery], None]) -> None:
        self._bus = bus
        self._environment = environment
        self._when_settled = when_settled

    def invoke(self, function: AnyFunction, batch: Sequence[PendingDelivery], deadline: float) -> Failures:
        """Invoke a function with a batch; return its failures. `deadline` is in seconds of the monotonic clock."""
        called = LaptopContext(batch[0].id, deadline)
        try:
            if function.delivery == "direct":
                invoke(function, json.loads(batch[0].envelope), called, self._environment)
                return {}
            answer = invoke(function, sqs_batch(batch, self._environment.clock.now()), called, self._environment)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - journaled by the runtime; it is what Lambda would retry
            return dict.fromkeys((pending.id for pending in batch), error)
        failed = answer["batchItemFailures"] if isinstance(answer, dict) else []
        return {item["itemIdentifier"]: RuntimeError("reported as a batch item failure") for item in failed}

    def time_out(self, function: AnyFunction, batch: Sequence[PendingDelivery]) -> Failures:
        """Journal an invocation that outlived its timeout, at which Lambda would end it; return its deliveries as failed."""
        seconds = function.limits.timeout.total_seconds()
        error = TimedOut(f"Task timed out after {seconds:.2f} seconds")
        for pending in batch:
            attempt = describe(function, json.loads(pending.envelope), self._environment)
            attempt.began(seconds)
            attempt.record("failed", pending.attempt, error=f"TimedOut: {error}")
        return dict.fromkeys((pending.id for pending in batch), error)

    def settle(self, function: AnyFunction, batch: Sequence[PendingDelivery], failed: Failures) -> list[datetime]:
        """Record the outcome of each delivery; return when the failed ones are due again."""
        again = []
        for pending in batch:
            try:
                if pending.id in failed:
                    again += self._retry_or_dead_letter(function, pending, failed[pending.id])
                else:
                    self._bus.finish(pending)
            except Exception:  # noqa: BLE001 - the delivery is still on disk, and is repeated
                _LOG.exception("a delivery to %s could not be settled", function.name)
                again.append(self._environment.clock.now() + timedelta(seconds=UNSETTLED_SECONDS))
            else:
                with suppress(LaptopError):  # a failing notification does not change the outcome
                    self._when_settled(pending)
        return again

    def _retry_or_dead_letter(
        self, function: AnyFunction, pending: PendingDelivery, error: BaseException
    ) -> list[datetime]:
        """Postpone a failed delivery and return its due time; dead-letter it after its last attempt."""
        now = self._environment.clock.now()
        # Behind a queue the consumer counts and dead-letters: what it reports is repeated. It cannot report a timeout.
        counted = function.delivery == "direct" or isinstance(error, TimedOut)
        most = function.retry.attempts(function.delivery) if counted else function.retry.receives
        if pending.attempt < most:
            following = now + function.retry.delay(function.delivery, pending.attempt, function.limits.timeout)
            self._bus.postpone(pending, following)
            return [following]
        if function.delivery == "queue":
            self._bus.dead_letter(pending, redriven(pending))
        else:
            # `attempts` counts only those that fit into max_age: fewer than times + 1 means that the age ended them.
            condition: Exhausted = "RetriesExhausted" if pending.attempt > function.retry.times else "EventAgeExceeded"
            self._bus.dead_letter(pending, failure_record(pending, now, condition, error))
        return []
