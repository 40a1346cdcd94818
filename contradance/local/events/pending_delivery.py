"""A pending delivery, and the interface of the dispatcher that makes it."""

from typing import NamedTuple, Protocol


class PendingDelivery(NamedTuple):
    """One event that is to be delivered to one function."""

    id: str
    """Lambda's request id, or SQS's message id: the same on every attempt."""
    function: str
    attempt: int
    """Number of the next attempt; 1 is the first."""
    sent: float
    """When the event was accepted for this delivery, in seconds of the epoch."""
    due: float
    correlation_id: str | None
    envelope: str


class Dispatcher(Protocol):
    """Makes deliveries.

    The bus calls `reserve` during the commit and `enqueue` after it, so that a worker that reads due deliveries from
    disk in between skips those that are about to be enqueued.
    """

    def reserve(self, accepted: list[PendingDelivery]) -> None:
        """Note the ids of deliveries that are being committed. Runs inside the write transaction."""

    def enqueue(self, accepted: list[PendingDelivery]) -> None:
        """Make these deliveries, which are committed, when they are due."""

    def refill(self, function: str) -> None:
        """Make deliveries of a function that have become due on disk."""


class NullDispatcher:
    """Makes no deliveries: they stay on disk."""

    def reserve(self, accepted: list[PendingDelivery]) -> None:
        """Do nothing: there is no worker that could take them from disk."""

    def enqueue(self, accepted: list[PendingDelivery]) -> None:
        """Do nothing: the deliveries stay on disk."""

    def refill(self, function: str) -> None:
        """Do nothing: the deliveries stay on disk."""
