"""Generates a contract's canonical JSON Schema: the form on the wire, in serialization mode, with sorted keys.

Pydantic's JSON Schema omits some of Pydantic's checks: bounds of decimals and datetimes, time zones, URL schemes, and
the author's own validators. `x-checks` names them, so that a comparison finds their changes.
"""

from collections.abc import Callable, Mapping
from enum import Flag
from functools import partial
from typing import Any, Final, TypeAlias

from pydantic import BaseModel
from pydantic.json_schema import (
    CoreSchemaOrFieldType,
    GenerateJsonSchema,
    JsonRef,
    JsonSchemaMode,
    JsonSchemaValue,
)
from pydantic_core import core_schema

from contradance.compatibility.normal_form import CHECKS

_BOUNDS: Final = ("ge", "gt", "le", "lt")
_CHECKS_OUTSIDE_SCHEMA: Final[Mapping[CoreSchemaOrFieldType, tuple[str, ...]]] = {
    "date": (*_BOUNDS, "now_op"),
    "datetime": (*_BOUNDS, "now_op", "tz_constraint"),
    "decimal": (*_BOUNDS, "decimal_places", "max_digits", "multiple_of"),
    "multi-host-url": ("allowed_schemes",),
    "str": ("strip_whitespace", "to_lower", "to_upper"),
    "time": (*_BOUNDS, "tz_constraint"),
    "timedelta": _BOUNDS,
    "url": ("allowed_schemes",),
}
"""Checks that Pydantic makes and its JSON Schema omits, by the type of core schema."""
_OF_ONE_FORM: Final = ("bool", "float", "int", "str")
"""Types whose JSON has one form, so that a strict reader accepts everything that a publisher publishes."""
_VALIDATORS: Final[tuple[CoreSchemaOrFieldType, ...]] = ("function-after", "function-before", "function-wrap")
"""Core schemas of an author's own validators."""
_SETTINGS: Final = (
    *("strict", "str_strip_whitespace", "str_to_lower", "str_to_upper", "coerce_numbers_to_str"),
    *("ser_json_bytes", "val_json_bytes", "ser_json_timedelta", "ser_json_temporal"),
)
"""Settings of a model that affect how its fields are read or written."""
_Generate: TypeAlias = Callable[[Any], JsonSchemaValue]
"""Generates the JSON Schema of one core schema."""


def schema_of(model: type[BaseModel], mode: JsonSchemaMode = "serialization") -> dict[str, Any]:
    """Return a model's JSON Schema with sorted keys and sorted `required`: equal contracts give equal text.

    Args:
        model: a contract, or the class of a table's items.
        mode: `serialization` describes published data; `validation` describes accepted data, which may omit defaults.
    """
    schema = model.model_json_schema(mode=mode, schema_generator=_Generator)
    canonical: dict[str, Any] = _sorted(schema)
    return canonical


