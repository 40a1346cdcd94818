"""Whatever a handler raises, and however long it hangs: it ends its own attempt, with a record."""

import asyncio
import json
import logging
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from contradance import PII, Choreography, route
from contradance.choreography import AnyFunction
from contradance.errors import Conflict, LaptopError, LeaseHeld
from contradance.local.captured import CapturedLogs, logging_kept
from contradance.local.clock import RealClock, VirtualClock
from contradance.local.console.feed import Feed
from contradance.local.events.deliveries import Deliveries
from contradance.local.events.pending_delivery import PendingDelivery
from contradance.local.invocation import invoker
from contradance.local.invocation.in_flight import Flight
from contradance.local.invocation.invoker import Invoker
from contradance.local.laptop import Laptop
from contradance.local.printed import printing
from contradance.local.system.client import system_of_commands
from contradance.local.web.server import Server
from contradance.operate.doctor import examine
from contradance.retry import DeliveryMode, Retry
from contradance.runtime.attempt import Attempt
from contradance.runtime.journal_record import JournalRecord
from tests.local.desk import START, Desk, ask, dead_letters, journaled, opened, registry, wait_until
from tests.patience import LONG

FAST = 600.0
"""A pause of a minute takes a tenth of a second."""


class Custom(BaseException):
    """An author's own."""


class Unprintable(Exception):
    def __str__(self) -> str:
        raise SystemExit


class UnreadableClass(type):
    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise SystemExit


class NoName(Exception, metaclass=UnreadableClass): ...


class NoCause(Exception):
    @property
    def __cause__(self) -> BaseException:  # type: ignore[override]
        raise SystemExit


class NoClass(Exception):
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise SystemExit


class NoMembers(ExceptionGroup[Exception]):
    @property
    def exceptions(self) -> Any:
        raise SystemExit


class NoText(str):
    __slots__ = ()

    def __getitem__(self, key: Any) -> str:
        raise SystemExit


class OddText(Exception):
    def __str__(self) -> str:
        return NoText("odd")


class NoTruth(ValueError):
    def __bool__(self) -> bool:
        raise SystemExit


@dataclass(frozen=True)
class Frozen(Exception):
    item: str


class NoChange(Exception):
    def __setattr__(self, name: str, value: object) -> None:
        raise SystemExit


def because(cause: BaseException) -> BaseException:
    error = ValueError("because")
    error.__cause__ = cause
    return error


def group(depth: int, width: int = 1) -> BaseException:
    """Return groups in each other: each is `width` times in the next one."""
    error: Exception = ValueError("innermost")
    for _ in range(depth):
        error = ExceptionGroup("g", [error] * width)
    return error


RAISED: dict[str, Callable[[], BaseException]] = {
    "SystemExit": lambda: SystemExit(3),
    "KeyboardInterrupt": KeyboardInterrupt,
    "GeneratorExit": GeneratorExit,
    "CancelledError": asyncio.CancelledError,
    "StopIteration": StopIteration,
    "StopAsyncIteration": StopAsyncIteration,
    "Custom": Custom,
    "BaseExceptionGroup": lambda: BaseExceptionGroup("g", [SystemExit(1), ValueError()]),
    "ExceptionGroup": lambda: ExceptionGroup("g", [ValueError()]),
    "MemoryError": MemoryError,
    "RecursionError": RecursionError,
    "a conflict of its own": lambda: Conflict("the calendar is full"),
    "a lease of its own": lambda: LeaseHeld("the flat is let"),
    "half of a surrogate pair": lambda: ValueError("\ud800"),
    "Unprintable": Unprintable,
    "very long": lambda: ValueError("x" * 5_000_000),
    "very long name": type("N" * 1_000_000, (Exception,), {}),
    "a class without a name": NoName,
    "a cause that raises": NoCause,
    "a cause of a cause that raises": lambda: because(NoCause()),
    "a class that raises": NoClass,
    "a truth that raises": NoTruth,
    "a frozen dataclass": lambda: Frozen("a"),
    "attributes that raise when they are set": NoChange,
    "a cause whose truth raises": lambda: because(NoTruth()),
    "a group whose members raise": lambda: NoMembers("g", [ValueError()]),
    "a text that raises": OddText,
    "a deep group": lambda: group(20_000),
    "a group of the same": lambda: group(64, width=2),
    "a wide group": lambda: ExceptionGroup("g", [ValueError() for _ in range(1_000)]),
}
raised = pytest.mark.parametrize("error", RAISED.values(), ids=RAISED)


