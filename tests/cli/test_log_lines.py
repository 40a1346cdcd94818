"""The functions' log lines on the laptop: which delivery wrote them, and how they read."""

import io
import logging
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from pydantic import BaseModel
from rich.console import Console

from contradance import Choreography, Contract, Delivery, Registry, Reply, route, subscriber
from contradance.cli import theme
from contradance.cli.log_lines import listen_to_functions
from contradance.cli.narrator import Narrator
from contradance.cli.theme import Services
from contradance.local.captured import CapturedLogs, entry_of
from contradance.local.clock import RealClock
from contradance.local.laptop import Laptop
from contradance.runtime.attempt import running_attempt
from contradance.runtime.journal_record import LogEntry
from tests.patience import LONG
from tests.runtime.aws.test_logs import attempt
from tests.runtime.desk import TICKET, opened

DELIVERIES, TOGETHER = 16, 8
LINES = 160
"""Lines of each of four loggers in one delivery."""
OWNER = "Jane Doe"
SHOWN = '{"opened": {"ticket_id": "%s", "owner": "***", "channel": "web", "items": [{"name": "kettle", "count": 1}]}}'
older = Logger(service="older in the terminal")
plain = logging.getLogger("tests.cli.test_log_lines")


class Asked(Contract, source="shop.desk", subject="item"):
    item: str


class Done(BaseModel):
    item: str


class Collector(CapturedLogs):
    """Keeps the fields of each line; several threads format theirs at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        running = running_attempt()
        self.lines.append(entry_of(record).fields | (running.about if running else {}))


def test_a_line_does_not_wait_for_the_line_of_another_thread() -> None:
    shown, going_on = threading.Event(), threading.Event()

    def show(entry: LogEntry, _: str) -> None:
        if entry.message == "first":
            assert going_on.wait(LONG)
        else:
            shown.set()

    handler = CapturedLogs(show)
    first, second = (
        threading.Thread(target=handler.handle, args=[logging.makeLogRecord({"name": "tests", "msg": text})])
        for text in ("first", "second")
    )
    first.start()
    second.start()
    in_time = shown.wait(LONG)
    going_on.set()
    first.join()
    second.join()

    assert in_time


def test_no_line_carries_the_keys_of_another_delivery(tmp_path: Path) -> None:
    together, finished = threading.Barrier(TOGETHER, timeout=60), threading.Semaphore(0)

    @route("POST /items/{item}", service="desk")
    def ask(item: str) -> Reply[Done, Asked]:
        return Reply(Done(item=item), publishes=Asked(item=item))

    @subscriber(service="clerk", concurrency=TOGETHER)
    def chatter(asked: Asked, delivery: Delivery) -> None:
        together.wait()
        later = Logger(service=f"made for {asked.item}")
        for number in range(LINES):
            older.append_keys(mine=delivery.event_id)
            later.thread_safe_append_keys(also_mine=delivery.event_id)
            older.info(number, truth=delivery.event_id)
            later.info(number, truth=delivery.event_id)
            plain.info(number, extra={"truth": delivery.event_id})
            older.remove_keys(["mine"])
            older.info(number, truth=delivery.event_id)

    shop, collector = Choreography("shop", contracts=Registry("shop", [Asked]), functions=[ask, chatter]), Collector()
    listen_to_functions(shop, collector)
    with Laptop(
        shop, tmp_path, clock=RealClock(), synchronous="OFF", when_settled=lambda _: finished.release()
    ) as laptop:
        laptop.start()
        for number in range(DELIVERIES):
            laptop.request("POST", f"/items/{number}")
        for _ in range(DELIVERIES):
            assert finished.acquire(timeout=60)

    found = [line for line in collector.lines if "truth" in line]
    assert len(found) == DELIVERIES * LINES * 4 == 10_240
    assert len({line["truth"] for line in found}) == DELIVERIES
    wrong = [
        line
        for line in found
        if {line["event_id"], line.get("mine", line["truth"]), line.get("also_mine", line["truth"])} != {line["truth"]}
    ]
    assert wrong == []


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What a terminal of 100 columns shows, without colours."""
    screen = io.StringIO()
    monkeypatch.setattr(theme, "out", Console(file=screen, highlight=False, soft_wrap=True, width=100))
    choreography = Choreography("desk", contracts=Registry("desk", []), functions=[])
    listen_to_functions(choreography, CapturedLogs(Narrator(Services(["repairs", "desk"])).logged))
    return screen


def without_times(shown: str) -> list[str]:
    """Return the lines without dates, and without the time that each log line begins with."""
    lines = [line for line in shown.splitlines() if not re.fullmatch(r"\d{4}-\d\d-\d\d", line)]
    return [re.sub(r"^\d\d:\d\d:\d\d  ", "", line) for line in lines]


def test_a_powertools_line_reads_as_text_with_the_authors_keys(
    terminal: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = Logger(service="made later")

    with attempt("event-1"):
        older.append_keys(kettles=1)
        older.info("Planned %s", TICKET)
        logger.warning({"opened": opened()}, spouts=[1, 2])
        logger.debug("not shown")
    logger.info("outside")

    assert without_times(terminal.getvalue()) == [
        f"repairs    INFO     Planned {TICKET}  kettles=1",
        f"repairs    WARNING  {SHOWN % TICKET}  spouts=[1, 2]",
        "made later    INFO     outside",
    ]
    assert capsys.readouterr().out == ""


def test_an_exception_is_shown_below_its_line_without_its_values(terminal: io.StringIO) -> None:
    with attempt("event-1"):
        try:
            opened(channel=[OWNER])
        except ValueError:
            older.exception("It failed")

    lines = without_times(terminal.getvalue())
    assert lines[:2] == ["repairs    ERROR    It failed", "Traceback (most recent call last):"]
    assert lines[-1].strip() == "ValidationError: TicketOpened: channel: Input should be a valid string"
    assert OWNER not in terminal.getvalue()


def test_a_formatter_that_writes_no_json_is_shown_as_it_is(terminal: io.StringIO) -> None:
    logger = Logger(service="own format")
    logger.registered_handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))

    logger.info("said")

    assert without_times(terminal.getvalue()) == ["own format    INFO     INFO: said"]
