"""The type checker is the first user: what is wired wrongly is red in the editor, and nothing else is.

Each file in `tests/typing` marks every line that has to be red with `# red`. A line marked `# red in mypy` is not red in
pyright, which lets a handler take more than it is given; the import of its module refuses it all the same.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
FOLDER = REPOSITORY / "tests" / "typing"
FILES = sorted(FOLDER.glob("*.py"))
Flagged = dict[Path, dict[int, str]]
"""By file and line: what a checker says."""


def run(checker: str, *arguments: str) -> str:
    """Return what a checker says about the folder."""
    if find_spec(checker) is None and not os.environ.get("CI"):
        pytest.skip(f"{checker} is not installed")
    command = [sys.executable, "-m", checker, *arguments, *map(str, FILES)]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False).stdout


@pytest.fixture(scope="module")
def mypy() -> Flagged:
    flagged: Flagged = {}
    for line in run("mypy", "--strict", "--output", "json", "--explicit-package-bases").splitlines():
        finding = json.loads(line)
        if finding["severity"] == "error":
            flagged.setdefault(REPOSITORY / finding["file"], {})[finding["line"]] = finding["message"]
    return flagged


@pytest.fixture(scope="module")
def pyright() -> Flagged:
    flagged: Flagged = {}
    for finding in json.loads(run("pyright", "--outputjson", "--pythonpath", sys.executable))["generalDiagnostics"]:
        if finding["severity"] == "error":
            line = finding["range"]["start"]["line"] + 1
            flagged.setdefault(Path(finding["file"]), {})[line] = finding["message"]
    return flagged


def test_the_folder_of_examples_is_found() -> None:
    assert [file.name for file in FILES] == ["app.py", "declarations.py", "foreign.py", "routes.py", "subscribers.py"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_exactly_what_is_wired_wrongly_is_red(checker: str, file: Path, request: pytest.FixtureRequest) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    marked = {number for number, line in enumerate(lines, 1) if line.endswith(("# red", f"# red in {checker}"))}

    flagged: Flagged = request.getfixturevalue(checker)

    found = flagged.get(file, {})
    unmarked = {number: message for number, message in found.items() if number not in marked}
    missed = {number: lines[number - 1] for number in sorted(marked - set(found))}
    assert (unmarked, missed) == ({}, {})
