"""Reads the imports of a module from its source, without running it.

Imports under `if TYPE_CHECKING:` do not run, so they do not count, except in a lazy package: it has a `__getattr__`, which
loads the names that it imports under `if TYPE_CHECKING:`. Importing such a name loads the module that defines it.
"""

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from contradance.errors import PackagingError


class Imported(NamedTuple):
    """One import: a module, and the name that is imported from it."""

    module: str
    name: str | None
    """None for `import module` and for `from module import *`."""
    line: int
    optional: bool
    """Whether the importing module handles an ImportError."""


@dataclass(frozen=True, slots=True)
class Imports:
    """The imports of one module."""

    at_run_time: tuple[Imported, ...]
    lazy: dict[str, Imported]
    """The names that a lazy package loads on first use, and their imports; empty for other modules."""


def read_imports(path: Path, module: str) -> Imports:
    """Return the imports of the module `module` in the file `path`; `PackagingError` if this Python cannot parse it.

    Raises:
        PackagingError: this interpreter cannot parse the file.
    """
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except (SyntaxError, ValueError) as error:
        raise PackagingError(
            f"{path} is not valid Python: {error}.\n  Lambda could not import {module} either."
        ) from error
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    reader = _ImportVisitor(package)
    reader.visit(tree)
    lazy = any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in tree.body)
    return Imports(tuple(reader.at_run_time), reader.for_typing if lazy else {})


class _ImportVisitor(ast.NodeVisitor):
    """Collects the imports of one module."""

    def __init__(self, package: str) -> None:
        self.at_run_time: list[Imported] = []
        self.for_typing: dict[str, Imported] = {}
        self._package = package
        self._typing = False
        self._optional = False

    def visit_If(self, node: ast.If) -> None:
        """Collect the imports under `if TYPE_CHECKING:` separately, and those of its `else` as usual."""
        negated = isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not)
        test = node.test.operand if isinstance(node.test, ast.UnaryOp) and negated else node.test
        if not _is_type_checking(test):
            self.generic_visit(node)
            return
        self._visit_all(node.orelse if negated else node.body, typing=True)
        self._visit_all(node.body if negated else node.orelse)

    def visit_Try(self, node: ast.Try) -> None:
        """Collect a `try`'s imports; in its body and handlers they are optional if it handles ImportError."""
        optional = any(_catches_import_errors(handler) for handler in node.handlers)
        self._visit_all([*node.body, *node.handlers], optional=optional)
        self._visit_all([*node.orelse, *node.finalbody])

    def visit_Import(self, node: ast.Import) -> None:
        """Collect the modules of `import a.b, c`."""
        for alias in node.names:
            self._add(alias.name, None, node.lineno, alias.asname or alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Collect `from a import b` and, with the module's full name, `from . import b`."""
        module = node.module or ""
        if node.level:
            parts = self._package.split(".")
            above = parts[: len(parts) - node.level + 1]
            module = ".".join([*above, *filter(None, [node.module])])
        for alias in node.names:
            name = None if alias.name == "*" else alias.name
            self._add(module, name, node.lineno, alias.asname or alias.name)

    def _add(self, module: str, name: str | None, line: int, bound: str) -> None:
        """Add an import; inside `if TYPE_CHECKING:` to those for typing, by the name that it binds."""
        imported = Imported(module, name, line, self._optional)
        if self._typing:
            self.for_typing[bound] = imported
        else:
            self.at_run_time.append(imported)

    def _visit_all(self, nodes: Iterable[ast.AST], **flags: bool) -> None:
        """Visit nodes with the flags `typing` and `optional` on if given here, or on already; restore them after."""
        before = self._typing, self._optional
        self._typing = self._typing or flags.get("typing", False)
        self._optional = self._optional or flags.get("optional", False)
        for node in nodes:
            self.visit(node)
        self._typing, self._optional = before


def _is_type_checking(test: ast.expr) -> bool:
    """Whether an expression is the name or the attribute `TYPE_CHECKING`."""
    name = test.id if isinstance(test, ast.Name) else test.attr if isinstance(test, ast.Attribute) else ""
    return name == "TYPE_CHECKING"


def _catches_import_errors(handler: ast.ExceptHandler) -> bool:
    """Whether an `except` names ImportError, ModuleNotFoundError, Exception or BaseException, or no class at all."""
    if handler.type is None:
        return True
    names = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
    return bool(names & {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
