"""What many dead letters cost: the number of statements does not grow with them, and an index answers each."""

import http.client
import json
import re
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from contradance.local.clock import RealClock
from contradance.local.console.feed import Feed
from contradance.local.dead_letter_queues import keep
from contradance.local.events.pending_delivery import PendingDelivery
from contradance.local.invocation.record import failure_record
from contradance.local.laptop import Laptop
from contradance.local.state import reader
from contradance.local.state.schema import SCHEMA_VERSION
from contradance.local.system.in_process import describe, system_in_process
from contradance.local.web.server import Server
from contradance.operate.dead_letters import find, redrive
from contradance.operate.ports import System
from tests.local.desk import START, Desk, asked, opened

LISTEN = "clerk.listen"
LETTERS = "/_contradance/dead-letters"
FEW, MANY = 10, 1_000


def fill(laptop: Laptop, count: int) -> None:
    """Put dead letters on the queue, each of an event of its own."""
    at, letters = START.timestamp(), []
    for number in range(count):
        entry = asked(f"item-{number}")
        event = {"source": entry["Source"], "detail-type": entry["DetailType"], "detail": json.loads(entry["Detail"])}
        pending = PendingDelivery(f"delivery-{number}", LISTEN, 3, at, at, None, json.dumps(event))
        letters.append(failure_record(pending, START, "RetriesExhausted", RuntimeError("the clerk is out")))

    def change(connection: sqlite3.Connection) -> None:
        for letter in letters:
            keep(connection, LISTEN, letter)

    laptop.database.write(change)


