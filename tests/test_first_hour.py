"""The page "Your first hour", run as it is written, in a folder outside the repository."""

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.running import patched
from tests.forking import Forks
from tests.terminal import LONG, Terminal

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "tutorial" / "first-hour.md").read_text(encoding="utf-8")

BLOCKS = [(found[1], found[2]) for found in re.finditer(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)]


@pytest.fixture
def terminal(tmp_path: Path, forks: Forks) -> Iterator[Terminal]:
    """Return a terminal in a clone, whose environment is this one."""
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / ".venv").symlink_to(sys.prefix)
    hypothesis = {name: place for name, place in forks.caches.items() if name.startswith("HYPOTHESIS")}
    terminal = Terminal(clone, tmp_path, hypothesis)
    yield terminal
    terminal.stop()


def test_the_first_hour_works_as_written(terminal: Terminal) -> None:
    shells = [text for kind, text in BLOCKS if kind == "sh"]
    (diff,) = [text for kind, text in BLOCKS if kind == "diff"]
    (shown,) = [text for kind, text in BLOCKS if not kind]
    (edited,) = re.findall(r"Edit three lines of\s+`(.*?)`", PAGE)
    made, created, checked, run, looked = shells

    terminal.run(made)
    terminal.run(created)
    file = terminal.folder / edited
    file.write_text(patched(file.read_text(encoding="utf-8"), diff), encoding="utf-8")
    printed = terminal.run(checked)
    terminal.start(run)
    seen = terminal.another().run(looked)
    deadline = time.monotonic() + LONG
    while "count_notices" not in seen or "not delivered" in seen:
        assert time.monotonic() < deadline, seen
        seen = terminal.run("source .venv/bin/activate\ncontradance trace")

    assert sum(line.startswith("+") for line in diff.splitlines()) == 3
    assert "3 functions, 2 events, 0 findings\n" in printed
    assert words(seen).endswith(words(shown))


def words(text: str) -> str:
    """Return a trace without what differs from one run to the next: ids and durations."""
    return re.sub(r"[0-9a-f-]{36}|\b[0-9a-f]{8}\b|\d+\.\d+ m?s", "…", text)
