"""The laptop's state file: SQLite in WAL mode, with one writer at a time and concurrent readers.

Writes use group commit: the first thread that gets the lock commits the changes of all threads that wait for it, with
one sync to disk; a change that fails is undone alone. There is no writer thread: handing each change to one would cost
a single writer two thread switches per commit, and save nothing.
"""

import logging
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final, Generic, Literal, TypeVar

from contradance.errors import LaptopError
from contradance.local.state.reader import CLOSED, FORKED, Parameters, Reader, connect
from contradance.local.state.schema import prepare

Synchronous = Literal["FULL", "NORMAL", "OFF"]
"""How hard a commit is pushed to disk: FULL survives a power cut, NORMAL a killed process; OFF is for tests."""

T = TypeVar("T")
SqlChange = Callable[[sqlite3.Connection], T]

_LOG = logging.getLogger("contradance.database")
_MOST_SOON: Final = 64
"""Changes from `write_soon` that may wait for another commit before they get their own."""
_MOST_KEPT: Final = 10_000
"""Changes from `write_soon` that are kept for another try while the disk fails."""
_OWNER_ONLY: Final = 0o600
"""Mode of the file: it holds the application's data, including personal data."""


class Job(Generic[T]):
    """One change and its outcome; `done` once it is on disk, or has failed.

    A `single` statement has no waiting caller and needs no savepoint: SQLite undoes a statement that fails.
    """

    def __init__(self, change: SqlChange[T], *, single: bool) -> None:
        self.change = change
        self.single = single
        self.done = False
        self.result: T | None = None
        self.error: BaseException | None = None