@contextmanager
def traced(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Record the statements of every connection that is opened while the block runs."""
    statements: list[str] = []
    plain = reader.connect

    def connect(*given: Any, **named: Any) -> sqlite3.Connection:
        connection = plain(*given, **named)
        connection.set_trace_callback(statements.append)
        return connection

    with monkeypatch.context() as patch:
        patch.setattr("contradance.local.state.reader.connect", connect)
        patch.setattr("contradance.local.state.database.connect", connect)
        yield statements


def list_letters(system: System, laptop: Laptop) -> int:
    return find(system, laptop.choreography).count


def show_letters(system: System, laptop: Laptop) -> int:
    return find(system, laptop.choreography, LISTEN, "failed", keep=5).count


def redrive_dry(system: System, laptop: Laptop) -> int:
    return sum(outcome.outcome == "redrivable" for outcome in redrive(system, laptop.choreography))


@pytest.mark.parametrize("act", [list_letters, show_letters, redrive_dry])
def test_the_number_of_statements_does_not_depend_on_the_number_of_letters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: Callable[[System, Laptop], int]
) -> None:
    counts = {}
    for count in (FEW, MANY):
        folder = tmp_path / str(count)
        with traced(monkeypatch) as statements, opened(folder, Desk().clerk()) as laptop:
            fill(laptop, count)
            system = system_in_process(laptop, describe(laptop, ""))
            statements.clear()
            assert act(system, laptop) == count
            counts[count] = len(statements)

    assert counts[FEW] == counts[MANY] <= 2


def test_an_index_answers_every_statement_about_dead_letters_and_sorts_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with traced(monkeypatch) as statements, opened(tmp_path, Desk().clerk()) as laptop:
        fill(laptop, FEW)
        system = system_in_process(laptop, describe(laptop, ""))
        statements.clear()
        for act in (list_letters, show_letters, redrive_dry):
            act(system, laptop)
        (first, second, *_) = laptop.dead_letters.receive(LISTEN, 10, 30)
        laptop.dead_letters.change_visibility(LISTEN, str(first.receipt), 0)
        laptop.dead_letters.delete(LISTEN, str(second.receipt))
        laptop.dead_letters.counts(LISTEN)
        system.dead_letters.count(LISTEN)
        (letter, *_) = [*redrive(system, laptop.choreography, only={first.id}, really=True)]
        read = [text for text in statements if re.match("(SELECT|UPDATE|DELETE).*dead_letter", text)]
        plans = {
            text: [row[3] for row in laptop.database.read(f"EXPLAIN QUERY PLAN {text}")] for text in dict.fromkeys(read)
        }

    assert letter.outcome == "redriven"
    assert len(plans) >= 8
    for text, plan in plans.items():
        assert not [step for step in plan if "SCAN dead_letter" in step or "TEMP B-TREE" in step], (text, plan)
        if "json_each" in text:
            assert "SEARCH dead_letter USING PRIMARY KEY (id=?)" in plan


def test_a_file_of_before_gets_the_new_indexes(tmp_path: Path) -> None:
    with opened(tmp_path, Desk().clerk()) as laptop:
        fill(laptop, FEW)
    with sqlite3.connect(tmp_path / "bus.sqlite3", isolation_level=None) as file:
        file.execute("DROP INDEX dead_letter_to_receive")
        file.execute("DROP INDEX dead_letter_by_sent")
        file.execute("CREATE INDEX dead_letter_by_function ON dead_letter (function, visible)")
        assert file.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    file.close()

    with opened(tmp_path, Desk().clerk()) as laptop:
        rows = laptop.database.read("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'dead_letter'")
        found = list_letters(system_in_process(laptop, describe(laptop, "")), laptop)

    names = {name for (name,) in rows}
    assert found == FEW
    assert {"dead_letter_to_receive", "dead_letter_by_sent"} <= names
    assert "dead_letter_by_function" not in names


def test_no_page_of_the_console_calls_its_own_process_or_makes_a_client_of_aws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Feed()
    with opened(tmp_path / "other", Desk().clerk()) as other:
        choreography = other.choreography
    with Laptop(
        choreography,
        tmp_path,
        clock=RealClock(),
        variables={},
        synchronous="OFF",
        when_journaled=feed.send,
    ) as laptop:
        fill(laptop, FEW)
        with Server(laptop, 0, feed=feed).serving() as url:
            visitor = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
            visitor.connect()
            forbid(monkeypatch)
            pages = {path: load(visitor, url, "GET", path) for path in PAGES}
            token = re.search(r'name="token" value="([^"]+)"', pages[f"{LETTERS}/{LISTEN}"][1])
            assert token
            forms = [
                load(visitor, url, "POST", f"{LETTERS}/{LISTEN}", token=token[1], do="redrive:all"),
                load(visitor, url, "POST", f"{LETTERS}/{LISTEN}", token=token[1], do="purge:all", confirmed="yes"),
                load(visitor, url, "POST", "/_contradance/replay", token=token[1], confirmed="yes", **WINDOW),
            ]
            started = load(visitor, url, "GET", forms[2][2])
            visitor.close()

    assert {status for status, *_ in pages.values()} == {200}
    assert "10 dead letters" in pages[f"{LETTERS}/{LISTEN}"][1]
    assert [status for status, *_ in (*forms, started)] == [200, 200, 303, 200]
    assert "10 deleted" in forms[1][1]


PAGES = [
    *(f"/_contradance/{page}" for page in ("live", "flows", "dead-letters", "replay", "contracts", "publish")),
    f"{LETTERS}/{LISTEN}",
    f"{LETTERS}/{LISTEN}?reason=failed",
]
WINDOW = {"subscriber": LISTEN, "from": "2026-01-01T00:00:00", "to": "2026-01-02T00:00:00"}


def forbid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail on every connection that this process opens, and on every client of AWS."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a page opened a connection")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr("boto3.Session", refuse)
    monkeypatch.setattr("boto3.session.Session", refuse)


def load(visitor: http.client.HTTPConnection, url: str, method: str, path: str, **fields: str) -> tuple[int, str, str]:
    """Return (status, page, location) over the one connection that was open before."""
    visitor.request(method, path, urlencode(fields) if fields else None, {"origin": url} if method == "POST" else {})
    answer = visitor.getresponse()
    return answer.status, answer.read().decode(), answer.headers.get("location", "")
