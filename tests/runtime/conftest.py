from collections.abc import Iterator
from pathlib import Path

import pytest

from contradance.local.state.database import Database
from tests.runtime.fakes import World


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "state.sqlite3", synchronous="OFF")
    yield database
    database.close()


@pytest.fixture
def world(database: Database) -> World:
    return World(database)
