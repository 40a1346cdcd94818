"""The laptop's one file: SQLite in WAL mode, one thread that writes, and a connection per thread that reads.

Changes that arrive while one is being written are committed together: each in a savepoint of its own, all of them with
one sync to disk. `write` returns when the change is on disk.
"""

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, Literal, TypeVar

from contradance.errors import LaptopError

T = TypeVar("T")
Change = Callable[[sqlite3.Connection], T]

SCHEMA_VERSION: Final = 1
"""Of the tables below; a file of another version is refused."""
_GROUP: Final = 256
"""Most changes that one commit holds."""
_SCHEMA: Final = """
CREATE TABLE event (
    id INTEGER PRIMARY KEY, event_id TEXT NOT NULL, time REAL NOT NULL, correlation_id TEXT, envelope TEXT NOT NULL,
    archived INTEGER NOT NULL
) STRICT;
CREATE INDEX event_by_event_id ON event (event_id);
CREATE INDEX event_by_correlation ON event (correlation_id);
CREATE TABLE delivery (
    id TEXT PRIMARY KEY, function TEXT NOT NULL, event INTEGER NOT NULL REFERENCES event (id),
    correlation_id TEXT, sent REAL NOT NULL, due REAL NOT NULL, attempt INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_by_due ON delivery (function, due);
CREATE INDEX delivery_by_correlation ON delivery (correlation_id);
CREATE TABLE once (
    function TEXT NOT NULL, source TEXT NOT NULL, event_id TEXT NOT NULL, state TEXT NOT NULL, attempt INTEGER NOT NULL,
    holder TEXT NOT NULL, expires REAL NOT NULL, sealed TEXT, answer TEXT,
    PRIMARY KEY (function, source, event_id)
) STRICT, WITHOUT ROWID;
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


class Database:
    """One open file. Close it to let the writer finish.

    Args:
        path: the file; made where there is none.
        synchronous: FULL survives a power cut; NORMAL survives a killed process; OFF is for tests.
    """

    def __init__(self, path: Path, synchronous: Literal["FULL", "NORMAL", "OFF"] = "FULL") -> None:
        self._path = path
        self._synchronous = synchronous
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._jobs: SimpleQueue[tuple[Change[Any], Future[Any]] | None] = SimpleQueue()
        self._closed = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = self._connect()
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise LaptopError(
                f"the laptop's state cannot be kept in {path}: {error}.\n  Choose another folder with --state."
            ) from error
        self._thread = threading.Thread(target=self._write_all, name="contradance-writer", daemon=True)
        self._thread.start()

    def write(self, change: Change[T]) -> T:
        """Run `change` inside a transaction and return what it returned, once it is on disk."""
        if self._closed:
            raise LaptopError("the laptop's state is closed.\n  The bus has been stopped.")
        done: Future[T] = Future()
        self._jobs.put((change, done))
        return done.result()

    def read(self, query: str, parameters: tuple[object, ...] = ()) -> list[Any]:
        """Return the rows of a query, as of the last commit."""
        reader: sqlite3.Connection | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = self._local.reader = self._connect()
            reader.execute("PRAGMA query_only = ON")
            self._readers.append(reader)
        return reader.execute(query, parameters).fetchall()

    def close(self) -> None:
        """Finish what was asked to be written, and close the file."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
            self._thread.join()
            for connection in (*self._readers, self._writer):
                connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=10)
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        return connection

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
        if found not in (0, SCHEMA_VERSION):
            raise LaptopError(
                f"{self._path} has schema version {found}, but this contradance writes version {SCHEMA_VERSION}.\n"
                "  Choose another folder with --state, or delete this one to start afresh."
            )

    def _write_all(self) -> None:
        """Commit what waits, group by group, until told to stop."""
        stopping = False
        while not stopping:
            group = [self._jobs.get()]
            while len(group) < _GROUP and not self._jobs.empty():
                group.append(self._jobs.get())
            stopping = None in group
            changes = [job for job in group if job is not None]
            if changes:
                self._commit(changes)

    def _commit(self, group: list[tuple[Change[Any], Future[Any]]]) -> None:
        outcomes: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            for change, done in group:
                outcomes.append((done, *self._apply(change)))
            self._writer.execute("COMMIT")
        except sqlite3.Error as error:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            refusal = LaptopError(f"the laptop's state cannot be written to {self._path}: {error}.")
            refusal.__cause__ = error
            outcomes = [(done, None, refusal) for _, done in group]
        for done, result, failure in outcomes:
            if failure is None:
                done.set_result(result)
            else:
                done.set_exception(failure)

    def _apply(self, change: Change[Any]) -> tuple[Any, BaseException | None]:
        """Run one change in a savepoint, so that its failure undoes nothing but itself."""
        self._writer.execute("SAVEPOINT change")
        try:
            result = change(self._writer)
        except Exception as error:  # noqa: BLE001 - handed to the thread that asked
            self._writer.execute("ROLLBACK TO change")
            self._writer.execute("RELEASE change")
            return None, error
        self._writer.execute("RELEASE change")
        return result, None
