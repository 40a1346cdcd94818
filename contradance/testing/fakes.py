"""Valid fakes in place of personal data: the same input gives the same fake, in every process.

What is personal is what `contradance.pii.mask` masks. A marked field gets a value of its own schema, as `events_of` generates
it; a field that the model does not have is left out. The result is checked against the model.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, seed, settings
from pydantic import BaseModel, ValidationError

from contradance.compatibility.keywords import SchemaObject
from contradance.contract import Contract
from contradance.pii import MASK, mask
from contradance.schemas import schema_of
from contradance.testing.strategies import strategy_of
from contradance.wire import as_text, read_tolerant

_CHOICES: Final = 6
"""Generated values per field; the later ones are less simple. Another is tried where the contract's validators refuse one."""
_LEFT_OUT: Final = object()


class CannotFake(Exception):
    """Data has no shape that can be faked, or the model's validators refuse every fake."""


def faked(model: type[BaseModel], data: object) -> tuple[Any, dict[str, str]]:
    """Return data with fakes for personal data, and the replaced texts with their fakes; or raise `CannotFake`.

    `model` is a contract, or the class of a table's items.
    """
    shown = mask(model, data)
    named = str(model.identity) if issubclass(model, Contract) else model.__qualname__
    if not isinstance(data, Mapping) or not isinstance(shown, Mapping):
        raise CannotFake(f"the data of {named} is not an object")
    was_valid = _is_valid(model, data)
    for choice in reversed(range(_CHOICES)):
        faker = _Faker(model, choice)
        found = faker.value(faker.schema, shown, data)
        if not was_valid or _is_valid(model, found):
            return found, faker.replaced
    raise CannotFake(f"the validators of {named} accept no generated value; see events_of")


def _is_valid(model: type[BaseModel], data: object) -> bool:
    """Return whether data could be read as the model."""
    try:
        read_tolerant(model, as_text(data))
    except (ValidationError, ValueError, TypeError):
        return False
    return True


@lru_cache(maxsize=1024)
def _generated(model: type[BaseModel], text: str) -> tuple[Any, ...]:
    """Return up to `_CHOICES` values for the JSON of (schema, value), always the same for the same text."""
    schema, _ = json.loads(text)
    found: list[Any] = []

    @seed(int.from_bytes(sha256(text.encode()).digest()[:8]))
    @settings(
        max_examples=_CHOICES,
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    @given(strategy_of(model, schema))
    def collect(value: Any) -> None:
        found.append(value)

    collect()
    return tuple(found)


class _Faker:
    """Fakes the values of one model."""

    def __init__(self, model: type[BaseModel], choice: int) -> None:
        self.schema: SchemaObject = schema_of(model, "validation")
        self.replaced: dict[str, str] = {}
        self._model = model
        self._choice = choice

    def value(self, schema: SchemaObject | None, shown: object, value: object) -> Any:
        """Return a value with fakes wherever `shown` masks it, without fields that cannot be faked."""
        if shown == MASK and value != MASK:
            return self._fake(schema, value)
        if isinstance(value, Mapping) and isinstance(shown, Mapping):
            made = {key: self.value(self._field(schema, key), shown[key], item) for key, item in value.items()}
            return {key: item for key, item in made.items() if item is not _LEFT_OUT}
        if isinstance(value, list) and isinstance(shown, list):
            items = [self.value(self._item(schema, n), *both) for n, both in enumerate(zip(shown, value, strict=True))]
            return [item for item in items if item is not _LEFT_OUT]
        return value

    def _fake(self, schema: SchemaObject | None, value: object) -> Any:
        """Return a value of a schema that depends on the real one alone; `_LEFT_OUT` without a schema."""
        if schema is None:
            return _LEFT_OUT
        text = json.dumps([schema, value], sort_keys=True, default=str)
        found = _generated(self._model, text)
        fake = found[min(self._choice, len(found) - 1)]
        if isinstance(value, str) and isinstance(fake, str) and value:
            self.replaced[value] = fake
        return fake

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
