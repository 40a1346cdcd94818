"""Functions that are decorated in the project's code, and that the choreography does not list."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from contradance.choreography import Choreography
from contradance.lint.finding import LintFinding

_DECORATORS: Final = ("subscriber", "route", "schedule")


def unlisted(choreography: Choreography, root: Path, module: str) -> Iterator[LintFinding]:
    """Yield a finding for each decorated handler below the choreography's folder that the choreography does not list.

    The code is read and not imported: a module that nothing imports is found too.

    Args:
        choreography: the choreography to check.
        root: the folder of the project.
        module: the module of the choreography: the handlers are in its folder, and below.
    """
    package, _, _ = module.rpartition(".")
    folder = root.joinpath(*package.split("."))
    listed = {(one.handler.__module__, one.handler.__name__) for one in choreography.functions.values()}
    for path in sorted(folder.rglob("*.py")) if package else ():
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        for handler in _handlers(path):
            if (name, handler.name) not in listed:
                yield LintFinding(
                    "unlisted",
                    f"{parts[-2]}.{handler.name}",
                    f"{parts[-2]}.{handler.name} ({path.relative_to(root).as_posix()}, line {handler.lineno}) is decorated, "
                    f"but choreography {choreography.name!r} does not list it.",
                    "It is not deployed and never runs.",
                    f"Add {handler.name} to functions=[...] in {module.replace('.', '/')}.py.",
                )


def _handlers(path: Path) -> Iterator[ast.FunctionDef]:
    """Yield the decorated functions at the top level of a module; none of a file that cannot be read or parsed."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    imported = {
        alias.asname or alias.name: alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "contradance"
        for alias in node.names
    }
    names = {name for name, original in imported.items() if original in _DECORATORS}
    names |= {f"contradance.{name}" for name in _DECORATORS}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and any(
            isinstance(one, ast.Call) and ast.unparse(one.func) in names for one in node.decorator_list
        ):
            yield node
