from collections.abc import Iterator
from pathlib import Path

import pytest

from contradance.scaffold.fresh import create_project
from tests.scaffold.forking import ForkingCommand
from tests.scaffold.project import Generated, Tools


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Tools]:
    """Return what all generated projects share."""
    own = tmp_path_factory.getbasetemp()
    cache = (own if worker_id == "master" else own.parent) / "generated-projects"
    cache.mkdir(exist_ok=True)
    with ForkingCommand() as command:
        yield Tools(command, cache)


@pytest.fixture
def project(tmp_path: Path, tools: Tools) -> Generated:
    """Return a new project."""
    return Generated(create_project(tmp_path, "my-library"), tools)
