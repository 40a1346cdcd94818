"""The pytest plugin, loaded in every project with contradance installed: a fixture, an option and a marker.

It imports only pytest until a test uses the fixture.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from contradance.runtime.journal_record import JournalRecord
    from contradance.testing.run import Run


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that rewrites golden files."""
    parser.getgroup("contradance").addoption(
        "--update-choreographies",
        action="store_true",
        help="rewrite the golden files of assert_choreography() instead of comparing",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker `choreography`, which has the seed and the settings of a run."""
    config.addinivalue_line(
        "markers",
        "choreography(seed=0, settings={}): the order of deliveries and the settings of the `run` fixture",
    )


@pytest.fixture
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator["Run"]:
    """Run the project's choreography on a virtual clock; at the end, fail on a dead letter that no assertion covered.

    At the end it fails if there is a dead letter that no assertion of the test covered.
    """
    from contradance.project import find_project  # noqa: PLC0415 - only where the fixture is used
    from contradance.testing.run import Run, running  # noqa: PLC0415 - only where the fixture is used

    marker = request.node.get_closest_marker("choreography")
    options = marker.kwargs if marker else {}
    goldens = request.path.parent / "choreographies"
    records: list[JournalRecord] = []
    with running(
        find_project(request.config.rootpath).choreography(), tmp_path, when_journaled=records.append, **options
    ) as laptop:
        started = Run(laptop, records, goldens, update=request.config.getoption("--update-choreographies"))
        yield started
        started.assert_no_surprise()
