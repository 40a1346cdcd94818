import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from contradance.errors import LaptopError
from contradance.local.database import Database
from contradance.local.journal_table import STATE_FILE
from contradance.local.schema import SCHEMA_VERSION
from tests.local.desk import Desk, ask, opened

WRITERS, CHANGES = 8, 40


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


def test_what_nobody_waits_for_is_written_when_the_disk_takes_it_again(tmp_path: Path) -> None:
    database = Database(tmp_path / STATE_FILE, "OFF")
    letter = "INSERT INTO dead_letter VALUES (?, 'f', 0.0, '{}', '{}', NULL, 0, 0.0, NULL, NULL)"
    database._writer.execute("PRAGMA query_only = ON")
    for number in range(3):
        database.write_soon(letter, (str(number),))

    with pytest.raises(LaptopError, match="cannot be written"):
        database.write(lambda connection: connection.execute(letter, ("refused",)))
    database._writer.execute("PRAGMA query_only = OFF")
    database.flush()
    kept = database.read("SELECT id FROM dead_letter ORDER BY id")
    database.close()

    assert kept == [("0",), ("1",), ("2",)]
