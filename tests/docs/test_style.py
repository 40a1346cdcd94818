"""The pages have the form that readers rely on: a short README, plain words, and only commands that exist."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

from contradance.cli.app import app
from contradance.cli.lazy import LazyCommand
from contradance.errors import ContradanceError
from tests.docs.page import PAGES, ROOT, Block, page
from tests.test_house import MANNERED

NAMES = [str(path.relative_to(ROOT)) for path in PAGES]
LONGEST_README = 150
UNPLAIN = re.compile(rf"{MANNERED.pattern}|\bemit(?:s|ted)?\b|\bfires?\b", re.IGNORECASE)
"""The words that the code does not use either, and verbs that the glossary replaces by `publish`."""
COMMAND = re.compile(r"(?:^|\$ |\| |`)(?:\.venv/bin/)?contradance ((?:[a-z][a-z-]* ?)+)([^\n`|;&>]*)", re.MULTILINE)


def test_the_readme_is_two_screens() -> None:
    assert len(page("README.md").text.splitlines()) <= LONGEST_README


@pytest.mark.parametrize("name", NAMES)
def test_a_page_uses_plain_words(name: str) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`|\"[^\"\n]*\"", "", page(name).text, flags=re.DOTALL)

    assert [word if isinstance(word, str) else word[0] for word in UNPLAIN.findall(text)] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_one_title(name: str) -> None:
    text = re.sub(r"```.*?```", "", page(name).text, flags=re.DOTALL)

    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1


def unknown_options(words: str, rest: str) -> list[str]:
    """Return the options of a command that it does not have; the command itself where it does not exist."""
    command: Any = typer.main.get_command(app)
    for word in words.split():
        if not hasattr(command, "commands"):
            break
        if word not in command.commands:
            return [word]
        listed = command.commands[word]
        command = listed.loaded if isinstance(listed, LazyCommand) else listed
    known = {name for option in command.params for name in option.opts} | {"--help"}
    return sorted(set(re.findall(r"(?<!\S)--[a-z-]+", rest)) - known)


@pytest.mark.parametrize("name", sorted({*NAMES} - {"docs/reference/errors.md"}))  # its messages are about contradance
def test_every_command_of_a_page_exists_with_its_options(name: str) -> None:
    shown = page(name).text

    assert [(words, wrong) for words, rest in COMMAND.findall(shown) if (wrong := unknown_options(words, rest))] == []


def test_a_command_that_does_not_exist_is_found() -> None:
    assert unknown_options("dlq list", "--json --subscriber a.b") == []
    assert unknown_options("dlq lst", "") == ["lst"]
    assert unknown_options("replay", "--form 1h --to now") == ["--form"]


def test_a_block_that_is_not_run_has_a_reason() -> None:
    skipped: list[Block] = [block for path in PAGES for block in page(str(path.relative_to(ROOT))).blocks()]

    assert all(
        len(block.comment.removeprefix("not run: ")) > 10 for block in skipped if block.comment.startswith("not")
    )


def links_of(name: str) -> set[Path]:
    """Return the files below the root that a page links to or shows."""
    text = re.sub(r"```.*?```", "", page(name).text, flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s#]+)(?:#[^)\s]*)?\)", text)
    return {((ROOT / name).parent / one).resolve() for one in targets if "://" not in one}


@pytest.mark.parametrize("name", [*NAMES, "CHANGELOG.md", "CONTRIBUTING.md", "contracts/README.md"])
def test_the_files_that_a_page_links_to_exist(name: str) -> None:
    assert [one for one in links_of(name) if not one.exists()] == []


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    site = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))
    listed = re.findall(r"[\w/-]+\.md", str(site["project"]["nav"]))

    assert sorted(listed) == sorted(name.removeprefix("docs/") for name in NAMES if name != "README.md")


def error_classes(base: type[ContradanceError] = ContradanceError) -> list[type[ContradanceError]]:
    """Return an exception of contradance and all below it."""
    return [base, *(one for below in base.__subclasses__() for one in error_classes(below))]


def test_the_page_that_an_error_names_is_a_page() -> None:
    named = {one.page for one in error_classes()} - {""}

    assert len(named) > 5
    assert named <= {name.removeprefix("docs/").removesuffix(".md") for name in NAMES}
