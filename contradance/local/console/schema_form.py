"""A form made from a contract's JSON Schema: its fields, their values, and the data of a submitted form.

An object is a group, a list is a group with any number of items, a scalar is an input; anything else (a union of objects, a
dictionary) is an input of JSON text. The name of an input is the path that an error has: `lines.0.quantity`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from contradance.compatibility.keywords import CHECKS, SchemaObject
from contradance.local.console.submitted import SubmittedForm

InputKind = Literal["text", "number", "yes", "choice", "json", "group", "list"]
MOST_ITEMS: Final = 50
"""Most items of a list that have inputs of their own; a longer list is JSON text."""
_ABSENT: Final = object()
_HOLDERS: Final[Mapping[str, type]] = {"group": Mapping, "list": list}
"""Kinds of inputs that hold others, and what their data is."""


@dataclass(frozen=True, slots=True)
class FormField:
    """One input, or a group of them."""

    path: str
    label: str
    kind: InputKind
    about: str
    required: bool
    personal: bool
    value: str
    """Its value as text; `true` where a box is ticked."""
    error: str
    choices: tuple[str, ...] = ()
    fields: tuple["FormField", ...] = field(default=())

    @property
    def id(self) -> str:
        """Its id in the page."""
        return input_id(self.path)


def input_id(path: str) -> str:
    """Return the HTML id of the input at a path: `f-lines-0-quantity` for `lines.0.quantity`."""
    return "f-" + re.sub(r"[^\w-]", "-", path)


class SchemaForm:
    """The form of one contract."""

    def __init__(self, schema: SchemaObject) -> None:
        self._schema = schema
        self._definitions: Mapping[str, SchemaObject] = schema.get("$defs", {})

    def fields(self, data: Any, errors: Mapping[str, str]) -> tuple[FormField, ...]:
        """Return the form's fields with the values in `data`, and with errors by path."""
        return tuple(self._children(self._resolved(self._schema)[0], "", data, errors))

    def read(self, form: SubmittedForm) -> tuple[Any, dict[str, str]]:
        """Return a submitted form's data, not validated, and errors by path for text that is not JSON."""
        errors: dict[str, str] = {}
        return self._read(self._schema, "", form, errors, required=True), errors

    def _children(self, schema: SchemaObject, path: str, data: Any, errors: Mapping[str, str]) -> Iterator[FormField]:
        """Yield a field for each property of an object's schema, with its value in `data` and its error."""
        required = schema.get("required", ())
        for name, inner in schema["properties"].items():
            value = data.get(name, _ABSENT) if isinstance(data, Mapping) else _ABSENT
            yield self._field(inner, _join(path, name), name, value, errors, required=name in required)

    def _field(
        self, given: SchemaObject, path: str, label: str, data: Any, errors: Mapping[str, str], *, required: bool
    ) -> FormField:
        """Return an input or group with its value and error; JSON text if the value does not fit, or is a long list."""
        schema, nullable = self._resolved(given)
        kind = _input_kind(schema, nullable=nullable)
        if data is not _ABSENT and data is not None and not isinstance(data, _HOLDERS.get(kind, object)):
            kind = "json"  # a serializer of the author's own makes something else of it
        if kind == "list" and isinstance(data, list) and len(data) > MOST_ITEMS:
            kind = "json"
        inner: tuple[FormField, ...] = ()
        if kind == "group":
            inner = tuple(self._children(schema, path, data, errors))
        elif kind == "list":
            items = data if isinstance(data, list) else []
            inner = tuple(
                self._field(schema["items"], f"{path}.{number}", f"{label} {number + 1}", item, errors, required=True)
                for number, item in enumerate(items)
            )
        return FormField(
            path=path,
            label=label,
            kind=kind,
            about=str(given.get("description", schema.get("description", ""))),
            required=required and not nullable,
            personal=bool(schema.get("x-pii") or given.get("x-pii")),
            value=_text(data, kind),
            error=errors.get(path, ""),
            choices=tuple(map(str, schema.get("enum", ()))),
            fields=inner,
        )

    def _read(
        self, given: SchemaObject, path: str, form: SubmittedForm, errors: dict[str, str], *, required: bool
    ) -> Any:
        """Return a submitted value, and add to `errors`; for one left out None if it may be null, else `_ABSENT`."""
        schema, nullable = self._resolved(given)
        kind = _input_kind(schema, nullable=nullable)
        if path and kind in _HOLDERS and path in form:
            kind = "json"  # where the data is of another type or too long, the form has a JSON input
        if kind == "group":
            return self._read_group(schema, path, form, errors)
        if kind == "list":
            return self._read_list(schema, path, form, errors)
        text = form.first(path)
        if kind == "yes":
            return text == "true"
        if text == "" and (nullable or not required or kind == "json"):
            return None if nullable else _ABSENT
        return _value(text, kind, path, errors)

    def _read_group(
        self, schema: SchemaObject, path: str, form: SubmittedForm, errors: dict[str, str]
    ) -> dict[str, Any]:
        """Return the submitted values of a group's inputs by name, without those that were left out."""
        required = schema.get("required", ())
        values = {
            name: self._read(inner, _join(path, name), form, errors, required=name in required)
            for name, inner in schema["properties"].items()
        }
        return {name: value for name, value in values.items() if value is not _ABSENT}

    def _read_list(self, schema: SchemaObject, path: str, form: SubmittedForm, errors: dict[str, str]) -> list[Any]:
        """Return the submitted items of a list, at most `MOST_ITEMS`; one that was left out is None."""
        items = (
            self._read(schema["items"], f"{path}.{number}", form, errors, required=True)
            for number in range(_item_count(form, path))
        )
        return [None if item is _ABSENT else item for item in items]

    def _resolved(self, schema: SchemaObject) -> tuple[SchemaObject, bool]:
        """Return the schema to which a reference or a nullable schema leads, and whether null is allowed."""
        members = [member for member in schema.get("anyOf", ()) if member.get("type") != "null"]
        nullable = bool(members) and len(members) < len(schema["anyOf"])
        if nullable and len(members) == 1:
            return self._resolved({**members[0], **{key: schema[key] for key in ("x-pii",) if key in schema}})[0], True
        if "$ref" in schema:
            return self._resolved(self._definitions[schema["$ref"].rpartition("/")[2]])[0], nullable
        return schema, nullable


