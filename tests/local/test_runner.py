"""The timekeeper, step by step: no thread runs, and the test moves the time."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from contradance.local.clock import RealClock
from tests.local.desk import Desk, opened


def test_the_task_of_each_minute_is_run_at_the_start_and_every_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times, ran = [100.0], list[float]()
    monkeypatch.setattr("contradance.local.invocation.runner.monotonic", lambda: times[-1])
    with opened(tmp_path, Desk().clerk(), clock=(clock := RealClock())) as laptop:
        runner = laptop._runner
        monkeypatch.setattr(runner, "_keep_time", lambda: None)
        monkeypatch.setattr(runner, "_every_minute", lambda: ran.append(times[-1]))
        runner.start(clock)
        for second in (100.0, 159.9, 160.0, 219.9, 220.0):
            times.append(second)
            runner._run_due()

    assert ran == [100.0, 160.0, 220.0]


def test_a_timekeeper_that_fails_continues_after_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pauses: list[float] = []

    def fail_once() -> None:
        if not pauses:
            raise OSError(28, "No space left on device")

    def sleep(_: Iterable[object], least: float) -> bool:
        pauses.append(least)
        return len(pauses) < 3

    with opened(tmp_path, Desk().clerk()) as laptop:
        monkeypatch.setattr(laptop._runner, "_run_due", fail_once)
        monkeypatch.setattr(laptop._runner._workers, "sleep", sleep)
        laptop._runner._keep_time()

    assert pauses == [1.0, 0.0, 0.0]
    assert [line.getMessage() for line in caplog.records] == ["the timekeeper failed, and continues"]
