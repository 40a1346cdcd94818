"""The laptop's one file: SQLite in WAL mode, one writer at a time, and readers beside it.

Whoever writes first commits for everyone who waits: each change fails for itself alone, all of them are committed with
one sync to disk. There is no writing thread to hand work to; a lone writer pays for its own commit and for nothing else.
"""

import logging
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from contradance.errors import LaptopError
from contradance.local.reader import Reader, Synchronous, connect
from contradance.local.schema import prepare

T = TypeVar("T")
SqlChange = Callable[[sqlite3.Connection], T]

_LOG = logging.getLogger("contradance.database")
_MOST_SOON: Final = 64
"""Changes that may wait for somebody else's commit before they get one of their own."""
_MOST_KEPT: Final = 10_000
"""Changes that nobody waits for, that are kept while the disk does not take them."""
_OWNER_ONLY: Final = 0o600
"""Mode of the file: it holds what the application stores, personal data included."""


class _Job(Generic[T]):
    """One change, and what came of it; SQLite itself undoes one that is a single statement and fails."""

    def __init__(self, change: SqlChange[T], *, single: bool) -> None:
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
        self._jobs: deque[_Job[Any]] = deque()
        self._writing = threading.Lock()
        self._closed = False
        with ExitStack() as opened:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                opened.callback(_own(path).close)
                os.close(os.open(path, os.O_RDWR | os.O_CREAT, _OWNER_ONLY))
                self._writer = connect(path, synchronous)
                opened.callback(self._writer.close)
                prepare(self._writer, path)
            except (OSError, sqlite3.Error) as error:
                raise LaptopError(
                    f"the laptop's state cannot be kept in {path}: {error}.\n  Choose another folder with --state."
                ) from error
            self._reader = Reader(path)
            opened.callback(self._reader.close)
            self._opened = opened.pop_all()

    def write(self, change: SqlChange[T]) -> T:
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
            if self._jobs:
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
                self._opened.close()

    def _add(self, change: SqlChange[T], *, single: bool) -> _Job[T]:
        if self._closed:
            raise LaptopError("the laptop's state is closed.\n  The bus has been stopped.")
        job = _Job(change, single=single)
        self._jobs.append(job)
        return job

    def _commit(self) -> None:
        """Commit all that waits as one group: a change that fails undoes itself, a disk that fails undoes the group."""
        group = [self._jobs.popleft() for _ in range(len(self._jobs))]
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            for job in group:
                self._apply(job, alone=len(group) == 1)
            if self._writer.in_transaction:
                self._writer.execute("COMMIT")
        except BaseException as error:  # whatever it is, nobody waits for ever for a group that is gone
            with suppress(sqlite3.Error):
                self._writer.execute("ROLLBACK")
            refusal = LaptopError(f"the laptop's state cannot be written to {self._path.parent}: {error}.")
            refusal.__cause__ = error
            if len(group) < _MOST_KEPT:  # what nobody waits for is tried again, in its order
                self._jobs.extendleft(job for job in reversed(group) if job.single)
                group = [job for job in group if not job.single]
            for job in group:
                job.error = refusal
            if not isinstance(error, sqlite3.Error):
                raise
        finally:
            self._done(group)

    def _done(self, group: list[_Job[Any]]) -> None:
        """Let whoever waits go on."""
        for job in group:
            job.done = True
            if job.error is not None and job.single:
                _LOG.error("what nobody waits for could not be written: %s", job.error)

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
