"""The tables of the laptop's state file, and their version."""

import sqlite3
from pathlib import Path
from typing import Final

from contradance.errors import LaptopError

SCHEMA_VERSION: Final = 3
"""Version of the tables below; a file of another version is refused."""
OWN_BUS: Final = ""
"""The application's own bus, as rows have it."""
_SCHEMA: Final = """
CREATE TABLE event (
    id INTEGER PRIMARY KEY, event_id TEXT NOT NULL, time REAL NOT NULL, accepted REAL NOT NULL, correlation_id TEXT,
    envelope TEXT NOT NULL, archived INTEGER NOT NULL, bus TEXT NOT NULL
) STRICT;
CREATE TABLE delivery (
    id TEXT PRIMARY KEY, function TEXT NOT NULL, event INTEGER NOT NULL REFERENCES event (id),
    correlation_id TEXT, sent REAL NOT NULL, due REAL NOT NULL, attempt INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE once (
    function TEXT NOT NULL, source TEXT NOT NULL, event_id TEXT NOT NULL, state TEXT NOT NULL, attempt INTEGER NOT NULL,
    expires REAL NOT NULL, sealed TEXT, published TEXT, answer TEXT, PRIMARY KEY (function, source, event_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE item (
    table_name TEXT NOT NULL, partition TEXT NOT NULL, sort TEXT NOT NULL, version TEXT NOT NULL, document TEXT NOT NULL,
    PRIMARY KEY (table_name, partition, sort)
) STRICT, WITHOUT ROWID;
CREATE TABLE journal (
    id INTEGER PRIMARY KEY, function TEXT NOT NULL, event_id TEXT, subject TEXT, correlation_id TEXT NOT NULL,
    record TEXT NOT NULL, logs TEXT
) STRICT;
CREATE TABLE dead_letter (
    id TEXT PRIMARY KEY, function TEXT NOT NULL, sent REAL NOT NULL, body TEXT NOT NULL, attributes TEXT NOT NULL,
    source TEXT, receives INTEGER NOT NULL, visible REAL NOT NULL, first_received REAL, receipt TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE replay (
    name TEXT PRIMARY KEY, description TEXT, state TEXT NOT NULL, first REAL NOT NULL, last REAL NOT NULL, rules TEXT,
    started REAL NOT NULL, minute REAL NOT NULL, after INTEGER NOT NULL, replayed REAL, ended REAL, bus TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""

_INDEXES: Final = """
CREATE INDEX IF NOT EXISTS event_by_time ON event (time) WHERE archived = 1;
CREATE INDEX IF NOT EXISTS event_by_event_id ON event (event_id);
CREATE INDEX IF NOT EXISTS delivery_by_due ON delivery (function, due);
CREATE INDEX IF NOT EXISTS delivery_by_correlation ON delivery (correlation_id);
CREATE INDEX IF NOT EXISTS once_to_sweep ON once (expires) WHERE state = 'done';
CREATE INDEX IF NOT EXISTS journal_by_event ON journal (event_id);
CREATE INDEX IF NOT EXISTS journal_by_function ON journal (function);
CREATE INDEX IF NOT EXISTS journal_by_subject ON journal (subject);
CREATE INDEX IF NOT EXISTS journal_by_correlation ON journal (correlation_id);
CREATE INDEX IF NOT EXISTS dead_letter_to_receive ON dead_letter (function, visible, sent);
CREATE INDEX IF NOT EXISTS dead_letter_by_sent ON dead_letter (function, sent);
CREATE INDEX IF NOT EXISTS dead_letter_by_receipt ON dead_letter (receipt);
"""
"""An index does not change the version: it is added to an older file when that is opened."""


_ADDED: Final = (("journal", "logs", "TEXT"),)
"""Columns that an older file of the same version lacks: table, column, type."""


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Create the tables in a new file, or add what an older one lacks; raise `LaptopError` for another version."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found == 0:
        _execute_each(connection, _SCHEMA)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    if found in (0, SCHEMA_VERSION):
        _add_columns(connection)
        connection.execute("DROP INDEX IF EXISTS dead_letter_by_function")  # could not sort; replaced by two others
        _execute_each(connection, _INDEXES)
    connection.execute("COMMIT")
    check_version(found, path)


def _execute_each(connection: sqlite3.Connection, statements: str) -> None:
    """Execute SQL statements, separated by `;` and a line break, inside the open transaction."""
    for statement in statements.split(";\n"):
        connection.execute(statement)


def _add_columns(connection: sqlite3.Connection) -> None:
    """Add the columns of `_ADDED` that the file does not have yet."""
    for table, column, kind in _ADDED:
        found = connection.execute("SELECT 1 FROM pragma_table_info(?) WHERE name = ?", (table, column)).fetchone()
        if not found:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")


def check_version(found: int, path: Path) -> None:
    """Raise `LaptopError` for a file of another version; 0, a file without tables, is accepted."""
    if found not in (0, SCHEMA_VERSION):
        raise LaptopError(
            f"{path} has schema version {found}, but this contradance writes version {SCHEMA_VERSION}.\n"
            "  Choose another folder with --state, or delete this one to start afresh."
        )
