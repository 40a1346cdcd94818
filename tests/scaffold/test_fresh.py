import ast
import json
import os
import re
import subprocess
import tomllib
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

from contradance.errors import CannotCreate
from contradance.scaffold import application
from contradance.scaffold.fresh import create_project
from contradance.scaffold.wheel import build_wheel, wheel_name
from tests.forking import Forks
from tests.scaffold.project import Generated

ROOT = Path(__file__).parents[2]


PROPERTY = """\
from hypothesis import given, settings
from hypothesis import strategies as st


@given(st.booleans())
def test_a_property_is_the_same_in_every_run_on_any_machine(value: bool) -> None:
    assert (settings().derandomize, settings().deadline, settings().database) == (True, None, None)
"""


# Of other names, test_parts and test_first_hour check `my-library`.
@pytest.mark.parametrize("name", ["a", "zoo_2"])
def test_a_new_project_passes_its_own_checks_whatever_its_name(tmp_path: Path, forks: Forks, name: str) -> None:
    Generated(create_project(tmp_path, name), forks).check()


def test_an_empty_project_passes_its_own_checks_and_its_properties_do_not_depend_on_chance_or_load(
    tmp_path: Path, forks: Forks
) -> None:
    project = Generated(create_project(tmp_path, "bare", empty=True), forks)
    (project.root / "tests" / "test_property.py").write_text(PROPERTY, encoding="utf-8")

    project.check()


def test_the_reference_application_is_a_template_with_its_own_checks(tmp_path: Path, forks: Forks) -> None:
    project = Generated(create_project(tmp_path, "shop", template="food"), forks)

    project.check()
    assert project.tried("lint") == (0, "13 functions, 7 events, 0 findings\n")
    assert project.contradance("contracts", "freeze", "--check").startswith("7 contracts equal their frozen files")
    stacks = "".join(project.read(f"Pulumi{stack}.yaml") for stack in ("", ".dev", ".prod"))
    assert re.findall(r"\b(food-delivery|shop)\b", stacks) == ["shop"] * stacks.count("shop")


def test_a_wheel_has_the_template_and_makes_the_same_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ZipFile(BytesIO(build_wheel())) as wheel:
        wheel.extractall(tmp_path / "installed")
    monkeypatch.setattr(application, "_PACKAGE", tmp_path / "installed" / "contradance")
    (tmp_path / "other").mkdir()

    create_project(tmp_path / "other", "shop", template="food")
    monkeypatch.undo()
    create_project(tmp_path, "shop", template="food")

    one, two = (contents(folder / "shop") for folder in (tmp_path, tmp_path / "other"))
    assert one == two


def test_the_wheel_that_hatch_builds_has_the_same_parts() -> None:
    hook = ast.parse((ROOT / "scripts" / "application_in_wheel.py").read_text(encoding="utf-8"))
    listed = {
        node.value
        for assigned in hook.body
        if isinstance(assigned, ast.AnnAssign)
        for node in ast.walk(assigned)
        if isinstance(node, ast.Constant)
    }

    assert listed >= {*application.PARTS, f"contradance/{application.COPIED}"}
    assert "application_in_wheel.py" in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_a_template_that_does_not_exist_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CannotCreate, match=r"there is no template 'drink'\.\n  Write --template food, or leave it out"):
        create_project(tmp_path, "shop", template="drink")
    monkeypatch.setattr(application, "_PACKAGE", tmp_path)
    with pytest.raises(
        CannotCreate, match=r"there is no template 'food'\.\n  This installation has none, or leave it out"
    ):
        create_project(tmp_path, "shop", template="food")
    assert [*tmp_path.iterdir()] == []


def contents(folder: Path) -> dict[str, bytes]:
    """Return the content of each file below a folder, by its path, without the wheel."""
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {path: data for path, data in found.items() if not path.startswith("wheels/")}


def test_nothing_of_a_new_project_is_left_unfinished(project: Generated) -> None:
    assert project.tried("lint") == (0, "2 functions, 1 event, 0 findings\n")


def test_it_carries_the_wheel_that_its_requirements_name(project: Generated) -> None:
    for file in ("requirements.txt", "requirements-dev.txt"):
        assert f"./wheels/{wheel_name()}[" in project.read(file)
    assert (project.root / "wheels" / wheel_name()).is_file()


def test_its_tools_are_those_that_this_repository_is_checked_with(project: Generated) -> None:
    ours = (ROOT / "requirements-dev.txt").read_text() + (ROOT / "requirements.txt").read_text()
    pinned = re.findall(r"[\w-]+==[\d.]+", project.read("requirements-dev.txt") + project.read("Makefile"))

    assert len(pinned) >= 5
    assert [one for one in pinned if one not in ours] == []


def test_the_machine_that_made_it_leaves_no_trace_of_itself(project: Generated) -> None:
    assert [path for path, text in project.files().items() if str(project.root) in text or str(ROOT) in text] == []
    assert tomllib.loads(project.read("pyproject.toml"))["tool"]["contradance"]["choreography"]


def test_a_folder_that_is_there_is_never_written_into(tmp_path: Path) -> None:
    (tmp_path / "my-library").mkdir()

    with pytest.raises(CannotCreate, match="already exists"):
        create_project(tmp_path, "my-library")

    assert list((tmp_path / "my-library").iterdir()) == []


def test_a_folder_that_cannot_be_made_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "write_bytes", refuse)

    with pytest.raises(CannotCreate, match="No space left on device"):
        create_project(tmp_path, "my-library")

    assert list(tmp_path.iterdir()) == []


def test_a_name_that_may_not_be_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(CannotCreate):
        create_project(tmp_path, "../escape")

    assert list(tmp_path.iterdir()) == []


def test_its_make_targets_are_those_that_its_readme_and_its_ci_name(project: Generated) -> None:
    named = set(re.findall(r"make (\w+)", project.read("README.md") + project.read(".github/workflows/check.yml")))

    for target in named:
        done = subprocess.run(
            ["make", "--dry-run", target],  # noqa: S607 - whichever make there is
            cwd=project.root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert {"run", "test", "check", "lint"} <= named


def test_its_listing_is_json_for_a_machine(project: Generated) -> None:
    listed = json.loads(project.contradance("list", "--json"))

    assert [one["name"] for one in listed["functions"]] == ["loans.lend_book", "notices.notify_reader"]
    assert listed["events"][0]["consumers"] == ["notices.notify_reader"]


def test_its_pulumi_program_is_the_one_that_deploys_this_repository(project: Generated) -> None:
    written, ours = project.read("__main__.py"), (ROOT / "__main__.py").read_text(encoding="utf-8")

    assert [line for line in written.splitlines() if line] == [line for line in ours.splitlines() if line]
