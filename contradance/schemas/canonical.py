"""Generates a contract's canonical JSON Schema: the form on the wire, in serialization mode, with sorted keys.

Pydantic's JSON Schema omits some of Pydantic's checks: bounds of decimals and datetimes, time zones, URL schemes, and
the author's own validators. `x-checks` names them, so that a comparison finds their changes.
"""

from collections.abc import Callable, Mapping
from enum import Flag, FlagBoundary
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

from contradance.compatibility.keywords import CHECKS

_BOUNDS: Final = ("ge", "gt", "le", "lt")
_CHECKS_OUTSIDE_SCHEMA: Final[Mapping[CoreSchemaOrFieldType, tuple[str, ...]]] = {
    "date": (*_BOUNDS, "now_op"),
    "datetime": (*_BOUNDS, "now_op", "tz_constraint"),
    "decimal": (*_BOUNDS, "allow_inf_nan", "decimal_places", "max_digits", "multiple_of"),
    "fraction": _BOUNDS,
    "multi-host-url": ("allowed_schemes", "host_required"),
    "str": ("strip_whitespace", "to_lower", "to_upper"),
    "time": (*_BOUNDS, "tz_constraint"),
    "timedelta": _BOUNDS,
    "url": ("allowed_schemes", "host_required"),
}
"""Checks that Pydantic makes and its JSON Schema omits, by the type of core schema."""
_OF_ONE_FORM: Final = ("bool", "float", "int", "str")
"""Types whose JSON has one form, so that a strict reader accepts everything that a publisher publishes."""
_VALIDATORS: Final[tuple[CoreSchemaOrFieldType, ...]] = ("function-after", "function-before", "function-wrap")
"""Core schemas of an author's own validators."""
_SERIALIZERS: Final = ("function-plain", "function-wrap")
"""Kinds of serialization by a function."""
_MAPPINGS: Final[tuple[CoreSchemaOrFieldType, ...]] = ("counter", "dict", "frozendict", "ordered-dict")
"""Core schemas with keys. Pydantic before 2.14 has `dict` alone."""
_KEPT_BITS: Final = (FlagBoundary.EJECT, FlagBoundary.KEEP)
"""Boundaries of flags, the default of IntFlag among them, with which a value may have bits without a name."""
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
        for kind in _MAPPINGS:
            if kind in methods:
                methods[kind] = partial(self._mapping_schema, methods[kind])
        return methods

    def generate_inner(self, schema: Any) -> JsonSchemaValue:
        """Add strict mode and custom serializers to `x-checks`."""
        generated = super().generate_inner(schema)
        is_strict = schema.get("strict") is True and schema["type"] not in _OF_ONE_FORM
        checks: dict[str, object] = {"strict": True} if is_strict else {}
        written = schema.get("serialization") or {}
        if str(written.get("type")) in _SERIALIZERS:
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

    def ser_schema(self, schema: Any) -> JsonSchemaValue | None:
        """Allow any JSON where an author's serializer has no return type; Pydantic describes the field's own type."""
        by_function = str(schema["type"]) in _SERIALIZERS and schema.get("return_schema") is None
        return {} if by_function and _author_check(schema["function"], "") else super().ser_schema(schema)

    def function_plain_schema(self, schema: core_schema.PlainValidatorFunctionSchema) -> JsonSchemaValue:
        """Allow any JSON where an author's validator replaces the type's own; Pydantic has no schema for it."""
        if self.mode == "validation" and "json_schema_input_schema" in schema:
            return super().function_plain_schema(schema)
        return _with_checks({}, _author_check(schema["function"]["function"], schema["type"]))

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        """Allow every combination of flags, where Pydantic lists only the single ones."""
        generated = super().enum_schema(schema)
        flags = schema["cls"]
        if not issubclass(flags, Flag):
            return generated
        names = {str(member.name): member.value for member in flags}
        del generated["enum"]
        most = {} if getattr(flags, "_boundary_", None) in _KEPT_BITS else {"maximum": sum(names.values())}
        return _with_checks({**generated, "type": "integer", "minimum": 0, **most}, names)

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """Name the format of a decimal's text, which Pydantic does not tell from any other text."""
        return _with_format(super().decimal_schema(schema), "decimal")

    def complex_schema(self, schema: core_schema.ComplexSchema) -> JsonSchemaValue:
        """Name the format of a complex number's text, which Pydantic does not tell from any other text."""
        return _with_format(super().complex_schema(schema), "complex")

    def _mapping_schema(self, generate: _Generate, schema: Mapping[str, Any]) -> JsonSchemaValue:
        """Describe all keys as JSON texts, where Pydantic describes Python values, or admits keys of any form."""
        generated = generate(schema)
        generated.pop("propertyNames", None)
        if "patternProperties" in generated:
            (generated["additionalProperties"],) = generated.pop("patternProperties").values()
        names = self._key_texts(self.generate_inner(schema["keys_schema"])) if "keys_schema" in schema else {}
        if names.keys() == {CHECKS}:
            return _with_checks(generated, names[CHECKS])
        return {**generated, "propertyNames": names} if names else generated

    def _key_texts(self, keys: JsonSchemaValue) -> JsonSchemaValue:
        """Return the JSON Schema of keys as texts, from that of their values; {} when they may be any text."""
        found = self.get_schema_from_definitions(JsonRef(keys["$ref"])) or keys if "$ref" in keys else keys
        if "anyOf" in found:
            choices = [self._key_texts(one) for one in found["anyOf"]]
            return {"anyOf": choices} if all(choices) else {}
        if found.get("type") in ("integer", "number", "boolean"):
            if "enum" in found:
                return {"enum": [str(value) for value in found["enum"]]}
            found = {name: value for name, value in found.items() if name != "title"}
            return {CHECKS: {"keys": found["type"] if len(found) == 1 else found}}
        return keys if "$ref" in keys else {name: one for name, one in keys.items() if name not in ("title", "type")}

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


def _with_format(generated: JsonSchemaValue, name: str) -> JsonSchemaValue:
    """Return a generated schema with the name of the format of its texts."""
    if "anyOf" in generated:
        return {**generated, "anyOf": [_with_format(one, name) for one in generated["anyOf"]]}
    return {**generated, "format": name} if generated.get("type") == "string" else generated


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
