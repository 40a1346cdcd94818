"""Valid fakes in place of personal data: the same input gives the same fake, in every process.

What is personal is what `contradance.pii.mask` masks. A marked field gets a value of its own schema, as `events_of` generates
it; a field that the model does not have is left out. The result is checked against the model. Two fields with the same
constraints have the same fake for the same value, such as a field of an event and one of a row: their titles, descriptions,
defaults and examples do not count. Examples are tried only where the model's validators refuse every other value.
"""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from hashlib import shake_256
from itertools import product
from typing import Any, Final

from hypothesis import given, settings
from pydantic import BaseModel, ValidationError

from contradance.compatibility.keywords import ANNOTATIONS, JsonSchema, SchemaObject, map_inner
from contradance.contract import Contract
from contradance.pii import MASK, mask
from contradance.schemas import schema_of
from contradance.testing.strategies import strategy_of
from contradance.wire import as_text, read_tolerant

_CHOICES: Final = 6
"""Generated values per field. Another is tried where the contract's validators refuse one."""
_TRIES: Final = 60
"""Most attempts to generate them."""
_BYTES: Final = 16_384
"""Random bytes for one value; what needs more is another attempt."""
_WORD: Final = 8
"""Letters of a fake, within its limits: two values rarely have the same one, and it can be the key of a row."""
_NUMBER: Final = 4
"""Fewest characters of a number that is replaced in a text: a shorter one identifies no person."""
_IGNORED: Final = ANNOTATIONS | {"x-pii"}
"""Keywords on which a fake does not depend."""
_LEFT_OUT: Final = object()


class CannotFake(Exception):
    """Data has no shape that can be faked, or the model's validators refuse every fake."""


def faked(model: type[BaseModel], data: object) -> tuple[Any, dict[str, str]]:
    """Return (data with fakes for personal data, what replaces each personal text in it); or raise `CannotFake`.

    `model` is a contract, the class of an event of others, or that of a table's items. A text inside a value that is faked as
    a whole, or is left out, is replaced by `***`; so is a number of four digits or more.
    """
    shown = mask(model, data)
    named = str(model.identity) if issubclass(model, Contract) else model.__qualname__
    if not isinstance(data, Mapping) or not isinstance(shown, Mapping):
        raise CannotFake(f"the data of {named} is not an object")
    was_valid = _is_valid(model, data)
    for examples, choice in product((False, True), range(_CHOICES)):
        faker = _Faker(model, choice, examples=examples)
        found = faker.value(faker.schema, shown, data)
        if not was_valid or _is_valid(model, found):
            return found, faker.replaced
    raise CannotFake(f"the validators of {named} accept no generated value; see events_of")


def _is_valid(model: type[BaseModel], data: object) -> bool:
    """Whether data can be read as the model, unknown fields ignored."""
    try:
        read_tolerant(model, as_text(data))
    except (ValidationError, ValueError, TypeError):
        return False
    return True


@lru_cache(maxsize=1024)
def _generated(model: type[BaseModel], text: str) -> tuple[Any, ...]:
    """Return up to six values of the schema in `text`, the JSON of (schema, real value), the same for the same text.

    Hypothesis reads them from given bytes: a seed would not do, because it also draws constants of the modules that are loaded.
    """
    schema, _ = json.loads(text)
    found: list[Any] = []

    @settings(database=None, deadline=None)
    @given(strategy_of(model, schema))
    def collect(value: Any) -> None:
        found.append(value)

    for number in range(_TRIES):
        collect.hypothesis.fuzz_one_input(shake_256(f"{number} {text}".encode()).digest(_BYTES))  # type: ignore[attr-defined]
        if len(found) == _CHOICES:
            break
    return tuple(found)


def _constraints(schema: SchemaObject) -> SchemaObject:
    """Return a schema without annotations and marks, at any depth; strings without format or pattern are letters."""

    def plain(one: JsonSchema) -> JsonSchema:
        """Return an inner schema in the same way; a boolean unchanged."""
        return _constraints(one) if isinstance(one, Mapping) else one

    inner = map_inner(schema, plain)
    kept = {} if isinstance(inner, bool) else {key: inner[key] for key in inner if key not in _IGNORED}
    if kept.get("type") != "string" or kept.keys() & {"format", "pattern"} or kept.get("maxLength") == 0:
        return kept
    length = max(kept.get("minLength", 0), min(_WORD, kept.get("maxLength", _WORD)))
    return {**kept, "pattern": f"^[A-Za-z]{{{length}}}$"}


