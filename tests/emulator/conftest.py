"""MiniStack, where it is installed; without it every test marked `emulator` is skipped."""

from collections.abc import Iterator

import pytest

from tests.emulator.ministack import ENVIRONMENT, MiniStack, ministack


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    """Run MiniStack for all tests."""
    if not (ENVIRONMENT / "ready").exists():
        pytest.skip("NOT RUN: MiniStack is not installed; `make emulator` installs it and runs these tests")
    with ministack(tmp_path_factory.mktemp("ministack")) as running:
        yield running
