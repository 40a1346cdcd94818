"""The laptop's Lambda: it invokes functions as AWS does, and records the outcome of each delivery."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from contradance.choreography import AnyFunction
from contradance.errors import LaptopError
from contradance.httproute import Route
from contradance.local.events.bus import Bus
from contradance.local.events.pending_delivery import PendingDelivery
from contradance.local.events.pending_messages import PendingMessages
from contradance.local.invocation.in_flight import Flight, InFlight
from contradance.local.invocation.record import Exhausted, LaptopContext, event_in, failure_record, redriven, sqs_batch
from contradance.runtime.attempt import Attempt
from contradance.runtime.entry import attempt_to_record, invoke
from contradance.runtime.ports import Environment

_LOG = logging.getLogger("contradance.invoker")
_INVOKE: Final = "POST /2015-03-31/functions"
"""Trigger of a request that is not a route's: Lambda's Invoke."""
UNSETTLED_SECONDS: Final = 5.0
"""Pause before a delivery is repeated whose outcome could not be recorded."""

Failures = dict[str, BaseException]
"""The error of each failed delivery of one invocation, by delivery id."""


class TimedOut(Exception):
    """An invocation outlived its function's timeout."""


class ProcessEnded(Exception):
    """The process ended while a handler ran."""


class Invoker:
    """Invokes functions, and settles each delivery: finished, postponed or dead-lettered."""

    def __init__(
        self,
        bus: Bus,
        functions: Mapping[str, AnyFunction],
        in_flight: InFlight,
        environment: Environment,
        *,
        messages: PendingMessages,
        when_settled: Callable[[PendingDelivery], None],
    ) -> None:
        self._bus = bus
        self._functions = functions
        self._in_flight = in_flight
        self._environment = environment
        self._when_settled = when_settled
        self._messages = messages

    def begin(self, function: AnyFunction, batch: Sequence[PendingDelivery], deadline: float) -> Flight:
        """List an invocation that this thread is about to start, and return it; `end` it when it is settled."""
        return self._in_flight.begin(
            "delivery", function.name, [(pending.id, pending.attempt) for pending in batch], deadline
        )

    def end(self, flight: Flight) -> None:
        """Remove an invocation from the list of those that run: its deliveries are settled."""
        self._in_flight.end(flight)

    def end_late(self, flight: Flight) -> None:
        """Mark an invocation whose deliveries are settled while its thread still runs."""
        self._in_flight.mark_late(flight)

    def invoke(self, function: AnyFunction, batch: Sequence[PendingDelivery], deadline: float) -> Failures:
        """Invoke a function with a batch; return the errors of failed deliveries. `deadline` is monotonic seconds."""
        called = LaptopContext(batch[0].id, deadline)
        for pending in batch:  # an attempt that ended too late may have given it back
            self._messages.pause_of(pending.id)
        try:
            if function.delivery == "direct":
                invoke(function, json.loads(batch[0].envelope), called, self._environment)
                return {}
            answer = invoke(function, sqs_batch(batch, self._environment.clock.now()), called, self._environment)
        except Exception as error:  # noqa: BLE001 - journaled by the runtime; it is what Lambda would retry
            return dict.fromkeys((pending.id for pending in batch), error)
        failed = answer["batchItemFailures"] if isinstance(answer, dict) else []
        return {item["itemIdentifier"]: RuntimeError("reported as a batch item failure") for item in failed}

    def time_out(self, function: AnyFunction, batch: Sequence[PendingDelivery], flight: Flight | None) -> Failures:
        """Journal an invocation that outlived its timeout; return all its deliveries as failed with `TimedOut`."""
        seconds = function.limits.timeout.total_seconds()
        error = TimedOut(f"Task timed out after {seconds:.2f} seconds")
        where = self._in_flight.where(flight) if flight else ""
        for pending in batch:
            try:
                self._record_timeout(function, pending, f"TimedOut: {error}" + (f" ({where})" if where else ""), flight)
            except Exception:  # noqa: BLE001 - without a record the delivery is settled all the same
                _LOG.exception("a timeout of %s could not be recorded", function.name)
        return dict.fromkeys((pending.id for pending in batch), error)

    def _record_timeout(
        self, function: AnyFunction, pending: PendingDelivery, error: str, flight: Flight | None
    ) -> None:
        """Journal an attempt that outlived its timeout, with what it has logged."""
        attempt = self._describe(function, pending)
        attempt.began(function.limits.timeout.total_seconds())
        if flight is not None:
            flight.take_log(attempt)
        attempt.record("failed", pending.attempt, error=error)

    def interrupted(self, function: AnyFunction, pending: PendingDelivery, others: int) -> None:
        """Journal an attempt that ended with its process, beside `others`; it does not count, and is repeated."""
        error = f"the process ended while this and {others} other invocations ran; it runs again alone"
        self._describe(function, pending).record(
            "failed", pending.attempt, error=f"ProcessEnded: {error}", counts=False
        )

    def process_ended(self, function: AnyFunction, pending: PendingDelivery) -> PendingDelivery | None:
        """Settle an attempt that alone ended its process; return it, to be repeated, or None if dead-lettered.

        It is dead-lettered after its last attempt; then the result is None.
        """
        error = ProcessEnded("the process ended while the handler ran, and nothing else did")
        self._describe(function, pending).record("failed", pending.attempt, error=f"ProcessEnded: {error}")
        if pending.attempt < function.retry.attempts(function.delivery):
            now = self._environment.clock.now()
            self._bus.postpone(pending, now)
            return pending._replace(attempt=pending.attempt + 1, due=now.timestamp())
        self._retry_or_dead_letter(function, pending, error)
        return None

    def record_late_requests(self) -> None:
        """Journal as failed the requests that have outlived their timeouts since the last call."""
        for flight in self._in_flight.late_requests():
            function = self._functions[flight.function]
            seconds, where = function.limits.timeout.total_seconds(), self._in_flight.where(flight)
            error = f"TimedOut: Task timed out after {seconds:.2f} seconds ({where})"
            self.record_request(function, flight.attempts[0][0], error, seconds, flight)

    def record_request(
        self, function: AnyFunction, request_id: str, error: str, seconds: float = 0, flight: Flight | None = None
    ) -> None:
        """Journal a request as failed with `error`: it ended after `seconds` without a record of its own.

        With its `flight`, what it logged is in the record.
        """
        trigger = function.trigger.key if isinstance(function.trigger, Route) else _INVOKE
        attempt = Attempt(function, trigger, self._environment)
        attempt.correlation_id = request_id
        attempt.began(seconds)
        if flight is not None:
            flight.take_log(attempt)
        attempt.record("failed", 1, error=error)

    def _describe(self, function: AnyFunction, pending: PendingDelivery) -> Attempt:
        """Return the `Attempt` that journals this delivery."""
        return attempt_to_record(function, event_in(pending), self._environment)

    def settle(self, function: AnyFunction, batch: Sequence[PendingDelivery], failed: Failures) -> list[datetime]:
        """Finish, postpone or dead-letter each delivery; return the times at which failed ones are due again."""
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
        """Postpone a failed delivery and return [due time]; dead-letter it after its last attempt and return []."""
        now = self._environment.clock.now()
        pause = self._messages.pause_of(pending.id)
        if pause is not None:
            self._bus.postpone(pending, now + pause, counted=False)
            return [now + pause]
        # Behind a queue the consumer counts and dead-letters: what it reports is repeated. It cannot report its own end.
        counted = function.delivery == "direct" or isinstance(error, TimedOut | ProcessEnded)
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
