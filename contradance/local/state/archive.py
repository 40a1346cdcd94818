"""Reads the archives in the laptop's state file, also while another process runs the laptop."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from contradance.local.state.database import Database
from contradance.local.state.journal_table import STATE_FILE
from contradance.local.state.reader import Reader, reading
from contradance.local.state.schema import OWN_BUS
from contradance.local.state.stored import envelope_in

_PAGE: Final = 1_000
"""Events per query."""


class ArchiveReader:
    """`contradance.operate.forecast.ReadableArchive` over the laptop's database."""

    def __init__(self, reader: Reader | Database) -> None:
        self._reader = reader

    def events(self, bus: str | None, first: datetime, last: datetime) -> Iterator[Mapping[str, Any]]:
        """Yield the envelopes of a bus's archive (None: the own bus's) with a time from `first` until before `last`.

        One that cannot be read is left out, as a replay leaves it out.
        """
        after = 0
        while True:
            rows = self._reader.read(
                "SELECT id, envelope FROM event WHERE archived = 1 AND bus = ? AND time >= ? AND time < ? AND id > ? "
                "ORDER BY id LIMIT ?",
                (bus or OWN_BUS, first.timestamp(), last.timestamp(), after, _PAGE),
            )
            yield from (event for _, text in rows if (event := envelope_in(text)) is not None)
            if len(rows) < _PAGE:
                return
            after = rows[-1][0]

    def has_completed(self, deployed_name: str, source: str, event_id: str) -> bool:
        """Whether the function with this deployed name has completed an event."""
        query = "SELECT 1 FROM once WHERE function = ? AND source = ? AND event_id = ?"
        return bool(self._reader.read(query, (deployed_name, source, event_id)))


@contextmanager
def open_archive(state: Path) -> Iterator[ArchiveReader]:
    """Open the archives in the folder `state`, also while a laptop runs; raise `LaptopError` without a state file."""
    with reading(state / STATE_FILE) as reader:
        yield ArchiveReader(reader)
