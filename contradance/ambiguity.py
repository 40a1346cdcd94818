"""Finds unions that cannot be read: their members differ only in what a consumer ignores, or repeat the union."""

from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import permutations, product
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
_FIX_MODELS: Final = "Give each a field like `kind: Literal['a'] = 'a'`, and the union Field(discriminator='kind')."
_FIX_ORDER: Final = "Remove union_mode='left_to_right', or give each model a field like `kind: Literal['a'] = 'a'`."


def ambiguous_members(schema: CoreSchema, definitions: Definitions) -> Iterator[tuple[str, str]]:
    """Yield the first ambiguity of a union as (problem, fix); nothing when a consumer can distinguish its members.

    A smart union compares how many fields its members have read, also in the items of lists and mappings, and reads the
    right one there. A union that is read from left to right takes the first member that accepts the JSON.
    """
    ordered = schema.get("mode") == "left_to_right"
    choices = [unwrapped(one[0] if isinstance(one, tuple) else one, definitions) for one in schema["choices"]]
    for reader, writer in permutations(choices, 2):
        both_models = reader["type"] == "model" and _reads_but_for_unknown(reader, writer, definitions)
        if both_models or (ordered and _Comparison(definitions).ignores(reader, writer)):
            names = f"{_type_name(reader, definitions)} and {_type_name(writer, definitions)}"
            yield (
                f"is a union of {names}, which differ only in fields that a consumer ignores, so it may read one as the other",
                _FIX_MODELS if both_models else _FIX_ORDER,
            )
            return


class _Comparison:
    """Compares what two types read at any depth; each pair of types once."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._found: dict[tuple[int, int], bool | None] = {}

    def ignores(self, reader: CoreSchema, writer: CoreSchema) -> bool:
        """Whether `reader` accepts JSON of `writer` of which it ignores fields."""
        return self._ignored(reader, writer) is True

    def _ignored(self, reader: CoreSchema, writer: CoreSchema) -> bool | None:
        """Return whether `reader` ignores fields of the JSON of `writer`; None when it does not accept it."""
        one, other = unwrapped(reader, self._definitions), unwrapped(writer, self._definitions)
        pair = (id(one), id(other))
        if pair not in self._found:
            self._found[pair] = False  # of the pair inside itself
            self._found[pair] = self._compare(one, other)
        return self._found[pair]

    def _compare(self, one: CoreSchema, other: CoreSchema) -> bool | None:
        """Return what `_ignored` returns, for two types that are not references or wrappers."""
        if _choices(one) or _choices(other):
            pairs = product(_choices(one) or [one], _choices(other) or [other])
            return _any_of(self._ignored(ours, theirs) for ours, theirs in pairs)
        if one["type"] == other["type"] == "model":
            return self._ignored_by_model(one, other)
        if not _may_read(one, other, self._definitions):
            return None
        if one["type"] == "model":
            return True  # of a mapping, whose keys are the fields
        pairs = product(_items(one), _items(other))
        return _any_of(self._ignored(ours, theirs) for ours, theirs in pairs) or False  # an empty collection is read

    def _ignored_by_model(self, reader: CoreSchema, writer: CoreSchema) -> bool | None:
        """Return whether the model `reader` ignores fields of the model `writer`; None when it does not accept it."""
        ours, theirs = _fields_on_wire(reader, self._definitions), _fields_on_wire(writer, self._definitions)
        if reader["cls"] is writer["cls"] or ours is None or theirs is None:
            return False
        if any(required for name, (_, required) in ours.items() if name not in theirs):
            return None
        inner = [self._ignored(ours[name][0], theirs[name][0]) for name in ours if name in theirs]
        return None if None in inner else True in inner or bool(theirs.keys() - ours.keys())


def _any_of(found: Iterable[bool | None]) -> bool | None:
    """Return True if one is True, else False if one is False; None when all are None."""
    distinct = {*found}
    return True if True in distinct else False if False in distinct else None


def _choices(schema: CoreSchema) -> list[CoreSchema]:
    """Return the members of a union of either kind; an empty list for another type."""
    if schema["type"] == "tagged-union":
        return [*schema["choices"].values()]
    return [one[0] if isinstance(one, tuple) else one for one in schema.get("choices", ())]


def _items(schema: CoreSchema) -> list[CoreSchema]:
    """Return the types of a collection's items, or of a mapping's values; an empty list for another type."""
    items = schema.get("items_schema", schema.get("values_schema", []))
    return items if isinstance(items, list) else [items]


def repeating_members(schema: CoreSchema, definitions: Definitions) -> Iterator[tuple[str, str]]:
    """Yield a problem, as (problem, fix), when several members of a union hold the union again.

    Pydantic tries each of them on the same JSON, and each tries all of them again one level deeper: 300 bytes with 20
    levels take a minute.
    """
    by_json: dict[str, list[str]] = {}
    for choice in _choices(schema):
        member = unwrapped(choice, definitions)
        if _holds(choice, schema, definitions):
            by_json.setdefault(_JSON_OF.get(member["type"], "object"), []).append(_type_name(member, definitions))
    for names in by_json.values():
        if len(names) > 1:
            yield (
                f"is a union of {' and '.join(names)}, which hold the union again, so that each level doubles the time to read it",
                _FIX_MODELS,
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


def _type_name(schema: CoreSchema, definitions: Definitions) -> str:
    """Return the name of a schema's class; for a schema without one its kind, and of what."""
    if "cls" in schema:
        return str(schema["cls"].__name__)
    items = [_type_name(unwrapped(one, definitions), definitions) for one in _items(schema)[:1]]
    kind = "mapping" if _JSON_OF.get(schema["type"]) == "object" else str(schema["type"])
    return f"a {kind}{f' of {items[0]}' if items and kind == 'list' else ''}"
