"""The Pulumi projects that the tests deploy, each as a copy that a test may edit."""

import shutil
from pathlib import Path

from tests.engine.stack import ROOT, Workspace

PROGRAM = ("__main__.py", "requirements-lambda.txt")
"""What is the same in every project, but for the lock's first line, which says of which project it is."""
MARKETING = """
[tool.contradance]
choreography = "tests.marketing.choreography:marketing"
contracts = "tests.marketing.choreography:registry"
"""


def food(workspace: Workspace, name: str = "food") -> Path:
    """Return a copy of the food delivery system."""
    copy = _project(workspace, name, "functions")
    for each in ("Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.prod.yaml", "pyproject.toml"):
        shutil.copy(ROOT / each, copy)
    return copy


def marketing(workspace: Workspace) -> Path:
    """Return another team's project: it has the food delivery's contracts, and is told of its bus; no more."""
    copy = _project(workspace, "marketing", "tests/marketing")
    (copy / "pyproject.toml").write_text(MARKETING)
    (copy / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text().replace("food-delivery", "marketing"))
    lock = copy / "requirements-lambda.txt"
    lock.write_text(lock.read_text().partition("\n")[2])
    return copy


def _project(workspace: Workspace, name: str, code: str) -> Path:
    copy = workspace.folder / name
    shutil.copytree(ROOT / code, copy / code, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / ".venv").symlink_to(ROOT / ".venv")
    for each in PROGRAM:
        shutil.copy(ROOT / each, copy)
    return copy
