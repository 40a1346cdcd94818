"""Continues after a process that was killed: finds what it ran, and what ended it.

A handler may end its process: by `os._exit`, a segmentation fault, or too much memory. Lambda counts that as a failed
attempt. Here all handlers share a process, so the deliveries that ran run again one at a time, before all others. Only one
that ran alone when the process ended is to blame; it is dead-lettered after its last attempt.
"""

from collections.abc import Mapping

from contradance.choreography import AnyFunction
from contradance.local.events.deliveries import Deliveries
from contradance.local.events.pending_delivery import PendingDelivery
from contradance.local.invocation.in_flight import RUNS, STOPPED, WAITS, InFlight, Left
from contradance.local.invocation.invoker import Invoker
from contradance.local.invocation.record import event_in
from contradance.local.store import SQLiteStore
from contradance.quantity import counted
from contradance.runtime.entry import key_of


class Recovery:
    """The deliveries of a killed process that run again alone.

    Args:
        functions: every function, by name.
        deliveries: the pending deliveries.
        invoker: settles them.
        in_flight: what the killed process left.
        store: holds the once-records.
    """

    def __init__(
        self,
        functions: Mapping[str, AnyFunction],
        deliveries: Deliveries,
        invoker: Invoker,
        in_flight: InFlight,
        store: SQLiteStore,
    ) -> None:
        self._functions = functions
        self._deliveries = deliveries
        self._invoker = invoker
        self._in_flight = in_flight
        self._store = store
        self._waiting: dict[str, int] = {}

    def suspects(self) -> list[PendingDelivery]:
        """Journal what ended with a killed process; return the deliveries to run alone, fewest attempts first.

        They are listed as waiting until `wait_no_more`, so that they run alone after another kill too.
        """
        left = self._in_flight.left
        ran = [one for one in left if one.state != WAITS]
        suspects = {pending.id: pending for pending in self._pending(left, WAITS)}
        for one in ran:
            if one.kind == "request":
                self._record_request(one)
        for pending in self._pending(ran, STOPPED):
            reason = "the process was stopped while it ran; it runs again"
            self._invoker.record_interrupted(self._functions[pending.function], pending, reason)
        for pending in self._pending(ran, RUNS):
            suspects.pop(pending.id, None)
            again = self._record_ended(pending, ran)
            suspects |= {again.id: again} if again else {}
        ordered = sorted(suspects.values(), key=lambda pending: pending.attempt)
        for pending in ordered:
            self._waiting[pending.id] = self._in_flight.wait_alone(pending.id, pending.attempt, pending.function)
        self._deliveries.flush()  # the records are on disk before what they are about is forgotten
        self._in_flight.forget_left()
        return ordered

    def _record_ended(self, pending: PendingDelivery, ran: list[Left]) -> PendingDelivery | None:
        """Journal an attempt that ended with its process, counted if alone; return the next, None if dead-lettered.

        It counts when nothing else ran; but not twice, where the start of this process was killed before.
        """
        function = self._functions[pending.function]
        if len(ran) > 1:
            others = counted(len(ran) - 1, "other invocation")
            reason = f"the process ended while this and {others} ran; it runs again alone"
            self._invoker.record_interrupted(function, pending, reason)
            return pending
        if ran[0].attempt != str(pending.attempt):
            return pending
        return self._invoker.settle_process_ended(function, pending)

    def wait_no_more(self, pending: PendingDelivery) -> None:
        """Remove a delivery of `suspects` from those that are listed as waiting to run alone: it is about to run."""
        self._in_flight.wait_no_more(self._waiting.pop(pending.id))

    def _pending(self, left: list[Left], state: str) -> list[PendingDelivery]:
        """Return deliveries left in `state` that are pending, not committed, and of a function that exists."""
        named = [one for one in left if one.state == state and one.kind == "delivery"]
        known = [one.id for one in named if one.function in self._functions]
        return [pending for pending in self._deliveries.with_ids(known) if not self._has_completed(pending)]

    def _has_completed(self, pending: PendingDelivery) -> bool:
        """Whether a delivery's handler has committed; False if its event has no once-key."""
        key = key_of(self._functions[pending.function], event_in(pending))
        return key is not None and self._store.has_completed(key)

    def _record_request(self, left: Left) -> None:
        """Journal a request that was not answered because the process ended; not one to an unknown function."""
        function = self._functions.get(left.function)
        if function is not None:
            self._invoker.record_request(
                function, left.id, "ProcessEnded: the process ended while the request was answered"
            )
