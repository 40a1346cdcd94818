from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.page import page
from tests.docs.running import Reader, make_project
from tests.forking import Forks

Follow = Callable[[str], None]


@pytest.fixture
def follow(tmp_path: Path, forks: Forks) -> Follow:
    """Return a function that does everything that a page shows, in a new project."""

    def read(name: str) -> None:
        shown = page(name)
        Reader(make_project(shown.project, tmp_path), tmp_path, forks).follow(shown)

    return read
