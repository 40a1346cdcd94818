"""Writes a laptop's state with any number of events: copies of real flows, each with ids of its own."""

import json
import logging
import re
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import uuid4

from contradance.local.clock import VirtualClock
from contradance.local.laptop import Laptop
from functions.choreography import food_delivery
from functions.demo import scenes

_COLUMNS: Final = {
    "event": "event_id, time, accepted, correlation_id, envelope, archived",
    "journal": "function, event_id, subject, correlation_id, record",
    "once": "*",
    "item": "*",
}
"""The tables in which a flow leaves rows, and their columns without the numbers that SQLite gives."""
_ID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_CREATED: Final = 201

Rows = Mapping[str, list[tuple[Any, ...]]]


def write_state(folder: Path, events: int, moments: Sequence[datetime]) -> None:
    """Write a state of about so many events into `folder`, the same number at each of `moments`."""
    for moment in moments:
        with _laptop(folder, moment) as laptop:
            flow = _real_flow(moment)
            copies = events // len(moments) // len(flow["event"])
            laptop.database.write(lambda connection, flow=flow, copies=copies: _insert(connection, flow, copies))


def _laptop(folder: Path, moment: datetime) -> Laptop:
    return Laptop(food_delivery, folder, clock=VirtualClock(moment), variables={}, synchronous="OFF")


def _real_flow(moment: datetime) -> Rows:
    """Place one order at `moment`; return the rows that it leaves."""
    logging.disable()  # what the functions log is not kept
    with TemporaryDirectory() as folder, _laptop(Path(folder), moment) as laptop:
        body = json.dumps({**scenes[0].body, "restaurant_id": "canteen"})
        response = laptop.request("POST", "/orders", body, {"content-type": "application/json"})
        assert response.status == _CREATED, response.body
        laptop.drain()
        laptop.deliveries.flush()
        return {
            table: laptop.database.read(f"SELECT {columns} FROM {table}")  # noqa: S608 - constants
            for table, columns in _COLUMNS.items()
        }


def _insert(connection: sqlite3.Connection, flow: Rows, copies: int) -> None:
    """Insert copies of a flow's rows, each with ids of its own; an item without an id is there already."""
    for _ in range(copies):
        ids: defaultdict[str, str] = defaultdict(lambda: str(uuid4()))
        for table, rows in flow.items():
            columns = "" if _COLUMNS[table] == "*" else f" ({_COLUMNS[table]})"
            marks = ", ".join("?" * len(rows[0]))
            connection.executemany(
                f"INSERT OR IGNORE INTO {table}{columns} VALUES ({marks})",  # noqa: S608 - constants
                [tuple(_replaced(value, ids) for value in row) for row in rows],
            )


def _replaced(value: object, ids: defaultdict[str, str]) -> object:
    """Return a column's value with each id in it replaced."""
    return _ID.sub(lambda found: ids[found[0]], value) if isinstance(value, str) else value
