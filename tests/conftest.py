"""What the whole suite shares: how Hypothesis searches, stable test ids, and AWS's models, which are read once."""

import gc
import logging
import os
import signal
import ssl
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader, Loader  # type: ignore[import-untyped]  # botocore has no types
from hypothesis import HealthCheck, Phase, settings
from hypothesis.database import DirectoryBasedExampleDatabase

from contradance.scaffold import fresh
from contradance.scaffold.wheel import build_wheel
from contradance.strictjson import allow_deep_json
from tests.forking import Forks, close_servers, commands, tools
from tests.shared import shared_folder

_UNHURRIED = [
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
    HealthCheck.differing_executors,
]


class _CachingLoader(JSONFileLoader):  # type: ignore[misc]  # the same
    """Reads each file once."""

    @cache  # noqa: B019 - it lives as long as the process
    def load_file(self, file_path: str) -> Any:
        return super().load_file(file_path)


# Examples that are the same in every run prove no more each time: 25 hold what was found. `make explore` searches.
settings.register_profile(
    "fixed",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=25,
    phases=[Phase.explicit, Phase.generate],  # shrinking may take minutes: `make explore` does it
    suppress_health_check=_UNHURRIED,
)
settings.register_profile(
    "explore",
    deadline=None,
    database=DirectoryBasedExampleDatabase(Path(__file__).parents[1] / ".hypothesis" / "examples"),
    max_examples=int(os.environ.get("EXAMPLES", "20000")),
    print_blob=True,
    suppress_health_check=_UNHURRIED,
)
settings.load_profile("fixed")

# A laptop raises Python's recursion limit, which Hypothesis refuses during a test.
allow_deep_json()

# Each new session of boto3 parses AWS's models anew, which would be a fifth of the suite's work. One copy for each class of
# loaders: moto's loader changes the models that it reads.
_file_loaders: defaultdict[type, _CachingLoader] = defaultdict(_CachingLoader)
Loader.FILE_LOADER_CLASS = lambda loader: _file_loaders[type(loader)]

# Each client of AWS reads the system's certificates, which takes longer than most tests. One context for all of them.
_create_context = ssl.create_default_context
_default_context = cache(_create_context)
ssl.create_default_context = lambda *args, **options: (
    _create_context(*args, **options) if args or options else _default_context()
)

# A new project contains contradance's wheel. One build for all projects of the tests.
fresh.build_wheel = cache(build_wheel)  # type: ignore[attr-defined]  # it is imported there

_LONGEST_FIRST = ("test_first_hour", "docs", "scaffold", "browser", "packaging", "durability", "infra")
"""Folders and modules whose files take longest, of those that take more than a few seconds."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files, so that no worker is left with one at the end.

    Ids that hold an object's address are refused: each worker of a parallel run would collect other tests.
    """
    here = Path(__file__).parent
    places = {name: place for place, name in enumerate(_LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(item.path.relative_to(here).parts[0].removesuffix(".py"), len(places)))
    unstable = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if unstable:
        message = "These test ids hold an object's address; give each parametrize its own ids=:\n"
        raise pytest.UsageError(message + "\n".join(unstable))


def pytest_runtest_setup() -> None:
    """Have Ctrl-C interrupt each test, and each process that it starts.

    A shell ignores SIGINT for what it runs in the background, and `contradance run` in this process handles it.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Let the garbage collector leave out what the collection made: it would look through it for every test again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Forks:
    """Return what the commands and tools of generated projects share."""
    return Forks(commands, tools, shared_folder(tmp_path_factory, worker_id, "computed"))


def pytest_sessionfinish() -> None:
    """End the processes in whose forks Python programs ran."""
    close_servers()


@pytest.fixture(autouse=True)
def _restore_the_logger_of_tests() -> Iterator[None]:
    """Undo what a test changes in the logger `tests`, which is that of every choreography of the tests."""
    logger = logging.getLogger("tests")
    before = (logger.propagate, logger.disabled, [*logger.handlers], logger.level)
    yield
    logger.propagate, logger.disabled, logger.handlers = before[:3]
    logger.setLevel(before[3])
