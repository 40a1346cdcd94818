"""The laptop's one file: SQLite in WAL mode, one writer at a time, and a connection per thread that reads.

Whoever writes first commits for everyone who waits: each change fails for itself alone, all of them are committed with
one sync to disk. There is no writing thread to hand work to; a lone writer pays for its own commit and for nothing else.
"""

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Generic, Literal, TypeVar

from contradance.errors import LaptopError

T = TypeVar("T")
Change = Callable[[sqlite3.Connection], T]
Synchronous = Literal["FULL", "NORMAL", "OFF"]
"""How hard a commit is pushed to disk: FULL survives a power cut, NORMAL a killed process; OFF is for tests."""

_LOG = logging.getLogger("contradance.database")
SCHEMA_VERSION: Final = 1
"""Of the tables below; a file of another version is refused."""
_MOST_SOON: Final = 64
"""Changes that may wait for somebody else's commit before they get one of their own."""
_SCHEMA: Final = """
CREATE TABLE event (
    id INTEGER PRIMARY KEY, event_id TEXT NOT NULL, time REAL NOT NULL, correlation_id TEXT, envelope TEXT NOT NULL,
    archived INTEGER NOT NULL
) STRICT;
CREATE INDEX event_by_event_id ON event (event_id);
CREATE TABLE delivery (
    id TEXT PRIMARY KEY, function TEXT NOT NULL, event INTEGER NOT NULL REFERENCES event (id),
    correlation_id TEXT, sent REAL NOT NULL, due REAL NOT NULL, attempt INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_by_due ON delivery (function, due);
CREATE INDEX delivery_by_correlation ON delivery (correlation_id);
CREATE TABLE once (
    function TEXT NOT NULL, source TEXT NOT NULL, event_id TEXT NOT NULL, state TEXT NOT NULL, attempt INTEGER NOT NULL,
    expires REAL NOT NULL, sealed TEXT, published TEXT, answer TEXT, PRIMARY KEY (function, source, event_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX once_to_sweep ON once (expires) WHERE state = 'done';
CREATE TABLE item (
    table_name TEXT NOT NULL, partition TEXT NOT NULL, sort TEXT NOT NULL, version TEXT NOT NULL, document TEXT NOT NULL,
    PRIMARY KEY (table_name, partition, sort)
) STRICT, WITHOUT ROWID;
CREATE TABLE journal (
    id INTEGER PRIMARY KEY, function TEXT NOT NULL, event_id TEXT, subject TEXT, correlation_id TEXT NOT NULL,
    record TEXT NOT NULL
) STRICT;
CREATE INDEX journal_by_event ON journal (event_id);
CREATE INDEX journal_by_subject ON journal (subject);
CREATE INDEX journal_by_correlation ON journal (correlation_id);
CREATE TABLE dead_letter (
    id TEXT PRIMARY KEY, function TEXT NOT NULL, sent REAL NOT NULL, body TEXT NOT NULL, attributes TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX dead_letter_by_function ON dead_letter (function, sent);
"""


class _Job(Generic[T]):
    """One change, and what came of it; SQLite itself undoes one that is a single statement and fails."""

    def __init__(self, change: Change[T], *, single: bool) -> None:
        self.change = change
        self.single = single
        self.done = False
        self.result: T | None = None
        self.error: BaseException | None = None


