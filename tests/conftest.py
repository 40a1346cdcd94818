"""What the whole suite agrees on: how Hypothesis searches, and that a test's id is the same in every process."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase

_UNHURRIED = [
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
    HealthCheck.differing_executors,
]

settings.register_profile(
    "fixed", derandomize=True, deadline=None, database=None, max_examples=60, suppress_health_check=_UNHURRIED
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse ids that hold an object's address: each worker of a parallel run would collect other tests."""
    unstable = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if unstable:
        message = "These test ids hold an object's address; give each parametrize its own ids=:\n"
        raise pytest.UsageError(message + "\n".join(unstable))
