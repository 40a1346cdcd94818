"""Rules of the house that no linter knows."""

import ast
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
MACHINE = sorted((ROOT / "contradance").rglob("*.py"))
FOOD = re.compile(r"(?i:food|payment|restaurant|loyalty|courier|customer|kitchen)|OrderPlaced|order_id|\borders\b")
LONGEST = 400
MANNERED = re.compile(
    r"\b(?:told|said|whoever|nobody|whom|plainly|surroundings|shel(?:f|ves)|filing|bur(?:y|ied|ies)|crowd|staff|desks?"
    r"|wake_the_future|told_of|hand_in|unhonou?red|patience|unheardevent)\b",
    re.IGNORECASE,
)
"""Words that make a sentence hard to read at first sight, and names that this project no longer uses."""
MOST_MANNERED = 0
"""Most of these words in docstrings, comments and other texts; only ever lowered."""
DESCRIBED = (
    "compatibility", "infra", "lint", "operate", "packaging", "pattern", "runtime", "scaffold", "schemas", "testing",
)  # fmt: skip
"""Rooms in which private functions have a docstring as well; Ruff requires one of public functions only."""
DENSEST = 16
"""Most decisions in a function: branches, loops, comprehensions and boolean operators. Ruff's C901 counts branches only."""


def source(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(source(path))


def test_the_machine_does_not_speak_of_the_application() -> None:
    found = {str(path.relative_to(ROOT)): FOOD.findall(source(path)) for path in MACHINE}

    assert {path: words for path, words in found.items() if words} == {}


def test_a_module_stays_short() -> None:
    lengths = {str(path.relative_to(ROOT)): len(source(path).splitlines()) for path in MACHINE}

    assert {path: length for path, length in lengths.items() if length > LONGEST} == {}


def test_no_file_names_a_machine_of_ours() -> None:
    written = [path for suffix in ("py", "md", "toml", "txt") for path in ROOT.glob(f"[!.]*/**/*.{suffix}")]

    assert [path for path in written if re.search(r"(?<![\w.])/(?:root|home|work)/", source(path))] == []


def names_of_types(path: Path) -> Iterator[str]:
    """Yield the classes of a module, and the aliases that name a type in annotations."""
    tree = tree_of(path)
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


def texts_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the docstrings, the other string literals and the comments of a module, with their lines."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
    with path.open("rb") as file:
        yield from (
            (token.start[0], token.string)
            for token in tokenize.tokenize(file.readline)
            if token.type == tokenize.COMMENT
        )


def test_texts_use_plain_words() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {word}"
        for path in MACHINE
        if MANNERED.search(source(path))  # few files have to be parsed
        for line, text in texts_of(path)
        for word in MANNERED.findall(text)
    ]

    assert len(found) <= MOST_MANNERED, "\n".join(["Write these in plain words:", *found])


def decisions(function: ast.AST) -> int:
    """Return one more than the number of decisions in a function: McCabe's count, with boolean operators."""
    return 1 + sum(
        len(node.values) - 1 if isinstance(node, ast.BoolOp) else 1 + len(getattr(node, "ifs", ()))
        for node in ast.walk(function)
        if isinstance(
            node,
            ast.If
            | ast.IfExp
            | ast.For
            | ast.While
            | ast.ExceptHandler
            | ast.BoolOp
            | ast.comprehension
            | ast.match_case,
        )
    )


def functions_of(node: ast.AST) -> Iterator[ast.FunctionDef]:
    """Yield the functions and methods of a module or class, except special methods and functions inside functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef) and not child.name.startswith("__"):
            yield child
        elif isinstance(child, ast.ClassDef):
            yield from functions_of(child)


def test_a_private_function_of_the_described_rooms_has_a_docstring() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{function.lineno}: {function.name}"
        for path in MACHINE
        if path.relative_to(ROOT / "contradance").parts[0] in DESCRIBED
        for function in functions_of(tree_of(path))
        if ast.get_docstring(function) is None
    ]

    assert found == [], "Write what each returns and which case it refuses, in one line."


def test_a_function_makes_few_decisions() -> None:
    found = {
        f"{path.relative_to(ROOT / 'contradance')}: {node.name}"
        for path in MACHINE
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and decisions(node) > DENSEST
    }

    assert found == set()