def raising(error: Callable[[], BaseException]) -> Callable[[str, int], None]:
    def does(item: str, attempt: int) -> None:
        raise error()

    return does


@raised
@pytest.mark.parametrize("delivery", ["direct", "queue"])
def test_what_a_handler_raises_fails_its_attempt_alone(
    error: Callable[[], BaseException], delivery: DeliveryMode, tmp_path: Path
) -> None:
    desk = Desk()
    failing, other = desk.clerk("listen", raising(error), delivery=delivery), desk.clerk("other", delivery=delivery)

    with opened(tmp_path, failing, other) as laptop:
        ask(laptop, "a", "b")
        laptop.drain()
        records = [record for record in journaled(laptop, "a") if record.function == "clerk.listen"]
        letters = dead_letters(laptop)

    tries = failing.retry.attempts(delivery)
    assert [(record.outcome, record.attempt) for record in records] == [("failed", n + 1) for n in range(tries)]
    assert records[-1].dead
    assert all(len(record.error or "") > 5 for record in records)
    assert [letter.function for letter in letters] == ["clerk.listen"] * 2
    assert sorted(desk.items("other")) == ["a", "b"]
    assert all(len(letter.body) < 10_000 for letter in letters)


ABOVE: dict[str, tuple[Callable[[], object], type[BaseException]]] = {
    "Ctrl-C": (lambda: signal.raise_signal(signal.SIGINT), KeyboardInterrupt),
    "pytest.fail": (lambda: pytest.fail("the handler saw something else"), pytest.fail.Exception),
}


@pytest.mark.parametrize(("act", "kind"), ABOVE.values(), ids=ABOVE)
def test_what_is_not_the_handler_s_own_ends_a_drain_after_the_attempt_is_settled(
    act: Callable[[], object], kind: type[BaseException], tmp_path: Path
) -> None:
    clerk = Desk().clerk(does=lambda _, attempt: act() if attempt == 1 else None)  # type: ignore[arg-type]
    with opened(tmp_path, clerk) as laptop:
        ask(laptop, "a")
        with pytest.raises(kind):
            laptop.drain()
        laptop.drain()

        assert [record.outcome for record in journaled(laptop, "a")] == ["failed", "done"]


@raised
def test_no_worker_of_a_started_laptop_is_lost(error: Callable[[], BaseException], tmp_path: Path) -> None:
    desk = Desk()

    def fails_on_most(item: str, attempt: int) -> None:
        if item.startswith("bad"):
            raise error()

    clerk = desk.clerk(does=fails_on_most, concurrency=1)
    with opened(tmp_path, clerk, clock=RealClock(), started=True) as laptop:
        ask(laptop, *[f"bad-{n}" for n in range(9)], "good")

        wait_until(lambda: [record.outcome for record in journaled(laptop, "good")] == ["done"])
        wait_until(lambda: all(len(journaled(laptop, f"bad-{n}")) == 1 for n in range(9)))


