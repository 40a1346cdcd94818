"""One function's worker queue: its ready deliveries and its running invocations."""

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from contradance.choreography import AnyFunction
from contradance.local.events.pending_delivery import PendingDelivery
from contradance.local.invocation.in_flight import Flight

DEFAULT_CONCURRENCY: Final = 4
"""Concurrent invocations of a function that declares no `concurrency`."""
MAX_QUEUED: Final = 256
"""Deliveries of one function that wait in memory; the others wait on disk."""
MAX_HUNG: Final = 256
"""Invocations of one function that may hang while others take their places; more of those reduce its concurrency."""


@dataclass(eq=False, slots=True)
class WorkerQueue:
    """One function's ready deliveries and running invocations."""

    function: AnyFunction
    ready: deque[PendingDelivery] = field(default_factory=deque)
    reserved: set[str] = field(default_factory=set)
    """Ids of deliveries that are being committed, ready or running: a read from disk skips them."""
    invocations: int = 0
    abandoned: int = 0
    """Invocations that outlived their timeout while their threads still run."""
    more: bool = False
    """Whether the disk may hold due deliveries that are not in `ready`."""

    @property
    def concurrency(self) -> int:
        """Maximum number of concurrent invocations: the declared one, else `DEFAULT_CONCURRENCY`."""
        return self.function.limits.concurrency or DEFAULT_CONCURRENCY

    @property
    def has_capacity(self) -> bool:
        """Whether another invocation may start: fewer than `concurrency` run, or hang beyond `MAX_HUNG`."""
        return self.invocations + max(self.abandoned - MAX_HUNG, 0) < self.concurrency

    @property
    def seconds(self) -> float:
        """The function's timeout, in seconds."""
        return self.function.limits.timeout.total_seconds()

    def enqueue(self, pending: PendingDelivery, now: float) -> None:
        """Append a reserved delivery to the ready ones if it is due and there is room; else leave it on disk."""
        # Deliveries on disk are older, and go first.
        if len(self.ready) < MAX_QUEUED and not self.more and pending.due <= now:
            self.ready.append(pending)
        else:
            self.release(pending)
            self.more = True

    def release(self, pending: PendingDelivery) -> None:
        """Remove a delivery from the reserved ones: a read from disk may find it again."""
        self.reserved.discard(pending.id)


@dataclass(eq=False, slots=True)
class Invocation:
    """A running invocation for one delivery, behind a queue too: a thread that hangs must not hold up others."""

    queue: WorkerQueue
    pending: PendingDelivery
    deadline: float
    """In seconds of the monotonic clock; 0 before it begins, if nothing else runs beside it."""
    flight: Flight | None = None
    """Its entry in the list of what runs; None until its thread has started it."""
    settled: threading.Event = field(default_factory=threading.Event)
