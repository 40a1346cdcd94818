"""The code of an event of others: models that datamodel-code-generator writes, one of them as a `ForeignEvent`."""

import ast
import io
import json
import tokenize
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

from contradance.errors import CannotCreate
from contradance.foreign import OWN_NAMES

GENERATOR: Final = "datamodel_code_generator"
_BASE: Final = "ForeignEvent"
_ROOT: Final = "ForeignEventOfThisDocument"
"""Class of the detail while the generator runs: a name that no part of a document has."""


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
    aliases: dict[str, str] = {}
    code = _generate_models(form, detail, aliases)
    while reserved := _reserved_fields(code):
        aliases |= reserved
        code = _generate_models(form, detail, aliases)
    code = _rename_classes(code, name)
    lines = code.split("\n")  # as the parser counts lines
    event, bases = _event_class(ast.parse(code), name)
    body = _fields(event, lines)
    options = [f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in keywords.items()]
    origin, kind = (keywords[key].replace("\\", "").replace('"', "'") for key in ("source", "detail_type"))
    head = [f"class {name}({', '.join([_BASE, *bases, *options])}):", f'    """{origin} published {kind}."""']
    replaced = [*lines[: event.lineno - 1], *head, *body, *lines[event.end_lineno :]]
    future = [line for line in replaced if line.startswith("from __future__")]
    kept = "\n".join(line for line in replaced if not line.startswith("#") and line not in future)
    title = f'"""The event {kind} of {origin}, as its publisher has it.\n\n'
    notes = (
        "Another event may lack some of these fields: make them optional. Name in once_by= the fields that identify an "
        'event.\n"""\n\n'
    )
    first = "\n\n".join([*(future if "model_rebuild()" in kept else []), f"from contradance import {_BASE}"])
    return f"{title}{notes}{first}\n" + kept.strip("\n") + "\n"


def _event_class(module: ast.Module, name: str) -> tuple[ast.ClassDef, list[str]]:
    """Return (class of the detail, its bases without `BaseModel`); raise `CannotCreate` if it is not an object."""
    classes = {node.name: node for node in module.body if isinstance(node, ast.ClassDef)}
    event = classes.get(name)
    bases = [] if event is None else [text for base in event.bases if (text := ast.unparse(base)) != "BaseModel"]
    if event is None or not set(bases) <= set(classes):
        raise CannotCreate(
            "the document describes no object with fields, and the detail of an event is one.\n  Write the class by hand."
        )
    return event, bases


def _fields(event: ast.ClassDef, lines: list[str]) -> list[str]:
    """Return the lines of a class's body, without `pass` and without the docstring that the schema has."""
    body = lines[event.lineno : event.end_lineno]
    if [*map(str.strip, body)] == ["pass"]:
        return []
    return lines[event.body[0].end_lineno : event.end_lineno] if isinstance(event.body[0], ast.Expr) else body


def _generate_models(form: str, detail: Mapping[str, Any], aliases: Mapping[str, str]) -> str:
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
        return written.read_text(encoding="utf-8")


def _reserved_fields(code: str) -> dict[str, str]:
    """Return another, free name for each field whose name a foreign event reserves, by the field's name in JSON."""
    fields = {}
    for node in ast.walk(ast.parse(code)):
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


def _rename_classes(code: str, name: str) -> str:
    """Return the code with `name` as the class of the detail; a part of this name gets another one."""
    tree = ast.parse(code)
    imports = [node.names for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    taken = {_BASE, *(alias.asname or alias.name for alias in chain(*imports))}
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
    tokens = [
        one
        for one in tokenize.generate_tokens(io.StringIO(code).readline)
        if one.type == tokenize.NAME and one.string in names
    ]
    lines = code.split("\n")  # as the tokenizer counts lines
    for one in reversed(tokens):
        (row, start), (_, end) = one.start, one.end
        lines[row - 1] = lines[row - 1][:start] + names[one.string] + lines[row - 1][end:]
    return "\n".join(lines)
