"""The machine's clock is set, or a time scale is left behind: nothing waits for real time to catch up."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contradance.errors import LaptopError
from contradance.local.clock import RealClock, VirtualClock
from contradance.local.events.clock_jumps import end_long_pauses, shift_pauses
from contradance.runtime.once import Lease, OnceKey
from tests.local.desk import START, Desk, ask, fails_until, journaled, later, opened, wait_until

DAY = timedelta(days=1)


class Machine:
    """A machine whose clock a person may set: seconds pass 200 times as fast, and the time of day jumps."""

    FAST = 200
    # A reading that comes 9 seconds late, on a busy machine, is not a jump of 30 minutes yet.

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.set_by = timedelta(0)

    def monotonic(self) -> float:
        return (time.monotonic() - self.begun) * self.FAST

    def wall(self) -> datetime:
        return START + timedelta(seconds=self.monotonic()) + self.set_by


class FastClock(RealClock):
    """A machine's clock that goes fast, without a scale: it is the wall clock that goes fast."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(wall=machine.wall, monotonic=machine.monotonic)

    def real_seconds_until(self, moment: datetime) -> float:
        return super().real_seconds_until(moment) / Machine.FAST

    def jump(self) -> timedelta:
        jumped = super().jump()
        return jumped if abs(jumped) > timedelta(minutes=30) else timedelta(0)  # two readings are seconds apart here


@pytest.mark.parametrize("jump", [-DAY, -timedelta(hours=2), DAY, timedelta(days=400)], ids=str)
def test_a_retry_is_made_after_its_pause_however_the_clock_is_set(
    jump: timedelta, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    machine, desk = Machine(), Desk()
    clerk = desk.clerk(does=fails_until(3))

    def reports() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.name == "contradance.clock"]

    with opened(tmp_path, clerk, clock=FastClock(machine), started=True) as laptop:
        ask(laptop, "a")
        wait_until(lambda: len(journaled(laptop, "a")) == 1)
        machine.set_by += jump

        wait_until(lambda: [record.outcome for record in journaled(laptop, "a")] == ["failed", "failed", "done"])
        wait_until(lambda: reports() != [])  # a busy machine may read its clocks too far apart to compare them

    (report,) = reports()
    assert ("set back" in report) == (jump < timedelta(0))


@pytest.mark.parametrize("jump", [-DAY, DAY], ids=str)
def test_a_schedule_goes_on_however_the_clock_is_set(jump: timedelta, tmp_path: Path) -> None:
    machine, desk = Machine(), Desk()
    with opened(tmp_path, desk.watchman("rate(1 minute)"), clock=FastClock(machine), started=True):
        wait_until(lambda: len(desk.calls) >= 3)
        machine.set_by += jump
        before = len(desk.calls)

        wait_until(lambda: len(desk.calls) >= before + 4)


def test_the_jumps_of_a_clock_are_noticed_and_a_slow_drift_is_not() -> None:
    now = [0.0, 0.0]
    clock = RealClock(wall=lambda: START + timedelta(seconds=now[0]), monotonic=lambda: now[1])
    seen = []
    for wall, monotonic in [(1, 1), (2.4, 2), (3.9, 3), (3.0, 4), (3.2, 4), (90, 5), (91, 6), (1, 7)]:
        now[:] = [wall, monotonic]
        seen.append(round(clock.jump().total_seconds(), 1))

    assert seen == [0, 0, 0, -1.9, 0, 85.8, 0, -91]
    assert RealClock(60, wall=lambda: START, monotonic=lambda: now[1]).jump() == timedelta(0)


@pytest.mark.parametrize("scale", [0.5, 1.0, 3600.0])
def test_a_time_that_a_clock_gives_comes_after_the_real_duration(scale: float) -> None:
    clock = RealClock(scale, wall=lambda: START, monotonic=lambda: 7.0)

    assert clock.real_seconds_until(clock.after(timedelta(seconds=30))) == 30


def test_a_lease_lasts_as_long_as_before_however_the_clock_is_set(tmp_path: Path) -> None:
    with opened(tmp_path, Desk().clerk()) as laptop:
        store, key = laptop._store, OnceKey("clerk.listen", "shop.desk", "e")
        store.begin(key, Lease("first", START + timedelta(seconds=30)), START)
        back = START - DAY
        store.shift_leases(-DAY)

        taken = store.begin(key, Lease("second", back + timedelta(minutes=2)), back + timedelta(seconds=31))

    assert taken.state == "in_progress"


NAMES = pytest.mark.parametrize("deployed_as", [None, "guard"], ids=["", "after a rename"])


@pytest.fixture
def deployed_as() -> str | None:
    return None


