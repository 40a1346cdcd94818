"""The code of an event of others: models that datamodel-code-generator writes, one of them as a `ForeignEvent`."""

import ast
import io
import json
import re
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

from pydantic_core import SchemaError, SchemaValidator, core_schema

from contradance.errors import CannotCreate
from contradance.foreign import OWN_NAMES

GENERATOR: Final = "datamodel_code_generator"
_BASE: Final = "ForeignEvent"
_ROOT: Final = "ForeignEventOfThisDocument"
"""Class of the detail while the generator runs: a name that no part of a document has."""
_MODEL: Final = "BaseModel"
_FUTURE: Final = "__future__"
_PLAIN_TYPES: Final = {"EmailStr": "str", "NameEmail": "str"}
"""Types that need another package than Pydantic, and the ones to use instead."""
_CONSTRAINED: Final = {
    "conbytes": "bytes",
    "condecimal": "Decimal",
    "confloat": "float",
    "conint": "int",
    "constr": "str",
}
"""Functions of Pydantic that make a type, and its base."""
_ANY: Final = "object"
"""The type of a field that is null in a sample."""
_NOTE: Final = "Another event may lack some of these fields: make them optional. Name in once_by= the fields that identify an event."
_NULLS: Final = "A field that is `object` is null in the sample: give it its type."


def foreign_module(
    name: str, keywords: Mapping[str, str], form: Literal["json", "jsonschema"], detail: Mapping[str, Any]
) -> str:
    """Return the source of an event's module: models of its parts, and the class `name`, or raise `CannotCreate`.

    Args:
        name: the class of the event.
        keywords: its source, its detail-type, and its bus where it has one.
        form: whether `detail` is a detail or the schema of one.
        detail: the document.
    """
    tree = _models(form, detail)
    names = _class_names(tree, name)
    origin, kind = (keywords[key].replace("\\", "").replace('"', "'") for key in ("source", "detail_type"))
    rewrite = _Models(names, f"A part of {kind}.", nulls=form == "json")
    body: list[ast.stmt] = [rewrite.visit(node) for node in tree.body]
    _make_event(body, name, keywords, f"{origin} published {kind}.")
    used = _used_names(body)
    code = ast.unparse(ast.fix_missing_locations(ast.Module(_with_imports(body, used), [])))
    notes = f"{_NOTE}\n{_NULLS}" if "object" in used else _NOTE
    return f'"""The event {kind} of {origin}, as its publisher has it.\n\n{notes}\n"""\n\n{code}\n'


def _models(form: str, detail: Mapping[str, Any]) -> ast.Module:
    """Return the models of a document; a field whose name a foreign event reserves gets another name."""
    aliases: dict[str, str] = {}
    tree = _generated(form, detail, aliases)
    while (reserved := _reserved_fields(tree)).keys() - aliases.keys():
        aliases |= reserved
        tree = _generated(form, detail, aliases)
    return tree


def _generated(form: str, detail: Mapping[str, Any], aliases: Mapping[str, str]) -> ast.Module:
    """Return the models that datamodel-code-generator writes, fields named by `aliases`, or raise `CannotCreate`."""
    if find_spec(GENERATOR) is None:
        raise CannotCreate(
            "datamodel-code-generator is not installed, which writes models.\n  pip install datamodel-code-generator"
        )
    with TemporaryDirectory() as folder:
        given, written = Path(folder) / "detail.json", Path(folder) / "model.py"
        given.write_text(json.dumps(detail), encoding="utf-8")
        arguments = [
            *("--input", str(given), "--output", str(written), "--input-file-type", form),
            *("--output-model-type", "pydantic_v2.BaseModel", "--class-name", _ROOT, "--snake-case-field"),
            *("--disable-timestamp", "--disable-warnings", "--target-python-version", "3.11", "--use-union-operator"),
            *("--aliases", json.dumps(aliases), "--formatters", "builtin", "--ignore-pyproject"),
        ]
        command, printed = import_module(f"{GENERATOR}.__main__"), io.StringIO()
        with redirect_stderr(printed), redirect_stdout(printed):
            failed = command.main(arguments)
        if failed or not written.is_file():
            shown = [line.partition(" [type=")[0].strip() for line in printed.getvalue().splitlines()]
            shown = [line for line in shown if line and not line.startswith("For further information")]
            reason = shown[-1] if shown else "it wrote nothing"  # of Pydantic's errors neither the value nor the link
            raise CannotCreate(f"datamodel-code-generator cannot write a model: {reason}.\n  Write the class by hand.")
        return ast.parse(written.read_text(encoding="utf-8"))


def _reserved_fields(tree: ast.Module) -> dict[str, str]:
    """Return another, free name for each field whose name a foreign event reserves, by the field's name in JSON."""
    fields = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            keywords = node.value.keywords if isinstance(node.value, ast.Call) else []
            alias = [one.value.value for one in keywords if one.arg == "alias" and isinstance(one.value, ast.Constant)]
            fields[node.target.id] = str(alias[0]) if alias else node.target.id
    free = {}
    for name in OWN_NAMES & set(fields):
        other = f"{name}_"
        while other in fields:
            other += "_"
        free[fields[name]] = other
    return free


