"""Values that probably satisfy a schema, often at its edges; the judge says whether they do."""

import re
from typing import Any

from hypothesis import strategies as st

from tests.compatibility.strategies import FORMATS, NAMES, PATTERNS, TEXTS, VALUES, Draw, Schema


def value_of(draw: Draw, schema: Any, root: Any, depth: int = 4) -> Any:
    """Return a value of a schema whose references lead into the `$defs` of `root`."""
    if isinstance(schema, bool) or depth < 0:
        return draw(st.sampled_from(VALUES))
    if "$ref" in schema:
        return value_of(draw, root["$defs"][schema["$ref"].rpartition("/")[2]], root, depth - 1)
    for keyword in ("anyOf", "oneOf", "allOf"):
        if schema.get(keyword):
            if keyword == "allOf" and all(
                isinstance(one, dict) and one.get("type") == "object" for one in schema[keyword]
            ):
                parts = [value_of(draw, one, root, depth - 1) for one in schema[keyword]]
                return {key: value for part in parts if isinstance(part, dict) for key, value in part.items()}
            return value_of(draw, draw(st.sampled_from(schema[keyword])), root, depth - 1)
    if "const" in schema or "enum" in schema:
        return draw(st.sampled_from(schema.get("enum") or [schema.get("const")]))
    kinds = schema.get("type", ["null", "boolean", "integer", "number", "string", "array", "object"])
    kind = draw(st.sampled_from(kinds)) if isinstance(kinds, list) else kinds
    return _value_of_kind(draw, kind, schema, root, depth)


def _value_of_kind(draw: Draw, kind: str, schema: Schema, root: Any, depth: int) -> Any:
    match kind:
        case "null" | "boolean":
            return draw(st.sampled_from([True, False])) if kind == "boolean" else None
        case "integer" | "number":
            return draw(st.sampled_from(_numbers(kind, schema)))
        case "string":
            return draw(st.sampled_from(_texts(schema)))
        case "array":
            return _a_list(draw, schema, root, depth)
        case _:
            return _an_object(draw, schema, root, depth)


def _numbers(kind: str, schema: Schema) -> list[float]:
    edges = [
        schema[key] + step
        for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
        if key in schema
        for step in (-1, 0, 1, 0.5)
    ]
    return [edge for edge in [*edges, -3, 0, 1, 2, 6, 0.5, 1.5] if kind == "number" or edge == int(edge)]


def _texts(schema: Schema) -> list[str]:
    if "format" in schema:
        return FORMATS[schema["format"]]
    edges = ["a" * schema[key] for key in ("minLength", "maxLength") if key in schema]
    return [*PATTERNS.get(schema.get("pattern", ""), []), *edges, *TEXTS]


def _a_list(draw: Draw, schema: Schema, root: Any, depth: int) -> Any:
    least = schema.get("minItems", 0)
    size = draw(st.integers(least, max(least, schema.get("maxItems", 3))))
    first, rest = schema.get("prefixItems", []), schema.get("items", True)
    spots = [first[index] if index < len(first) else rest for index in range(size)]
    return [value_of(draw, spot, root, depth - 1) for spot in spots]


def _an_object(draw: Draw, schema: Schema, root: Any, depth: int) -> Any:
    fields, required = schema.get("properties", {}), schema.get("required", ())
    value = {
        name: value_of(draw, inner, root, depth - 1)
        for name, inner in fields.items()
        if name in required or draw(st.booleans())
    }
    others = schema.get("additionalProperties")
    free = not fields if others is None else others is not False
    for name in (
        draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=2)) if free or "patternProperties" in schema else ()
    ):
        if name not in value and name not in fields:
            matched = [
                inner for pattern, inner in schema.get("patternProperties", {}).items() if re.search(pattern, name)
            ]
            value[name] = value_of(
                draw, matched[0] if matched else (others if others is not None else True), root, depth - 1
            )
    return value
