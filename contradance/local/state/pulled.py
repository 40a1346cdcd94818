"""Dead letters and rows of another system, brought to the laptop; and the record of revealed personal data."""

import getpass
import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import BaseModel, Field

from contradance.local.items import write_item
from contradance.runtime.ports import Write

REVEALED: Final = "revealed.jsonl"
"""The file in the laptop's folder with one line for each dead letter and row that was pulled with its personal data."""


class PulledLetter(BaseModel):
    """One dead letter, as it is put on the laptop's queue."""

    message_id: str
    function: str
    body: str
    """Lambda's record of a failure, with the event and the error."""
    sent: float
    """In seconds of the epoch."""


class PulledRow(BaseModel):
    """One row, as it is put into the laptop's table."""

    table: str
    """The full name of the table: `loans.copies`."""
    key: Sequence[str] = Field(min_length=1, max_length=2)
    """Partition key and, with a sort key, the sort key, as text."""
    document: str
    """The item as JSON."""


def keep_rows(connection: sqlite3.Connection, rows: Sequence[PulledRow]) -> None:
    """Put rows into their tables, in place of rows with the same keys."""
    for row in rows:
        partition, sort = (*row.key, "")[:2]
        write_item(connection, Write(row.table, (partition, sort), row.document, None))


def keep_pulled(connection: sqlite3.Connection, letters: Sequence[PulledLetter]) -> list[str]:
    """Put dead letters on their queues, in place of those with the same ids; return the ids that are new there."""
    new = []
    for one in letters:
        row = (one.message_id, one.function, one.sent, one.body, "{}")
        if not connection.execute("SELECT 1 FROM dead_letter WHERE id = ?", row[:1]).fetchone():
            new.append(one.message_id)
        connection.execute(
            "INSERT INTO dead_letter VALUES (?, ?, ?, ?, ?, NULL, 0, 0, NULL, NULL) "
            "ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            row,
        )
    return new


def record_reveal(state: Path, system: str, letters: Sequence[tuple[str, str]], rows: Sequence[str]) -> None:
    """Append to `REVEALED` in `state` who revealed which letters (function, event id) and rows of `system`, when."""
    state.mkdir(parents=True, exist_ok=True)
    at, who = datetime.now(UTC).isoformat(timespec="seconds"), getpass.getuser()
    with (state / REVEALED).open("a", encoding="utf-8") as file:
        what = [{"function": function, "event_id": event_id} for function, event_id in letters]
        for one in (*what, *({"row": row} for row in rows)):
            file.write(json.dumps({"at": at, "by": who, "from": system, **one}) + "\n")
