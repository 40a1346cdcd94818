"""The laptop's Lambda: it invokes functions as AWS does, and records the outcome of each delivery."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from contradance.choreography import AnyFunction
from contradance.errors import LaptopError
from contradance.httproute import Route
from contradance.local.events.deliveries import Deliveries
from contradance.local.events.pending_delivery import PendingDelivery
from contradance.local.invocation.flight_notes import FlightNotes
from contradance.local.invocation.in_flight import Flight, InFlight
from contradance.local.invocation.record import (
    Exhausted,
    LaptopContext,
    event_in,
    failure_record,
    moved_message,
    payload_in,
    sqs_batch,
)
from contradance.runtime.attempt import Attempt
from contradance.runtime.entry import attempt_to_record, invoke
from contradance.runtime.error_description import describe_error
from contradance.runtime.ports import Environment

_LOG = logging.getLogger("contradance.invoker")
_INVOKE: Final = "POST /2015-03-31/functions"
"""Trigger of a request that is not a route's: Lambda's Invoke."""
UNSETTLED_SECONDS: Final = 5.0
"""Pause before a delivery is repeated whose outcome could not be recorded."""


class TimedOut(Exception):
    """An invocation outlived its function's timeout."""


class NotContained(Exception):
    """An invocation raised what the runtime neither handles nor records."""


class ProcessEnded(Exception):
    """The process ended while a handler ran."""


