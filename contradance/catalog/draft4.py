"""JSON Schema 2020-12, as Pydantic writes it, in the Draft 4 that EventBridge's schema registry takes.

What Draft 4 cannot say is left out and reported. Leaving out loosens, so the result accepts all that the original
accepts; where loosening would refuse more, inside `not` and `oneOf`, that keyword gives way as well. (One exception that
no JSON of Pydantic's shows: Draft 4 does not take 1.0 for an integer.)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from contradance.compatibility.keywords import SchemaObject

DRAFT4: Final = "http://json-schema.org/draft-04/schema#"

_SAME: Final = frozenset(
    [
        "default",
        "description",
        "enum",
        "format",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "pattern",
        "title",
        "type",
        "uniqueItems",
    ]
)
"""Keywords that mean the same in both."""
_HOLD_SCHEMAS_BY_NAME: Final = {
    "$defs": "definitions",
    "definitions": "definitions",
    "dependentSchemas": "dependencies",
    "patternProperties": "patternProperties",
    "properties": "properties",
}
_SAY_NOTHING: Final = frozenset(
    [
        "$comment",
        "$schema",
        "const",
        "contentEncoding",
        "contentMediaType",
        "deprecated",
        "discriminator",
        "examples",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "readOnly",
        "writeOnly",
    ]
)
"""Annotations, without which a validator accepts the same, and what `_narrowed` says otherwise."""


@dataclass(frozen=True, slots=True)
class Converted:
    """A Draft 4 schema, and what it does not say of what the original said."""

    schema: SchemaObject
    dropped: tuple[str, ...]
    """Places of keywords: `/properties/pages/contains`."""


def to_draft4(schema: SchemaObject) -> Converted:
    """Convert a schema; what it refers to inside itself is converted with it."""
    exact = _Conversion(definitions_are_exact=True)
    converted = exact.convert(schema, "")
    if any(place.startswith(("/$defs/", "/definitions/")) for place in exact.dropped):
        exact = _Conversion(definitions_are_exact=False)
        converted = exact.convert(schema, "")
    return Converted({"$schema": DRAFT4, **converted}, tuple(sorted(exact.dropped)))


class _Conversion:
    """One conversion, and what it has left out so far."""

    def __init__(self, *, definitions_are_exact: bool) -> None:
        self.dropped: set[str] = set()
        self._exact = definitions_are_exact
        self._otherwise: Mapping[str, Callable[[Any, str], dict[str, Any]]] = {
            "$ref": self._reference,
            "additionalProperties": self._additional,
            "dependentRequired": self._dependent,
            "not": self._not,
            "oneOf": self._one_of,
            "required": self._required,
        }

    def convert(self, schema: Any, place: str) -> dict[str, Any]:
        """Convert one schema, which may be a truth value."""
        if not isinstance(schema, Mapping):
            return {} if schema else {"not": {}}
        converted: dict[str, Any] = {}
        for keyword, value in schema.items():
            for name, said in self._keyword(keyword, value, schema, f"{place}/{keyword}").items():
                # `dependencies` is what two keywords become; both count.
                converted[name] = {**converted[name], **said} if name == "dependencies" and name in converted else said
        return _beside_reference({**converted, **_narrowed(schema)})

    def _keyword(self, keyword: str, value: Any, schema: SchemaObject, place: str) -> dict[str, Any]:
        if keyword in _SAME or keyword.startswith("x-"):
            return {keyword: value}
        if keyword in _HOLD_SCHEMAS_BY_NAME:
            named = {name: self.convert(inner, f"{place}/{name}") for name, inner in value.items()}
            return {_HOLD_SCHEMAS_BY_NAME[keyword]: named}
        if keyword in ("allOf", "anyOf"):
            return {keyword: [self.convert(inner, f"{place}/{at}") for at, inner in enumerate(value)]}
        if keyword in ("items", "prefixItems"):
            return self._items(keyword, schema, place)
        if say := self._otherwise.get(keyword):
            return say(value, place)
        if keyword not in _SAY_NOTHING:
            self.dropped.add(place)
        return {}

    def _reference(self, target: str, place: str) -> dict[str, Any]:  # noqa: ARG002 - like its neighbours
        return {"$ref": target.replace("#/$defs/", "#/definitions/")}

    def _required(self, names: list[str], place: str) -> dict[str, Any]:  # noqa: ARG002 - like its neighbours
        """Draft 4 does not take an empty list."""
        return {"required": names} if names else {}

    def _dependent(self, needed: Mapping[str, list[str]], place: str) -> dict[str, Any]:  # noqa: ARG002 - like its neighbours
        return {"dependencies": {name: names for name, names in needed.items() if names}}

    def _additional(self, schema: Any, place: str) -> dict[str, Any]:
        return {"additionalProperties": schema if isinstance(schema, bool) else self.convert(schema, place)}

    def _one_of(self, branches: list[Any], place: str) -> dict[str, Any]:
        """Convert `oneOf`; to `anyOf` where a branch has become looser, so that two of them may hold."""
        before = len(self.dropped)
        converted = [self.convert(inner, f"{place}/{at}") for at, inner in enumerate(branches)]
        if len(self.dropped) > before or not self._keeps_meaning(converted):
            self.dropped.add(place)
            return {"anyOf": converted}
        return {"oneOf": converted}

    def _not(self, schema: Any, place: str) -> dict[str, Any]:
        """Convert `not`; leave it out where what it refuses has become looser."""
        before = len(self.dropped)
        converted = self.convert(schema, place)
        if len(self.dropped) > before or not self._keeps_meaning(converted):
            self.dropped.add(place)
            return {}
        return {"not": converted}

    def _keeps_meaning(self, converted: object) -> bool:
        """Whether what a schema refers to has not become looser."""
        return self._exact or "$ref" not in str(converted)

    def _items(self, keyword: str, schema: SchemaObject, place: str) -> dict[str, Any]:
        """Convert what a list holds: Draft 4 says both kinds with `items`."""
        if "prefixItems" not in schema:
            return {"items": self.convert(schema["items"], place)}
        if keyword == "items":
            return {"additionalItems": self.convert(schema["items"], place)}
        return {"items": [self.convert(inner, f"{place}/{at}") for at, inner in enumerate(schema[keyword])]}


def _narrowed(schema: SchemaObject) -> dict[str, Any]:
    """Return what `const` and the exclusive bounds say, in Draft 4's words."""
    said: dict[str, Any] = {"enum": [schema["const"]]} if "const" in schema else {}
    for bound, exclusive, tighter in (("minimum", "exclusiveMinimum", max), ("maximum", "exclusiveMaximum", min)):
        limit = schema.get(exclusive)
        if limit is not None and tighter(limit, schema.get(bound, limit)) == limit:
            said |= {bound: limit, exclusive: True}
    return said


def _beside_reference(converted: dict[str, Any]) -> dict[str, Any]:
    """Say a reference so that what stands beside it counts: Draft 4 ignores that."""
    if "$ref" not in converted or len(converted) == 1:
        return converted
    reference = {"$ref": converted.pop("$ref")}
    return {**converted, "allOf": [reference, *converted.get("allOf", [])]}
