"""Walks Pydantic's core schemas: finds the schema that reads a field from JSON, behind references and wrappers."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel

CoreSchema = Mapping[str, Any]
Definitions = Mapping[str, CoreSchema]

_BRANCHES: Final = {"json-or-python": "json_schema", "lax-or-strict": "lax_schema", "definitions": "schema"}
"""The key of the branch that reads JSON, by the type of schema."""
_WRAPPERS: Final = frozenset(
    {"default", "function-after", "function-before", "function-wrap", "model-field", "nullable", "typed-dict-field"}
)


def fields_of(model: type[BaseModel]) -> tuple[dict[str, CoreSchema], Definitions]:
    """Return the core schemas of a model's fields by name, and the targets of references; a root model has `root`."""
    typed: Any = model  # pydantic types its schemas as a union of all kinds
    schema: CoreSchema = typed.__pydantic_core_schema__
    definitions = {one["ref"]: one for one in schema.get("definitions", ())}
    inner = unwrapped(schema, definitions)
    while inner["type"] == "model":
        inner = unwrapped(inner["schema"], definitions)
    if inner["type"] == "model-fields":
        return {name: field["schema"] for name, field in inner["fields"].items()}, definitions
    return {"root": inner}, definitions


def unwrapped(schema: CoreSchema, definitions: Definitions) -> CoreSchema:
    """Return the core schema that reads the JSON of `schema`: behind references, wrappers and branches."""
    while True:
        kind = schema["type"]
        if kind == "definition-ref":
            schema = definitions.get(schema["schema_ref"], _UNKNOWN)
        elif kind in _BRANCHES:
            schema = schema[_BRANCHES[kind]]
        elif kind in _WRAPPERS:
            schema = schema["schema"]
        else:
            return schema


_UNKNOWN: Final[CoreSchema] = {"type": "any"}


def schemas_inside(schema: CoreSchema) -> Iterator[CoreSchema]:
    """Yield the core schemas directly inside `schema` that read JSON."""
    branch = _BRANCHES.get(schema["type"])
    if branch is not None:
        yield schema[branch]
        return
    for key, value in schema.items():
        if key not in ("serialization", "metadata", "config", "definitions"):
            yield from _outermost_schemas(value)


def _outermost_schemas(value: object) -> Iterator[CoreSchema]:
    """Yield the core schemas in a value, through mappings and lists, but not those inside another."""
    if isinstance(value, Mapping):
        if isinstance(value.get("type"), str):
            yield value
        else:
            for one in value.values():
                yield from _outermost_schemas(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _outermost_schemas(one)
