"""Refuses, when a class is defined, fields whose type can never be read back from JSON; the error names a replacement.

Losses that do not follow from the type, as in a custom serializer, are found by `proof` for each instance.
"""

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any, Final

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError
from pydantic_core import PydanticSerializationError, SchemaValidator, to_json

from contradance.ambiguity import ambiguous_members, repeating_members
from contradance.coreschema import CoreSchema, Definitions, fields_of, schemas_inside, unwrapped
from contradance.errors import DeclarationError

_SECRET: Final = (
    "is a secret, which JSON shows as asterisks",
    "Publish a reference to it; a function reads a secret by Secret(...).",
)
_ON_THIS_MACHINE: Final = (
    "is a path that is checked on the machine that reads it",
    "Make it a Path, and check it where it is used.",
)
_IMPORTED: Final = (
    "imports what JSON names, in every process that reads it",
    "Make it a str, and choose the object in the function.",
)
_ONCE: Final = ("is an iterator, which can be read once", "Make it a list or a tuple.")
_BY_TYPE: Final[Mapping[str, tuple[str, str]]] = {
    "arguments": ("is a callable, which has no JSON", "Publish its name as a str."),
    "call": ("is a callable, which has no JSON", "Publish its name as a str."),
    "callable": ("is a callable, which has no JSON", "Publish its name as a str."),
    "ellipsis": ("is `...`, which has no JSON", "Remove the field."),
    "generator": _ONCE,
    "is-instance": ("is an instance of a class that has no JSON form", "Use a Value, or give the class a schema."),
    "is-subclass": ("is a class, which has no JSON", "Publish its name as a str, or a Literal of the names."),
    "json": ("is JSON text that is parsed when it is read", "Use the type inside Json[...] itself."),
}
"""(problem, fix) by the type of a core schema."""
_BY_FUNCTION: Final[Mapping[str, tuple[str, str]]] = {
    "PathType.": _ON_THIS_MACHINE,
    "Secret.": _SECRET,
    "import_string": _IMPORTED,
}
"""(problem, fix) by the beginning of the name of a function of Pydantic."""
_NOT_A_KEY: Final = frozenset(
    {
        *("list", "tuple", "set", "frozenset", "deque", "none"),
        *("dict", "frozendict", "ordered-dict", "counter"),
        *("model", "dataclass", "typed-dict", "named-tuple", "call"),
    }
)
"""Types of core schemas whose values cannot be keys of a JSON object."""
_JSON: Final = (str, int, float, bool, type(None))


def check_fields(model: type[BaseModel], name: str, error: type[DeclarationError]) -> None:
    """Raise `error` for a field of `model` that can never be read back from JSON; skip checked models inside.

    Args:
        model: a complete model.
        name: its name in the error.
        error: the class of the error.
    """
    _check_wire_names(model, name, error)
    schemas, definitions = fields_of(model)
    for field, schema in schemas.items():
        for what, fix in _problems_in(schema, definitions, set()):
            raise error(f"{name} has a field {field!r} that {what}.\n  {fix}")


def check_unions(model: type[BaseModel], name: str, error: type[DeclarationError]) -> None:
    """Raise `error` for a model whose time to read grows exponentially with the depth of its JSON.

    Args:
        model: a complete model.
        name: its name in the error.
        error: the class of the error.
    """
    schemas, definitions = fields_of(model)
    seen: set[int] = set()
    left = [*schemas.values(), *definitions.values()]
    while left:
        schema = left.pop()
        if id(schema) in seen:
            continue
        seen.add(id(schema))
        left += schemas_inside(schema)
        for what, fix in repeating_members(schema, definitions) if schema["type"] == "union" else ():
            raise error(f"{name}, a part of which {what}.\n  {fix}")


def _check_wire_names(model: type[BaseModel], name: str, error: type[DeclarationError]) -> None:
    """Raise `error` for a field that JSON leaves out, or whose names for writing and reading differ or clash."""
    seen: dict[str, str] = {}
    for own, field in model.model_fields.items():
        if field.exclude or field.exclude_if is not None:
            raise error(
                f"{name} leaves its field {own!r} out of its JSON by exclude=, so that its value would be lost.\n"
                "  Remove exclude=, or make the field a private attribute."
            )
        alias = field.serialization_alias or own
        if (field.validation_alias or own) != alias:
            raise error(
                f"{name} gives its field {own!r} different names for writing and reading JSON.\n"
                "  Write Field(alias=...), which is the name in both directions."
            )
        if seen.setdefault(alias, own) != own or (alias != own and alias in model.model_fields):
            raise error(
                f"{name} gives its field {own!r} the alias {alias!r}, which another field has as its name.\n"
                "  Give each field a name of its own."
            )


