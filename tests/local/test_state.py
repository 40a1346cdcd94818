import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest

from contradance.errors import LaptopError
from contradance.local.state.database import _MOST_SOON, Database
from contradance.local.state.journal_table import STATE_FILE, open_journal
from contradance.local.state.reader import Reader, connect, reading
from contradance.local.state.schema import SCHEMA_VERSION
from tests.local.desk import Desk, ask, journaled, opened

WRITERS, CHANGES = 8, 40
OPEN_FILES = Path("/proc/self/fd")
INSERTED = "INSERT INTO dead_letter VALUES (?, 'f', 0.0, '{}', '{}', NULL, 0, 0.0, NULL, NULL)"
OWNER = """
import sqlite3, sys
owner = sqlite3.connect(sys.argv[1], isolation_level=None)
owner.execute("BEGIN EXCLUSIVE")
print("owned", flush=True)
sys.stdin.read()
"""
"""The program of a process that owns a state until its input ends."""
needs_open_files = pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="open files are counted in /proc/self/fd")


def open_files(folder: Path) -> list[str]:
    """Return the names of the files under `folder` that this process has open, each as often as it is open."""
    found = []
    for descriptor in OPEN_FILES.iterdir():
        with suppress(FileNotFoundError):  # the one that lists them
            found.append(descriptor.readlink())
    return sorted(path.name for path in found if path.is_relative_to(folder))


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Have another process own the state."""
    command = [sys.executable, "-c", OWNER, str(folder / STATE_FILE.replace("sqlite3", "lock"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "owned\n"
        yield


def of_another_version(folder: Path) -> AbstractContextManager[None]:
    with closing(sqlite3.connect(folder / STATE_FILE)) as file:
        file.execute("PRAGMA user_version = 99")
    return nullcontext()


def with_text_as(name: str) -> Callable[[Path], AbstractContextManager[None]]:
    def write(folder: Path) -> AbstractContextManager[None]:
        (folder / name).write_text("my diary, which is not a database at all")
        return nullcontext()

    return write


def with_a_folder_as(name: str) -> Callable[[Path], AbstractContextManager[None]]:
    def make(folder: Path) -> AbstractContextManager[None]:
        (folder / name).mkdir()
        return nullcontext()

    return make


def with_a_pipe_as(name: str) -> Callable[[Path], AbstractContextManager[None]]:
    def make(folder: Path) -> AbstractContextManager[None]:
        os.mkfifo(folder / name)
        return nullcontext()

    return make


@needs_open_files
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param(owned, "another process runs on the state", id="owned by another process"),
        pytest.param(of_another_version, "has schema version 99", id="another schema version"),
        pytest.param(with_text_as("bus.sqlite3"), "cannot be kept in .*not a database", id="no database"),
        pytest.param(with_text_as("bus.lock"), "cannot be kept in .*not a database", id="no lock"),
        pytest.param(with_a_folder_as("bus.sqlite3"), "cannot be kept in .*directory", id="a folder for a database"),
        pytest.param(with_a_folder_as("bus.lock"), "cannot be kept in .*unable to open", id="a folder for a lock"),
        pytest.param(with_a_folder_as("bus.running"), "cannot be kept in .*not a file", id="a folder for what runs"),
        pytest.param(with_a_pipe_as("bus.running"), "cannot be kept in .*not a file", id="a pipe for what runs"),
    ],
)
def test_a_state_that_is_refused_leaves_no_file_open(
    tmp_path: Path, spoil: Callable[[Path], AbstractContextManager[None]], message: str
) -> None:
    with spoil(tmp_path):
        with pytest.raises(LaptopError, match=message) as refusal:  # it is kept, and with it what its frames hold
            opened(tmp_path, Desk().clerk())
        left = open_files(tmp_path)

    assert (refusal.type, left) == (LaptopError, [])


@needs_open_files
def test_a_file_that_cannot_be_read_is_not_left_open(tmp_path: Path) -> None:
    (tmp_path / STATE_FILE).write_text("my diary, which is not a database at all")

    with pytest.raises(LaptopError, match="cannot be read") as refusal, open_journal(tmp_path):
        pass

    assert (refusal.type, open_files(tmp_path)) == (LaptopError, [])


@needs_open_files
def test_what_is_read_after_the_state_was_closed_is_refused_and_opens_no_file(tmp_path: Path) -> None:
    database = Database(tmp_path / STATE_FILE, "OFF")
    before = open_files(tmp_path)
    database.close()

    with pytest.raises(LaptopError, match="the laptop's state is closed"):
        database.read("SELECT 1")

    assert before != []
    assert open_files(tmp_path) == []


class ClosedMeanwhile(Reader):
    """A reader that another thread closes while a query runs."""

    def _take(self) -> sqlite3.Connection:
        connection = super()._take()
        self.close()
        return connection


@needs_open_files
def test_a_query_that_runs_while_the_state_is_closed_ends_and_closes_its_file(tmp_path: Path) -> None:
    opened(tmp_path, Desk().clerk()).close()
    reader = ClosedMeanwhile(tmp_path / STATE_FILE)

    found = reader.read("SELECT count(*) FROM event")

    assert (found, open_files(tmp_path)) == ([(0,)], [])


def test_of_many_connections_that_read_at_once_sixteen_stay_open(tmp_path: Path) -> None:
    opened(tmp_path, Desk().clerk()).close()
    counts = []
    for queries in (1, 16, 18):
        with reading(tmp_path / STATE_FILE) as reader, ExitStack() as running:
            for _ in range(queries):
                rows: Any = reader.rows("SELECT name FROM sqlite_schema")  # a generator
                next(running.enter_context(closing(rows)))
            running.close()
            counts.append(len(reader._idle))

    assert counts == [1, 16, 16]


@pytest.mark.parametrize(("given", "milliseconds"), [({}, 10_000), ({"timeout": 0.5}, 500)], ids=["default", "given"])
def test_a_connection_waits_for_a_lock(tmp_path: Path, given: dict[str, float], milliseconds: int) -> None:
    with closing(connect(tmp_path / STATE_FILE, **given)) as connection:
        assert connection.execute("PRAGMA busy_timeout").fetchone() == (milliseconds,)


def test_a_process_that_only_reads_a_state_can_read_deep_json(tmp_path: Path) -> None:
    opened(tmp_path, Desk().clerk()).close()
    deep = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000)
    try:
        with open_journal(tmp_path):
            limit = sys.getrecursionlimit()
    finally:
        sys.setrecursionlimit(deep)

    assert limit == deep


def test_a_state_of_another_schema_version_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    opened(tmp_path, Desk().clerk()).close()
    with closing(sqlite3.connect(tmp_path / STATE_FILE)) as file:
        file.execute("PRAGMA user_version = 99")

    with pytest.raises(LaptopError) as refusal:
        opened(tmp_path, Desk().clerk())

    with closing(sqlite3.connect(tmp_path / STATE_FILE)) as file:
        version = file.execute("PRAGMA user_version").fetchone()
    assert str(refusal.value) == (
        f"{tmp_path / STATE_FILE} has schema version 99, but this contradance writes version {SCHEMA_VERSION}.\n"
        "  Choose another folder with --state, or delete this one to start afresh."
    )
    assert version == (99,)


def test_a_state_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "state"
    file.write_text("mine")

    with pytest.raises(LaptopError) as refusal:
        opened(file, Desk().clerk())

    assert str(refusal.value).startswith(f"the laptop's state cannot be kept in {file / STATE_FILE}: ")
    assert str(refusal.value).endswith("\n  Choose another folder with --state.")
    assert file.read_text() == "mine"


def test_a_file_that_is_no_database_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / STATE_FILE
    file.write_text("my diary, which is not a database at all")

    with pytest.raises(LaptopError, match=r"cannot be kept in .*not a database"):
        opened(tmp_path, Desk().clerk())

    assert file.read_text() == "my diary, which is not a database at all"


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_folder_that_is_read_only_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(LaptopError, match=r"cannot be kept in .*\n  Choose another folder with --state\."):
        opened(tmp_path, Desk().clerk())

    tmp_path.chmod(0o700)


def test_a_folder_that_is_not_there_is_made(tmp_path: Path) -> None:
    opened(tmp_path / "not" / "there", Desk().clerk()).close()

    assert (tmp_path / "not" / "there" / STATE_FILE).is_file()


def test_a_laptop_may_be_closed_twice_and_then_takes_no_more_events(tmp_path: Path) -> None:
    laptop = opened(tmp_path, Desk().clerk())
    laptop.close()
    laptop.close()

    with pytest.raises(LaptopError, match="the laptop's state is closed"):
        ask(laptop, "a")


def test_events_that_many_threads_publish_at_once_are_all_delivered_once(tmp_path: Path) -> None:
    desk = Desk()
    names = [[f"{writer}-{number}" for number in range(10)] for writer in range(WRITERS)]
    with opened(tmp_path, desk.clerk()) as laptop:
        with ThreadPoolExecutor(WRITERS) as threads:
            list(threads.map(lambda items: ask(laptop, *items), names))
        laptop.drain()

    assert sorted(desk.items()) == sorted(item for items in names for item in items)


def test_of_many_changes_that_are_committed_together_a_failing_one_undoes_nothing_but_itself(tmp_path: Path) -> None:
    database = Database(tmp_path / STATE_FILE, "OFF")
    database.write(lambda connection: connection.execute("CREATE TABLE mark (writer INTEGER, number INTEGER)"))
    together = threading.Barrier(WRITERS)

    def write(writer: int) -> int:
        """Write `CHANGES` rows, every fourth of which fails after it was written; return how many failed."""
        together.wait(10)
        failed = 0
        for number in range(CHANGES):

            def change(connection: sqlite3.Connection, row: tuple[int, int] = (writer, number)) -> None:
                connection.execute("INSERT INTO mark VALUES (?, ?)", row)
                if row[1] % 4 == 0:
                    raise ValueError(row)

            try:
                database.write(change)
            except ValueError as error:
                failed += error.args == ((writer, number),)
        return failed

    with ThreadPoolExecutor(WRITERS) as threads:
        failures = list(threads.map(write, range(WRITERS)))

    rows = database.read("SELECT writer, number FROM mark ORDER BY writer, number")
    database.close()
    assert failures == [CHANGES // 4] * WRITERS
    assert rows == [(writer, number) for writer in range(WRITERS) for number in range(CHANGES) if number % 4]


def test_a_change_that_was_acknowledged_can_be_read_at_once_by_every_thread(tmp_path: Path) -> None:
    database = Database(tmp_path / STATE_FILE, "OFF")
    database.write(lambda connection: connection.execute("CREATE TABLE mark (number INTEGER)"))

    def seen(number: int) -> bool:
        database.write(lambda connection: connection.execute("INSERT INTO mark VALUES (?)", (number,)))
        return len(database.read("SELECT 1 FROM mark WHERE number = ?", (number,))) == 1

    with ThreadPoolExecutor(WRITERS) as threads:
        found = list(threads.map(seen, range(100)))

    database.close()
    assert all(found)


def test_an_interrupted_change_lets_later_ones_be_written(tmp_path: Path) -> None:
    database = Database(tmp_path / STATE_FILE, "OFF")

    def interrupted(_: sqlite3.Connection) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        database.write(interrupted)
    written = database.write(lambda connection: connection.execute("SELECT 1").fetchone())
    database.close()

    assert written == (1,)


def test_a_file_that_is_damaged_in_the_middle_is_refused_when_that_is_met(tmp_path: Path) -> None:
    Database(tmp_path / STATE_FILE).close()
    with closing(sqlite3.connect(tmp_path / STATE_FILE)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'event'").fetchone()
    with (tmp_path / STATE_FILE).open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)

    database = Database(tmp_path / STATE_FILE)
    with pytest.raises(
        LaptopError, match=r"^the laptop's state cannot be written to .*: database disk image is malformed"
    ):
        database.write(lambda connection: connection.execute("DELETE FROM event WHERE time > 0"))
    with pytest.raises(LaptopError, match="cannot be read: database disk image is malformed"):
        database.read("SELECT * FROM event")
    written = database.write(lambda connection: connection.execute("SELECT count(*) FROM journal").fetchone())
    database.close()

    assert written == (0,)


@pytest.mark.parametrize("by", [None, "another"], ids=["deleted", "replaced"])
def test_nothing_is_accepted_into_a_state_that_was_deleted_or_replaced(by: str | None, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with opened(state, Desk().clerk()) as laptop:
        ask(laptop, "a")
        (state / STATE_FILE).rename(tmp_path / "moved")
        if by is not None:
            (state / STATE_FILE).write_bytes((tmp_path / "moved").read_bytes())

        with pytest.raises(LaptopError, match=r"its file was deleted or replaced; start the laptop again\.$"):
            ask(laptop, "b")
        (tmp_path / "moved").rename(state / STATE_FILE)
        ask(laptop, "c")
        laptop.drain()

        assert [record.outcome for record in journaled(laptop, "c")] == ["done"]


def test_what_nobody_waits_for_is_written_when_the_disk_takes_it_again(tmp_path: Path) -> None:
    database = Database(tmp_path / STATE_FILE, "OFF")
    database._writer.execute("PRAGMA query_only = ON")
    for number in range(3):
        database.write_soon(INSERTED, (str(number),))

    with pytest.raises(LaptopError, match="cannot be written"):
        database.write(lambda connection: connection.execute(INSERTED, ("refused",)))
    database._writer.execute("PRAGMA query_only = OFF")
    database.flush()
    kept = database.read("SELECT id FROM dead_letter ORDER BY id")
    database.close()

    assert kept == [("0",), ("1",), ("2",)]


def letters_in(database: Database) -> list[str]:
    return [identifier for (identifier,) in database.read("SELECT id FROM dead_letter ORDER BY id")]


def test_what_nobody_waits_for_is_committed_with_the_next_change_or_when_much_waits(tmp_path: Path) -> None:
    with closing(Database(tmp_path / STATE_FILE, "OFF")) as database:
        first = database.write_soon(INSERTED, ("a",))
        counts = [(len(letters_in(database)), first.done)]
        database.write(lambda connection: connection.execute("SELECT 1"))
        counts.append((len(letters_in(database)), first.done))
        for number in range(_MOST_SOON):
            database.write_soon(INSERTED, (str(number),))
        counts.append((len(letters_in(database)), first.done))
        database.write_soon(INSERTED, ("last",))
        counts.append((len(letters_in(database)), first.done))

    assert counts == [(0, False), (1, True), (1, True), (_MOST_SOON + 2, True)]


def test_a_statement_that_fails_undoes_itself_alone_and_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(Database(tmp_path / STATE_FILE, "OFF")) as database:
        jobs = [database.write_soon(INSERTED, (identifier,)) for identifier in "aabc"]
        database.flush()
        alone = database.write_soon(INSERTED, ("a",))
        database.flush()
        database.write_soon(INSERTED, ("d",))
        database.flush()

        assert letters_in(database) == [*"abcd"]
    assert [job.error is None for job in (*jobs, alone)] == [True, False, True, True, False]
    assert caplog.text.count("a change without a waiting caller is lost: UNIQUE constraint failed") == 2


@pytest.mark.parametrize("waiting", [0, 1, 2])
def test_a_change_that_fails_is_undone_whole_and_raises_its_error(tmp_path: Path, waiting: int) -> None:
    def half(connection: sqlite3.Connection) -> None:
        connection.execute(INSERTED, ("half",))
        raise ValueError("half-way")

    with closing(Database(tmp_path / STATE_FILE, "OFF")) as database:
        for number in range(waiting):
            database.write_soon(INSERTED, (str(number),))

        with pytest.raises(ValueError, match="half-way"):
            database.write(half)

        assert letters_in(database) == [str(number) for number in range(waiting)]
        assert database.write(lambda connection: connection.execute("SELECT 7").fetchone()) == (7,)


@pytest.mark.parametrize(("count", "kept"), [(3, 3), (4, 0)])
def test_while_the_disk_fails_a_bounded_number_of_changes_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, count: int, kept: int
) -> None:
    monkeypatch.setattr("contradance.local.state.database._MOST_KEPT", 4)
    with closing(Database(tmp_path / STATE_FILE, "OFF")) as database:
        database._writer.execute("PRAGMA query_only = ON")
        for number in range(count):
            database.write_soon(INSERTED, (str(number),))
        database.flush()
        database._writer.execute("PRAGMA query_only = OFF")
        database.flush()

        assert len(letters_in(database)) == kept
    assert caplog.text.count("a change without a waiting caller is lost") == count - kept


def test_the_space_of_deleted_rows_is_given_back(tmp_path: Path) -> None:
    with closing(Database(tmp_path / STATE_FILE, "OFF")) as database:
        for number in range(2_000):
            database.write_soon(INSERTED, (f"{number:0100}",))
        database.flush()
        database.write_soon("DELETE FROM dead_letter", ())
        database.compact()
        (pages,) = database.read("PRAGMA page_count")[0]

    assert pages < 50


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_process_neither_writes_nor_reads_the_state(tmp_path: Path) -> None:
    database = Database(tmp_path / STATE_FILE, synchronous="OFF")
    database.read("SELECT 1")
    uses: list[Callable[[], object]] = [
        lambda: database.write(lambda connection: connection.execute("DELETE FROM journal")),
        lambda: database.write_soon("DELETE FROM journal", ()),
        database.flush,
        lambda: database.read("SELECT 1"),
    ]

    child = os.fork()
    if child == 0:
        refused = 0
        for use in uses:
            with suppress(LaptopError):
                use()
                continue
            refused += 1
        os._exit(refused)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == len(uses)
    assert database.read("SELECT 1") == [(1,)]
    database.close()


def test_the_state_is_read_after_a_handler_changed_the_folder_of_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    database = Database(Path("state") / STATE_FILE, synchronous="OFF")

    monkeypatch.chdir("elsewhere")

    assert database.read("SELECT 1") == [(1,)]
    database.close()
