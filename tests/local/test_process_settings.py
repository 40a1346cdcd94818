"""A handler may change settings of the process that it shares with the laptop and with all other handlers."""

import gc
import logging
import resource
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from contradance.local.clock import RealClock
from contradance.local.invocation.process_settings import ProcessSettings
from tests.local.desk import ROUTES, Desk, ask, journaled, opened, wait_until

MUCH = 2**40


def lowers(limit: int, to: int) -> Callable[[], None]:
    """Return what sets the soft part of a limit."""
    return lambda: resource.setrlimit(limit, (to, resource.getrlimit(limit)[1]))


def soft(limit: int) -> Callable[[], int]:
    """Return what reads the soft part of a limit."""
    return lambda: resource.getrlimit(limit)[0]


def hook(*_: object) -> None: ...


Member = tuple[Callable[[], object], Callable[[], object]]
"""What a handler does, and what reads the setting."""
WORSE: dict[str, Member] = {
    "recursion": (lambda: sys.setrecursionlimit(sys.getrecursionlimit() - 1), sys.getrecursionlimit),
    "logging": (lambda: logging.disable(logging.CRITICAL), lambda: logging.root.manager.disable),
    "garbage": (gc.disable, gc.isenabled),
    "switching": (lambda: sys.setswitchinterval(100), sys.getswitchinterval),
    "stacks": (lambda: threading.stack_size(1 << 20), threading.stack_size),
    "profile": (lambda: threading.setprofile(hook), threading.getprofile),
    "memory": (lowers(resource.RLIMIT_AS, MUCH), soft(resource.RLIMIT_AS)),
    "data": (lowers(resource.RLIMIT_DATA, MUCH), soft(resource.RLIMIT_DATA)),
    "processor": (lowers(resource.RLIMIT_CPU, 10**6), soft(resource.RLIMIT_CPU)),
    "file size": (lowers(resource.RLIMIT_FSIZE, MUCH), soft(resource.RLIMIT_FSIZE)),
    "files": (lowers(resource.RLIMIT_NOFILE, 200), soft(resource.RLIMIT_NOFILE)),
}
worse = pytest.mark.parametrize(("change", "read"), WORSE.values(), ids=WORSE)


@worse
def test_what_a_handler_makes_worse_is_restored_after_it(
    change: Callable[[], object], read: Callable[[], object], tmp_path: Path
) -> None:
    before = read()
    seen: list[object] = []

    def does(item: str, attempt: int) -> None:
        change()
        seen.append(read())
        raise ValueError

    with opened(tmp_path, Desk().clerk(does=does)) as laptop:
        ask(laptop, "a")
        laptop.drain()

    assert len(seen) == 3
    assert before not in seen
    assert read() == before


def test_what_a_handler_changes_and_hangs_is_restored_beside_it(tmp_path: Path) -> None:
    before, may_end = sys.getrecursionlimit(), threading.Event()

    def hangs(item: str, attempt: int) -> None:
        sys.setrecursionlimit(before - 1)
        may_end.wait()

    with opened(tmp_path, Desk().clerk(does=hangs), clock=RealClock(), started=True) as laptop:
        before = sys.getrecursionlimit()
        ask(laptop, "a")
        wait_until(lambda: sys.getrecursionlimit() < before)
        wait_until(lambda: sys.getrecursionlimit() == before)
        may_end.set()
        wait_until(lambda: [record.outcome for record in journaled(laptop, "a")] == ["done"])


def test_a_request_restores_them_too(tmp_path: Path) -> None:
    with opened(tmp_path, *ROUTES) as laptop:
        before = sys.getrecursionlimit()
        function = laptop.choreography.functions["desk.search"]

        running = laptop.threads.start(function, lambda: sys.setrecursionlimit(before - 1))

        running.result()
        wait_until(lambda: sys.getrecursionlimit() == before)


def test_what_becomes_more_generous_stays() -> None:
    settings, before = ProcessSettings(), sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(before + 1)
        settings.restore()
        assert sys.getrecursionlimit() == before + 1
    finally:
        sys.setrecursionlimit(before)


def test_a_limit_rises_as_far_as_its_hard_part_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = dict.fromkeys(range(100), (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "getrlimit", limits.__getitem__)
    monkeypatch.setattr(resource, "setrlimit", limits.__setitem__)
    settings = ProcessSettings()

    limits[resource.RLIMIT_FSIZE] = (10, 20)  # only an administrator undoes that
    limits[resource.RLIMIT_NOFILE] = (10, resource.RLIM_INFINITY)
    settings.restore()

    assert limits[resource.RLIMIT_FSIZE] == (20, 20)
    assert limits[resource.RLIMIT_NOFILE] == (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
