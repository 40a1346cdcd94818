"""The engine, where it is installed; without it every test marked `engine` is skipped, and says so."""

import shutil

import pytest

from tests.engine.stack import Run, Workspace

MISSING = (
    "NOT RUN: `pulumi` is not on the PATH, so nothing here met the real engine; "
    "install Pulumi as https://www.pulumi.com/docs/install/ says (3.272 or later), then `make engine`"
)
RUNS = pytest.StashKey[list[Run]]()


@pytest.fixture(scope="session")
def pulumi() -> str:
    """Return Pulumi's command, or skip."""
    found = shutil.which("pulumi")
    if found is None:
        pytest.skip(MISSING)
    return found


@pytest.fixture(scope="module")
def workspace(pulumi: str, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Workspace:
    """Return a workspace with an empty account, for the tests of one module."""
    runs = pytestconfig.stash.setdefault(RUNS, [])
    return Workspace(tmp_path_factory.mktemp("workspace"), runs=runs).prepare()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what the engine was asked, what came of it, and in how many seconds by its own clock."""
    for run in config.stash.get(RUNS, []):
        terminalreporter.write_line(f"  {run}")
