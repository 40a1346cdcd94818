"""Schemas, and small changes of them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hypothesis import strategies as st

from contradance.compatibility.keywords import JsonSchema

Draw = Callable[[st.SearchStrategy[Any]], Any]
Schema = dict[str, Any]

NAMES = ["a", "b", "c", "aa", "ab"]
TEXTS = ["", "a", "b", "aa", "ab", "abc", "x-1"]
PATTERNS = {"^a": ["a", "aa", "ab", "abc"], "b": ["b", "ab", "abc"], "^[a-z]+$": ["a", "b", "abc"], "c$": ["abc", "c"]}
FORMATS = {"uuid": ["6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11"], "ipv4": ["127.0.0.1"], "date": ["2026-01-31"]}
VALUES = [None, True, False, 0, 1, 2, 3, 1.0, 0.5, "a", "b", "ab", [], [1], {}, {"a": 1}, ["a", 2]]
numbers = st.integers(-2, 4)


@st.composite
def schemas(draw: Draw, depth: int = 3) -> JsonSchema:
    """Return a schema whose references all lead into its own `$defs`."""
    root = draw(_any(depth))
    named = {"D": draw(_any(1)), "E": draw(_any(1))}
    if draw(st.booleans()):  # a tree
        named["E"] = {
            "type": "object",
            "properties": {"a": draw(_any(0)), "b": {"type": "array", "items": {"$ref": "#/$defs/E"}}},
            "required": draw(st.sampled_from([[], ["a"], ["a", "b"]])),
        }
    return {**root, "$defs": named} if isinstance(root, dict) else root


def _any(depth: int) -> st.SearchStrategy[Any]:
    scalars = [_number(), _string(), _listed(), st.sampled_from([{"type": "null"}, {"type": "boolean"}, {}])]
    if depth <= 0:
        return st.one_of(*scalars)
    return st.one_of(
        *scalars,
        _object(depth),
        _object(depth),
        _map(depth),
        _array(depth),
        _union(depth),
        _tagged(depth),
        _all_of(depth),
        _opaque(),
        st.sampled_from([{"$ref": "#/$defs/D"}, {"$ref": "#/$defs/E"}]),
        st.sampled_from([{"type": ["string", "null"]}, {"type": ["integer", "string"], "minimum": 1}, True, False]),
    )


@st.composite
def _number(draw: Draw) -> Schema:
    bounds = {
        "minimum": numbers,
        "maximum": numbers,
        "exclusiveMinimum": numbers,
        "exclusiveMaximum": numbers,
        "multipleOf": st.sampled_from([1, 2, 3, 0.5]),
    }
    return {"type": draw(st.sampled_from(["integer", "number"])), **_some(draw, bounds)}


@st.composite
def _string(draw: Draw) -> Schema:
    bounds = {
        "minLength": st.integers(0, 3),
        "maxLength": st.integers(0, 3),
        "pattern": st.sampled_from([*PATTERNS]),
        "format": st.sampled_from([*FORMATS]),
    }
    return {"type": "string", **_some(draw, bounds)}


@st.composite
def _listed(draw: Draw) -> Schema:
    values = draw(st.lists(st.sampled_from(VALUES), min_size=1, max_size=4))
    schema: Schema = {"const": values[0]} if draw(st.booleans()) else {"enum": values}
    return {**schema, **_some(draw, {"type": st.sampled_from(["string", "integer", ["string", "null"]])})}


@st.composite
def _object(draw: Draw, depth: int) -> Schema:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=3))
    schema: Schema = {
        "type": "object",
        "properties": {name: draw(_any(depth - 1)) for name in names},
        "required": draw(st.lists(st.sampled_from(names), unique=True)) if names else [],
    }
    more: dict[str, st.SearchStrategy[Any]] = {
        "additionalProperties": st.one_of(st.booleans(), _any(0)),
        "minProperties": st.integers(0, 2),
        "maxProperties": st.integers(0, 3),
    }
    return {**schema, **_some(draw, more)}


@st.composite
def _map(draw: Draw, depth: int) -> Schema:
    more: dict[str, st.SearchStrategy[Any]] = {
        "additionalProperties": st.one_of(st.booleans(), _any(depth - 1)),
        "propertyNames": st.sampled_from([{"enum": ["a", "b"]}, {"enum": ["a"]}, {"maxLength": 1}, {"pattern": "^a"}]),
        "patternProperties": st.dictionaries(st.sampled_from(["^a", "b"]), _any(depth - 1), min_size=1, max_size=2),
        "minProperties": st.integers(0, 2),
        "maxProperties": st.integers(0, 3),
    }
    return {"type": "object", **_some(draw, more)}


@st.composite
def _array(draw: Draw, depth: int) -> Schema:
    more: dict[str, st.SearchStrategy[Any]] = {
        "items": _any(depth - 1),
        "prefixItems": st.lists(_any(depth - 1), min_size=1, max_size=2),
        "minItems": st.integers(0, 3),
        "maxItems": st.integers(0, 3),
        "uniqueItems": st.booleans(),
    }
    return {"type": "array", **_some(draw, more)}


@st.composite
def _union(draw: Draw, depth: int) -> Schema:
    members = draw(st.lists(_any(depth - 1), min_size=1, max_size=3))
    if draw(st.booleans()):
        members.append({"type": "null"})
    return {"anyOf": members}


@st.composite
def _tagged(draw: Draw, depth: int) -> Schema:
    """Return a tagged union of objects, or a `oneOf` of scalars that may overlap."""
    if draw(st.booleans()):
        return {"oneOf": draw(st.lists(st.one_of(_number(), _string()), min_size=1, max_size=3))}
    tags = draw(st.lists(st.sampled_from(["x", "y", "z"]), unique=True, min_size=1, max_size=3))
    members = []
    for tag in tags:
        inner = draw(_object(depth - 1))
        names = [*inner["required"], "kind"]
        members.append({**inner, "properties": {**inner["properties"], "kind": {"const": tag}}, "required": names})
    return {"oneOf": members, "discriminator": {"propertyName": "kind"}}


@st.composite
def _all_of(draw: Draw, depth: int) -> Schema:
    if draw(st.booleans()):
        return {"allOf": [draw(st.one_of(_number(), _string(), _listed())) for _ in range(2)]}
    return {"allOf": [draw(_object(depth - 1)) for _ in range(2)]}


def _opaque() -> st.SearchStrategy[Any]:
    return st.sampled_from(
        [
            {"type": "integer", "not": {"const": 1}},
            {"type": "integer", "if": {"minimum": 2}, "then": {"multipleOf": 2}},
            {"type": "array", "contains": {"const": 1}},
            {"type": "object", "properties": {"a": {}, "b": {}}, "dependentRequired": {"a": ["b"]}},
            {"type": "object", "properties": {"a": {}}, "unevaluatedProperties": False},
            {"not": {"type": "string"}},
        ]
    )


def _some(draw: Draw, keywords: Mapping[str, st.SearchStrategy[Any]]) -> Schema:
    chosen = draw(st.lists(st.sampled_from([*keywords]), unique=True, max_size=3))
    return {keyword: draw(keywords[keyword]) for keyword in chosen}


@st.composite
def changed(draw: Draw, schema: JsonSchema) -> JsonSchema:
    """Return a schema after one to three small changes somewhere inside."""
    for _ in range(draw(st.integers(1, 3))):
        schema = _change(draw, schema, draw(st.integers(0, 3)))
    return {"$defs": {"D": {}, "E": {}}, **schema} if isinstance(schema, dict) else schema


def _change(draw: Draw, schema: Any, depth: int) -> Any:
    inside = [*_inside(schema)] if depth and isinstance(schema, dict) else []
    if inside:
        path = draw(st.sampled_from(inside))
        return _replaced(schema, path, _change(draw, _at(schema, path), depth - 1))
    return _changed_here(draw, schema)


def _changed_here(draw: Draw, schema: Any) -> Any:
    kept = {"$defs": schema["$defs"]} if isinstance(schema, dict) and "$defs" in schema else {}
    if not isinstance(schema, dict) or draw(st.integers(0, 5)) == 0:
        fresh = draw(_any(1))
        return {**fresh, **kept} if isinstance(fresh, dict) else {**({} if fresh else {"not": {}}), **kept}
    if draw(st.integers(0, 4)) == 0:
        return {"anyOf": [{key: value for key, value in schema.items() if key != "$defs"}, draw(_any(0))], **kept}
    free = [key for key in schema if key not in ("$defs", "discriminator", "oneOf", "type")]
    if free and draw(st.booleans()):
        return _with_another_value(draw, schema, draw(st.sampled_from(free)))
    makers = {"integer": _number, "number": _number, "string": _string}
    kind = schema.get("type")
    if kind == "object" and "kind" not in schema.get("required", ()):
        return {**schema, **{key: value for key, value in draw(_object(1)).items() if key != "type"}}
    if kind == "array":
        return {**schema, **draw(_array(1))}
    return {**schema, **draw(makers[kind]())} if isinstance(kind, str) and kind in makers else schema


def _with_another_value(draw: Draw, schema: Schema, keyword: str) -> Schema:
    value = schema[keyword]
    if keyword == "required":
        names = [name for name in NAMES if name in schema.get("properties", {})]
        tag = [name for name in value if name == "kind"]
        return {
            **schema,
            keyword: [*draw(st.lists(st.sampled_from(names), unique=True) if names else st.just([])), *tag],
        }
    if keyword == "properties":
        fresh = {name: draw(_any(0)) for name in draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=2))}
        left = [name for name in value if name == "kind" or draw(st.integers(0, 2))]
        return {**schema, keyword: {**fresh, **{name: value[name] for name in left}}}
    if keyword == "enum" and draw(st.booleans()):
        return {**schema, keyword: [*value, draw(st.sampled_from(VALUES))]}
    if isinstance(value, int) and not isinstance(value, bool) and keyword not in ("const", "multipleOf"):
        return {
            **schema,
            keyword: max(
                value + draw(st.sampled_from([-1, 1])),
                0 if "m" in keyword[:1] and keyword not in ("minimum", "maximum") else -9,
            ),
        }
    return {key: value for key, value in schema.items() if key != keyword}


def _inside(schema: Schema) -> Iterator[tuple[Any, ...]]:
    for keyword in ("properties", "patternProperties", "$defs"):
        yield from ((keyword, name) for name in schema.get(keyword, {}) if name != "kind")
    for keyword in ("allOf", "anyOf", "oneOf", "prefixItems"):
        if keyword != "allOf" and not (keyword == "oneOf" and "discriminator" not in schema):
            yield from ((keyword, index) for index in range(len(schema.get(keyword, []))))
    yield from ((keyword,) for keyword in ("items", "additionalProperties") if isinstance(schema.get(keyword), dict))


def _at(schema: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        schema = schema[step]
    return schema


def _replaced(schema: Schema, path: tuple[Any, ...], new: Any) -> Schema:
    if len(path) == 1:
        return {**schema, path[0]: new}
    keyword, step = path
    inner = schema[keyword]
    if keyword == "oneOf" and not (
        isinstance(new, dict) and "kind" in new.get("properties", {}) and "kind" in new.get("required", ())
    ):
        return schema
    filled = (
        [new if index == step else one for index, one in enumerate(inner)]
        if isinstance(inner, list)
        else {**inner, step: new}
    )
    return {**schema, keyword: filled}
