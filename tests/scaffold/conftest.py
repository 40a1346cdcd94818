from pathlib import Path

import pytest

from contradance.scaffold.fresh import create_project
from tests.forking import Forks
from tests.scaffold.project import Generated


@pytest.fixture
def project(tmp_path: Path, forks: Forks) -> Generated:
    """Return a new project."""
    return Generated(create_project(tmp_path, "my-library"), forks)