class Database:
    """The open state file, which this process owns alone.

    Args:
        path: the file; created when it is missing.
        synchronous: how hard each commit is pushed to disk.
        in_use: what to do when another process owns the file, for the message of the error.

    Raises:
        LaptopError: the file cannot be created, another process owns it, or it has another schema version.
    """

    def __init__(
        self,
        path: Path,
        synchronous: Synchronous = "FULL",
        *,
        in_use: str = "Stop it, or choose another folder with --state.",
    ) -> None:
        self._path = path
        self._process = os.getpid()
        self._jobs: deque[Job[Any]] = deque()
        self._writing = threading.Lock()
        self._closed = False
        with ExitStack() as opened:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                opened.callback(_lock_state(path, in_use).close)
                os.close(os.open(path, os.O_RDWR | os.O_CREAT, _OWNER_ONLY))
                self._writer = connect(path, f"PRAGMA synchronous = {synchronous}")
                opened.callback(self._writer.close)
                prepare(self._writer, path)
                self._file = str(path.absolute())  # a handler may change the folder
                self._identity = _identity(self._file)
            except (OSError, sqlite3.Error) as error:
                raise LaptopError(
                    f"the laptop's state cannot be kept in {path}: {error}.\n  Choose another folder with --state."
                ) from error
            self._reader = Reader(path)
            opened.callback(self._reader.close)
            self._opened = opened.pop_all()

    def write(self, change: SqlChange[T]) -> T:
        """Run `change` in a transaction, return its result once on disk; if it fails, undo it and raise the error."""
        job = self._add(change, single=False)
        with self._writing:
            while not job.done:
                self._commit()
        if job.error is not None:
            raise job.error
        return job.result  # type: ignore[return-value]  # a job that is done without an error has one

    def write_soon(self, statement: str, parameters: tuple[object, ...]) -> Job[object]:
        """Add one statement to the next commit; a kill before that loses it, and its error is logged, not raised."""
        job: Job[object] = self._add(lambda connection: connection.execute(statement, parameters), single=True)
        if len(self._jobs) > _MOST_SOON:
            self.flush()
        return job

    def flush(self) -> None:
        """Commit the waiting changes, or wait for the thread that does; if the disk fails, they wait on."""
        self._check_process()
        with self._writing:
            if self._jobs:
                self._commit()

    def read(self, query: str, parameters: Parameters = ()) -> list[Any]:
        """Return the rows of a query, as of the last commit; raise `LaptopError` if unreadable or closed."""
        return self._reader.read(query, parameters)

    def rows(self, query: str, parameters: Parameters = ()) -> Iterator[Any]:
        """Yield the rows of a query one by one, as of the commit before the first; `LaptopError` as for `read`."""
        return self._reader.rows(query, parameters)

    def compact(self) -> None:
        """Give the space of deleted rows back to the disk; no other thread may use the database meanwhile."""
        self.flush()
        with self._writing:
            self._writer.execute("VACUUM")

    def close(self) -> None:
        """Commit the waiting changes, and close the file; no effect when it is closed."""
        if not self._closed:
            self.flush()
            self._closed = True
            with self._writing:
                self._opened.close()

    def _check_process(self) -> None:
        """Raise `LaptopError` in a child process, before it waits for a lock that no thread of its own releases."""
        if os.getpid() != self._process:
            raise LaptopError(FORKED)

    def _add(self, change: SqlChange[T], *, single: bool) -> Job[T]:
        """Append a change to those of the next commit, and return its job; raise `LaptopError` after `close`."""
        self._check_process()
        if self._closed:
            raise LaptopError(CLOSED)
        job = Job(change, single=single)
        self._jobs.append(job)
        return job

    def _commit(self) -> None:
        """Commit all waiting changes as one group: a change that fails is undone alone, a failing disk undoes all."""
        group = [self._jobs.popleft() for _ in range(len(self._jobs))]
        try:
            self._check_file()
            self._writer.execute("BEGIN IMMEDIATE")
            for job in group:
                self._run_change(job, alone=len(group) == 1)
            if self._writer.in_transaction:
                self._writer.execute("COMMIT")
        except BaseException as error:  # any error: the threads that wait for this group must continue
            with suppress(sqlite3.Error):
                self._writer.execute("ROLLBACK")
            refusal = LaptopError(f"the laptop's state cannot be written to {self._path.parent}: {error}.")
            refusal.__cause__ = error
            if len(group) < _MOST_KEPT:  # changes without a waiting caller are tried again, in order
                self._jobs.extendleft(job for job in reversed(group) if job.single)
                group = [job for job in group if not job.single]
            for job in group:
                job.error = refusal
            if not isinstance(error, sqlite3.Error):
                raise
        finally:
            self._mark_done(group)

    def _check_file(self) -> None:
        """Raise `OperationalError` when the file is gone: SQLite would write on into one that no later start finds."""
        if _identity(self._file) != self._identity:
            raise sqlite3.OperationalError("its file was deleted or replaced; start the laptop again")

    def _mark_done(self, group: list[Job[Any]]) -> None:
        """Mark jobs as done, so that their threads continue; log each failed one that no thread waits for."""
        for job in group:
            job.done = True
            if job.error is not None and job.single:
                _LOG.error("a change without a waiting caller is lost: %s", job.error)

    def _run_change(self, job: Job[Any], *, alone: bool) -> None:
        """Run one change; if it fails, store its error in the job and undo only this change.

        A change that is `alone` in its transaction needs no savepoint, nor does a `single` statement.

        Raises:
            sqlite3.DatabaseError: the disk failed, or the file is damaged; the whole group is undone.
        """
        guarded = not (alone or job.single)
        if guarded:
            self._writer.execute("SAVEPOINT change")
        try:
            job.result = job.change(self._writer)
        except Exception as error:
            if _is_of_the_disk(error):
                raise
            job.error = error
            if guarded or alone:
                self._writer.execute("ROLLBACK TO change" if guarded else "ROLLBACK")
        if guarded:
            self._writer.execute("RELEASE change")


def _is_of_the_disk(error: Exception) -> bool:
    """Whether an error is about the disk or a damaged file, and not about the change that met it."""
    return isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError


def _identity(path: str) -> tuple[int, int] | None:
    """Return what identifies a file on this machine, whatever it is called; None where there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - it is called before each commit, and pathlib takes twice the time
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _lock_state(path: Path, in_use: str) -> sqlite3.Connection:
    """Lock the state file for this process and return the lock; raise `LaptopError` if another process has it."""
    try:
        return connect(path.with_suffix(".lock"), "BEGIN EXCLUSIVE", timeout=0)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        raise LaptopError(f"another process runs on the state in {path.parent}.\n  {in_use}") from error
