"""A page of the documentation: its blocks of code, in order, and the comments above them that control how they run.

A block runs as its language and title demand:

| block | what a test does with it |
|---|---|
| any language, with `title="path"` | writes the file, which is what a reader does |
| `diff` with a title | makes the edit |
| `sh` | runs it in bash, in the page's project |
| `python` without a title | runs it, after the earlier ones of the page |
| `text` | compares it with the output of the block before it |
| `console` | runs each line that starts with `$ `, and compares the lines below it with the output |
| `json`, `yaml`, `toml` without a title | parses it |

A comment above a block changes this: `<!-- in background -->`, `<!-- part of functions/x.py -->`,
`<!-- not run: why -->`, and `<!-- generated: ... -->`, whose blocks `scripts/readme.py` checks. Another comment names
the page's project: `<!-- project: library -->`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
"""All pages, the README first."""

_BLOCK: Final = re.compile(
    r'^(?P<indent> *)```(?P<language>\w+)?(?: title="(?P<title>[^"]+)")?[^\n]*\n(?P<text>.*?)^(?P=indent)```$',
    re.DOTALL | re.MULTILINE,
)
_COMMENT: Final = re.compile(r"<!-- (in background|part of [^>]+?|not run: [^>]+?|generated: [^>]+?) -->\s*\Z")
_PROJECT: Final = re.compile(r"<!-- project: (\w[\w-]*) -->")


@dataclass(frozen=True)
class Block:
    """A block of code of a page."""

    start: int
    """Where its text begins in the page."""
    line: int
    language: str
    title: str
    text: str
    comment: str
    """The comment directly above it, or an empty text."""


@dataclass(frozen=True)
class Page:
    """A page and its blocks."""

    name: str
    """Its path below the root."""
    text: str

    @property
    def project(self) -> str:
        """The project that its blocks run in: `library` is a new project, `food` the reference application."""
        found = _PROJECT.search(self.text)
        return found[1] if found else "library"

    def blocks(self) -> Iterator[Block]:
        """Return the blocks in order."""
        for found in _BLOCK.finditer(self.text):
            comment = _COMMENT.search(self.text[: found.start()])
            yield Block(
                found.start("text"),
                self.text.count("\n", 0, found.start()) + 1,
                found["language"] or "text",
                found["title"] or "",
                re.sub(f"^{found['indent']}", "", found["text"], flags=re.MULTILINE),
                comment[1] if comment else "",
            )


def page(name: str) -> Page:
    """Return the page of a path below the root."""
    return Page(name, (ROOT / name).read_text(encoding="utf-8"))


def names(folder: str) -> list[str]:
    """Return the paths of the pages in a folder of `docs/`."""
    return [str(path.relative_to(ROOT)) for path in PAGES if path.is_relative_to(ROOT / "docs" / folder)]
