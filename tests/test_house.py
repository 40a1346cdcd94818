"""Rules of the house that no linter knows."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MACHINE = sorted((ROOT / "contradance").rglob("*.py"))
FOOD = re.compile(r"(?i:food|payment|restaurant|loyalty|courier|customer|kitchen)|OrderPlaced|order_id|\borders\b")
LONGEST = 400


def source(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", MACHINE, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_machine_does_not_speak_of_the_application(path: Path) -> None:
    assert FOOD.findall(source(path)) == []


@pytest.mark.parametrize("path", MACHINE, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_stays_short(path: Path) -> None:
    assert len(source(path).splitlines()) <= LONGEST


def test_no_file_names_a_machine_of_ours() -> None:
    written = [path for suffix in ("py", "md", "toml", "txt") for path in ROOT.glob(f"[!.]*/**/*.{suffix}")]

    assert [path for path in written if re.search(r"(?<![\w.])/(?:root|home|work)/", source(path))] == []


def names_of_types(path: Path) -> Iterator[str]:
    """Yield the classes of a module, and the aliases that name a type in annotations."""
    tree = ast.parse(source(path))
    yield from (node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Subscript | ast.BinOp):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (one.id for one in targets if isinstance(one, ast.Name) and re.match(r"_?[A-Z]\w*[a-z]", one.id))


def test_the_name_of_a_class_or_of_a_type_has_one_meaning() -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for path in MACHINE:
        for name in names_of_types(path):
            places[name].append(str(path.relative_to(ROOT)))

    assert {name: found for name, found in places.items() if len(found) > 1} == {}
