"""`contradance new` and `create` as a person meets them: on a terminal, with questions."""

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

from contradance.scaffold.fresh import create_project, make_repository
from tests.patience import LONG


def typed(folder: Path, words: list[str], answers: list[str]) -> tuple[int, str]:
    """Return (exit code, what the terminal shows) of a command whose questions a person answers."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "contradance", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "contracts"), "TERM": "dumb", "COLUMNS": "100"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = ""
    waiting = list(answers)
    deadline = time.monotonic() + LONG
    try:
        while time.monotonic() < deadline:
            try:
                shown += os.read(ours, 4096).decode()
            except OSError:  # the other end is closed
                break
            if waiting and shown.rstrip(" ").endswith(":"):
                os.write(ours, f"{waiting.pop(0)}\n".encode())
                shown += "\n"
        return process.wait(LONG), shown
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_a_new_project_asks_for_its_name_until_it_is_one(tmp_path: Path) -> None:
    code, shown = typed(tmp_path, ["new"], ["My Library", "my-library"])

    assert code == 0, shown
    assert "'My Library' cannot name a project" in shown
    assert "make test" in shown
    assert (tmp_path / "my-library" / "pyproject.toml").is_file()
    assert (tmp_path / "my-library" / ".git").is_dir()


def test_a_new_project_inside_a_repository_gets_no_own(tmp_path: Path) -> None:
    outer = create_project(tmp_path, "my-library")
    assert make_repository(outer)

    inner = create_project(outer, "other")

    assert not make_repository(inner)
    assert not (inner / ".git").exists()


def test_make_check_compares_the_frozen_contracts_once_there_are_any(tmp_path: Path) -> None:
    recipe = (create_project(tmp_path, "my-library") / "Makefile").read_text()

    assert "test ! -d contracts/schemas || $(BIN)/contradance contracts freeze --check" in recipe


def test_a_bare_create_asks_what_it_needs(tmp_path: Path) -> None:
    project = create_project(tmp_path, "my-library")

    code, shown = typed(project, ["create", "event"], ["BookLost", "loans", "loan_id:uuid title:str"])
    second, told = typed(project, ["create", "subscriber"], ["mourn", "readers", "BookLost BookLent"])

    assert code == 0, shown
    assert "Name of the event, in the past tense" in shown
    assert "title: str" in (project / "contracts" / "my_library_contracts" / "loans.py").read_text()
    assert second == 0, told
    assert "event: BookLost | BookLent" in (project / "functions" / "readers" / "mourn.py").read_text()
