"""A page that does not show what happens is found."""

from pathlib import Path

import pytest

from tests.docs import running
from tests.docs.page import Page
from tests.docs.running import Reader, patched, same
from tests.forking import Forks

FENCE = "```"


@pytest.fixture(autouse=True)
def compare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare also where UPDATE_PAGES is set: these pages exist only here."""
    monkeypatch.setattr(running, "UPDATE", False)


def follow(folder: Path, text: str, forks: Forks) -> None:
    """Do what a page shows, in an empty folder."""
    (folder / "project").mkdir()
    (folder / "project" / "greeting.txt").write_text("hello\n", encoding="utf-8")
    Reader(folder / "project", folder, forks).follow(Page("page.md", text.replace("~~~", FENCE)))


def test_a_page_that_shows_what_happens_passes(tmp_path: Path, forks: Forks) -> None:
    follow(
        tmp_path,
        '~~~python title="a/b.py"\nONE = 1\n~~~\n~~~diff title="a/b.py"\n-ONE = 1\n+ONE = 2\n~~~\n'
        "~~~sh\ncd a\nexport NAME=Ada\n~~~\n~~~console\n$ cat b.py\nONE = 2\n$ echo $NAME\nAda\n~~~\n"
        "~~~python\nx = 1\nprint(x)\n~~~\n~~~python\nprint(x + 1)\n~~~\n~~~text\n2\n~~~\n"
        "<!-- part of greeting.txt -->\n~~~text\nhello\n~~~\n<!-- not run: needs an account -->\n~~~sh\nfalse\n~~~\n",
        forks,
    )


@pytest.mark.parametrize(
    "text",
    [
        "~~~sh\necho one\n~~~\n~~~text\ntwo\n~~~\n",
        "~~~sh\nfalse\n~~~\n",
        "~~~console\n$ echo one\ntwo\n~~~\n",
        "~~~python\nraise ValueError\n~~~\n",
        "~~~json\n{\n~~~\n",
        "~~~ruby\nputs 1\n~~~\n",
        "<!-- part of greeting.txt -->\n~~~text\ngoodbye\n~~~\n",
        '~~~diff title="greeting.txt"\n-hi\n+hello\n~~~\n',
    ],
    ids=["output", "exit code", "console", "python", "json", "language", "quotation", "edit"],
)
def test_a_page_that_shows_something_else_fails(tmp_path: Path, text: str, forks: Forks) -> None:
    with pytest.raises((AssertionError, ValueError)):
        follow(tmp_path, text, forks)


@pytest.mark.parametrize(
    ("printed", "shown", "equal"),
    [
        ("a\nb\n", "a\nb\n", True),
        ("a  b\n", "a b\n", True),
        ("took 12.5 ms\n", "took 3 s\n", True),
        ("is 0.2 MB\n", "is 14.1 MB\n", True),
        ("at 2026-01-31T18:00:00Z\n", "at 2027-02-01T07:11:12Z\n", True),
        ("id 6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11\n", "id 0b5f8f5e-3d0f-4b7e-9b5e-6a2f1f0c7d11\n", True),
        ("id 6f1c1a3e\n", "id 0b5f8f5e\n", True),
        ("first\nmany\nmore\nlast\n", "first\n...\nlast\n", True),
        ("first\nlast\n", "first\n...\nlast\n", True),
        ("a\nb\n", "a\n", False),
        ("a\n", "b\n", False),
        ("5 failed\n", "6 failed\n", False),
        ("deadbeef\n", "effaced\n", False),
        ("first\nlast\nmore\n", "first\n...\nlast\n", False),
    ],
)
def test_outputs_are_equal_but_for_ids_times_durations_and_sizes(printed: str, shown: str, equal: bool) -> None:
    assert same(printed, shown) is equal


def test_an_edit_needs_its_place_once() -> None:
    assert patched("a\nb\n", " a\n+c\n") == "a\nc\nb\n"
    with pytest.raises(AssertionError, match="should occur once"):
        patched("a\na\n", "-a\n+b\n")
