import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.durability.storm import blow
from tests.durability.storm_check import check

ORDERS, CLIENTS, KILLS = 50, 5, 2


SPOILED: dict[str, Callable[[sqlite3.Connection, Path], object]] = {
    # A replay leaves copies of an event: each is deleted.
    "lost": lambda it, _: it.execute(
        "DELETE FROM event WHERE json_extract(envelope, '$.detail.data.order') = 'order-1'"
    ),
    "neither consumed nor dead-lettered": lambda it, _: it.execute("DELETE FROM once WHERE function = 'stock.count'"),
    "deliveries are pending": lambda it, _: it.execute(
        "INSERT INTO delivery SELECT 'd', 'stock.count', id, NULL, 0, 0, 1 FROM event LIMIT 1"
    ),
    "(started, recorded)": lambda it, _: it.execute("DELETE FROM journal WHERE function = 'till.charge'"),
    "innocent dead letters": lambda it, _: it.execute("UPDATE dead_letter SET function = 'stock.count'"),
    "a row was written twice": lambda it, _: it.execute(
        "UPDATE item SET document = json_set(document, '$.times', 2) WHERE table_name = 'till.charges'"
    ),
    "charged twice": lambda _, state: charge_twice(state),
}


def test_no_event_is_lost_unrecorded_or_charged_twice_in_a_storm(tmp_path: Path) -> None:
    """One storm, because it takes a minute; then the checker is tried on what it left, spoiled in each way."""
    state = tmp_path / "state"
    state.mkdir()
    placed = blow(state, ORDERS, CLIENTS, KILLS)

    counted = check(state, placed)

    assert counted["ended their process"] >= 3
    assert counted["timed out"] >= 2
    assert counted["dead letters"] >= 10
    for number, (message, spoil) in enumerate(SPOILED.items()):
        with pytest.raises(AssertionError, match=re.escape(message)):
            check(spoiled(state, tmp_path / str(number), spoil), placed)


def spoiled(state: Path, copy: Path, spoil: Callable[[sqlite3.Connection, Path], object]) -> Path:
    """Return a copy of a state in which something is wrong."""
    shutil.copytree(state, copy)
    with closing(sqlite3.connect(copy / "bus.sqlite3")) as connection:
        spoil(connection, copy)
        connection.commit()
    return copy


def charge_twice(state: Path) -> None:
    """Have the gateway be called with another key."""
    with (state / "gateway.log").open("a") as log:
        log.write("order-1 another-key\norder-1 a-third-key\n")
