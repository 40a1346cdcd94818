"""Finds unions that cannot be read: their members differ only in what a consumer ignores, or repeat the union."""

from collections.abc import Iterator
from enum import Enum
from itertools import permutations
from typing import Any, Final

from contradance.coreschema import CoreSchema, Definitions, schemas_inside, unwrapped

_JSON_OF: Final = {
    **dict.fromkeys(("int", "float", "decimal", "timedelta"), "number"),
    **dict.fromkeys(("str", "bytes", "uuid", "url", "multi-host-url", "date", "datetime", "time"), "text"),
    **dict.fromkeys(("list", "tuple", "set", "frozenset"), "list"),
    **dict.fromkeys(("model", "dict", "typed-dict", "dataclass"), "object"),
    "bool": "boolean",
    "none": "null",
}
"""JSON types by the type of a core schema. Pydantic reads strings as numbers and numbers as strings."""


def ambiguous_members(schema: CoreSchema, definitions: Definitions) -> Iterator[tuple[str, str]]:
    """Yield the first ambiguity of a union as (problem, fix); nothing when a consumer can distinguish its members."""
    choices = [unwrapped(one[0] if isinstance(one, tuple) else one, definitions) for one in schema["choices"]]
    for reader, writer in permutations(choices, 2):
        if reader["type"] == "model" and _reads_but_for_unknown(reader, writer, definitions):
            names = f"{_class_name(reader)} and {_class_name(writer)}"
            what = f"is a union of {names}, which differ only in fields that a consumer ignores, so it may read one as the other"
            yield (
                what,
                "Give each a field like `kind: Literal['a'] = 'a'`, and the union Field(discriminator='kind').",
            )
            return


def repeating_members(schema: CoreSchema, definitions: Definitions) -> Iterator[tuple[str, str]]:
    """Yield a problem, as (problem, fix), when several members of a union hold the union again.

    Pydantic tries each of them on the same JSON, and each tries all of them again one level deeper: 300 bytes with 20
    levels take a minute.
    """
    choices = [one[0] if isinstance(one, tuple) else one for one in schema["choices"]]
    by_json: dict[str, list[str]] = {}
    for choice in choices:
        member = unwrapped(choice, definitions)
        if _holds(choice, schema, definitions):
            by_json.setdefault(_JSON_OF.get(member["type"], "object"), []).append(_class_name(member))
    for names in by_json.values():
        if len(names) > 1:
            yield (
                f"is a union of {' and '.join(names)}, which hold the union again, so that each level doubles the time to read it",
                "Give each a field like `kind: Literal['a'] = 'a'`, and the union Field(discriminator='kind').",
            )


def _holds(schema: CoreSchema, wanted: CoreSchema, definitions: Definitions) -> bool:
    """Whether `wanted` is in `schema`, at any depth and behind references."""
    seen: set[int] = set()
    left = [schema]
    while left:
        one = left.pop()
        if one is wanted:
            return True
        if id(one) not in seen:
            seen.add(id(one))
            target = definitions.get(one["schema_ref"]) if one["type"] == "definition-ref" else None
            left += [target] if target is not None else schemas_inside(one)
    return False


def _reads_but_for_unknown(reader: CoreSchema, writer: CoreSchema, definitions: Definitions) -> bool:
    """Whether the model `reader` accepts the JSON of `writer` only because it ignores unknown fields."""
    if writer["type"] == "dict":
        return True
    if writer["type"] != "model" or writer["cls"] is reader["cls"]:
        return False
    ours, theirs = _fields_on_wire(reader, definitions), _fields_on_wire(writer, definitions)
    if ours is None or theirs is None or not theirs.keys() - ours.keys():
        return False
    for name, (schema, required) in ours.items():
        if name not in theirs:
            if required:
                return False
        elif not _may_read(schema, theirs[name][0], definitions):
            return False
    return True


def _fields_on_wire(schema: CoreSchema, definitions: Definitions) -> dict[str, tuple[CoreSchema, bool]] | None:
    """Return a model's fields by their names on the wire: (schema, whether it is required); None for a root model."""
    inner = unwrapped(schema["schema"], definitions)
    if inner["type"] != "model-fields":
        return None
    return {
        field.get("serialization_alias", name): (field["schema"], field["schema"]["type"] != "default")
        for name, field in inner["fields"].items()
    }


def _may_read(reader: CoreSchema, writer: CoreSchema, definitions: Definitions) -> bool:
    """Whether the field `reader` may accept the JSON of `writer`; True when it is uncertain."""
    one, other = unwrapped(reader, definitions), unwrapped(writer, definitions)
    ours, theirs = _allowed_values(one), _allowed_values(other)
    if ours is not None and theirs is not None:
        return not ours.isdisjoint(theirs)
    kinds = (_JSON_OF.get(one["type"]), _JSON_OF.get(other["type"]))
    structures = {"list", "object"}
    return None in kinds or kinds[0] == kinds[1] or not structures.intersection(kinds)


def _allowed_values(schema: CoreSchema) -> set[Any] | None:
    """Return the values of a literal or an enum; None for another type."""
    if schema["type"] == "literal":
        return {one.value if isinstance(one, Enum) else one for one in schema["expected"]}
    return {one.value for one in schema["members"]} if schema["type"] == "enum" else None


def _class_name(schema: CoreSchema) -> str:
    """Return the name of a schema's class; `a mapping` or `a list` for a schema without one."""
    if "cls" in schema:
        return str(schema["cls"].__name__)
    return "a list" if _JSON_OF.get(schema["type"]) == "list" else "a mapping"
