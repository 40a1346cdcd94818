"""The tutorial, done from its first page to its last in one project, as a newcomer does it."""

from pathlib import Path

import pytest

from tests.docs.page import names, page
from tests.docs.running import Reader, make_project
from tests.forking import Forks

FIRST = "docs/tutorial/index.md"
STEPS = [name for name in names("tutorial") if name.rpartition("/")[2][0].isdigit()]


@pytest.mark.timeout(900)  # eight pages and every check of the project, on a busy machine
def test_the_tutorial_works_as_written(tmp_path: Path, forks: Forks) -> None:
    reader = Reader(make_project("food-empty", tmp_path), tmp_path, forks)

    for name in (FIRST, *STEPS):
        reader.follow(page(name))

    for check in ("ruff format --check .", "ruff check ."):
        reader.terminal.run(check)
    with forks.typing():
        reader.terminal.run("mypy --no-error-summary")