@pytest.mark.parametrize("delivery", ["direct", "queue"])
def test_what_passes_the_runtime_fails_its_attempt_with_a_record(
    delivery: DeliveryMode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def passes(*_: object) -> None:
        raise SystemExit(3)

    monkeypatch.setattr(invoker, "invoke", passes)
    clerk = Desk().clerk(delivery=delivery, retry=Retry(times=0), concurrency=1)
    with opened(tmp_path, clerk, clock=RealClock(), started=True) as laptop:
        ask(laptop, "a", "b")
        wait_until(lambda: len(dead_letters(laptop)) == 2)
        records = [*journaled(laptop, "a"), *journaled(laptop, "b")]
        ended = laptop.close()

    assert ended
    assert [(record.outcome, record.attempt, record.dead) for record in records] == [("failed", 1, True)] * 2
    assert all((record.error or "").startswith("SystemExit: 3 (") for record in records)


@raised
def test_what_a_scheduled_function_raises_is_recorded(error: Callable[[], BaseException], tmp_path: Path) -> None:
    desk = Desk()
    with opened(tmp_path, desk.watchman("rate(1 hour)", raising(error))) as laptop:
        laptop.advance(timedelta(hours=1, minutes=30))
        records = laptop.journal.latest()

    assert [record.outcome for record in records] == ["failed"] * 3
    assert records[-1].dead


class Answer(BaseModel):
    ok: bool = True


def shop(tmp_path: Path, *functions: AnyFunction, clock: Any = None) -> Laptop:
    choreography = Choreography("shop", contracts=registry, functions=functions)
    return Laptop(choreography, tmp_path, clock=clock or VirtualClock(START), variables={}, synchronous="OFF")


@raised
def test_what_a_route_raises_is_a_500_with_a_record(error: Callable[[], BaseException], tmp_path: Path) -> None:
    @route("GET /broken", service="desk")
    def broken() -> Answer:
        raise error()

    with shop(tmp_path, broken) as laptop:
        answer = laptop.request("GET", "/broken")
        (record,) = laptop.journal.latest()

    assert (answer.status, json.loads(answer.body)) == (500, {"message": "Internal Server Error"})
    assert (record.outcome, record.trigger, record.dead) == ("failed", "GET /broken", False)
    assert len(record.error or "") > 5


# --- what hangs


LOG = logging.getLogger("tests.local.test_isolation")


def test_an_attempt_that_times_out_keeps_what_it_logged_and_printed_until_then(tmp_path: Path) -> None:
    desk, release = Desk(), threading.Event()

    def hangs(item: str, attempt: int) -> None:
        LOG.warning("asking about %s in attempt %s", item, attempt)
        print(f"{item} was printed")  # noqa: T201 - what a handler prints is looked at
        print("and this without a line break", end="")  # noqa: T201 - the same
        if item == "bad":
            release.wait(LONG)

    clerk = desk.clerk(does=hangs, timeout=timedelta(seconds=1), delivery="queue")
    with (
        opened(tmp_path, clerk, clock=RealClock(), started=True) as laptop,
        logging_kept(laptop.choreography),
        printing(),
    ):
        ask(laptop, "good", "bad")
        wait_until(lambda: journaled(laptop, "bad") != [])
        release.set()
        first, good = journaled(laptop, "bad")[0], journaled(laptop, "good")

    assert "TimedOut" in str(first.error)
    assert [entry.message for entry in first.logs] == [
        "asking about bad in attempt 1",
        "bad was printed",
        "and this without a line break",
    ]
    assert [one.logs[0].message for one in good if one.outcome == "done"] == ["asking about good in attempt 1"]
    assert all(one.logs == () for one in good if one.outcome != "done"), "its lines are in the record of its own end"


def test_a_timeout_that_cannot_be_recorded_is_settled_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    desk, release, record = Desk(), threading.Event(), Attempt.record

    def fails(attempt: Attempt, outcome: Any, *values: Any, **options: Any) -> None:
        if "TimedOut" in str(options.get("error")):
            raise OSError("no space left")
        record(attempt, outcome, *values, **options)

    def hangs(item: str, attempt: int) -> None:
        if attempt == 1:
            release.wait(LONG)

    monkeypatch.setattr(Attempt, "record", fails)
    clerk = desk.clerk(does=hangs, timeout=timedelta(seconds=1))
    with opened(tmp_path, clerk, clock=RealClock(600), started=True) as laptop:
        ask(laptop, "a", "b")
        wait_until(lambda: {one.attempt for one in journaled(laptop, "a")} == {2})
        wait_until(lambda: {one.attempt for one in journaled(laptop, "b")} == {2})
        release.set()

    assert "a timeout of clerk.listen could not be recorded" in caplog.text


def test_a_timeout_that_cannot_be_settled_delays_its_delivery_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    desk, release, settle, failures = Desk(), threading.Event(), Invoker.settle, ["no space left"]
    held, go_on = threading.Event(), threading.Event()

    def fails_once(
        invoker: Invoker,
        function: AnyFunction,
        pending: PendingDelivery,
        error: Exception | None,
        flight: Flight | None,
    ) -> datetime | None:
        if failures:
            raise OSError(failures.pop())
        return settle(invoker, function, pending, error, flight)

    def hangs(item: str, attempt: int) -> None:
        if desk.items().count(item) == 1:
            release.wait(LONG)

    def hold_the_timekeeper() -> None:
        held.set()
        go_on.wait(LONG)

    monkeypatch.setattr(Invoker, "settle", fails_once)
    clerk = desk.clerk(does=hangs, timeout=timedelta(seconds=1))
    with opened(tmp_path, clerk, clock=RealClock(600)) as laptop:
        running = laptop._runner._workers._running
        monkeypatch.setattr(laptop._runner, "_every_second", hold_the_timekeeper)
        laptop.start()
        held.wait(LONG)
        ask(laptop, "a", "b")
        wait_until(lambda: len(running) == 2 and all(one.deadline < monotonic() for one in [*running]))
        go_on.set()  # the timekeeper finds both late at the same time
        wait_until(lambda: min(desk.items().count(item) for item in "ab") > 1)
        release.set()

    assert not failures
    assert "a timeout of clerk.listen could not be settled" in caplog.text
    assert "the timekeeper failed" not in caplog.text


def test_a_failure_to_write_the_last_outcomes_is_reported_and_they_are_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    desk, flush, failures = Desk(), Deliveries.flush, ["no space left"]

    def fails_once(deliveries: Deliveries) -> None:
        if failures and threading.current_thread().name.startswith("contradance_"):
            raise LaptopError(failures.pop())
        flush(deliveries)

    monkeypatch.setattr(Deliveries, "flush", fails_once)
    with opened(tmp_path, desk.clerk(), clock=RealClock(), started=True) as laptop:
        ask(laptop, "a")
        wait_until(lambda: not failures)
        wait_until(lambda: [record.outcome for record in journaled(laptop, "a")] == ["done"])

    assert "the state of finished deliveries could not be written" in caplog.text
    assert desk.items() == ["a"]


def test_twenty_hangs_of_a_function_do_not_stop_it(tmp_path: Path) -> None:
    desk, release = Desk(), threading.Event()

    def hangs(item: str, attempt: int) -> None:
        if item.startswith("bad"):
            release.wait(LONG)

    clerk = desk.clerk(does=hangs, timeout=timedelta(seconds=1))
    with opened(tmp_path, clerk, clock=RealClock(), started=True) as laptop:
        ask(laptop, *[f"bad-{n}" for n in range(20)][:10])
        ask(laptop, *[f"bad-{n}" for n in range(20)][10:])
        ask(laptop, "good")

        wait_until(lambda: [record.outcome for record in journaled(laptop, "good")] == ["done"])
        hangs_now = laptop.in_flight.hangs()
        first = journaled(laptop, "bad-0")[0]
        release.set()

    assert {hang.function for hang in hangs_now} == {"clerk.listen"}
    assert "release.wait(LONG)" in hangs_now[0].stack
    assert "test_isolation.py:" in hangs_now[0].where
    assert "TimedOut: Task timed out after 1.00 seconds (tests/local/test_isolation.py:" in str(first.error)


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[tuple[Laptop, str]]:
    """Serve a laptop with a route that hangs, and one that does not."""
    release = threading.Event()

    @route("GET /hang", service="desk", timeout=timedelta(seconds=1))
    def hang() -> Answer:
        LOG.warning("hanging")
        release.wait(LONG)
        return Answer()

    @route("GET /fine", service="desk")
    def fine() -> Answer:
        return Answer()

    with shop(tmp_path, hang, fine, clock=RealClock()) as laptop:
        server = Server(laptop, 0, feed=Feed())
        laptop.start()
        with server.serving() as url:
            yield laptop, url
            release.set()


def test_routes_that_hang_are_answered_for_and_hold_up_nothing(hanging: tuple[Laptop, str]) -> None:
    laptop, url = hanging
    with logging_kept(laptop.choreography):
        asked = [threading.Thread(target=_status, args=(f"{url}/hang",)) for _ in range(60)]
        for one in asked:
            one.start()

        statuses = {_status(f"{url}/fine") for _ in range(5)}
        hung = _status(f"{url}/hang")
        for one in asked:
            one.join()
        wait_until(lambda: len(laptop.in_flight.hangs()) == 61)
        wait_until(lambda: len(_failed(laptop)) == 61)

    assert statuses == {200}
    assert hung == 500
    assert _status(f"{url}/fine") == 200
    assert {(record.trigger, record.dead) for record in _failed(laptop)} == {("GET /hang", False)}
    assert "test_isolation.py:" in str(_failed(laptop)[0].error)
    assert [entry.message for entry in laptop.journal.latest()[0].logs] == ["hanging"]


def test_the_doctor_names_what_hangs_with_its_stack(hanging: tuple[Laptop, str]) -> None:
    laptop, url = hanging
    _status(f"{url}/hang")
    wait_until(lambda: bool(laptop.in_flight.hangs()))

    system = system_of_commands(laptop.choreography, url, laptop.state)
    (finding,) = [one for one in examine(system, laptop.choreography) if one.trouble]

    assert finding.what == "threads of desk.hang"
    page = _text(f"{url}/_contradance/live")
    assert "desk.hang for" in page
    assert "release.wait(LONG)" in page
    assert "an invocation hangs" in finding.trouble
    assert "release.wait(LONG)" in finding.fix


def _failed(laptop: Laptop) -> list[JournalRecord]:
    laptop.database.flush()
    rows = laptop.database.read("SELECT record FROM journal")
    return [record for (text,) in rows if (record := JournalRecord.model_validate_json(text)).outcome == "failed"]


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=LONG) as answer:  # noqa: S310 - always http://127.0.0.1
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def _text(url: str) -> str:
    with urllib.request.urlopen(url, timeout=LONG) as answer:  # noqa: S310 - the same
        return str(answer.read().decode())


class Person(BaseModel):
    name: Annotated[str, PII]


def cyclic() -> object:
    data: dict[str, object] = {}
    data["itself"] = data
    return data


@pytest.mark.parametrize(
    "logged",
    [("%d", Person(name="Zoë")), ("no place", Person(name="Zoë")), ("%s", cyclic())],
    ids=["wrong type", "too many", "cyclic"],
)
def test_a_line_that_cannot_be_formatted_is_kept_as_its_place(
    logged: tuple[str, object], tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clerk, root = Desk().clerk(does=lambda *_: LOG.warning(*logged)), logging.getLogger()
    with opened(tmp_path, clerk) as laptop, logging_kept(laptop.choreography), monkeypatch.context() as patch:
        # None of pytest's, which outlive the test.
        patch.setattr(root, "handlers", [one for one in root.handlers if isinstance(one, CapturedLogs)])
        ask(laptop, "a")
        laptop.drain()
        (record,) = journaled(laptop, "a")

    assert record.outcome == "done"
    assert [entry.level for entry in record.logs] == ["WARNING"]
    assert "test_isolation.py:" in record.logs[0].message
    assert "Zoë" not in record.logs[0].message
    assert capfd.readouterr().err == ""
