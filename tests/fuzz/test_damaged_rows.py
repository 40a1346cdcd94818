"""A row that a person has damaged stops no page, command or delivery: the others are shown, and delivered, as usual."""

import json
import sqlite3
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import pytest

from contradance.runtime.sweep import sweep
from tests.fuzz.test_fuzz import COMMANDS, PAGES
from tests.fuzz.world import World, opened

BAD: Final[dict[str, tuple[Any, ...]]] = {
    "TEXT": ("", "{", "\x00", "[]", "null", "1", '{"a": 1}', b"\xed\xa0\x80", "[" * 100_000, '{"a": {"b": []}}'),
    "REAL": (-1e300, 1e300, -1.0, 2.6e11),
    "INTEGER": (-(2**63), 2**62, 0),
}
"""Values that a column of each type can hold, and that contradance does not write."""
KEYS: Final = {
    "event": "id",
    "delivery": "id",
    "journal": "id",
    "dead_letter": "id",
    "replay": "name",
    "once": "event_id",
}
LEFT: Final = {
    ("delivery", "event"),  # a reference, which SQLite checks
    *(("replay", name) for name in ("state", "after", "bus")),  # a position: a replay goes on from there
}
"""Columns that are not damaged."""
QUEUE: Final = "/000000000000/desk-greet-dead-letters"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    project = tmp_path_factory.mktemp("project")
    (project / "pyproject.toml").write_text('[tool.contradance]\nchoreography = "tests.fuzz.world:club"\n')
    with pytest.MonkeyPatch.context() as patched, opened(tmp_path_factory.mktemp("state")) as world:
        patched.chdir(project)
        yield world


def signs(world: World, member: str) -> None:
    """Publish an event that one function consumes, and of which another makes a dead letter."""
    body = json.dumps({"member": member, "name": "Zoe", "age": 1})
    assert world.asks("POST", f"/members/{member}", {"Content-Type": "application/json"}, body.encode()).status == 201


def add_damaged_copies(connection: sqlite3.Connection, table: str) -> int:
    """Copy a row for each column and each value that damages it; return how many."""
    columns = [(name, kind) for _, name, kind, *_ in connection.execute(f"PRAGMA table_info({table})")]
    row = dict(zip([name for name, _ in columns], connection.execute(f"SELECT * FROM {table}").fetchone(), strict=True))  # noqa: S608 - a constant
    count = 0
    for name, kind in columns:
        for bad in BAD[kind] if name != KEYS[table] and (table, name) not in LEFT else ():
            count += 1
            key = None if isinstance(row[KEYS[table]], int) else f"copy-{count}"
            values = {**row, KEYS[table]: key, name: bad}
            places = ", ".join("CAST(? AS TEXT)" if isinstance(value, bytes) else "?" for value in values.values())
            connection.execute(f"INSERT INTO {table} VALUES ({places})", (*values.values(),))  # noqa: S608 - a constant
    return count


@pytest.mark.parametrize("table", KEYS)
def test_damaged_rows_stop_nothing(served: World, table: str) -> None:
    served.reset()
    signs(served, "m-1")
    served.laptop.drain()
    signs(served, "m-2")
    replay = "INSERT INTO replay VALUES ('r', 'd', 'COMPLETED', 0, 1, NULL, 0, 0, 0, 1, 1, '')"
    served.laptop.database.write(lambda connection: connection.execute(replay))
    (flow,) = served.laptop.database.read("SELECT correlation_id FROM event ORDER BY id LIMIT 1")[0]

    count = served.laptop.database.write(partial(add_damaged_copies, table=table))

    for page in (*PAGES, f"flows/{flow}", "functions/desk.greet", "flows?term=m", "replay/r"):
        assert served.page(f"/_contradance/{page}").status == 200, page
    for words in (*COMMANDS, ("retry", "all"), ("trace", flow)):
        served.types(*words)
    for target, body in [
        ("AmazonSQS.ReceiveMessage", {"QueueUrl": served.url + QUEUE, "MaxNumberOfMessages": 10}),
        ("AWSEvents.ListReplays", {}),
    ]:
        assert served.calls(target, json.dumps(body)).status == 200
    assert count > 10
    groups = json.loads(served.types("dlq", "list", "--json"))["groups"]
    assert {one["subscriber"] for one in groups} >= {"desk.greet", "desk.file_away"}
    served.laptop.drain()
    served.laptop.database.flush()
    reached = {name for (name,) in served.laptop.database.read("SELECT function FROM journal WHERE subject = 'm-2'")}
    assert reached >= {"desk.greet", "desk.file_away"}


def test_a_letter_with_damaged_attributes_is_unreadable_and_the_others_are_as_usual(served: World) -> None:
    served.reset()
    for member in ("m-1", "m-2"):
        signs(served, member)
    served.laptop.drain()
    change = "UPDATE dead_letter SET attributes = '{', sent = 1e300 WHERE id = (SELECT min(id) FROM dead_letter)"
    served.laptop.database.write(lambda connection: connection.execute(change))

    found = json.loads(served.types("dlq", "show", "--json"))["dead_letters"]
    assert sorted(one["reason"] for one in found) == ["failed", "failed", "failed", "unreadable"]


def test_events_that_cannot_be_read_keep_no_others_from_being_published(
    served: World, caplog: pytest.LogCaptureFixture
) -> None:
    served.reset()
    insert = "INSERT INTO once VALUES ('desk.greet', 's', ?, 'done', 1, ?, CAST(? AS TEXT), NULL, NULL)"
    texts = [*BAD["TEXT"], "[]"]
    rows = [(f"e-{number}", number, text) for number, text in enumerate(texts)]
    served.laptop.database.write(lambda connection: connection.executemany(insert, rows))

    swept = sweep(served.laptop.environment, 10)

    left = [name for (name,) in served.laptop.database.read("SELECT event_id FROM once WHERE state = 'done'")]
    assert (swept, left) == (3, [f"e-{number}" for number, text in enumerate(texts) if text not in ("", "[]")])
    assert f"the events that desk.greet returned for event {left[0]} cannot be read" in caplog.text