def _without_null(schema: SchemaObject) -> SchemaObject:
    """Return a schema without null as a member of its `anyOf`; one member that remains replaces the `anyOf`."""
    members = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    if len(members) == 1:
        return {**rest, **members[0]}
    return {**rest, "anyOf": members} if members else schema


def _texts(value: object, *, keys: bool) -> Iterator[str]:
    """Yield the texts in a value, at any depth, and numbers of four characters or more; with `keys` also keys."""
    if isinstance(value, str):
        yield from (value,) if value else ()
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(key, keys=keys) if keys else ()
            yield from _texts(item, keys=keys)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, keys=keys)
    elif not isinstance(value, bool) and value is not None and len(str(value)) >= _NUMBER:
        yield str(value)


class _Faker:
    """Fakes the values of one model; with `examples`, each field's examples are among its fakes."""

    def __init__(self, model: type[BaseModel], choice: int, *, examples: bool) -> None:
        self.schema: SchemaObject = schema_of(model, "validation")
        self.replaced: dict[str, str] = {}
        self._model = model
        self._choice = choice
        self._examples = examples

    def value(self, schema: SchemaObject | None, shown: object, value: object) -> Any:
        """Return a value with fakes wherever `shown` masks it, without fields that cannot be faked."""
        if shown == MASK and value != MASK:
            return self._replaced(schema, value)
        if isinstance(value, Mapping) and isinstance(shown, Mapping):
            made = {key: self.value(self._field(schema, key), shown[key], item) for key, item in value.items()}
            return {key: item for key, item in made.items() if item is not _LEFT_OUT}
        if isinstance(value, list) and isinstance(shown, list):
            items = [self.value(self._item(schema, n), *both) for n, both in enumerate(zip(shown, value, strict=True))]
            return [item for item in items if item is not _LEFT_OUT]
        return value

    def _replaced(self, schema: SchemaObject | None, value: object) -> Any:
        """Return the fake of a personal value, and add the texts in it to `replaced`."""
        fake = self._fake(schema, value)
        keys = not any("properties" in one for one in self._resolved(schema))  # else they are names of fields
        self.replaced |= {text: MASK for text in _texts(value, keys=keys) if text not in self.replaced}
        if isinstance(value, str) and isinstance(fake, str) and value:
            self.replaced[value] = fake
        return fake

    def _fake(self, schema: SchemaObject | None, value: object) -> Any:
        """Return a value of a schema that depends on the real one alone; `_LEFT_OUT` without a schema."""
        if schema is None:
            return _LEFT_OUT
        plain = _constraints(schema)
        if value is not None:
            plain = _without_null(plain)
        if self._examples and "examples" in schema:
            plain = {**plain, "examples": schema["examples"]}
        text = json.dumps([plain, value], sort_keys=True, default=str)
        found = _generated(self._model, text)
        if not found:
            return _LEFT_OUT
        return found[min(self._choice, len(found) - 1)]

    def _resolved(self, schema: SchemaObject | None) -> list[SchemaObject]:
        """Return what a schema stands for: of a reference the target, of a union the members, of None nothing."""
        if schema is None:
            return []
        if "$ref" in schema:
            return self._resolved(self.schema.get("$defs", {}).get(schema["$ref"].rpartition("/")[2]))
        for word in ("anyOf", "oneOf", "allOf"):
            if word in schema:
                return [found for one in schema[word] for found in self._resolved(one)]
        return [schema]

    def _field(self, schema: SchemaObject | None, key: object) -> SchemaObject | None:
        """Return the schema of a field, or of a mapping's values; None when the schema does not describe it."""
        for one in self._resolved(schema):
            named = one.get("properties", {}).get(key)
            rest = one.get("additionalProperties")
            if named is not None or isinstance(rest, dict):
                found: SchemaObject = rest if named is None else named  # type: ignore[assignment]  # one is an object
                return found
        return None

    def _item(self, schema: SchemaObject | None, position: int) -> SchemaObject | None:
        """Return the schema of the item at a position of an array; None when the schema does not describe it."""
        for one in self._resolved(schema):
            items = one.get("prefixItems", [])[position : position + 1] or [one.get("items")]
            if isinstance(items[0], dict):
                return items[0]
        return None
