"""A contract's canonical JSON Schema: what is on the wire, in serialization mode, its keys sorted.

Pydantic's JSON Schema leaves out some of what it checks: bounds of decimals and moments, time zones, URL schemes, and an
author's own validators. Those stand under `x-checks`, so that a change of them is seen.
"""

from collections.abc import Mapping
from enum import Flag
from typing import Any, Final, Literal

from pydantic.json_schema import GenerateJsonSchema, JsonRef, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

from contradance.compatibility.normal_form import CHECKS
from contradance.contract import Contract

_BOUNDS: Final = ("ge", "gt", "le", "lt")
_SAID_BY_NO_SCHEMA: Final[Mapping[str, tuple[str, ...]]] = {
    "date": (*_BOUNDS, "now_op"),
    "datetime": (*_BOUNDS, "now_op", "tz_constraint"),
    "decimal": (*_BOUNDS, "decimal_places", "max_digits", "multiple_of"),
    "multi-host-url": ("allowed_schemes",),
    "str": ("strip_whitespace", "to_lower", "to_upper"),
    "time": (*_BOUNDS, "tz_constraint"),
    "timedelta": _BOUNDS,
    "url": ("allowed_schemes",),
}
"""By the type of a core schema: what Pydantic checks and its JSON Schema does not say."""
_OF_ONE_FORM: Final = ("bool", "float", "int", "str")
"""Types whose JSON has one form, so that a strict reader takes whatever a publisher publishes."""
_SETTINGS: Final = (
    *("strict", "str_strip_whitespace", "str_to_lower", "str_to_upper", "coerce_numbers_to_str"),
    *("ser_json_bytes", "val_json_bytes", "ser_json_timedelta", "ser_json_temporal"),
)
"""Settings of a model that decide how its fields are read or written."""


def schema_of(contract: type[Contract], mode: JsonSchemaMode = "serialization") -> dict[str, Any]:
    """Return the contract's JSON Schema, its keys and its `required` sorted: equal contracts give equal text.

    Args:
        contract: the contract.
        mode: `serialization` describes what is published; `validation` what is read, where defaults may be left out.
    """
    schema = contract.model_json_schema(mode=mode, schema_generator=_Generator)
    canonical: dict[str, Any] = _sorted(schema)
    return canonical


class _Generator(GenerateJsonSchema):
    """Adds what Python checks and JSON Schema cannot say, and leaves out computed fields, which are not on the wire."""

    def generate_inner(self, schema: Any) -> JsonSchemaValue:
        """Name what decides how a value is read or written, and that is no keyword of a type."""
        said = super().generate_inner(schema)
        is_strict = schema.get("strict") is True and schema["type"] not in _OF_ONE_FORM
        checks: dict[str, object] = {"strict": True} if is_strict else {}
        written = schema.get("serialization") or {}
        if str(written.get("type")) in ("function-plain", "function-wrap"):
            checks |= _author(written["function"], "serializer")
        return _with_checks(said, checks)

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        config = schema.get("config") or {}
        checks = {name: _plain(config[name]) for name in _SETTINGS if config.get(name)}
        return _with_checks(super().model_schema(schema), checks)

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        return _checked(super().str_schema(schema), schema)

    def union_schema(self, schema: core_schema.UnionSchema) -> JsonSchemaValue:
        mode = schema.get("mode", "smart")
        return _with_checks(super().union_schema(schema), {} if mode == "smart" else {"union_mode": mode})

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        """Let flags be combined: Pydantic lists single ones."""
        said = super().enum_schema(schema)
        if not issubclass(schema["cls"], Flag):
            return said
        every = sum(member.value for member in schema["cls"])
        names = {member.name: member.value for member in schema["cls"]}
        del said["enum"]
        return _with_checks({**said, "type": "integer", "minimum": 0, "maximum": every}, names)

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """Describe keys as the texts that they are in JSON: Pydantic describes the Python values."""
        said = super().dict_schema(schema)
        keys = self.generate_inner(schema["keys_schema"]) if "keys_schema" in schema else {}
        keys = self.get_schema_from_definitions(JsonRef(keys["$ref"])) or keys if "$ref" in keys else keys
        if keys.get("type") in ("integer", "number", "boolean"):
            said = {key: value for key, value in said.items() if key != "propertyNames"}
            if "enum" in keys:
                return {**said, "propertyNames": {"enum": [str(value) for value in keys["enum"]]}}
            return _with_checks(said, {"keys": keys["type"]})
        return said

    def model_fields_schema(self, schema: core_schema.ModelFieldsSchema) -> JsonSchemaValue:
        return super().model_fields_schema({**schema, "computed_fields": []})

    def date_schema(self, schema: core_schema.DateSchema) -> JsonSchemaValue:
        return _checked(super().date_schema(schema), schema)

    def datetime_schema(self, schema: core_schema.DatetimeSchema) -> JsonSchemaValue:
        return _checked(super().datetime_schema(schema), schema)

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        return _checked(super().decimal_schema(schema), schema)

    def multi_host_url_schema(self, schema: core_schema.MultiHostUrlSchema) -> JsonSchemaValue:
        return _checked(super().multi_host_url_schema(schema), schema)

    def time_schema(self, schema: core_schema.TimeSchema) -> JsonSchemaValue:
        return _checked(super().time_schema(schema), schema)

    def timedelta_schema(self, schema: core_schema.TimedeltaSchema) -> JsonSchemaValue:
        return _checked(super().timedelta_schema(schema), schema)

    def url_schema(self, schema: core_schema.UrlSchema) -> JsonSchemaValue:
        return _checked(super().url_schema(schema), schema)

    def function_after_schema(self, schema: core_schema.AfterValidatorFunctionSchema) -> JsonSchemaValue:
        return _validated(super().function_after_schema(schema), schema)

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        return _validated(super().function_before_schema(schema), schema)

    def function_wrap_schema(self, schema: core_schema.WrapValidatorFunctionSchema) -> JsonSchemaValue:
        return _validated(super().function_wrap_schema(schema), schema)


def _checked(said: JsonSchemaValue, schema: Mapping[str, Any]) -> JsonSchemaValue:
    names = _SAID_BY_NO_SCHEMA[schema["type"]]
    checks = {name: _plain(schema[name]) for name in names if schema.get(name) is not None}
    return _with_checks(said, checks)


def _validated(said: JsonSchemaValue, schema: Mapping[str, Any]) -> JsonSchemaValue:
    """Name an author's own validator."""
    return _with_checks(said, _author(schema["function"]["function"], schema["type"]))


def _author(function: object, role: str) -> dict[str, object]:
    """Return the name of an author's own function; Pydantic's are part of the types that they belong to."""
    if str(getattr(function, "__module__", "")).partition(".")[0].startswith("pydantic"):
        return {}
    name = getattr(function, "__qualname__", type(function).__name__).replace("<locals>.", "")
    return {name: role}


def _with_checks(said: JsonSchemaValue, checks: Mapping[str, object]) -> JsonSchemaValue:
    return {**said, CHECKS: {**said.get(CHECKS, {}), **checks}} if checks else said


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | list) else str(value)


_Kind = Literal["schema", "names"]


def _sorted(inside: Any, under: str = "") -> Any:
    """Return JSON with its keys sorted, and the names under `required` too: their order says nothing."""
    if isinstance(inside, Mapping):
        return {key: _sorted(inside[key], key) for key in sorted(inside)}
    if isinstance(inside, list):
        return sorted(inside) if under == "required" else [_sorted(one) for one in inside]
    return inside