def _class_names(tree: ast.Module, name: str) -> dict[str, str]:
    """Return each class's new name by the generator's, `name` for the detail; `CannotCreate` if an import has it."""
    taken = {_BASE}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            taken |= {alias.name for alias in node.names}
    if name in taken:
        raise CannotCreate(f"{name} is a name that the module of the event imports.\n  Choose another name.")
    names = {_ROOT: name}
    taken.add(name)
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name != _ROOT:
            free = node.name.replace(_ROOT, name)
            while free in taken:
                free += "Model"  # the ending that the generator itself gives
            taken.add(free)
            names[node.name] = free
    return names


class _Models(ast.NodeTransformer):
    """Renames classes, gives each a docstring, and gives a field that is null in a sample any type."""

    def __init__(self, names: Mapping[str, str], about: str, *, nulls: bool) -> None:
        self._names = names
        self._about = about
        self._nulls = nulls
        self._any = _ANY

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Return a class with its new name and a docstring."""
        fields = {
            one.target.id for one in node.body if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
        }
        self._any = "Any" if _ANY in fields else _ANY  # within the class, a field's name is not a type
        self.generic_visit(node)
        node.name = self._names.get(node.name, node.name)
        body = [one for one in node.body if not isinstance(one, ast.Pass)]
        node.body = body if ast.get_docstring(node) else [ast.Expr(ast.Constant(self._about)), *body]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """Return a field; `object` is its type where a sample has null."""
        self.generic_visit(node)
        node.annotation = _without_null(node.annotation, self._any) if self._nulls else node.annotation
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Return a reference with the new name of its class; the name of a field is unchanged."""
        if isinstance(node.ctx, ast.Load):
            node.id = _PLAIN_TYPES.get(node.id) or self._names.get(node.id, node.id)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Return `constr(min_length=1)` as `Annotated[str, Field(min_length=1)]`, which type checkers accept."""
        self.generic_visit(node)
        node.keywords = [one for one in node.keywords if one.arg != "pattern" or _is_pattern(one.value)]
        kind = _CONSTRAINED.get(node.func.id) if isinstance(node.func, ast.Name) else None
        if kind is None:
            return node
        constrained = ast.Tuple([ast.Name(kind), ast.Call(ast.Name("Field"), [], node.keywords)])
        return ast.Subscript(ast.Name("Annotated"), constrained) if node.keywords else ast.Name(kind)


def _is_pattern(value: ast.expr) -> bool:
    """Whether a regular expression of a schema, JavaScript's, is one for Pydantic and for Python."""
    try:
        SchemaValidator(core_schema.str_schema(pattern=re.compile(ast.literal_eval(value)).pattern))
    except (SchemaError, ValueError, re.error):
        return False
    return True


def _without_null(annotation: ast.expr, any_type: str) -> ast.expr:
    """Return the type with `any_type` in place of None alone, also of a list's items; a union with None is unchanged."""
    if isinstance(annotation, ast.Constant) and annotation.value is None:
        return ast.Name(any_type)
    if isinstance(annotation, ast.Subscript):
        annotation.slice = _without_null(annotation.slice, any_type)
    return annotation


def _make_event(body: list[ast.stmt], name: str, keywords: Mapping[str, str], about: str) -> None:
    """Make the class `name` a `ForeignEvent` with these keywords; raise `CannotCreate` unless it has fields."""
    classes = {node.name: node for node in body if isinstance(node, ast.ClassDef)}
    event = classes.get(name)
    bases = [] if event is None else [base for base in event.bases if ast.unparse(base) != _MODEL]
    if event is None or not {ast.unparse(base) for base in bases} <= set(classes):
        raise CannotCreate(
            "the document describes no object with fields, and the detail of an event is one.\n  Write the class by hand."
        )
    event.bases = [ast.Name(_BASE), *bases]
    event.keywords = [ast.keyword(key, ast.Constant(value)) for key, value in keywords.items()]
    event.body[0] = ast.Expr(ast.Constant(about))


def _used_names(body: list[ast.stmt]) -> set[str]:
    """Return the names that code uses, and `annotations`, of `__future__`, if `model_rebuild` completes a class."""
    nodes = [node for statement in body for node in ast.walk(statement)]
    rebuilt = any(isinstance(node, ast.Attribute) and node.attr == "model_rebuild" for node in nodes)
    return {node.id for node in nodes if isinstance(node, ast.Name)} | ({"annotations"} if rebuilt else set())


def _with_imports(body: list[ast.stmt], used: set[str]) -> list[ast.stmt]:
    """Return the code with imports of `ForeignEvent` and of what it lacks, and without the names that are not used."""
    body = _with_names(body)
    for node in body:
        if isinstance(node, ast.ImportFrom):
            node.names = [alias for alias in node.names if alias.name in used]
    kept = [node for node in body if not isinstance(node, ast.ImportFrom) or node.names]
    future = [node for node in kept if isinstance(node, ast.ImportFrom) and node.module == _FUTURE]
    own = ast.ImportFrom("contradance", [ast.alias(_BASE)], 0)
    return [*future, own, *(node for node in kept if node not in future)]


def _with_names(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return the code with imports of the names that `_Models` may have written."""
    modules = {node.module: node for node in body if isinstance(node, ast.ImportFrom)}
    for module, name in (("typing", "Any"), ("typing", "Annotated"), ("pydantic", "Field")):
        if module not in modules:
            modules[module] = ast.ImportFrom(module, [], 0)
            body = [modules[module], *body]
        if name not in {alias.name for alias in modules[module].names}:
            modules[module].names.append(ast.alias(name))
    return body
