"""Reads the archive in the laptop's state file, also while another process runs the laptop."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from contradance.local.state.database import Database
from contradance.local.state.journal_table import STATE_FILE
from contradance.local.state.reader import Reader, reading

_PAGE: Final = 1_000
"""Events per query."""


class ArchiveReader:
    """`contradance.operate.forecast.Archive` over the laptop's database."""

    def __init__(self, reader: Reader | Database) -> None:
        self._reader = reader

    def events(self, first: datetime, last: datetime) -> Iterator[Mapping[str, Any]]:
        """Yield the archived events from `first` (inclusive) to `last` (exclusive), in EventBridge's envelope."""
        after = 0
        while True:
            rows = self._reader.read(
                "SELECT id, envelope FROM event WHERE archived = 1 AND time >= ? AND time < ? AND id > ? "
                "ORDER BY id LIMIT ?",
                (first.timestamp(), last.timestamp(), after, _PAGE),
            )
            yield from (json.loads(envelope) for _, envelope in rows)
            if len(rows) < _PAGE:
                return
            after = rows[-1][0]

    def completed(self, function: str) -> set[tuple[str, str]]:
        """Return (source, event_id) of every event that a function has completed."""
        return {
            (source, event)
            for source, event in self._reader.read("SELECT source, event_id FROM once WHERE function = ?", (function,))
        }


@contextmanager
def open_archive(state: Path) -> Iterator[ArchiveReader]:
    """Open the archive in the folder `state`, also while a laptop runs on it; raise `LaptopError` without one."""
    with reading(state / STATE_FILE) as reader:
        yield ArchiveReader(reader)
