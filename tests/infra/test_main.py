"""`__main__.py` itself, in a copy of the food delivery system: what it builds, it deploys."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from contradance.packaging import Packages, build
from functions.choreography import food_delivery
from tests.shared import shared_folder

ROOT = Path(__file__).parents[2]
LINES = 20
HANDLER = "functions/loyalty/add_loyalty_points.py"
ITS_ZIP = {"Function loyalty.add_loyalty_points"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Packages:
    """Return what this repository deploys: the packages that tests/packaging looks into."""
    return build(ROOT, food_delivery, cache=shared_folder(tmp_path_factory, worker_id, "packages-for-lambda"))


@pytest.fixture
def project(tmp_path: Path, built: Packages) -> Path:
    """Return a copy of the project that has what was built already."""
    folder = tmp_path / "elsewhere"
    for name in ("functions", "contracts"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("__main__.py", "Pulumi.yaml", "pyproject.toml", "requirements-lambda.txt"):
        shutil.copy(ROOT / name, folder / name)
    cache = folder / ".contradance" / "packages"
    cache.mkdir(parents=True)
    shutil.copy(built.layer, cache)
    return folder


def registered(project: Path) -> dict[str, dict[str, Any]]:
    """Return what the project's program registers."""
    path = os.pathsep.join([str(project), str(project / "contracts"), str(ROOT)])
    command = [sys.executable, "-m", "tests.infra.main_program", str(project / "__main__.py")]
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_it_is_short() -> None:
    assert len((ROOT / "__main__.py").read_text().splitlines()) < LINES


def test_it_deploys_what_it_builds_and_an_edit_changes_one_functions_zip_alone_in_the_next_run(
    project: Path, built: Packages
) -> None:
    found = registered(project)
    handler = project / HANDLER
    handler.write_text(handler.read_text() + "\n# An edit.\n")
    edited = registered(project)

    codes = {name: Path(found[f"Function {name}"]["code"]) for name in food_delivery.functions}
    assert {name: code.name for name, code in codes.items()} == {
        name: built.functions[name].name for name in food_delivery.functions
    }
    assert Path(found["LayerVersion layer"]["code"]).name == built.layer.name
    assert {inputs["runtime"] for key, inputs in found.items() if key.startswith("Function ")} == {built.runtime}
    assert edited.keys() == found.keys()
    assert {key for key in found if edited[key] != found[key]} == ITS_ZIP
    before, after = found["Function loyalty.add_loyalty_points"], edited["Function loyalty.add_loyalty_points"]
    assert {key for key in before if before[key] != after[key]} == {"code"}