def _problems_in(schema: CoreSchema, definitions: Definitions, seen: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the problems of one field and of the types inside it, as (problem, fix)."""
    kind = schema["type"]
    if kind == "definition-ref":
        if schema["schema_ref"] not in seen:
            seen.add(schema["schema_ref"])
            yield from _problems_in(unwrapped(schema, definitions), definitions, seen)
        return
    if kind == "model" and getattr(schema["cls"], "__checked__", False):
        return
    yield from _problems_of_node(schema, kind, definitions)
    for inner in schemas_inside(schema):
        yield from _problems_in(inner, definitions, seen)


def _problems_of_node(schema: CoreSchema, kind: str, definitions: Definitions) -> Iterator[tuple[str, str]]:
    """Yield the problems of one core schema, without those inside it."""
    if kind in _BY_TYPE:
        yield _BY_TYPE[kind]
    elif kind.startswith("function-"):
        yield from _problems_of_function(schema["function"]["function"])
    elif schema.get("now_op") == "future":
        yield (
            "is in the future only for a while: a retried or replayed event would break its contract",
            "Make it a date or an AwareDatetime, and check it in the function that publishes it.",
        )
    elif kind in ("enum", "literal"):
        yield from _problems_of_members(schema, kind)
    elif "keys_schema" in schema:
        yield from _problems_of_keys(unwrapped(schema["keys_schema"], definitions))
    elif kind == "union":
        yield from ambiguous_members(schema, definitions)
        yield from repeating_members(schema, definitions)


def _problems_of_function(function: Callable[..., Any]) -> Iterator[tuple[str, str]]:
    """Yield the problem of a function of Pydantic that JSON cannot be read back by: a secret, a path, an import."""
    if isinstance(function, type) and issubclass(function, SecretStr | SecretBytes):
        yield _SECRET
    elif str(getattr(function, "__module__", "")).startswith("pydantic."):
        name = getattr(function, "__qualname__", "")
        yield from (reason for start, reason in _BY_FUNCTION.items() if name.startswith(start))


def _problems_of_members(schema: CoreSchema, kind: str) -> Iterator[tuple[str, str]]:
    """Yield a problem when the JSON of a member of an enum or a literal is not read back equal."""
    members = schema["members"] if kind == "enum" else schema["expected"]
    values = [one.value if isinstance(one, Enum) else one for one in members]
    suspicious = kind == "literal" and any(isinstance(one, Enum) for one in members)
    if not suspicious and all(type(value) in _JSON for value in values):
        return
    unnamed: Any = {key: value for key, value in schema.items() if key != "ref"}
    reader = SchemaValidator(unnamed)
    for member in members:
        if not _reads_back(reader, member):
            yield (
                f"may be {member!r}, whose JSON is not read back as the same value",
                "Use the whole Enum, with values that are texts or numbers, or a Literal of these values.",
            )
            return


def _problems_of_keys(schema: CoreSchema) -> Iterator[tuple[str, str]]:
    """Yield a problem when the keys of a dict are not read back from JSON's keys, which are strings."""
    kind = schema["type"]
    values: list[object] = []
    if kind == "literal":
        values = schema["expected"]
    elif kind == "enum" and schema.get("sub_type") is None:
        values = [member.value for member in schema["members"]]
    if kind in _NOT_A_KEY or not all(isinstance(value, str) for value in values):
        yield (
            "has keys that cannot be read back from the keys of JSON, which are strings",
            "Use str, int or UUID as keys, a StrEnum or an IntEnum, or a list of Values with the key as a field.",
        )


def _reads_back(reader: SchemaValidator, member: object) -> bool:
    """Whether the JSON of a member is read back as an equal value."""
    try:
        return bool(reader.validate_json(to_json(member)) == member)
    except (ValidationError, PydanticSerializationError, ValueError):
        return False
