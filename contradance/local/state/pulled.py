"""Dead letters of another system, put on the queues of the laptop; and the record of revealed personal data."""

import getpass
import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import BaseModel

REVEALED: Final = "revealed.jsonl"
"""The file in the laptop's folder with one line for each dead letter that was pulled with its personal data."""


class PulledLetter(BaseModel):
    """One dead letter, as it is put on the laptop's queue."""

    message_id: str
    function: str
    body: str
    """Lambda's record of a failure, with the event and the error."""
    sent: float
    """In seconds of the epoch."""


def keep_pulled(connection: sqlite3.Connection, letters: Sequence[PulledLetter]) -> list[str]:
    """Put letters on their queues; return the ids of those that were not there before."""
    new = []
    for one in letters:
        row = (one.message_id, one.function, one.sent, one.body, "{}")
        done = connection.execute(
            "INSERT OR IGNORE INTO dead_letter VALUES (?, ?, ?, ?, ?, NULL, 0, 0, NULL, NULL)", row
        ).rowcount
        new += [one.message_id] * done
    return new


def record_reveal(state: Path, system: str, letters: Sequence[tuple[str, str]]) -> None:
    """Append to a file in `state` who revealed which (function, event id) of a system, and when."""
    state.mkdir(parents=True, exist_ok=True)
    at, who = datetime.now(UTC).isoformat(timespec="seconds"), getpass.getuser()
    with (state / REVEALED).open("a", encoding="utf-8") as file:
        for function, event_id in letters:
            line = {"at": at, "by": who, "from": system, "function": function, "event_id": event_id}
            file.write(json.dumps(line) + "\n")
