"""Rules of the house that no linter knows."""

import re
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
