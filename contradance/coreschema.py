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
    """Return the schemas of a model's fields by name, and the targets of references; a root model has the field `root`."""
    schema: CoreSchema = model.__pydantic_core_schema__
    definitions = {one["ref"]: one for one in schema.get("definitions", ())}
    inner = resolved(schema, definitions)
    while inner["type"] == "model":
        inner = resolved(inner["schema"], definitions)
    if inner["type"] == "model-fields":
        return {name: field["schema"] for name, field in inner["fields"].items()}, definitions
    return {"root": inner}, definitions


def resolved(schema: CoreSchema, definitions: Definitions) -> CoreSchema:
    """Return the schema that reads JSON: behind references, wrappers and branches."""
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


def inside(schema: CoreSchema) -> Iterator[CoreSchema]:
    """Yield the schemas directly inside `schema` that read JSON."""
    branch = _BRANCHES.get(schema["type"])
    if branch is not None:
        yield schema[branch]
        return
    for key, value in schema.items():
        if key not in ("serialization", "metadata", "config", "definitions", "keys_schema"):
            yield from _schemas(value)


def _schemas(value: object) -> Iterator[CoreSchema]:
    if isinstance(value, Mapping):
        if isinstance(value.get("type"), str):
            yield value
        else:
            for one in value.values():
                yield from _schemas(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _schemas(one)
