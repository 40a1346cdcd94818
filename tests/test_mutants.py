"""`make mutants`: what it changes, and what it counts."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"
DOOR = """
def is_open(angle, least):
    return angle >= least
"""
TEST = """
from house.door import is_open

def test_a_door_that_stands_open_is_open():
    assert is_open(90, 5)
"""


@pytest.mark.parametrize(
    ("source", "mutated"),
    [
        ("a < b", {"(a <= b)", "pass"}),
        ("x = a < b <= c", {"x = (a <= b <= c)", "x = (a < b < c)"}),
        ("x = a is not b", {"x = (a is b)"}),
        ("x = a and (b or c)", {"x = (a or (b or c))", "x = a and ((b and c))"}),
        ("x = not a", {"x = (a)"}),
        ("x = 2", {"x = 3", "x = (1)"}),
        ("x = True", {"x = False"}),
        ("x = a + b", {"x = (a - b)"}),
        ("if a: b()", {"if (not (a)): b()", "if a: pass"}),
        ("if not a: b()", {"if (a): b()", "if not a: pass"}),
        ("x = [a for a in b if a]", {"x = [a for a in b if (not (a))]"}),
        ("x = f(a, b=c, d=e)", {"x = f(a, b=c)", "x = f(a, d=e)"}),
        ("raise a", {"pass"}),
        ("def f():\n  return a", {"def f():\n  return None"}),
        ("def f():\n  yield a", set()),
        ("def f(a: int | None = 1) -> 'x < 2':\n  'A docstring.'", {
            "def f(a: int | None = 2) -> 'x < 2':\n  'A docstring.'",
            "def f(a: int | None = (0)) -> 'x < 2':\n  'A docstring.'",
        }),
        ("x.y = 'é'; a < b", {"pass; a < b", "x.y = 'é'; (a <= b)", "x.y = 'é'; pass"}),
        ("__all__ = [1]\nif TYPE_CHECKING:\n  x = 1", set()),
        ("x = f'{a < 1}'", set()),
        ("@dataclass(frozen=True, slots=True)\nclass A: pass", set()),
        ("@dataclass(eq=False)\nclass A: pass", {"@dataclass()\nclass A: pass", "@dataclass(eq=True)\nclass A: pass"}),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)}",
)  # fmt: skip
def test_a_mutation_changes_one_place_that_runs(source: str, mutated: set[str]) -> None:
    mutations = runpy.run_path(str(SCRIPTS / "mutations.py"))["mutations"]

    found = [mutation.apply(source.encode()).decode() for mutation in mutations(source.encode())]

    assert sorted(found) == sorted(mutated)


def mutants(root: Path, test: str, room: str = "door") -> "subprocess.CompletedProcess[str]":
    """Run the script on a tree of a module with its test, and of one without."""
    for name, text in {"house/door.py": DOOR, "house/wall.py": DOOR, "tests/test_door.py": test}.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    command = [
        sys.executable,
        str(SCRIPTS / "mutants.py"),
        room,
        "--jobs",
        "1",
        "--root",
        str(root),
        "--package",
        "house",
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_what_no_test_notices_survives_and_is_printed(tmp_path: Path) -> None:
    done = mutants(tmp_path, TEST)

    *survivors, heads, room, _ = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert survivors == ["house/door.py:3", "  - return angle >= least", "  + return (angle > least)"]
    assert heads.split() == ["room", "mutants", "caught", "survived", "score"]
    assert room.split() == ["door", "2", "1", "1", "50%"]
    assert (tmp_path / "house" / "door.py").read_text() == DOOR


def test_a_test_that_reads_what_another_has_computed_counts(tmp_path: Path) -> None:
    cached = """
import functools
from house.door import is_open

is_open = functools.cache(is_open)

def test_a_door_is_computed_once():
    is_open(5, 5)

def test_a_door_at_the_least_angle_is_open():
    assert is_open(5, 5)
    assert not is_open(4, 5)
"""

    done = mutants(tmp_path, cached)

    assert done.stdout.splitlines()[-2].split() == ["door", "2", "2", "0", "100%"]


def test_tests_that_fail_without_a_mutation_are_not_run_with_one(tmp_path: Path) -> None:
    done = mutants(tmp_path, TEST.replace("90", "0"))

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("the tests fail without a mutation:\n")


def test_a_room_without_tests_of_its_name_is_refused(tmp_path: Path) -> None:
    done = mutants(tmp_path, TEST, room="wall")

    assert (done.returncode, done.stdout) == (2, "")
    assert "no tests have the name of wall: name them in ALSO of scripts/mutants.py" in done.stderr


@pytest.mark.parametrize(
    ("room", "tests"),
    [
        ("door", ["tests/test_door.py", "tests/hall/also.py"]),
        ("hall", ["tests/hall"]),
        ("hall/stairs", ["tests/hall"]),
        ("hall/lamp", ["tests/hall/test_lamp.py"]),
        ("hall/cellar", ["tests/test_wine.py"]),
        ("hall/cellar/shelf", ["tests/test_wine.py"]),
        ("roof", []),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_room_has_the_tests_of_its_name_or_of_the_nearest_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: str, tests: list[str]
) -> None:
    (tmp_path / "tests" / "hall").mkdir(parents=True)
    for name in ("test_door.py", "test_wine.py", "hall/test_lamp.py"):
        (tmp_path / "tests" / name).touch()
    monkeypatch.syspath_prepend(SCRIPTS)
    tests_of = runpy.run_path(str(SCRIPTS / "mutants.py"))["tests_of"]
    also = {"door": ["tests/hall/also.py"], "hall/cellar": ["tests/test_wine.py"]}
    monkeypatch.setitem(tests_of.__globals__, "ALSO", also)

    assert tests_of(tmp_path, room) == tests