class Invoker:
    """Invokes functions for deliveries, and settles each delivery: finished, postponed or dead-lettered.

    Args:
        deliveries: the pending deliveries.
        functions: every function, by name.
        in_flight: lists what runs.
        environment: of the functions.
        when_settled: called with each delivery whose outcome is on disk.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        functions: Mapping[str, AnyFunction],
        in_flight: InFlight,
        environment: Environment,
        *,
        when_settled: Callable[[PendingDelivery], None],
    ) -> None:
        self._deliveries = deliveries
        self._functions = functions
        self._in_flight = in_flight
        notes = FlightNotes(environment.clock)
        self._environment = replace(environment, messages=notes, dead_letters=notes)
        self._when_settled = when_settled
        self._returned: Counter[str] = Counter()
        """How often each delivery was repeated without counting its attempt, by id."""

    def begin(self, pending: PendingDelivery, deadline: float) -> Flight:
        """List a delivery as running in this thread, and return its flight; `deadline` is in monotonic seconds."""
        return self._in_flight.begin("delivery", pending.function, pending.id, pending.attempt, deadline)

    def end(self, flight: Flight) -> None:
        """Remove a delivery from those that run: it is settled, and its thread has returned."""
        self._in_flight.end(flight)

    def mark_late(self, flight: Flight) -> None:
        """List a delivery as late: it is settled as timed out, while its thread still runs."""
        self._in_flight.mark_late(flight)

    def invoke(self, function: AnyFunction, pending: PendingDelivery, flight: Flight) -> Exception | None:
        """Invoke a function for a delivery; return the error with which the attempt failed, or None."""
        context, environment = LaptopContext(pending.id, flight.deadline), self._environment
        try:
            if function.delivery == "direct":
                invoke(function, payload_in(pending), context, environment)
                return None
            answer = invoke(function, sqs_batch(pending, environment.clock.now()), context, environment)
        except Exception as error:  # noqa: BLE001 - journaled by the runtime; it is what Lambda would retry
            return error
        finally:
            self._in_flight.settings.restore()
        failed = isinstance(answer, dict) and answer["batchItemFailures"]
        return RuntimeError("reported as a batch item failure") if failed else None

    def invoke_contained(self, function: AnyFunction, pending: PendingDelivery, flight: Flight) -> Exception | None:
        """Invoke as `invoke` does; what would end the thread is journaled, too, and returned as a `NotContained`."""
        try:
            return self.invoke(function, pending, flight)
        except BaseException as error:  # noqa: BLE001 - without its worker a delivery is never settled
            described = describe_error(error)
            try:
                self._describe(function, pending).record("failed", pending.attempt, error=described)
            except Exception:  # noqa: BLE001 - without a record the delivery is settled all the same
                _LOG.exception("a failure of %s could not be recorded", function.name)
            return NotContained(described)

    def time_out(self, function: AnyFunction, pending: PendingDelivery, flight: Flight | None) -> TimedOut:
        """Journal an attempt that outlived its timeout, with what it logged; return its `TimedOut`, for `settle`."""
        seconds = function.limits.timeout.total_seconds()
        error = TimedOut(f"Task timed out after {seconds:.2f} seconds")
        where = self._in_flight.where(flight) if flight else ""
        try:
            attempt = self._describe(function, pending)
            attempt.began(seconds)
            if flight is not None:
                flight.move_log(attempt)
            attempt.record("failed", pending.attempt, error=f"TimedOut: {error}" + (f" ({where})" if where else ""))
        except Exception:  # noqa: BLE001 - without a record the delivery is settled all the same
            _LOG.exception("a timeout of %s could not be recorded", function.name)
        return error

    def record_interrupted(self, function: AnyFunction, pending: PendingDelivery, reason: str) -> None:
        """Journal as failed, and not counted, an attempt that ended with its process, for `reason`."""
        error = f"ProcessEnded: {reason}"
        self._describe(function, pending).record("failed", pending.attempt, error=error, counts=False)

    def settle_process_ended(self, function: AnyFunction, pending: PendingDelivery) -> PendingDelivery | None:
        """Settle as failed an attempt that alone ended its process; return the next, due now; None if dead-lettered."""
        error = ProcessEnded("the process ended while the handler ran, and nothing else did")
        self._describe(function, pending).record("failed", pending.attempt, error=f"ProcessEnded: {error}")
        if pending.attempt < function.retry.attempts(function.delivery):
            self._deliveries.postpone(pending, self._environment.clock.now())
            return pending._replace(attempt=pending.attempt + 1)
        self._retry_or_dead_letter(function, pending, error)
        return None

    def record_late_requests(self) -> None:
        """Journal as failed the requests that have outlived their timeouts since the last call."""
        self._in_flight.settings.restore()  # what hangs does not return, which would restore them
        for flight in self._in_flight.take_late_requests():
            function = self._functions[flight.function]
            seconds, where = function.limits.timeout.total_seconds(), self._in_flight.where(flight)
            error = f"TimedOut: Task timed out after {seconds:.2f} seconds ({where})"
            self.record_request(function, flight.id, error, seconds, flight)

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
            flight.move_log(attempt)
        attempt.record("failed", 1, error=error)

    def _describe(self, function: AnyFunction, pending: PendingDelivery) -> Attempt:
        """Return an attempt at this delivery, with the ids of its event, to record one that left no record."""
        return attempt_to_record(function, event_in(pending), self._environment)

    def settle(
        self, function: AnyFunction, pending: PendingDelivery, error: Exception | None, flight: Flight | None
    ) -> datetime | None:
        """Finish, postpone or dead-letter a delivery; return when it is due again, in 5 s if that fails, else None."""
        again = None
        if flight is None or flight.pause is None:
            del self._returned[pending.id]
        try:
            if flight is not None and flight.letter is not None:
                self._deliveries.dead_letter(pending, flight.letter)
            elif error is not None:
                again = self._retry_or_dead_letter(function, pending, error, flight.pause if flight else None)
            else:
                self._deliveries.finish(pending)
        except Exception:  # noqa: BLE001 - the delivery is still on disk, and is repeated
            _LOG.exception("a delivery to %s could not be settled", function.name)
            return self._environment.clock.after(timedelta(seconds=UNSETTLED_SECONDS))
        with suppress(LaptopError):  # a failing notification does not change the outcome
            self._when_settled(pending)
        return again

    def _retry_or_dead_letter(
        self, function: AnyFunction, pending: PendingDelivery, error: Exception, pause: timedelta | None = None
    ) -> datetime | None:
        """Postpone a failed delivery, uncounted with a `pause`, and return when it is due; None if dead-lettered.

        SQS counts what is not an attempt, too: it receives a message only `receives` times.
        """
        now = self._environment.clock.now()
        if pause is not None:
            receives = pending.attempt + self._returned[pending.id]
            if receives >= function.retry.receives:
                self._deliveries.dead_letter(pending, moved_message(pending._replace(attempt=receives)))
                del self._returned[pending.id]
                return None
            self._returned[pending.id] += 1
            soon = now + pause
            self._deliveries.postpone(pending, soon, counted=False)
            return soon
        # Behind a queue the consumer counts and dead-letters: what it reports is repeated. It cannot report its own end.
        counted = function.delivery == "direct" or isinstance(error, TimedOut | NotContained | ProcessEnded)
        most = function.retry.attempts(function.delivery) if counted else function.retry.receives
        if pending.attempt < most:
            following = now + function.retry.delay(function.delivery, pending.attempt, function.limits.timeout)
            self._deliveries.postpone(pending, following)
            return following
        if function.delivery == "queue":
            self._deliveries.dead_letter(pending, moved_message(pending))
        else:
            # `attempts` counts only those that fit into max_age: fewer than times + 1 means that the age ended them.
            condition: Exhausted = "RetriesExhausted" if pending.attempt > function.retry.times else "EventAgeExceeded"
            self._deliveries.dead_letter(pending, failure_record(pending, now, condition, error))
        return None