class _Generator(GenerateJsonSchema):
    """Adds the checks that JSON Schema cannot express, and omits computed fields, which are not on the wire."""

    def build_schema_type_to_method(self) -> dict[CoreSchemaOrFieldType, _Generate]:
        """Let the types of `_CHECKS_OUTSIDE_SCHEMA` and validator functions add their checks to `x-checks`."""
        methods: dict[CoreSchemaOrFieldType, _Generate] = super().build_schema_type_to_method()
        for kind in _CHECKS_OUTSIDE_SCHEMA:
            methods[kind] = partial(_checked, methods[kind])
        for kind in _VALIDATORS:
            methods[kind] = partial(_validated, methods[kind])
        return methods

    def generate_inner(self, schema: Any) -> JsonSchemaValue:
        """Add strict mode and custom serializers to `x-checks`."""
        generated = super().generate_inner(schema)
        is_strict = schema.get("strict") is True and schema["type"] not in _OF_ONE_FORM
        checks: dict[str, object] = {"strict": True} if is_strict else {}
        written = schema.get("serialization") or {}
        if str(written.get("type")) in ("function-plain", "function-wrap"):
            checks |= _author_check(written["function"], "serializer")
        return _with_checks(generated, checks)

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Add the model's settings that affect how its fields are read or written to `x-checks`."""
        config = schema.get("config") or {}
        checks = {name: _json_value(config[name]) for name in _SETTINGS if config.get(name)}
        return _with_checks(super().model_schema(schema), checks)

    def union_schema(self, schema: core_schema.UnionSchema) -> JsonSchemaValue:
        """Add the mode of a union to `x-checks`, except the default `smart`."""
        mode = schema.get("mode", "smart")
        return _with_checks(super().union_schema(schema), {} if mode == "smart" else {"union_mode": mode})

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        """Allow every combination of flags, where Pydantic lists only the single ones."""
        generated = super().enum_schema(schema)
        if not issubclass(schema["cls"], Flag):
            return generated
        every = sum(member.value for member in schema["cls"])
        names = {str(member.name): member.value for member in schema["cls"]}
        del generated["enum"]
        return _with_checks({**generated, "type": "integer", "minimum": 0, "maximum": every}, names)

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """Describe keys as JSON texts, where Pydantic describes the Python values."""
        generated = super().dict_schema(schema)
        keys = self.generate_inner(schema["keys_schema"]) if "keys_schema" in schema else {}
        keys = self.get_schema_from_definitions(JsonRef(keys["$ref"])) or keys if "$ref" in keys else keys
        if keys.get("type") in ("integer", "number", "boolean"):
            generated = {key: value for key, value in generated.items() if key != "propertyNames"}
            if "enum" in keys:
                return {**generated, "propertyNames": {"enum": [str(value) for value in keys["enum"]]}}
            return _with_checks(generated, {"keys": keys["type"]})
        return generated

    def model_fields_schema(self, schema: core_schema.ModelFieldsSchema) -> JsonSchemaValue:
        """Omit computed fields, which are not on the wire."""
        return super().model_fields_schema({**schema, "computed_fields": []})


def _checked(generate: _Generate, schema: Mapping[str, Any]) -> JsonSchemaValue:
    """Return what `generate` returns, with the checks of `_CHECKS_OUTSIDE_SCHEMA` in `x-checks`."""
    names = _CHECKS_OUTSIDE_SCHEMA[schema["type"]]
    checks = {name: _json_value(schema[name]) for name in names if schema.get(name) is not None}
    return _with_checks(generate(schema), checks)


def _validated(generate: _Generate, schema: Mapping[str, Any]) -> JsonSchemaValue:
    """Return what `generate` returns, with the author's own validator in `x-checks`."""
    return _with_checks(generate(schema), _author_check(schema["function"]["function"], schema["type"]))


def _author_check(function: object, role: str) -> dict[str, object]:
    """Return {name: role} of an author's own function; {} for Pydantic's, which belong to the types."""
    if str(getattr(function, "__module__", "")).partition(".")[0].startswith("pydantic"):
        return {}
    name = getattr(function, "__qualname__", type(function).__name__).replace("<locals>.", "")
    return {name: role}


def _with_checks(generated: JsonSchemaValue, checks: Mapping[str, object]) -> JsonSchemaValue:
    """Return a generated schema with `checks` added to its `x-checks`."""
    return {**generated, CHECKS: {**generated.get(CHECKS, {}), **checks}} if checks else generated


def _json_value(value: object) -> object:
    """Return a boolean, an integer or a list unchanged, and any other value as text, for the schema."""
    return value if isinstance(value, bool | int | list) else str(value)


def _sorted(inside: Any, under: str = "") -> Any:
    """Return JSON with sorted keys, and sorted names under `required`, whose order has no meaning."""
    if isinstance(inside, Mapping):
        return {key: _sorted(inside[key], key) for key in sorted(inside)}
    if isinstance(inside, list):
        return sorted(inside) if under == "required" else [_sorted(one) for one in inside]
    return inside
