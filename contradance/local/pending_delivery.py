"""One delivery that is to be made, and the interface of what makes it."""

from typing import NamedTuple, Protocol


class PendingDelivery(NamedTuple):
    """One delivery that is to be made: one event, for one function."""

    id: str
    """Lambda's request id, or SQS's message id: the same on every attempt."""
    function: str
    attempt: int
    """Attempts so far, the coming one included."""
    sent: float
    """When the event was accepted for this delivery, in seconds of the epoch."""
    due: float
    correlation_id: str | None
    envelope: str


class Dispatcher(Protocol):
    """Makes deliveries. It is called twice for each, so that none is taken from disk that will also be enqueued."""

    def reserve(self, accepted: list[PendingDelivery]) -> None:
        """Expect these deliveries: they are about to be on disk. Called while the disk is being written."""

    def enqueue(self, accepted: list[PendingDelivery]) -> None:
        """Make these deliveries: they are on disk."""


class NullDispatcher:
    """Makes no deliveries; they wait on disk."""

    def reserve(self, accepted: list[PendingDelivery]) -> None:
        """Expect nothing."""

    def enqueue(self, accepted: list[PendingDelivery]) -> None:
        """Do nothing."""
