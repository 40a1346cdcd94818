"""What handlers print and log on the laptop is kept with their attempts."""

import io
import json
import logging
import sys
import threading
import traceback
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from contradance import subscriber
from contradance.local.captured import CapturedLogs, entry_of, root_logged, thread_errors_logged
from contradance.local.printed import CapturedPrint, printing, writing
from contradance.local.state.database import Database
from contradance.local.state.journal_row import LOGS
from contradance.runtime import journal_record
from contradance.runtime.attempt import Attempt
from contradance.runtime.journal_record import LogEntry
from tests.runtime.desk import TicketOpened
from tests.runtime.fakes import World
from tests.runtime.unjson import UNJSON, UNJSON_SHOWN


@subscriber(service="repairs")
def mend(event: TicketOpened) -> None: ...


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    database = Database(tmp_path / "state.sqlite3", synchronous="OFF")
    yield World(database)
    database.close()


@pytest.fixture
def attempt(world: World) -> Attempt:
    return Attempt(mend, "desk.tickets/TicketOpened v3", world.environment)


def kept(world: World, attempt: Attempt) -> list[str]:
    attempt.record("done", 1)
    return [entry.message for entry in world.journal.records[-1].logs]


def test_what_a_handler_prints_is_kept_and_written_through(world: World, attempt: Attempt) -> None:
    stream = io.StringIO()
    out = CapturedPrint(stream)

    lengths = [out.write("before\n")]
    with attempt:
        lengths.append(out.write("inside\n"))
        out.writelines(["as", " one\n"])
        with writing():
            lengths.append(out.write("of the laptop\n"))
    out.flush()

    assert lengths == [7, 7, 14]
    assert stream.getvalue() == "before\ninside\nas one\nof the laptop\n"
    assert kept(world, attempt) == ["inside", "as one"]


def test_a_terminal_is_none_for_a_handler(attempt: Attempt) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = CapturedPrint(Terminal())

    with attempt:
        inside = out.isatty()
        with writing():
            of_the_laptop = out.isatty()

    assert (out.isatty(), inside, of_the_laptop) == (True, False, True)
    assert not CapturedPrint(io.StringIO()).isatty()


def test_a_printed_line_is_shown_once_where_lines_are_shown(attempt: Attempt) -> None:
    stream, shown = io.StringIO(), list[tuple[str, str]]()

    def show(entry: LogEntry, service: str) -> None:
        shown.append((entry.message, service))

    out = CapturedPrint(stream, show)
    with attempt:
        assert (out.write("one\ntw"), out.write("o\n")) == (6, 2)
    out.write("after\n")

    assert shown == [("one", "repairs"), ("two", "repairs")]
    assert stream.getvalue() == "after\n"


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_standard_stream_is_replaced_while_a_block_runs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = getattr(sys, name)

    with printing():
        assert getattr(sys, name) is not before
        getattr(sys, name).write("inside\n")
    assert getattr(sys, name) is before

    with printing():
        setattr(sys, name, other := io.StringIO())  # as a debugger does
    assert getattr(sys, name) is other
    setattr(sys, name, before)
    read = capsys.readouterr()
    assert {"stdout": read.out, "stderr": read.err}[name] == "inside\n"


def fail_and_print() -> None:
    try:
        int("x")
    except ValueError:
        traceback.print_exc()


TO_ERROR: dict[str, tuple[Callable[[], object], str]] = {
    "print": (lambda: sys.stderr.write("\x1b[2J\n"), r"\x1b[2J"),
    "a traceback": (fail_and_print, "ValueError: invalid literal for int() with base 10: 'x'"),
}


@pytest.mark.parametrize(("act", "line"), TO_ERROR.values(), ids=TO_ERROR)
def test_what_a_handler_writes_to_standard_error_is_kept_and_shown(
    act: Callable[[], object], line: str, world: World, attempt: Attempt, capfd: pytest.CaptureFixture[str]
) -> None:
    shown = list[str]()

    with printing(lambda entry, _: shown.append(entry.message)), attempt:
        act()

    assert line in shown
    assert kept(world, attempt) == shown
    assert capfd.readouterr().err == ""


def test_what_other_packages_log_is_kept_and_shown_and_nowhere_else(
    world: World, attempt: Attempt, capfd: pytest.CaptureFixture[str]
) -> None:
    root, shown = logging.getLogger(), list[str]()
    before = root.handlers

    with root_logged(CapturedLogs(lambda entry, _: shown.append(entry.message))), attempt:
        logging.getLogger("urllib3.connectionpool").warning("retrying")
        logging.getLogger("asyncio").error("not retrieved")
        logging.getLogger("urllib3").info("of no interest")

    assert shown == kept(world, attempt) == ["retrying", "not retrieved"]
    assert root.handlers is before
    assert capfd.readouterr().err == ""


