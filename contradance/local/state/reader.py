"""Reads the laptop's state file, from any thread and any process."""

import os
import shlex
import sqlite3
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from contradance.errors import LaptopError
from contradance.local.state.schema import check_version
from contradance.strictjson import allow_deep_json

Parameters = tuple[object, ...] | Mapping[str, object]
"""Values of a query's placeholders, by position or by name."""
FORKED: Final = (
    "the laptop's state belongs to the process that opened it, and not to a child process.\n"
    "  Use tables in the handler's own process."
)
"""Message of a `LaptopError` in a child process: SQLite connections do not survive a fork."""
CLOSED: Final = "the laptop's state is closed.\n  The bus has been stopped."
"""Message of a `LaptopError` for a read or a write after `close`."""


def connect(path: Path, *statements: str, timeout: float = 10) -> sqlite3.Connection:
    """Open a connection for use by one thread at a time, and run statements on it; close it if one fails.

    Args:
        path: the file; created if it does not exist.
        statements: SQL to run on the new connection.
        timeout: seconds to wait for a lock that another connection holds.
    """
    with ExitStack() as opened:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=timeout)
        connection.text_factory = _read_text
        opened.callback(connection.close)
        for statement in statements:
            connection.execute(statement)
        opened.pop_all()
    return connection


def _read_text(stored: bytes) -> str:
    """Return a text of the file. One that is not UTF-8 gets replacement characters, one of them in front: it is not JSON."""
    try:
        return stored.decode()
    except UnicodeDecodeError:  # else JSON would be read with other values than were written
        return f"\ufffd{stored.decode(errors='replace')}"


_MOST_IDLE: Final = 16
"""Most connections that are kept open for the next query; each has two files open."""


class Reader:
    """A pool of read-only connections: one for each thread that reads, of which `_MOST_IDLE` stay open afterwards."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.absolute()  # a handler may change the folder of the process
        self._process = os.getpid()
        self._idle: deque[sqlite3.Connection] = deque()
        self._closed = False

    def read(self, query: str, parameters: Parameters = ()) -> list[Any]:
        """Return the rows of a query, as of the last commit; raise `LaptopError` if unreadable or closed.

        Raises:
            LaptopError: the file cannot be read, or this is closed.
        """
        return [*self.rows(query, parameters)]

    def rows(self, query: str, parameters: Parameters = ()) -> Iterator[Any]:
        """Yield the rows of a query one by one, as of the commit before the first; raise `LaptopError` as `read` does.

        Raises:
            LaptopError: the file cannot be read, or this is closed.
        """
        try:
            connection = self._take()
            try:
                with closing(connection.execute(query, parameters)) as cursor:
                    yield from cursor
            finally:
                if len(self._idle) < _MOST_IDLE:
                    self._idle.append(connection)
                else:
                    connection.close()
                if self._closed:  # by another thread, during this query
                    self.close()
        except sqlite3.Error as error:
            raise LaptopError(
                f"the laptop's state cannot be read: {error}.\n  Is {self._path} a laptop's state?"
            ) from error

    def close(self) -> None:
        """Close every connection; one that is in use is closed after its query."""
        self._closed = True
        with suppress(IndexError):  # the pool is empty
            while True:
                self._idle.pop().close()

    def _take(self) -> sqlite3.Connection:
        """Return an idle connection, or a new one; raise `LaptopError` after `close` and in a child process."""
        if os.getpid() != self._process:
            raise LaptopError(FORKED)
        if self._closed:
            raise LaptopError(CLOSED)
        try:
            return self._idle.pop()
        except IndexError:
            return connect(self._file, "PRAGMA query_only = ON")


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """Open a reader of a state file, also while a laptop runs; raise `LaptopError` if missing or of another version."""
    if not path.exists():
        raise LaptopError(
            f"there is no laptop's state in {path.parent}.\n  Start one with: contradance run --state {shlex.quote(str(path.parent))}"
        )
    allow_deep_json()
    reader = Reader(path)
    try:
        check_version(reader.read("PRAGMA user_version")[0][0], path)
        yield reader
    finally:
        reader.close()
