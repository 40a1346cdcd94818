"""A line of `run` is written as Rich would write it, in colour where the terminal has colours."""

import os
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO

import pytest
from rich.text import Text

from contradance.cli.theme import out, print_line, short
from tests.cli.project import ROOT

PROGRAM = r"""
import io, sys
from rich.text import Text
from contradance.cli import theme

lines = [
    Text("18:30:00  ", "dim").append("orders", "blue").append("  ✗ ", "red").append("place_order", "bold").append(" plain"),
    Text("a dead letter\x1b[2J [red]not markup[/red] " + "x" * 300, "bold red"),
    Text("two\nlines", "yellow"),
    Text(""),
]
both = []
for write in (lambda line: theme.out.print(line), theme.print_line):
    theme.out.file = io.StringIO()
    for line in lines:
        write(line)
    both.append(theme.out.file.getvalue())
same = [[(segment.text, segment.style) for segment in Text.from_ansi(text).render(theme.out)] for text in both]
print(same[0] == same[1], "\x1b[" in both[1], "\x1b[2J" in both[1])
"""


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1", "TERM": "xterm"}, True),
        ({"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLORTERM": "truecolor"}, True),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, False),
        ({"NO_COLOR": "1", "TERM": "xterm"}, False),
    ],
    ids=["no terminal", "terminal", "terminal of many colours", "dumb terminal", "NO_COLOR"],
)
def test_a_line_is_written_as_rich_writes_it(variables: dict[str, str], coloured: bool) -> None:
    neutral = {
        name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "NO_COLOR", "COLORTERM")
    }

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={**neutral, **variables},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == ["True", str(coloured), "False"]


def test_with_no_color_a_terminal_gets_plain_text() -> None:
    program = "from rich.text import Text; from contradance.cli.theme import print_line; print_line(Text('failed', 'bold red'))"

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, env={**os.environ, "NO_COLOR": "1", "FORCE_COLOR": "1"}, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert done.stdout == "failed\n"


@pytest.mark.parametrize(
    ("identifier", "shown"),
    [
        ("8f3d5c1e-7f0e-4a53-9d6c-0b6a1f6f2f11", "8f3d5c1e"),
        ("m-7", "m-7"),
        ("m-7/beach.jpg", "m-7/beach.jpg"),
        ("2026-11", "2026-11"),
        ("a-key-that-is/long-enough/for-two-lines.jpg", "a-key-that-is/long-enou…"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_short_id_still_identifies(identifier: str | None, shown: str) -> None:
    assert short(identifier) == shown


def test_pinned_output_is_not_redirected_by_another_thread(capsys: pytest.CaptureFixture[str]) -> None:
    with out.pinned(), redirect_stdout(StringIO()) as other:
        print_line(Text("a line"))
        out.print("a text")
    print_line(Text("after"))

    assert capsys.readouterr().out == "a line\na text\nafter\n"
    assert other.getvalue() == ""