def record(message: object, *arguments: object, name: str = "shop.orders.place") -> logging.LogRecord:
    return logging.LogRecord(name, logging.WARNING, "place.py", 1, message, arguments, None)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (record("paid %s of %d", "Zoë", 3), "paid Zoë of 3"),
        (record("100 %"), "100 %"),
        (record({"name": "Zoë"}), '{"name": "Zoë"}'),
        (record("%(a)s", {"a": 1}), "1"),
    ],
    ids=["arguments", "none", "object", "mapping"],
)
def test_a_message_is_text_as_the_standard_library_formats_it(given: logging.LogRecord, message: str) -> None:
    assert entry_of(given).message == message


def test_a_line_is_kept_with_its_attempt_and_shown_with_its_service(world: World, attempt: Attempt) -> None:
    shown = list[tuple[str, str]]()
    handler = CapturedLogs(lambda entry, service: shown.append((entry.message, service)))

    assert handler.handle(record("outside")) is True
    handler.handle(record("at the top", name="shop"))
    with attempt:
        handler.handle(record("inside"))

    assert shown == [("outside", "orders"), ("at the top", "shop"), ("inside", "repairs")]
    assert kept(world, attempt) == ["inside"]


def test_a_line_with_a_wrong_format_raises_nothing_and_names_its_place_without_its_arguments() -> None:
    shown = list[str]()

    CapturedLogs(lambda entry, _: shown.append(entry.message)).handle(record("%d", "secret"))

    (line,) = shown
    assert line.startswith("the line logged at place.py:1 cannot be formatted: TypeError")
    assert "secret" not in line


def test_a_field_that_json_does_not_have_keeps_its_line_and_is_text(world: World, attempt: Attempt) -> None:
    given = record("odd")
    given.__dict__.update(UNJSON)

    with attempt:
        CapturedLogs().handle(given)
    attempt.record("done", 1)

    (read,) = LOGS.validate_json(LOGS.dump_json(world.journal.records[-1].logs))
    fields = json.loads(json.dumps(read.fields, allow_nan=False).encode())
    assert fields.pop("big").startswith("0x")
    assert fields == UNJSON_SHOWN


def test_one_write_of_many_lines_shows_the_first_and_the_last(attempt: Attempt) -> None:
    lines = attempt.keep_printed("".join(f"{number}\n" for number in range(5_000)))

    shown = [line.message for line in lines]
    assert len(shown) == 1_001
    assert (shown[0], shown[500], shown[-1]) == ("0", "left out here: 4000 lines", "4999")


def test_no_copy_is_made_of_a_text_that_ends_no_line(world: World, attempt: Attempt) -> None:
    text = "x" * 20_000_000
    tracemalloc.start()
    try:
        attempt.keep_printed("begun ")
        attempt.keep_printed(text)
        attempt.keep_printed(text)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert most < 1_000_000
    assert kept(world, attempt) == [f"begun {text}"[:2_000]]


def test_a_long_text_is_cut_before_it_is_made_printable(attempt: Attempt, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = list[int]()

    def escape(text: str) -> str:
        lengths.append(len(text))
        return text

    monkeypatch.setattr(journal_record, "printable_block", escape)
    long = "\u202e" * 100_000

    with attempt:
        attempt.keep_printed(f"{long}\n")
        CapturedLogs().handle(record("%s", long))

    assert lengths
    assert max(lengths) < 3_000


def test_a_handler_that_closes_standard_output_closes_it_for_no_other() -> None:
    stream = io.StringIO()
    out = CapturedPrint(stream)

    out.close()
    out.write("later\n")

    assert stream.getvalue() == "later\n"


class Person(BaseModel):
    age: int


@pytest.mark.parametrize(
    ("raised", "shown"),
    [
        (lambda: Person.model_validate({"age": "secret".upper()}), "age: Input should be a valid integer"),
        (lambda: int("x"), "ValueError: invalid literal"),
        (lambda: (_ for _ in ()).throw(ValueError("\x1b[2J")), r"ValueError: \x1b[2J"),
        (lambda: (_ for _ in ()).throw(KeyboardInterrupt), "KeyboardInterrupt"),
    ],
    ids=["pydantic", "plain", "escape", "interrupt"],
)
def test_an_exception_that_ends_a_thread_is_shown_as_a_logged_one(
    raised: Callable[[], object], shown: str, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = list[LogEntry]()
    handler = CapturedLogs(lambda entry, _: lines.append(entry))
    logger = logging.getLogger("contradance.threads")
    logger.addHandler(handler)

    with thread_errors_logged():
        thread = threading.Thread(target=raised, name="mailer")
        thread.start()
        thread.join()
    logger.removeHandler(handler)

    (line,) = lines
    assert (line.level, line.message) == ("ERROR", "mailer ended with an exception")
    assert shown in (line.exception or "")
    assert "SECRET" not in (line.exception or "")
    assert capfd.readouterr().err == ""
