from collections.abc import Iterator
from pathlib import Path

import pytest

from contradance.scaffold.fresh import create_project
from tests.scaffold.forking import ForkingCommand
from tests.scaffold.project import Generated, Tools
from tests.shared import shared_folder


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Tools]:
    """Return what all generated projects share."""
    with ForkingCommand() as command:
        yield Tools(command, shared_folder(tmp_path_factory, worker_id, "generated-projects"))


@pytest.fixture
def project(tmp_path: Path, tools: Tools) -> Generated:
    """Return a new project."""
    return Generated(create_project(tmp_path, "my-library"), tools)
