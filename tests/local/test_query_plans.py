"""Whatever happened before, a page or a command reads what it shows: no query scans a table that grows with events."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from starlette.routing import Route
from typer.testing import CliRunner

from contradance.cli.app import app
from contradance.local.clock import RealClock
from contradance.local.console.application import Console
from contradance.local.console.feed import Feed
from contradance.local.console.pages import PREFIX
from contradance.local.laptop import Laptop
from contradance.local.state import reader
from contradance.local.system.in_process import describe, system_in_process
from contradance.local.web.server import Server
from tests.cli.project import ROOT
from tests.local.console import test_cost
from tests.local.console.test_console import ask, library
from tests.local.console.test_cost import fill

FEW, MANY = 150, 900
LETTERS: Final = ("dead-letters", "dead-letters/readers.remind", "dead-letters/readers.remind?reason=failed")
"""Pages that count every dead letter by its cause; their work grows with the dead letters."""
PAGES: Final = (
    *test_cost.PAGES,
    *LETTERS[2:],
    *("flows?term=flow-7", "flows?term=loan-7", "flows/none?event=event-7"),
    *("replay", "replay/none", "contracts", "contracts/library.loans/Lent/1", "publish"),
)
COMMANDS: Final = (
    *("trace", "trace loan-7", "trace event-7", "trace flow-7 --logs", "trace nothing", "why event-7", "why nothing"),
    *("logs --limit 5", "logs --limit 5 --subject loan-7", "logs --limit 5 --level ERROR", "events list --limit 5"),
    *("events list --limit 5 --subject loan-7", "retry nothing", "retry event-7"),
)
GROWING: Final = re.compile(r"SCAN (event|journal|once|item|dead_letter|delivery)\b")
PENDING: Final = {"live": ["SCAN delivery USING COVERING INDEX delivery_by_due"]}
"""The live page counts all pending deliveries: those of the past are not in this table."""


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch, statements: list[str]) -> Iterator[Callable[[], int]]:
    """Record the statements, and yield what returns about how many steps SQLite's machine made, in hundreds."""
    steps = [0]
    plain = reader.connect

    def step() -> int:
        steps[0] += 1
        return 0

    def connect(*given: Any, **named: Any) -> sqlite3.Connection:
        connection = plain(*given, **named)
        connection.set_trace_callback(statements.append)
        connection.set_progress_handler(step, 100)
        return connection

    with monkeypatch.context() as patch:
        patch.setattr("contradance.local.state.reader.connect", connect)
        patch.setattr("contradance.local.state.database.connect", connect)
        yield lambda: steps[0]


def work(folder: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, int], dict[str, list[str]]]:
    """Return the steps and the scans of each page and each command, on a laptop with this many flows."""
    steps_of: dict[str, int] = {}
    scans: dict[str, list[str]] = {}
    statements: list[str] = []
    with (
        counted(monkeypatch, statements) as steps,
        Laptop(library(), folder, clock=RealClock(), variables={}, synchronous="OFF") as laptop,
        Server(laptop, 0, feed=Feed()).serving() as url,
    ):
        laptop.database.write(lambda connection: fill(connection, count))

        def note(name: str, act: Callable[[], object]) -> None:
            statements.clear()
            before = steps()
            act()
            steps_of[name] = steps() - before
            plans = [
                str(row[3])
                for text in dict.fromkeys(statements)
                if re.match(r"\s*(SELECT|WITH)", text)
                for row in laptop.database.read(f"EXPLAIN QUERY PLAN {text}")
            ]
            if found := [plan for plan in plans if GROWING.match(plan)]:
                scans[name] = found

        for page in PAGES:
            note(page, partial(ask, url, "GET", f"{PREFIX}/{page}"))
        options = ["--state", str(folder)]
        for words in COMMANDS:
            port = ["--port", url.rpartition(":")[2]] if words.startswith("retry") else []
            note(words, partial(typed, *words.split(), *options, *port))
    return steps_of, scans


def typed(*words: str) -> None:
    """Run a command, which finds what it shows or shows that there is nothing."""
    assert CliRunner().invoke(app, [*words]).exit_code in (0, 1), words


def test_no_page_and_no_command_reads_more_because_more_has_happened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("contradance.local.state.journal_table._PAGE", 50)
    monkeypatch.setattr("contradance.local.console.history._CHUNK", 100)
    monkeypatch.setattr("contradance.local.console.flow_search.WINDOW", 100)

    (few, scans), (many, more_scans) = (work(tmp_path / str(count), count, monkeypatch) for count in (FEW, MANY))

    assert scans == more_scans == PENDING
    grown = {name for name in few if many[name] > few[name] + 2}
    assert grown == {*LETTERS, "functions/readers.remind"}, "the page of a function counts its dead letters"


def test_every_page_of_the_console_is_among_those(tmp_path: Path) -> None:
    with Laptop(library(), tmp_path, clock=RealClock(), variables={}, synchronous="OFF") as laptop:
        routes = Console(laptop, Feed(), system_in_process(laptop, describe(laptop, "")))._app.routes
    pages = [
        one for one in routes if isinstance(one, Route) and one.path.startswith(f"{PREFIX}/") and one.path[-1] != "/"
    ]
    asked = [f"{PREFIX}/{page.partition('?')[0]}" for page in PAGES]

    missing = {one.path for one in pages if not any(one.path_regex.match(path) for path in asked)}

    assert len(pages) > 15
    assert missing == {f"{PREFIX}/static/{{name}}", f"{PREFIX}/stream"}
