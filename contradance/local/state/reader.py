"""Reads the laptop's state file, from any thread and any process."""

import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

from contradance.errors import LaptopError
from contradance.local.state.schema import check_version

Synchronous = Literal["FULL", "NORMAL", "OFF"]
"""How hard a commit is pushed to disk: FULL survives a power cut, NORMAL a killed process; OFF is for tests."""


def connect(path: Path, synchronous: Synchronous) -> sqlite3.Connection:
    """Open a connection to the file, for use by one thread at a time."""
    with ExitStack() as opened:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        opened.callback(connection.close)
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        opened.pop_all()
    return connection


class Reader:
    """A pool of read-only connections: as many as threads have read at the same time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: deque[sqlite3.Connection] = deque()

    def read(self, query: str, parameters: tuple[object, ...] = ()) -> list[Any]:
        """Return the rows of a query, as of the last commit.

        Raises:
            LaptopError: the file cannot be read.
        """
        try:
            connection = self._take()
            try:
                return connection.execute(query, parameters).fetchall()
            finally:
                self._idle.append(connection)
        except sqlite3.Error as error:
            raise LaptopError(
                f"the laptop's state cannot be read: {error}.\n  Is {self._path} a laptop's state?"
            ) from error

    def close(self) -> None:
        """Close every connection."""
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> sqlite3.Connection:
        """Return an idle connection, or a new one."""
        try:
            return self._idle.pop()
        except IndexError:
            connection = connect(self._path, "NORMAL")
            connection.execute("PRAGMA query_only = ON")
            return connection


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """Open a reader of a state file, whether or not a laptop runs on it."""
    if not path.exists():
        raise LaptopError(
            f"there is no laptop's state in {path.parent}.\n  Start one with: contradance run --state {path.parent}"
        )
    reader = Reader(path)
    try:
        check_version(reader.read("PRAGMA user_version")[0][0], path)
        yield reader
    finally:
        reader.close()
