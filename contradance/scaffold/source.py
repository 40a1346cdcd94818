"""Precise edits of Python source: the parser finds the position, text is inserted there, and nothing else changes."""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import TypeVar

from contradance.errors import CannotCreate

_Definition = TypeVar("_Definition", ast.ClassDef, ast.FunctionDef)
_LINE = 120
"""Longest line of an import, in characters."""


@dataclass(frozen=True)
class Source:
    """The text of one module. Immutable: each edit returns a new one."""

    path: str
    """As error messages show it."""
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed module; raises `CannotCreate` when the text is not Python."""
        try:
            return ast.parse(self.text, self.path)
        except SyntaxError as error:
            raise CannotCreate(
                f"{self.path} is not Python: {error.msg}, line {error.lineno}.\n  Correct it first; nothing is changed."
            ) from error

    def bindings(self) -> dict[str, str | None]:
        """Return the names of the module's top level, by each its origin `module:name`, None if it is defined here."""
        names: dict[str, str | None] = {}
        for statement in self.tree.body:
            match statement:
                case ast.ImportFrom(module=str(module), names=aliases, level=0):
                    names |= {alias.asname or alias.name: f"{module}:{alias.name}" for alias in aliases}
                case ast.Import(names=aliases):
                    names |= {(alias.asname or alias.name).partition(".")[0]: alias.name for alias in aliases}
                case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    names[name] = None
                case _:
                    names |= dict.fromkeys(dict(_aliases(statement)))
        return names

    def with_import(self, module: str, name: str, alias: str | None = None) -> "Source":
        """Return the source with `name` imported from `module`; raise `CannotCreate` if the name is something else."""
        bindings = self.bindings()
        if bindings.get(alias or name, "") == f"{module}:{name}":
            return self
        if (alias or name) in bindings:
            raise CannotCreate(
                f"{self.path} already defines {alias or name}, so it cannot import {module}.{name}.\n"
                "  Rename one of them."
            )
        written = name if alias is None else f"{name} as {alias}"
        for statement in self.tree.body:
            if isinstance(statement, ast.ImportFrom) and (statement.module, statement.level) == (module, 0):
                return self._with_imported_name(statement, written)
        return self._with_import_line(module, f"from {module} import {written}\n")

    def with_imports(self, names: Iterable[tuple[str, str]]) -> "Source":
        """Return the source with each (module, name) imported, as `with_import` does."""
        return reduce(lambda source, imported: source.with_import(*imported), names, self)

    def with_item(self, callee: str, keyword: str | None, item: str, after: str | None = None) -> "Source":
        """Return the source with `item` in the list of a call of `callee`, after `after` or at the end; once only."""
        found = self._list_argument(callee, keyword)
        if any(isinstance(one, ast.Name) and one.id == item for one in found.elts):
            return self
        if not found.elts:
            (indent,) = re.findall(r"^\s*", self.text.split("\n")[found.lineno - 1])
            return self._splice(*self._span(found), f"[\n{indent}    {item},\n{indent}]")
        anchor = next((one for one in found.elts if isinstance(one, ast.Name) and one.id == after), found.elts[-1])
        start, end = self._span(anchor)
        data = self.text.encode()
        if data[data.rfind(b"\n", 0, start) + 1 : start].strip():  # the items share a line
            return self._splice(end, end, f", {item}")
        comma = re.compile(rb"\s*,[ \t]*(?:#[^\n]*)?").match(data, end)
        position, separator = (comma.end(), "") if comma else (end, ",")
        return self._splice(position, position, f"{separator}\n{' ' * anchor.col_offset}{item},")

    def list_names(self, callee: str, keyword: str | None) -> list[str]:
        """Return the names in the list argument of a call of `callee`; raise `CannotCreate` without such a call."""
        return [one.id for one in self._list_argument(callee, keyword).elts if isinstance(one, ast.Name)]

    def with_union_member(self, alias_or_handler: str, member: str) -> "Source":
        """Return the source with one more member in a type alias, or in a handler's first annotation."""
        _, end = self._span(self._union_annotation(alias_or_handler))
        return self._splice(end, end, f" | {member}")

    def union_names(self, alias_or_handler: str) -> list[str]:
        """Return the names in the annotation of a handler's first parameter, or in a type alias."""
        return [one.id for one in ast.walk(self._union_annotation(alias_or_handler)) if isinstance(one, ast.Name)]

    def decorator_keywords(self, handler: str) -> list[str]:
        """Return the keywords of the calls that decorate a handler."""
        decorators = self.definition(ast.FunctionDef, handler).decorator_list
        return [word.arg or "" for one in decorators if isinstance(one, ast.Call) for word in one.keywords]

    def with_code(self, text: str) -> "Source":
        """Return the source with text at its end, after two empty lines."""
        return Source(self.path, f"{self.text.rstrip()}\n\n\n{text.strip()}\n" if self.text.strip() else text)

    def segment(self, node: ast.AST) -> str:
        """Return the source of a node."""
        return ast.get_source_segment(self.text, node) or ""

    def definition(self, kind: type[_Definition], name: str) -> _Definition:
        """Return a class or a function of the module's top level; raise `CannotCreate` without one of this name."""
        for statement in self.tree.body:
            if isinstance(statement, kind) and statement.name == name:
                return statement
        raise CannotCreate(
            f"{self.path} does not define {name} at its top level.\n  Move it there, or edit it by hand."
        )

    def _union_annotation(self, name: str) -> ast.expr:
        """Return the value of a type alias, or a handler's first annotation; raise `CannotCreate` without either."""
        for statement in self.tree.body:
            for alias, value in _aliases(statement):
                if alias == name:
                    return value
        parameters = self.definition(ast.FunctionDef, name).args.args
        if not parameters or parameters[0].annotation is None:
            raise CannotCreate(
                f"the first parameter of {name} in {self.path} has no annotation.\n  Annotate it with the event it takes."
            )
        return parameters[0].annotation

    def _list_argument(self, callee: str, keyword: str | None) -> ast.List:
        """Return the list given as `keyword`; for None as second argument or `contracts`; else raise `CannotCreate`."""
        for call in _calls(self.tree, callee):
            by_name = {word.arg: word.value for word in call.keywords}
            argument = by_name.get(keyword or "contracts", call.args[1] if call.args[1:] and not keyword else None)
            if isinstance(argument, ast.List):
                return argument
        argument_text = f"{keyword}=[...]" if keyword else "[...]"
        raise CannotCreate(
            f"{self.path} does not call {callee}(... {argument_text}) with a list to add to.\n"
            f"  Write the list in the call of {callee}, or add the new part by hand."
        )

    def _with_import_line(self, module: str, line: str) -> "Source":
        """Add the line of an import of a module that is not imported yet, after the imports that sort before it."""
        imports = [one for one in self.tree.body if isinstance(one, ast.Import | ast.ImportFrom)]
        if not imports:
            return self._with_line(_first_import_line(self.tree), f"{line}\n")
        before = [one for one in imports if _module_order(getattr(one, "module", "") or "") <= _module_order(module)]
        return self._with_line((before[-1].end_lineno or 0) + 1 if before else imports[0].lineno, line)

    def _with_imported_name(self, statement: ast.ImportFrom, written: str) -> "Source":
        """Add a name, as it is written, to an existing import statement, in order; break a line that gets too long."""
        if statement.lineno == statement.end_lineno:
            names = sorted([*(ast.unparse(alias) for alias in statement.names), written], key=_import_order)
            line = f"from {statement.module} import {', '.join(names)}"
            if len(line) > _LINE:
                line = f"from {statement.module} import (\n    " + ",\n    ".join(names) + ",\n)"
            return self._splice(*self._span(statement), line)
        later = [one for one in statement.names if _import_order(ast.unparse(one)) > _import_order(written)]
        if later:
            start, _ = self._span(later[0])
            return self._splice(start, start, f"{written},\n" + " " * later[0].col_offset)
        _, end = self._span(statement.names[-1])
        return self._splice(end, end, ",\n" + " " * statement.names[-1].col_offset + written)

    def _with_line(self, number: int, text: str) -> "Source":
        """Insert whole lines of text before a line, given by its number from 1."""
        lines = self.text.split("\n")  # as the parser counts lines
        before = "".join(f"{line}\n" for line in lines[: number - 1])
        return Source(self.path, before + text + "\n".join(lines[number - 1 :]))

    def _span(self, node: ast.stmt | ast.expr | ast.alias) -> tuple[int, int]:
        """Return the start and the end of a node, in UTF-8 bytes from the start of the text."""
        starts = [0]
        for line in self.text.encode().split(b"\n"):
            starts.append(starts[-1] + len(line) + 1)
        return (
            starts[node.lineno - 1] + node.col_offset,
            starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0),
        )

    def _splice(self, start: int, end: int, text: str) -> "Source":
        """Replace the text from `start` to `end`, in UTF-8 bytes from the start."""
        data = self.text.encode()
        return Source(self.path, (data[:start] + text.encode() + data[end:]).decode())


def _aliases(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """Yield (name, value) of `Name = ...`, `Name: TypeAlias = ...` and `type Name = ...`."""
    match statement:
        case ast.Assign(targets=targets, value=value):
            yield from ((target.id, value) for target in targets if isinstance(target, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            yield name, value
    if type(statement).__name__ == "TypeAlias":  # Python 3.11 has no ast.TypeAlias
        yield statement.name.id, statement.value  # type: ignore[attr-defined]


def _calls(tree: ast.Module, callee: str) -> Iterator[ast.Call]:
    """Yield the calls of a function or method of this name, at any depth."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name == callee:
                yield node


def _first_import_line(tree: ast.Module) -> int:
    """Return the number of the line for a first import: after the docstring."""
    first = tree.body[0] if tree.body else None
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return (first.end_lineno or 0) + 2 if first is not None and is_docstring else 1


def _import_order(written: str) -> tuple[int, str]:
    """Return a sort key of an imported name, as isort sorts them: constants, classes, the rest."""
    name = written.partition(" ")[0]
    rank = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return rank, name


def _module_order(module: str) -> tuple[int, str]:
    """Return a sort key of an imported module: the standard library first, then the others."""
    return (0 if module.partition(".")[0] in sys.stdlib_module_names else 1, module)