class Database:
    """One open file, of which this process is the only owner.

    Args:
        path: the file; made where there is none.
        synchronous: how hard each commit is pushed to disk.

    Raises:
        LaptopError: the file cannot be made, is owned by another process, or has another schema version.
    """

    def __init__(self, path: Path, synchronous: Synchronous = "FULL") -> None:
        self._path = path
        self._synchronous = synchronous
        self._jobs: deque[_Job[Any]] = deque()
        self._writing = threading.Lock()
        self._closed = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._owner = _own(path)
            self._writer = _connect(path, synchronous)
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise LaptopError(
                f"the laptop's state cannot be kept in {path}: {error}.\n  Choose another folder with --state."
            ) from error
        self._reader = Reader(path)

    def write(self, change: Change[T]) -> T:
        """Run `change` inside a transaction and return what it returned, once it is on disk."""
        job = self._add(change, single=False)
        with self._writing:
            while not job.done:
                self._commit()
        if job.error is not None:
            raise job.error
        return job.result  # type: ignore[return-value]  # a job that is done without an error has one

    def write_soon(self, statement: str, parameters: tuple[object, ...]) -> None:
        """Run one statement with the next commit, in the order asked; it may be lost when the process is killed."""
        self._add(lambda connection: connection.execute(statement, parameters), single=True)
        if len(self._jobs) > _MOST_SOON:
            self.flush()

    def flush(self) -> None:
        """Return when everything that was asked so far is committed, whoever commits it."""
        with self._writing:
            while self._jobs:
                self._commit()

    def read(self, query: str, parameters: tuple[object, ...] = ()) -> list[Any]:
        """Return the rows of a query, as of the last commit."""
        return self._reader.read(query, parameters)

    def close(self) -> None:
        """Commit what waits, and close the file."""
        if not self._closed:
            self.flush()
            self._closed = True
            with self._writing:
                self._reader.close()
                self._writer.close()
                self._owner.close()

    def _add(self, change: Change[T], *, single: bool) -> _Job[T]:
        if self._closed:
            raise LaptopError("the laptop's state is closed.\n  The bus has been stopped.")
        job = _Job(change, single=single)
        self._jobs.append(job)
        return job

    def _commit(self) -> None:
        """Commit all that waits as one group; whose change fails is told, the others are not disturbed."""
        group = [self._jobs.popleft() for _ in range(len(self._jobs))]
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            for job in group:
                self._apply(job, alone=len(group) == 1)
            if self._writer.in_transaction:
                self._writer.execute("COMMIT")
        except sqlite3.Error as error:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            refusal = LaptopError(f"the laptop's state cannot be written to {self._path.parent}: {error}.")
            refusal.__cause__ = error
            for job in group:
                job.error = refusal
        for job in group:
            job.done = True

    def _apply(self, job: _Job[Any], *, alone: bool) -> None:
        """Run one change, so that its failure undoes nothing but itself."""
        guarded = not (alone or job.single)
        if guarded:
            self._writer.execute("SAVEPOINT change")
        try:
            job.result = job.change(self._writer)
        except sqlite3.OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - handed to whoever asked
            job.error = error
            if guarded or alone:
                self._writer.execute("ROLLBACK TO change" if guarded else "ROLLBACK")
        if guarded:
            self._writer.execute("RELEASE change")

    def _prepare(self) -> None:
        """Create the tables in a new file; refuse a file of another version."""
        self._writer.execute("PRAGMA journal_mode = WAL")
        self._writer.execute("BEGIN IMMEDIATE")
        found = self._writer.execute("PRAGMA user_version").fetchone()[0]
        if found == 0:
            for statement in _SCHEMA.split(";\n"):
                self._writer.execute(statement)
            self._writer.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        self._writer.execute("COMMIT")
        _check_version(self._path, found)


class Reader:
    """A file that this process only reads, while another may own it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []

    def read(self, query: str, parameters: tuple[object, ...] = ()) -> list[Any]:
        """Return the rows of a query, as of the last commit."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = _connect(self._path, "NORMAL")
            connection.execute("PRAGMA query_only = ON")
            self._connections.append(connection)
        return connection.execute(query, parameters).fetchall()

    def close(self) -> None:
        """Close every thread's connection."""
        for connection in self._connections:
            connection.close()


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """Read a laptop's file, whether or not the laptop is running."""
    if not path.exists():
        raise LaptopError(
            f"there is no laptop's state in {path.parent}.\n  Start one with: contradance run --state {path.parent}"
        )
    reader = Reader(path)
    try:
        _check_version(path, reader.read("PRAGMA user_version")[0][0])
        yield reader
    except sqlite3.DatabaseError as error:
        raise LaptopError(f"{path} cannot be read: {error}.\n  Is it a laptop's state?") from error
    finally:
        reader.close()


def _connect(path: Path, synchronous: Synchronous) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    return connection


def _own(path: Path) -> sqlite3.Connection:
    """Hold the lock beside the file for as long as this process lives; a killed process holds nothing."""
    owner = sqlite3.connect(path.with_suffix(".lock"), isolation_level=None, check_same_thread=False, timeout=0)
    try:
        owner.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        owner.close()
        raise LaptopError(
            f"another process runs on the state in {path.parent}.\n  Stop it, or choose another folder with --state."
        ) from error
    return owner


def _check_version(path: Path, found: int) -> None:
    if found not in (0, SCHEMA_VERSION):
        raise LaptopError(
            f"{path} has schema version {found}, but this contradance writes version {SCHEMA_VERSION}.\n"
            "  Choose another folder with --state, or delete this one to start afresh."
        )
