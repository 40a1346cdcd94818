"""The pytest plugin, loaded in every project with contradance installed: a fixture, an option and a marker.

It imports only pytest until a test uses the fixture.
"""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from contradance.runtime.journal_record import JournalRecord
    from contradance.testing.run import Run

_STARTED: pytest.StashKey["StartedRun"] = pytest.StashKey()


class StartedRun:
    """The run of one test, with the exceptions of its attempts, which a debugger can stop at."""

    def __init__(self) -> None:
        self.records: list[JournalRecord] = []
        self.raised: dict[int, BaseException] = {}
        """What a record's attempt raised, by the record's position."""
        self.run: Run | None = None

    def journaled(self, record: "JournalRecord") -> None:
        """Keep a record, and what the attempt that runs now raised, if anything."""
        from contradance.runtime.attempt import running_attempt  # noqa: PLC0415 - only where the fixture is used

        attempt = running_attempt()
        if attempt is not None and attempt.raised is not None:
            self.raised[len(self.records)] = attempt.raised
        self.records.append(record)

    def check(self) -> None:
        """Fail for dead letters that the test did not check, with the first one's traceback; else do nothing."""
        surprises = self.run.surprises() if self.run else []
        if self.run is None or not surprises:
            return
        raised = self.raised.get(self.records.index(surprises[0]))
        failure = pytest.fail.Exception(self.run.surprise_text(surprises), pytrace=False)
        raise failure.with_traceback(None if raised is None else raised.__traceback__)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option `--update-choreographies`, which rewrites golden files."""
    parser.getgroup("contradance").addoption(
        "--update-choreographies",
        action="store_true",
        help="rewrite the golden files of assert_choreography() instead of comparing",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker `choreography`, which has the seed, the settings and the functions of a run."""
    config.addinivalue_line(
        "markers",
        "choreography(seed=0, settings={}, only=None): the order of deliveries, the settings, and the functions and services "
        "that the `run` fixture delivers to",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Run a test, and fail it if it passed but left a dead letter that it did not check."""
    result = yield
    started = item.stash.get(_STARTED, None)
    if started is not None:
        started.check()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the text of failed deliveries and requests to the report of a failing test, unless its message has it."""
    report = yield
    started = item.stash.get(_STARTED, None)
    if started is not None and started.run is not None and call.when == "call" and report.failed:
        failures, message = started.run.failures(), str(call.excinfo.value) if call.excinfo else ""
        if failures and failures not in message:
            report.sections.append(("Failed in the choreography", failures))
    return report


@pytest.fixture
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator["Run"]:
    """Run the project's choreography on a virtual clock; a test that leaves a dead letter unchecked fails."""
    from contradance.project import find_project  # noqa: PLC0415 - only where the fixture is used
    from contradance.testing.run import Run  # noqa: PLC0415 - only where the fixture is used
    from contradance.testing.virtual_laptop import running  # noqa: PLC0415 - only where the fixture is used

    marker = request.node.get_closest_marker("choreography")
    options = marker.kwargs if marker else {}
    goldens = request.path.parent / "choreographies"
    started = StartedRun()
    with running(
        find_project(request.config.rootpath).choreography(), tmp_path, when_journaled=started.journaled, **options
    ) as laptop:
        update = bool(request.config.getoption("--update-choreographies"))
        started.run = Run(laptop, started.records, goldens, update=update)
        request.node.stash[_STARTED] = started
        yield started.run