def _input_kind(schema: SchemaObject, *, nullable: bool) -> InputKind:
    """Return the kind of input for a schema; a nullable object, list or boolean is edited as JSON text.

    So is what a serializer of the author's own writes, whose JSON the schema does not describe.
    """
    if "enum" in schema and all(isinstance(one, str) for one in schema["enum"]):
        return "choice"
    kinds = {member.get("type") for member in schema.get("anyOf", [schema])}
    if "serializer" in schema.get(CHECKS, {}).values():
        return "json"
    if kinds == {"string"} or _is_decimal(schema):
        return "text"
    if kinds <= {"number", "integer"}:
        return "number"
    return "json" if nullable else _input_kind_of_parts(schema, kinds)


def _input_kind_of_parts(schema: SchemaObject, kinds: set[object]) -> InputKind:
    """Return the kind of input for a boolean, an object or a list; `json` for anything else."""
    if kinds == {"object"} and "properties" in schema:
        return "group"
    if kinds == {"array"} and "items" in schema:
        return "list"
    return "yes" if kinds == {"boolean"} else "json"


def _is_decimal(schema: SchemaObject) -> bool:
    """Whether a schema is a decimal's, a number or its text: it gets a text input. Pydantic before 2.14 gives a pattern."""
    members = schema.get("anyOf", ())
    return [member.get("type") for member in members] == ["number", "string"] and (
        members[1].get("format") == "decimal" or "pattern" in members[1]
    )


def _text(data: Any, kind: InputKind) -> str:
    """Return data as an input's text: empty for none; as JSON unless it is text and the input is not for JSON."""
    if data is _ABSENT or (data is None and kind != "json") or kind in _HOLDERS:
        return ""
    if isinstance(data, str) and kind != "json":
        return data
    return json.dumps(data, ensure_ascii=False, indent=2 if kind == "json" else None)


def _value(text: str, kind: InputKind, path: str, errors: dict[str, str]) -> Any:
    """Return JSON text and numbers as values, other text unchanged; for invalid JSON None, and an error at `path`."""
    if kind == "json" or (kind == "number" and re.fullmatch(r"-?\d{1,30}(\.\d{1,30})?", text)):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            errors[path] = "This is not JSON."
            return None
    return text


def _item_count(form: SubmittedForm, path: str) -> int:
    """Return the number of items in the list at `path`: up to the last submitted one, and at most `MOST_ITEMS`."""
    last = max((_item_number(name, path) for name in form.names()), default=-1)
    return min(last + 1, MOST_ITEMS)


def _item_number(name: str, path: str) -> int:
    """Return the number of the item of the list at `path` to which the input `name` belongs; -1 if to none."""
    number, _, _ = name.removeprefix(f"{path}.").partition(".")
    return int(number) if name.startswith(f"{path}.") and number.isdecimal() and len(number) < 4 else -1  # noqa: PLR2004


def _join(path: str, name: str) -> str:
    """Return the path of a field in the group at `path`; only its name at the top."""
    return f"{path}.{name}" if path else name
