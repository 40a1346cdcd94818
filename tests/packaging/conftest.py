import os
import platform
import sys
from pathlib import Path

import pytest

from contradance.packaging import Packages, build
from functions.choreography import food_delivery
from tests.packaging.project import ARCHITECTURES, ROOT, Unpacked
from tests.shared import shared_folder


@pytest.fixture(scope="session")
def for_lambda(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Packages:
    """Return what is deployed, built once for all tests."""
    return build(ROOT, food_delivery, cache=shared_folder(tmp_path_factory, worker_id, "packages-for-lambda"))


@pytest.fixture(scope="session")
def for_here(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Packages:
    """Return the same for this machine, of the same lock: what can be run here."""
    architecture = ARCHITECTURES.get(platform.machine())
    if sys.platform != "linux" or architecture is None:
        assert "CI" not in os.environ, "the packages that Lambda runs were not run: CI needs Linux on x86_64 or arm64"
        pytest.skip("NOT RUN: what is built for Lambda runs on Linux alone")
    cache = shared_folder(tmp_path_factory, worker_id, "packages-for-here")
    return build(ROOT, food_delivery, architecture=architecture, cache=cache)


@pytest.fixture(scope="session")
def unpacked(for_here: Packages, tmp_path_factory: pytest.TempPathFactory) -> Unpacked:
    """Return the packages as Lambda unpacks them."""
    return Unpacked(for_here, tmp_path_factory.mktemp("unpacked"))


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    """Return a folder to write modules in, with a dot in its name as no package has."""
    folder = tmp_path / "a.folder"
    folder.mkdir()
    return folder
