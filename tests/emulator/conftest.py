"""MiniStack, where it is installed, and the food delivery system; without it every test marked `emulator` is skipped."""

import sys
from collections.abc import Iterator

import pytest

from contradance.project import find_project
from tests.emulator.ministack import ENVIRONMENT, MiniStack, ministack
from tests.emulator.system import Emulated
from tests.packaging.project import ROOT


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    """Run MiniStack for all tests."""
    if sys.platform != "linux":
        pytest.skip("NOT RUN: what is built for Lambda runs on Linux alone")
    if not (ENVIRONMENT / "ready").exists():
        pytest.skip("NOT RUN: MiniStack is not installed; `make emulator` installs it and runs these tests")
    with ministack(tmp_path_factory.mktemp("ministack")) as running:
        yield running


@pytest.fixture(scope="session")
def food_system(emulator: MiniStack) -> Iterator[Emulated]:
    """Deploy the food delivery system."""
    config = {"alarmMail": "ops@example.com"}
    system = Emulated(find_project(ROOT), emulator, config=config, secrets={"gateway_key": "a key"})
    yield system
    system.proxy.close()
