"""One delivery that is to be made, and who makes it."""

from typing import NamedTuple, Protocol


class Waiting(NamedTuple):
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


class Desks(Protocol):
    """Who makes deliveries; it is told of them twice, so that nobody takes from disk what it will be offered."""

    def hold(self, accepted: list[Waiting]) -> None:
        """Expect these deliveries: they are about to be on disk. Called while the disk is being written."""

    def offer(self, accepted: list[Waiting]) -> None:
        """Make these deliveries: they are on disk."""


class Nobody:
    """Makes no deliveries; they wait on disk."""

    def hold(self, accepted: list[Waiting]) -> None:
        """Expect nothing."""

    def offer(self, accepted: list[Waiting]) -> None:
        """Do nothing."""
