"""Runs the blocks of a page as its reader does, and compares what they print with what the page shows."""

import json
import os
import re
import shutil
import sys
import time
import tomllib
from pathlib import Path
from typing import Final

import yaml  # type: ignore[import-untyped]  # it has no types

from contradance.scaffold.fresh import create_project
from tests.docs.page import ROOT, Block, Page
from tests.docs.terminal import COMMANDS, PageTerminal
from tests.forking import Forks
from tests.terminal import LONG

UPDATE: Final = "UPDATE_PAGES" in os.environ
"""Write each output that differs into its page instead of failing; read the difference before you commit it."""
_LONG_AGO: Final = 1_000_000_000
"""The time of all files of a project: older than its environment, so that make does not install it again."""
_SETTLE: Final = LONG / (30 if UPDATE else 5)
"""Seconds in which a command that only reads shows what the page shows."""
_READS: Final = re.compile(
    r"(?:\.venv/bin/)?contradance (?:trace|why|list|logs|events list|dlq list|doctor)|curl (?!.*-d )"
)
_VARYING: Final = re.compile(
    r"\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|\+00:00)?)?"  # a date, a time
    r"|\b\d\d:\d\d:\d\d\b"
    r"|\b(?=[0-9a-f-]*\d)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"  # an id
    r"|\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,12}\b|\b\d{8,12}\b"  # a part of an id
    r"|\b\d+(?:\.\d+)? ?m?s\b"  # a duration
    r"|\b\d+(?:\.\d+)? MB\b"  # the size of a state
    r"|127\.0\.0\.1:\d+"
)
_FOOD: Final = ("contracts", "functions", "docs", "Makefile", "pyproject.toml", "requirements.txt", "requirements-dev.txt",
                "requirements-lambda.txt", "constraints.txt", "__main__.py", "Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.prod.yaml")  # fmt: skip


def make_project(kind: str, parent: Path) -> Path:
    """Return a new project: `food` is a copy of the reference application, every other name a generated project.

    Args:
        kind: `food`, `library` with the example, or `NAME-empty` without it.
        parent: the folder that gets the project's folder.
    """
    if kind == "food":
        folder = parent / "clone"
        folder.mkdir()
        for name in _FOOD:
            (shutil.copytree if (ROOT / name).is_dir() else shutil.copy2)(ROOT / name, folder / name)
        (folder / "contradance").symlink_to(ROOT / "contradance")
    else:
        folder = create_project(parent, kind.removesuffix("-empty"), empty=kind.endswith("-empty"))
    for path in (*folder.rglob("*"), folder):
        if not path.is_symlink():
            os.utime(path, (_LONG_AGO, _LONG_AGO))
    _link_environment(folder / ".venv", parent / "commands")
    return folder


def _link_environment(folder: Path, commands: Path) -> None:
    """Write an environment that is this Python's, but for the commands that a page's terminal has."""
    (folder / "bin").mkdir(parents=True)
    for path in Path(sys.prefix).iterdir():
        if path.name != "bin":
            (folder / path.name).symlink_to(path)
    for path in Path(sys.prefix, "bin").iterdir():
        (folder / "bin" / path.name).symlink_to(commands / path.name if path.name in COMMANDS else path)


class Reader:
    """Follows pages in one project."""

    def __init__(self, folder: Path, scratch: Path, forks: Forks) -> None:
        self.terminal = PageTerminal(folder, scratch, forks)
        self._root = folder
        self._printed = ""
        self._python = ""
        self._corrections: list[tuple[int, str, str]] = []

    def follow(self, page: Page) -> None:
        """Do everything that a page shows."""
        self._python, self._corrections = "", []
        try:
            for block in page.blocks():
                try:
                    self._do(block)
                except AssertionError as error:
                    raise AssertionError(f"{page.name}, line {block.line}: {error}") from error
        finally:
            self.terminal.stop()
        text = page.text
        for start, shown, printed in reversed(self._corrections):
            text = text[:start] + text[start:].replace(shown, printed, 1)
        if self._corrections:
            (ROOT / page.name).write_text(text, encoding="utf-8")

    def _do(self, block: Block) -> None:
        verb, _, rest = block.comment.partition(" of ")
        if verb == "part":
            assert block.text.rstrip() in self._read(rest), f"{rest} does not contain this block"
        elif block.comment == "in background":
            self.terminal.stop()
            self.terminal.start(block.text)
        elif not block.comment:
            self._run(block)

    def _run(self, block: Block) -> None:
        if block.language == "diff":
            (self._root / block.title).write_text(patched(self._read(block.title), block.text), encoding="utf-8")
        elif block.title:
            path = self._root / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        else:
            self._run_untitled(block)

    def _run_untitled(self, block: Block) -> None:
        match block.language:
            case "sh":
                self._printed = self.terminal.run(block.text)
            case "python":
                self._run_python(block.text)
            case "console":
                self._run_console(block)
            case "text":
                self._expect(block, block.text, "")
            case "json":
                json.loads(block.text)
            case "yaml":
                yaml.safe_load(block.text)
            case "toml":
                tomllib.loads(block.text)
            case language:
                raise AssertionError(f"no test can run a block of {language}")

    def _read(self, path: str) -> str:
        return (self._root / path).read_text(encoding="utf-8")

    def _run_python(self, text: str) -> None:
        mark = "print('-- the last block --', flush=True)\n" if self._python else ""
        done = self.terminal.run(f"python - <<'END_OF_BLOCK'\n{self._python}{mark}{text}\nEND_OF_BLOCK")
        self._printed = done.rpartition("-- the last block --\n")[2]
        self._python += text

    def _run_console(self, block: Block) -> None:
        for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE):
            self._printed = self.terminal.try_to_run(command)[1]
            deadline = time.monotonic() + _SETTLE
            while _READS.match(command) and not same(self._printed, expected) and time.monotonic() < deadline:
                self._printed = self.terminal.try_to_run(command)[1]  # the laptop may still be working
            self._expect(block, expected, f"$ {command}\n")

    def _expect(self, block: Block, expected: str, before: str) -> None:
        """Compare what was printed last with what a block shows below `before`."""
        if UPDATE and not same(self._printed, expected):
            printed = "".join(f"{line.rstrip()}\n" for line in self._printed.strip("\n").splitlines())
            self._corrections.append((block.start, before + expected, before + printed))
            return
        assert same(self._printed, expected), f"the page shows:\n{expected}\nbut this is printed:\n{self._printed}"


def same(printed: str, expected: str) -> bool:
    """Return whether an output is the expected one, but for ids, times, durations and sizes; a line `...` is any lines."""
    lines = [re.escape(line) if line.strip() != "..." else "(?:.*\n)*?.*" for line in plain(expected).splitlines()]
    return re.fullmatch("\n".join(lines).replace("(?:.*\n)*?.*\n", "(?:.*\n)*?"), plain(printed)) is not None


def plain(text: str) -> str:
    """Return a text without what differs between two runs."""
    lines = [re.sub(r"\s+", " ", _VARYING.sub("?", line)).strip() for line in text.strip().splitlines()]
    return "\n".join(lines)


def patched(text: str, diff: str) -> str:
    """Return a file's text as a person leaves it who makes the edits that `diff` shows."""
    for hunk in diff.split("@@\n"):
        lines = hunk.splitlines()
        before = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
        after = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-"))
        assert text.count(before) == 1, f"this part should occur once:\n{before}\nin:\n{text}"
        text = text.replace(before, after)
    return text