@pytest.fixture
def scaled(tmp_path: Path, deployed_as: str | None) -> tuple[Path, Desk]:
    """Leave the state of a laptop whose time ran ahead by thirty days."""
    desk = Desk()
    watchman = desk.watchman("rate(1 day)", deployed_as=deployed_as)
    with opened(tmp_path, watchman, desk.clerk(does=fails_until(4))) as laptop:
        laptop.advance(timedelta(days=30))
        ask(laptop, "a")
        laptop.advance(timedelta(seconds=1))
    return tmp_path, desk


@NAMES
def test_a_schedule_runs_on_after_a_time_scale_and_reports_it(
    scaled: tuple[Path, Desk], deployed_as: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    state, desk = scaled
    before = len(desk.times("watch"))
    with opened(state, desk.watchman("rate(1 day)", deployed_as=deployed_as), desk.clerk()) as laptop:
        laptop.advance(timedelta(days=3))

    assert len(desk.times("watch")) == before + 3
    assert len([one for one in caplog.records if "used --time-scale" in one.getMessage()]) == 1


def test_a_retry_that_a_time_scale_left_behind_is_made(scaled: tuple[Path, Desk]) -> None:
    state, desk = scaled
    machine = Machine()
    with opened(state, desk.clerk(does=fails_until(4)), clock=FastClock(machine), started=True) as laptop:
        wait_until(lambda: len(journaled(laptop, "a")) == 3)


def test_an_event_of_real_time_whose_retry_a_time_scale_postponed_is_retried(tmp_path: Path) -> None:
    desk = Desk()
    clerk = desk.clerk(does=fails_until(2))
    with opened(tmp_path, clerk) as laptop:
        ask(laptop, "a")
    with opened(tmp_path, clerk, clock=later(DAY.total_seconds() * 100)) as laptop:
        laptop.advance(timedelta(seconds=1))

    with opened(tmp_path, clerk, clock=FastClock(Machine()), started=True) as laptop:
        wait_until(lambda: [record.outcome for record in journaled(laptop, "a")] == ["failed", "done"])


def test_at_the_start_only_pauses_that_no_clock_of_today_gives_are_ended(tmp_path: Path) -> None:
    with opened(tmp_path, Desk().clerk(), clock=later(DAY.total_seconds())) as laptop:
        laptop.bus.enqueue_direct("clerk.listen", "{}", 60)
        laptop.dead_letters.put("clerk.listen", "ahead", {}, 60)
    with opened(tmp_path, Desk().clerk()) as laptop:
        for delay in (-60, 600, 601):
            laptop.bus.enqueue_direct("clerk.listen", "{}", delay)
        for delay in (43_200, 43_201):
            laptop.dead_letters.put("clerk.listen", str(delay), {}, delay)
        expires = (START + DAY).timestamp()
        leases = [("clerk.listen", "shop.desk", state, state, 1, expires) for state in ("done", "published")]
        laptop.database.write(
            lambda it: it.executemany("INSERT INTO once VALUES (?, ?, ?, ?, ?, ?, NULL, NULL, NULL)", leases)
        )

        end_long_pauses(laptop.database, START, timedelta(minutes=10))

        dues = laptop.database.read("SELECT sent, due FROM delivery ORDER BY due, sent")
        visible = dict(laptop.database.read("SELECT body, visible FROM dead_letter"))
        ends = dict(laptop.database.read("SELECT event_id, expires FROM once"))

    at = START.timestamp()
    assert dues == [(at, at - 60), (at, at), (at, at), (at, at + 600)]
    assert visible == {"ahead": 0, "43200": at + 43_200, "43201": 0}
    assert ends == {"done": at, "published": expires}


def test_a_clock_that_was_set_back_takes_its_jump_from_every_pause(tmp_path: Path) -> None:
    with opened(tmp_path, Desk().clerk(), clock=later(100)) as laptop:
        for delay in (0, 30, 500):
            laptop.bus.enqueue_direct("clerk.listen", "{}", delay)
            laptop.dead_letters.put("clerk.listen", str(delay), {}, delay)

        shift_pauses(laptop.database, START + timedelta(seconds=50), timedelta(seconds=50))

        dues = laptop.database.read("SELECT sent, due FROM delivery ORDER BY due")
        visible = dict(laptop.database.read("SELECT body, visible FROM dead_letter"))

    at = START.timestamp()
    assert dues == [(at + 50, at + 50), (at + 50, at + 80), (at + 50, at + 550)]
    assert visible == {"0": 0, "30": at + 80, "500": at + 550}


@pytest.mark.parametrize("year", [1, 1969, 9000, 9999])
def test_a_laptop_does_not_start_in_a_year_without_records(year: int, tmp_path: Path) -> None:
    with pytest.raises(LaptopError, match=rf"the clock shows the year {year}, .*\n  Set the clock"):
        opened(tmp_path, Desk().clerk(), clock=VirtualClock(datetime(year, 6, 1, tzinfo=UTC)))

    assert [*tmp_path.iterdir()] == []
