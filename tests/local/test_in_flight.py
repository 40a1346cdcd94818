"""The list of what runs, in memory and in its file."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import contradance
from contradance import subscriber
from contradance.local.clock import VirtualClock
from contradance.local.invocation import in_flight
from contradance.local.invocation.in_flight import FILE, InFlight, running_flight
from contradance.local.laptop import Laptop
from contradance.runtime.attempt import Attempt
from contradance.runtime.journal_record import LogEntry
from tests.local.desk import Asked, Desk, opened
from tests.patience import LONG


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds of the monotonic clock."""
    seconds = [0.0]
    monkeypatch.setattr(in_flight, "monotonic", lambda: seconds[0])
    return seconds


@pytest.fixture
def running(tmp_path: Path, now: list[float]) -> Iterator[InFlight]:
    found = InFlight(tmp_path)
    yield found
    found.close()


def listed(folder: Path) -> list[str]:
    """Return the filled lines of the file."""
    lines = (folder / FILE).read_text().splitlines()
    return [line.rstrip() for line in lines if line.strip() and not line.startswith(" ")]


def test_what_runs_is_listed_by_its_state_until_its_end(tmp_path: Path, running: InFlight) -> None:
    delivery = running.begin("delivery", "clerk.listen", "d", 2, 10)
    with running.request("desk.show", "r", 5) as request:
        assert running_flight() is request
        both = listed(tmp_path)
        running.mark_late(delivery)
        late = listed(tmp_path)
        running.mark_stopped()
        stopped = listed(tmp_path)
    after = listed(tmp_path)
    running.end(delivery)
    running.mark_late(delivery)

    assert both == ["runs delivery d 2 clerk.listen", "runs request r 1 desk.show"]
    assert late == ["late delivery d 2 clerk.listen", "runs request r 1 desk.show"]
    assert stopped == ["stopped delivery d 2 clerk.listen", "stopped request r 1 desk.show"]
    assert (after, listed(tmp_path)) == (["stopped delivery d 2 clerk.listen"], [])
    assert running_flight() is None
    assert delivery.late


def test_what_waits_to_run_alone_is_listed_until_it_runs(tmp_path: Path, running: InFlight) -> None:
    lines = [running.wait_alone(identifier, 3, "clerk.listen") for identifier in "ab"]
    before = listed(tmp_path)
    running.wait_no_more(lines[0])

    assert before == ["waits delivery a 3 clerk.listen", "waits delivery b 3 clerk.listen"]
    assert listed(tmp_path) == ["waits delivery b 3 clerk.listen"]


def test_what_a_killed_process_left_has_the_names_of_today(tmp_path: Path) -> None:
    killed = InFlight(tmp_path)
    killed.begin("delivery", "clerk.old", "d", 2, 10)
    killed.begin("request", "desk.show", "r", 1, 10)

    found = InFlight(tmp_path, {"clerk.old": "clerk.new"})
    left = found.left
    found.forget_left()

    assert [tuple(one) for one in left] == [
        ("runs", "delivery", "d", "2", "clerk.new"),
        ("runs", "request", "r", "1", "desk.show"),
    ]
    assert (found.left, listed(tmp_path)) == ([], [])


def test_the_number_of_an_attempt_is_that_of_the_last_begun(running: InFlight) -> None:
    none = running.attempt_of("d")
    late = running.begin("delivery", "clerk.listen", "d", 2, 10)
    second = running.attempt_of("d")
    again = running.begin("delivery", "clerk.listen", "d", 3, 10)
    running.end(late)
    third = running.attempt_of("d")
    running.end(again)

    assert (none, second, third, running.attempt_of("d")) == (1, 2, 3, 1)


def test_requests_are_late_from_their_deadlines_on_and_once(running: InFlight, now: list[float]) -> None:
    first = running.begin("request", "desk.show", "1", 1, 10)
    second = running.begin("request", "desk.show", "2", 1, 20)
    running.begin("delivery", "clerk.listen", "d", 1, 5)
    running.end(running.begin("request", "desk.show", "ended", 1, 5))

    found = []
    for now[0] in (9.9, 10, 15, 20):
        found.append(running.take_late_requests())

    assert found == [[], [first], [], [second]]


def test_what_hangs_is_told_with_its_time_and_its_place_the_oldest_first(running: InFlight, now: list[float]) -> None:
    release, begun = threading.Event(), threading.Barrier(3)

    def hang(name: str, started: float, deadline: float) -> None:
        flight = running.begin("delivery", name, name, 1, deadline)
        flight.started = started
        begun.wait(LONG)
        release.wait(LONG)

    threads = [threading.Thread(target=hang, args=given) for given in (("young", 2.06, 12.06), ("old", 1, 11))]
    for thread in threads:
        thread.start()
    begun.wait(LONG)
    other = running.begin("delivery", "fine", "fine", 1, 12.2)
    ended = running.begin("delivery", "ended", "ended", 1, 3)
    ended.thread = -1
    now[0] = 12.1

    hangs = running.hangs()
    places = [running.where(other).rpartition(":")[0], running.where(ended)]
    release.set()
    for thread in threads:
        thread.join()

    assert [(one.function, one.seconds) for one in hangs] == [("old", 11.1), ("young", 10.0)]
    assert ".wait(LONG)" in hangs[0].stack
    assert hangs[0].where.startswith("tests/local/test_in_flight.py:")
    assert places == ["tests/local/test_in_flight.py", ""]


@pytest.mark.parametrize("room", ["local/store.py", "runtime/work.py", "table.py"])
def test_the_place_of_what_hangs_in_contradance_is_the_line_that_called_it(running: InFlight, room: str) -> None:
    inside = compile("places.append(running.where(flight))", f"{Path(contradance.__file__).parent}/{room}", "exec")
    flight = running.begin("delivery", "clerk.listen", "d", 1, 1)
    places: list[str] = []

    exec(inside, {"places": places, "running": running, "flight": flight})  # noqa: S102 - to be in another file

    assert [place.rpartition(":")[0] for place in places] == ["tests/local/test_in_flight.py"]


@pytest.mark.parametrize(
    ("logged", "recorded", "event_id", "moved"),
    [(True, False, "e", 1), (True, True, "e", 0), (True, False, "other", 0), (False, False, "e", 0)],
)
def test_what_a_late_attempt_logged_moves_to_the_record_of_its_timeout(  # noqa: PLR0917 - a table
    tmp_path: Path, running: InFlight, logged: bool, recorded: bool, event_id: str, moved: int
) -> None:
    @subscriber(service="clerk")
    def listen(asked: Asked) -> None: ...

    with opened(tmp_path / "state", Desk().clerk(), clock=VirtualClock()) as laptop:
        flight = running.begin("delivery", "clerk.listen", "d", 1, 0)
        late, timeout = (Attempt(listen, "shop.desk/Asked v1", laptop.environment) for _ in range(2))
        late.event_id, timeout.event_id = event_id, "e"
        late.keep(LogEntry(at=datetime.now(UTC), level="INFO", logger="x", message="line"))
        late.recorded = recorded
        flight.logged = late if logged else None

        flight.move_log(timeout)
        timeout.record("failed", 1)

        assert _lines_in(laptop) == moved


def _lines_in(laptop: Laptop) -> int:
    return len(laptop.journal.latest()[-1].logs)
