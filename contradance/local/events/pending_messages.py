"""The messages that a function received from its queue on the laptop: each is a pending delivery."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from contradance.errors import LaptopError
from contradance.local.state.database import Database


class PendingMessages:
    """`contradance.runtime.ports.Messages` over the laptop's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._given_back: dict[str, float] = {}

    def hide(self, message: Mapping[str, Any], seconds: float) -> None:
        """Do nothing: the invoker postpones what is repeated."""

    def give_back(self, message: Mapping[str, Any], seconds: float) -> None:
        """Note the pause of a message, for the invoker, which repeats it without a count."""
        self._given_back[message["messageId"]] = seconds

    def pause_of(self, identifier: str) -> timedelta | None:
        """Return the pause of a message that was given back, once; None for another, which counts as an attempt."""
        seconds = self._given_back.pop(identifier, None)
        return None if seconds is None else timedelta(seconds=seconds)

    def delete(self, message: Mapping[str, Any]) -> None:
        """Delete the pending delivery of a message that is now a dead letter; its journal record is on disk too.

        No once-record would make it a duplicate after a kill: its last attempt would run again, and the first would have
        no record. If the disk fails, the delivery is finished when it is settled.
        """
        with suppress(LaptopError):
            self._database.write(
                lambda connection: connection.execute("DELETE FROM delivery WHERE id = ?", (message["messageId"],))
            )
