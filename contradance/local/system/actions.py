"""What changes a running laptop, and how it is done in the laptop's own process."""

import json
import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from contradance.errors import OperateError
from contradance.function import Schedule
from contradance.local.dead_letter_queues import stored_letters
from contradance.local.laptop import Laptop
from contradance.local.refusal import Refused
from contradance.subscription import Subscription


class LaptopActions(Protocol):
    """The actions of an operator: done directly, or sent to the laptop's process."""

    def redrive(self, function: str, messages: Sequence[str]) -> Collection[str]:
        """Redrive dead letters of one function, by their message ids; return the ids of those that were redriven."""

    def delete(self, function: str, messages: Sequence[str]) -> Collection[str]:
        """Delete dead letters of one function, by their message ids; return the ids of those that were deleted."""

    def replay(self, name: str, function: str, first: datetime, last: datetime) -> None:
        """Start a replay."""


class DirectActions:
    """`LaptopActions` in the laptop's own process."""

    def __init__(self, laptop: Laptop) -> None:
        self._laptop = laptop

    def redrive(self, function: str, messages: Sequence[str]) -> Collection[str]:
        """Move events from the dead letter queue to the function, all in one transaction."""
        self._check(function)
        redriven: list[str] = []

        def take(connection: sqlite3.Connection) -> list[str]:
            letters = stored_letters(connection, function, messages, self._laptop.clock.now())
            valid = [letter for letter in letters if letter.event is not None]
            redriven.extend(letter.message.id for letter in valid)
            connection.execute(
                "DELETE FROM dead_letter WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(redriven),)
            )
            return [json.dumps(letter.event, separators=(",", ":")) for letter in valid]

        self._laptop.bus.enqueue_from(function, take)
        return redriven

    def delete(self, function: str, messages: Sequence[str]) -> Collection[str]:
        """Delete dead letters; not those that another client has received."""
        self._check(function)
        return self._laptop.dead_letters.delete_messages(function, messages)

    def replay(self, name: str, function: str, first: datetime, last: datetime) -> None:
        """Start a replay."""
        self._check(function)
        try:
            self._laptop.replays.begin(name, first, last, {function}, f"contradance replay to {function}")
        except Refused as refusal:
            raise OperateError(f"the laptop refused the replay: {refusal.code}: {refusal.message}") from refusal

    def _check(self, name: str) -> None:
        function = self._laptop.choreography.functions.get(name)
        if function is None or not isinstance(function.trigger, Subscription | Schedule):
            raise OperateError(
                f"the laptop runs no function {name} that consumes events.\n  Start it again to run the current code."
            )
