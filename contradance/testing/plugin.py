"""What pytest loads in every project that has contradance installed: one fixture, one option, one marker.

It imports nothing but pytest until a test asks for the fixture.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from contradance.runtime.journal_record import JournalRecord
    from contradance.testing.run import Run


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that writes golden files anew."""
    parser.getgroup("contradance").addoption(
        "--update-choreographies",
        action="store_true",
        help="write anew what assert_choreography() compares with, instead of comparing",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        "choreography(seed=0, settings={}): how the `run` fixture runs: the order of deliveries, settings by name",
    )


@pytest.fixture
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator["Run"]:
    """Run the project's choreography on a virtual clock, in a folder of the test's own.

    At the end it fails if something became a dead letter that the test did not ask about.
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
