"""A plugin of pytest: which tests reach a line, and how long each takes."""

import json
import os
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from coverage import Coverage

_TIMES = os.environ.get("MUTANTS_TIMES")
_seconds: dict[str, float] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Name the test whose lines are recorded, its fixtures included and its parameters left out."""
    name = item.nodeid.partition("[")[0]
    running = Coverage.current()
    if running is not None:
        running.switch_context(name)
    began = time.perf_counter()
    try:
        return (yield)
    finally:
        _seconds[name] = _seconds.get(name, 0) + time.perf_counter() - began


def pytest_sessionfinish() -> None:
    """Write the seconds of each test."""
    if _TIMES is not None:
        Path(_TIMES).write_text(json.dumps(_seconds), encoding="utf-8")
