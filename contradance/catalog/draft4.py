"""Converts JSON Schema 2020-12, as Pydantic writes it, to Draft 4 for EventBridge's schema registry.

Constraints that Draft 4 cannot express are left out and reported. So the result accepts everything that the original
accepts. Inside `not` and `oneOf` a looser schema would refuse more, so there the keyword itself is left out or replaced.
(One exception that Pydantic's JSON never has: Draft 4 does not accept 1.0 as an integer.)
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
"""Keywords with the same meaning in both."""
_HOLD_SCHEMAS_BY_NAME: Final = {
    "$defs": "definitions",
    "definitions": "definitions",
    "dependentSchemas": "dependencies",
    "patternProperties": "patternProperties",
    "properties": "properties",
}
_NOT_CONVERTED: Final = frozenset(
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
"""Annotations, which do not change validation, and keywords that `_narrowed` converts."""


@dataclass(frozen=True, slots=True)
class Converted:
    """A Draft 4 schema, and the constraints of the original that it does not have."""

    schema: SchemaObject
    dropped: tuple[str, ...]
    """Paths of the keywords that are left out: `/properties/pages/contains`."""


def to_draft4(schema: SchemaObject) -> Converted:
    """Return a schema with its definitions in Draft 4, and the paths of the constraints that are left out."""
    conversion = _Conversion(definitions_are_exact=True)
    converted = conversion.convert(schema, "")
    # A looser definition also makes each `not` and `oneOf` looser that refers to it, so those are converted again.
    if any(place.startswith(("/$defs/", "/definitions/")) for place in conversion.dropped):
        conversion = _Conversion(definitions_are_exact=False)
        converted = conversion.convert(schema, "")
    return Converted({"$schema": DRAFT4, **converted}, tuple(sorted(conversion.dropped)))


class _Conversion:
    """One conversion, and the paths of the keywords that it has left out so far."""

    def __init__(self, *, definitions_are_exact: bool) -> None:
        self.dropped: set[str] = set()
        self._exact = definitions_are_exact
        self._converters: Mapping[str, Callable[[Any, str], dict[str, Any]]] = {
            "$ref": self._reference,
            "additionalProperties": self._additional_properties,
            "dependentRequired": self._dependent_required,
            "not": self._not,
            "oneOf": self._one_of,
            "required": self._required,
        }

    def convert(self, schema: Any, place: str) -> dict[str, Any]:
        """Return a schema or boolean, which is at the path `place`, in Draft 4; add paths left out to `dropped`."""
        if not isinstance(schema, Mapping):
            return {} if schema else {"not": {}}
        converted: dict[str, Any] = {}
        for keyword, value in schema.items():
            for name, new in self._convert_keyword(keyword, value, schema, f"{place}/{keyword}").items():
                # Two keywords become `dependencies`, so their contents are merged.
                converted[name] = {**converted[name], **new} if name == "dependencies" and name in converted else new
        return _beside_reference({**converted, **_narrowed(schema)})

    def _convert_keyword(self, keyword: str, value: Any, schema: SchemaObject, place: str) -> dict[str, Any]:
        """Return Draft 4's keywords for one keyword; none, and its path in `dropped`, if there are none."""
        if keyword in _SAME or keyword.startswith("x-"):
            return {keyword: value}
        if keyword in _HOLD_SCHEMAS_BY_NAME:
            named = {name: self.convert(inner, f"{place}/{name}") for name, inner in value.items()}
            return {_HOLD_SCHEMAS_BY_NAME[keyword]: named}
        if keyword in ("allOf", "anyOf"):
            return {keyword: [self.convert(inner, f"{place}/{at}") for at, inner in enumerate(value)]}
        if keyword in ("items", "prefixItems"):
            return self._items(keyword, schema, place)
        if convert := self._converters.get(keyword):
            return convert(value, place)
        if keyword not in _NOT_CONVERTED:
            self.dropped.add(place)
        return {}

    def _reference(self, target: str, place: str) -> dict[str, Any]:  # noqa: ARG002 - signature of a converter
        """Convert `$ref`: Draft 4 has its definitions under another name."""
        return {"$ref": target.replace("#/$defs/", "#/definitions/")}

    def _required(self, names: list[str], place: str) -> dict[str, Any]:  # noqa: ARG002 - signature of a converter
        """Convert `required`; Draft 4 does not allow an empty list."""
        return {"required": names} if names else {}

    def _dependent_required(self, needed: Mapping[str, list[str]], place: str) -> dict[str, Any]:  # noqa: ARG002 - signature of a converter
        """Convert `dependentRequired` to `dependencies`; Draft 4 does not allow an empty list."""
        return {"dependencies": {name: names for name, names in needed.items() if names}}

    def _additional_properties(self, schema: Any, place: str) -> dict[str, Any]:
        """Convert `additionalProperties`; a boolean is kept."""
        return {"additionalProperties": schema if isinstance(schema, bool) else self.convert(schema, place)}

    def _one_of(self, branches: list[Any], place: str) -> dict[str, Any]:
        """Convert `oneOf`; to `anyOf` when a branch has become looser, since then two branches may match."""
        before = len(self.dropped)
        converted = [self.convert(inner, f"{place}/{at}") for at, inner in enumerate(branches)]
        if len(self.dropped) > before or not self._keeps_meaning(converted):
            self.dropped.add(place)
            return {"anyOf": converted}
        return {"oneOf": converted}

    def _not(self, schema: Any, place: str) -> dict[str, Any]:
        """Convert `not`; leave it out when its schema has become looser, since then it would refuse more."""
        before = len(self.dropped)
        converted = self.convert(schema, place)
        if len(self.dropped) > before or not self._keeps_meaning(converted):
            self.dropped.add(place)
            return {}
        return {"not": converted}

    def _keeps_meaning(self, converted: object) -> bool:
        """Whether a converted schema refers to no definition that may have become looser."""
        return self._exact or "$ref" not in str(converted)

    def _items(self, keyword: str, schema: SchemaObject, place: str) -> dict[str, Any]:
        """Convert `items` or `prefixItems` to Draft 4's `items`; `items` beside `prefixItems` to `additionalItems`."""
        if "prefixItems" not in schema:
            return {"items": self.convert(schema["items"], place)}
        if keyword == "items":
            return {"additionalItems": self.convert(schema["items"], place)}
        return {"items": [self.convert(inner, f"{place}/{at}") for at, inner in enumerate(schema[keyword])]}


def _narrowed(schema: SchemaObject) -> dict[str, Any]:
    """Return Draft 4's keywords for `const` and the exclusive bounds."""
    narrowed: dict[str, Any] = {"enum": [schema["const"]]} if "const" in schema else {}
    for bound, exclusive, tighter in (("minimum", "exclusiveMinimum", max), ("maximum", "exclusiveMaximum", min)):
        limit = schema.get(exclusive)
        if limit is not None and tighter(limit, schema.get(bound, limit)) == limit:
            narrowed |= {bound: limit, exclusive: True}
    return narrowed


def _beside_reference(converted: dict[str, Any]) -> dict[str, Any]:
    """Move a `$ref` with other keywords beside it into `allOf`: Draft 4 ignores keywords beside a `$ref`."""
    if "$ref" not in converted or len(converted) == 1:
        return converted
    reference = {"$ref": converted.pop("$ref")}
    return {**converted, "allOf": [reference, *converted.get("allOf", [])]}
