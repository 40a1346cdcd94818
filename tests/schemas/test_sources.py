"""Where promises are read from: they are the same wherever they lie."""

import json
import subprocess
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from pydantic import Field

from contradance import Registry
from contradance.catalog.freezing import freeze_contracts
from contradance.errors import InvalidSchema
from contradance.gate import breaks
from contradance.schemas import promised, read_folder
from contradance.schemas.sources import read_promises
from tests.schemas.library import BookLent, BookReturned, changed

FOLDER = Path("contracts/schemas")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with frozen contracts, committed and then lost."""
    freeze_contracts(Registry("library", [BookLent, BookReturned]), tmp_path / FOLDER)
    for arguments in (
        ["init", "--quiet", "--initial-branch", "main"],
        ["add", "."],
        ["-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "--quiet", "--message", "freeze"],
    ):
        subprocess.run(["git", "-C", tmp_path, *arguments], check=True)  # noqa: S607 - whichever git there is
    return tmp_path


def test_a_folder(project: Path) -> None:
    assert len(read_promises(str(project / FOLDER), project, FOLDER)) == 2


def test_a_git_ref_also_where_the_files_have_changed_since(project: Path) -> None:
    before = read_folder(project / FOLDER)
    for path in (project / FOLDER).rglob("*.json"):
        path.unlink()

    assert read_promises("main", project, FOLDER) == before
    assert read_promises("HEAD", project, FOLDER) == before


def test_a_git_ref_of_a_project_inside_a_repository(project: Path) -> None:
    assert len(read_promises("HEAD", project / "contracts", Path("schemas"))) == 2


def test_a_ref_from_before_anything_was_frozen_promises_nothing(project: Path) -> None:
    assert read_promises("HEAD", project, Path("elsewhere")) == {}


def test_a_wheel(project: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "library_contracts-1.0-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        archive.writestr("library_contracts/loans.py", "")
        for path in (project / FOLDER).rglob("*.json"):
            archive.write(path, f"library_contracts/schemas/{path.relative_to(project / FOLDER)}")

    assert read_promises(str(wheel), project, FOLDER) == read_folder(project / FOLDER)


def test_a_file_in_a_wheel_that_is_not_text_is_named(project: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "library_contracts-1.0.0-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        archive.writestr("library_contracts/schemas/library.loans/BookLent/v1.json", b"\xff")

    with pytest.raises(InvalidSchema, match=r"library\.loans/BookLent/v1\.json is not a frozen contract"):
        read_promises(str(wheel), project, FOLDER)


def test_a_wheel_with_damaged_content_is_not_a_wheel(project: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "library_contracts-1.0.0-py3-none-any.whl"
    with ZipFile(wheel, "w", ZIP_DEFLATED) as archive:
        archive.writestr("schemas/library.loans/BookLent/v1.json", b"{}" * 100)
    data = bytearray(wheel.read_bytes())
    data[data.index(b"v1.json") + 7] ^= 0xFF
    wheel.write_bytes(data)

    with pytest.raises(InvalidSchema, match="is not a wheel"):
        read_promises(str(wheel), project, FOLDER)


@pytest.mark.parametrize("wrapped", [True, False])
def test_what_a_stack_says_of_itself(project: Path, tmp_path: Path, *, wrapped: bool) -> None:
    deployed = {"app": "library", "contracts": promised([BookLent, BookReturned])}
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps({"deployed": deployed} if wrapped else deployed))

    read = read_promises(str(outputs), project, FOLDER)
    assert [*read] == [BookLent.identity, BookReturned.identity]
    assert breaks(Registry("library", [BookLent, BookReturned]), read) == []
    assert len(breaks(Registry("library", [changed(BookLent, days=(int, Field(ge=9))), BookReturned]), read)) == 1


@pytest.mark.parametrize(
    ("against", "content", "told"),
    [
        ("nowhere", None, "nowhere is not a folder, a wheel, a file of stack outputs or"),
        ("--upload-pack=x", None, "--upload-pack=x is not a folder"),
        ("x" * 200_000, None, "xxx… is not a folder"),
        ("x/" * 3_000, None, "x/x… is not a folder"),
        ("a.json", "[" * 100_000, "does not hold the outputs of a stack"),
        ("a.whl", "no zip", "is not a wheel"),
        ("a.json", "[]", "does not hold the outputs of a stack"),
        ("a.json", '{"deployed": {}}', "does not hold the outputs of a stack"),
    ],
    ids=["nowhere", "option", "long", "long path", "deep", "no wheel", "a list", "nothing"],
)
def test_what_is_none_of_these_is_told(project: Path, against: str, content: str | None, told: str) -> None:
    named = against
    if content is not None:
        (project / against).write_text(content)
        named = str(project / against)

    with pytest.raises(InvalidSchema, match=told):
        read_promises(named, project, FOLDER)
