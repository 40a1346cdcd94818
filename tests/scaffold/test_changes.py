from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from contradance.errors import CannotCreate
from contradance.scaffold.changes import Changes, complete_pending
from contradance.scaffold.formatting import format_files


def changes(root: Path) -> Changes:
    (root / "list.py").write_text("old\n")
    planned = Changes(root)
    planned.create(Path("a/new.py"), "new = 1\n")
    planned.create(Path("b.py"), "b = 1\n")
    planned.edit(Path("list.py"), "old\nnew\n")
    return planned


def state(root: Path) -> dict[str, str]:
    """Return the project's files, without what is kept below .contradance."""
    files = [path for path in root.rglob("*") if path.is_file() and ".contradance" not in path.parts]
    return {str(path.relative_to(root)): path.read_text() for path in files}


OLD = {"list.py": "old\n"}
NEW = {"list.py": "old\nnew\n", "a/new.py": "new = 1\n", "b.py": "b = 1\n"}


class Killed(BaseException):
    """The process is gone: nothing that it would have done happens."""


@contextmanager
def dying_at(step: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Die at the step with this number: of making a folder, opening, renaming and replacing a file."""
    steps: list[str] = []

    def mortal(name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def acting(self: Path, *arguments: Any, **options: Any) -> Any:
            steps.append(name)
            if len(steps) == step:
                raise Killed
            return act(self, *arguments, **options)

        return acting

    with monkeypatch.context() as patch:
        for name in ("mkdir", "open", "rename", "replace"):
            patch.setattr(Path, name, mortal(name, getattr(Path, name)))
        yield steps


def test_every_change_is_made(tmp_path: Path) -> None:
    changes(tmp_path).write()

    assert state(tmp_path) == NEW
    assert list((tmp_path / ".contradance").iterdir()) == []


@pytest.mark.parametrize("step", range(1, 20))
def test_a_process_that_dies_at_any_step_leaves_all_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    planned = changes(tmp_path)
    with dying_at(step, monkeypatch) as steps, suppress(Killed):
        planned.write()

    complete_pending(tmp_path)

    decided = "rename" in steps[: step - 1]
    assert state(tmp_path) == (NEW if decided or len(steps) < step else OLD)


def test_there_are_fewer_steps_than_are_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with dying_at(0, monkeypatch) as steps:
        changes(tmp_path).write()

    assert 10 < len(steps) < 20
    assert "rename" in steps


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text("mine\n")

    with pytest.raises(CannotCreate, match=r"b\.py already exists"):
        changes(tmp_path)


def test_text_that_is_no_python_is_not_written(tmp_path: Path) -> None:
    planned = changes(tmp_path)
    planned.edit(Path("list.py"), "x = (\n")

    with pytest.raises(SyntaxError):
        planned.write()

    assert state(tmp_path) == OLD


def test_a_folder_that_cannot_be_written_to_is_refused_in_words(tmp_path: Path) -> None:
    planned = changes(tmp_path)
    (tmp_path / ".contradance").write_text("a file")

    with pytest.raises(CannotCreate, match="cannot be written to"):
        planned.write()

    assert state(tmp_path).items() >= OLD.items()


def test_a_file_where_a_folder_must_be_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    planned = changes(tmp_path)
    (tmp_path / "loans").write_text("a file")
    planned.create(Path("loans/count.py"), "count = 1\n")

    with pytest.raises(CannotCreate, match="loans is not a folder that can be written to"):
        planned.write()

    assert state(tmp_path) == {**OLD, "loans": "a file"}


def test_an_edited_file_keeps_its_line_endings(tmp_path: Path) -> None:
    (tmp_path / "list.py").write_bytes(b"old = 1\r\n# a comment\r\n")
    planned = Changes(tmp_path)
    planned.create(Path("new.py"), "new = 1\n")
    planned.edit(Path("list.py"), planned.read(Path("list.py")) + "new  =  2\n")

    planned.write()
    format_files(tmp_path, [Path("list.py"), Path("new.py")])

    assert (tmp_path / "list.py").read_bytes() == b"old = 1\r\n# a comment\r\nnew = 2\r\n"
    assert (tmp_path / "new.py").read_bytes() == b"new = 1\n"
