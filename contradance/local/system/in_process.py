"""Operates the laptop inside its own process, for the console and for the HTTP API that the commands use."""

import json
import sqlite3
from collections.abc import Collection, Sequence
from contextlib import nullcontext
from datetime import datetime

from contradance.errors import OperateError
from contradance.function import Schedule
from contradance.local.dead_letter_queues import stored_letters
from contradance.local.laptop import Laptop
from contradance.local.refusal import Refused
from contradance.local.state.pulled import PulledLetter, PulledRow, keep_pulled, keep_rows
from contradance.local.state.schema import OWN_BUS
from contradance.local.system.adapters import laptop_system
from contradance.local.system.deployed import deployed
from contradance.local.system.protocol import RetriedDelivery, SystemDescription
from contradance.operate.ports import System
from contradance.subscription import Subscription


def system_in_process(laptop: Laptop, description: SystemDescription) -> System:
    """Return the `System` with which the console operates a laptop that runs in this process."""
    actions = DirectActions(laptop)
    return laptop_system(description.deployed, lambda: nullcontext(laptop.database), actions, lambda: description)


def describe(laptop: Laptop, url: str) -> SystemDescription:
    """Return the description of the choreography that `laptop` runs; `url` is the address of its HTTP server."""
    patterns = {one.function.name: one.subscription.pattern.canonical for one in laptop.choreography.subscriptions}
    return SystemDescription(
        state=str(laptop.state.resolve()), deployed=deployed(laptop.choreography, url), patterns=patterns
    )


class DirectActions:
    """Implements `contradance.local.system.adapters.LaptopActions` in the laptop's own process."""

    def __init__(self, laptop: Laptop) -> None:
        self._laptop = laptop

    def redrive(self, function: str, messages: Sequence[str]) -> Collection[str]:
        """Redrive visible dead letters that hold an event; return their ids. `OperateError`: no such consumer."""
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
        """Delete dead letters, except hidden ones; return the deleted ids. `OperateError`: no such consumer."""
        self._check(function)
        return self._laptop.dead_letters.delete_messages(function, messages)

    def replay(self, name: str, function: str, first: datetime, last: datetime) -> None:
        """Start a replay of events from `first` until before `last` to one function; `OperateError` if refused."""
        self._check(function)
        try:
            trigger = self._laptop.choreography.functions[function].trigger
            bus = (trigger.bus if isinstance(trigger, Subscription) else None) or OWN_BUS
            self._laptop.replays.begin(name, first, last, {function}, f"contradance replay to {function}", bus=bus)
        except Refused as refusal:
            raise OperateError(f"the replay cannot start: {refusal.code}: {refusal.message}") from refusal

    def store_pulled(self, letters: Sequence[PulledLetter], rows: Sequence[PulledRow]) -> Collection[str]:
        """Store pulled dead letters and rows; return new letters' ids. `OperateError`: unknown function or table."""
        for name in {letter.function for letter in letters}:
            self._check(name)
        for name in {row.table for row in rows} - {*self._laptop.choreography.tables}:
            raise OperateError(f"no function of the laptop uses a table {name!r}.")

        def keep(connection: sqlite3.Connection) -> list[str]:
            keep_rows(connection, rows)
            return keep_pulled(connection, letters)

        return self._laptop.database.write(keep)

    def retry(self, term: str | None) -> list[RetriedDelivery]:
        """Make the next attempt of postponed deliveries now, and return them; `term` selects as in `RetryRequest`."""
        return [
            RetriedDelivery(function=one.function, event_id=one.event_id, attempt=one.attempt)
            for one in self._laptop.retry(term)
        ]

    def run_schedule(self, name: str) -> str:
        """Run a scheduled function once, now; return its flow's id. `OperateError` if it has no schedule."""
        function = self._laptop.choreography.functions.get(name)
        if function is None or not isinstance(function.trigger, Schedule):
            scheduled = [
                one.name for one in self._laptop.choreography.functions.values() if isinstance(one.trigger, Schedule)
            ]
            raise OperateError(f"there is no scheduled function {name}.\n  There is: {', '.join(scheduled) or 'none'}.")
        return self._laptop.run_schedule(name)

    def _check(self, name: str) -> None:
        """Raise `OperateError` unless this is a subscriber or a scheduled function."""
        function = self._laptop.choreography.functions.get(name)
        if function is None or not isinstance(function.trigger, Subscription | Schedule):
            raise OperateError(
                f"the laptop runs no function {name} that consumes events.\n  Start it again to run the current code."
            )
