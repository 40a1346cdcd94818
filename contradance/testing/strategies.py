"""Hypothesis strategies that generate the events of a contract, with generated personal data.

They are built from the contract's JSON Schema, which has all bounds, lengths, patterns and choices. Events that the
author's own validators refuse are discarded. The values of a field include its examples.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, timedelta
from fractions import Fraction
from math import ceil, floor
from typing import Any, Final, TypeVar
from uuid import UUID

from hypothesis import assume
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic_core import to_json

from contradance.compatibility.keywords import CHECKS, SchemaObject
from contradance.contract import Contract
from contradance.schemas import schema_of
from contradance.wire import read_closed

Event = TypeVar("Event", bound=Contract)
_LONGEST_TEXT: Final = 60
"""Most characters of a generated text without an upper limit, beyond its minimum."""
_LONGEST_LIST: Final = 4
"""Most items of a generated list, beyond its minimum."""
_LARGEST: Final = 2**53
"""Bound of a number without one: JSON readers agree on integers up to it."""
_BOUNDS: Final = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
_USUAL: Final = 999
"""Bound of a decimal without one: three digits before the point stay below a usual limit on all digits."""
_YEARS: Final = timedelta(days=3650)
_FORMATS: Final[dict[str, Callable[[], st.SearchStrategy[str]]]] = {
    "uuid": lambda: st.uuids().map(str),
    "date-time": lambda: st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.isoformat()),
    "date": lambda: st.dates().map(lambda day: day.isoformat()),
    "time": lambda: st.times().map(lambda time: time.isoformat()),
    "duration": lambda: st.timedeltas(-_YEARS, _YEARS).map(
        lambda span: f"{'-' if span < timedelta() else ''}PT{abs(span).total_seconds():f}S"
    ),
    "decimal": lambda: _decimals({}),
    "complex": lambda: st.complex_numbers(allow_nan=False, allow_infinity=False).map(lambda one: str(one).strip("()")),
    "color": lambda: st.sampled_from(["red", "#09f", "rgb(1, 2, 3)"]),
    "email": st.emails,
    "uri": lambda: st.sampled_from(["https://example.com/", "https://example.org/a?b=c"]),
    "ipv4": lambda: st.ip_addresses(v=4).map(str),
    "ipv6": lambda: st.ip_addresses(v=6).map(str),
    "ipvanyaddress": lambda: st.ip_addresses().map(str),
    **dict.fromkeys(
        ("ipv4interface", "ipv4network", "ipvanyinterface", "ipvanynetwork"),
        lambda: st.ip_addresses(v=4).map(lambda address: f"{address}/32"),
    ),
    **dict.fromkeys(
        ("ipv6interface", "ipv6network"), lambda: st.ip_addresses(v=6).map(lambda address: f"{address}/128")
    ),
    "zoneinfo": lambda: st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]),
}
_UUID_VERSION: Final = re.compile("uuid([1-8])")


def events_of(contract: type[Event]) -> st.SearchStrategy[Event]:
    """Return a strategy that generates the valid events of `contract`, which its own validators accept too."""
    schema = schema_of(contract, "validation")
    data = _StrategyBuilder(schema.get("$defs", {})).strategy(schema)

    @st.composite
    def events(draw: st.DrawFn) -> Event:
        """Return an event that is read from drawn data; discard data that a validator refuses."""
        made = draw(data)
        try:
            return read_closed(contract, to_json(made))
        except Exception:  # an author's validator may raise anything
            assume(condition=False)
            raise

    return events()


def strategy_of(model: type[BaseModel], schema: SchemaObject) -> st.SearchStrategy[Any]:
    """Return a strategy for the values of one part of the schema of `model`."""
    return _StrategyBuilder(schema_of(model, "validation").get("$defs", {})).strategy(schema)


class _StrategyBuilder:
    """Builds strategies from the JSON Schema of one model."""

    def __init__(self, definitions: Mapping[str, SchemaObject]) -> None:
        self._definitions = definitions
        self._made: dict[str, st.SearchStrategy[Any]] = {}

    def strategy(self, schema: SchemaObject) -> st.SearchStrategy[Any]:
        """Return a strategy for the values that `schema` allows, its examples among them."""
        examples = schema.get("examples")
        made = self._strategy_of_kind(schema)
        return st.one_of(st.sampled_from(examples), made) if examples else made

    def _strategy_of_kind(self, schema: SchemaObject) -> st.SearchStrategy[Any]:
        """Return a strategy for a schema by its `$ref`, its choices or its type, without its examples."""
        if "$ref" in schema:
            return self._definition(schema["$ref"].rpartition("/")[2])
        if "const" in schema or "enum" in schema:
            return st.sampled_from(schema.get("enum") or [schema["const"]])
        if [one.get("type") for one in schema.get("anyOf", ())] == ["number", "string"]:
            return _decimals(schema["anyOf"][0])
        for word in ("anyOf", "oneOf", "allOf"):
            if word in schema:
                return st.one_of([self.strategy(one) for one in schema[word]])
        kinds: dict[str, Callable[[SchemaObject], st.SearchStrategy[Any]]] = {
            "string": _strings,
            "integer": _integers,
            "number": _floats,
            "boolean": lambda _: st.booleans(),
            "null": lambda _: st.none(),
            "array": self._lists,
            "object": self._objects,
        }
        if schema.get("type") not in kinds:
            return st.none() | st.booleans() | st.integers(-_LARGEST, _LARGEST) | st.text(max_size=_LONGEST_TEXT)
        return kinds[schema["type"]](schema)

    def _definition(self, name: str) -> st.SearchStrategy[Any]:
        """Return the strategy of a definition by its name; the definition may refer to itself."""
        if name not in self._made:
            self._made[name] = st.deferred(lambda: self.strategy(self._definitions[name]))
        return self._made[name]

    def _lists(self, schema: SchemaObject) -> st.SearchStrategy[Any]:
        """Return a strategy for a schema's tuples, or its lists, with at most four items more than it requires."""
        if "prefixItems" in schema:
            return st.tuples(*map(self.strategy, schema["prefixItems"])).map(list)
        least = schema.get("minItems", 0)
        most = min(schema.get("maxItems", least + _LONGEST_LIST), least + _LONGEST_LIST)
        unique = repr if schema.get("uniqueItems") else None
        return st.lists(self.strategy(schema.get("items", {})), min_size=least, max_size=most, unique_by=unique)

    def _keys(self, names: SchemaObject) -> st.SearchStrategy[str]:
        """Return a strategy for the keys of an object: texts of numbers or booleans where `x-checks` names their type."""
        if "anyOf" in names:
            return st.one_of([self._keys(one) for one in names["anyOf"]])
        kind = names.get(CHECKS, {}).get("keys")
        if kind is None:
            return self.strategy({"type": "string", **names})
        return self.strategy(kind if isinstance(kind, dict) else {"type": kind}).map(lambda key: to_json(key).decode())

    def _objects(self, schema: SchemaObject) -> st.SearchStrategy[Any]:
        """Return a strategy for objects with the named properties; if none are named, with up to four other keys."""
        properties = schema.get("properties")
        if properties is None:
            values = schema.get("additionalProperties", {})
            names = {**schema.get("propertyNames", {}), CHECKS: schema.get(CHECKS, {})}
            items = self.strategy(values if isinstance(values, dict) else {})
            least = schema.get("minProperties", 0)
            most = min(schema.get("maxProperties", least + _LONGEST_LIST), least + _LONGEST_LIST)
            return st.dictionaries(self._keys(names), items, min_size=least, max_size=most)
        required = set(schema.get("required", ()))
        made = {name: self.strategy(one) for name, one in properties.items()}
        return st.fixed_dictionaries(
            {name: one for name, one in made.items() if name in required},
            optional={name: one for name, one in made.items() if name not in required},
        )


def _strings(schema: SchemaObject) -> st.SearchStrategy[str]:
    """Return a strategy for strings of a schema's checks, else of its format, else of its pattern and length."""
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    found = _strings_with_checks(str(schema.get("format", "")), schema.get(CHECKS, {}))
    if found is not None:
        return found
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]()
    if "pattern" not in schema:
        return st.text(min_size=least, max_size=min(most or least + _LONGEST_TEXT, least + _LONGEST_TEXT))
    pattern = re.sub(r"(?<!\\)\$$", r"\\Z", schema["pattern"])  # Python's `$` also matches before a final newline
    found = st.from_regex(re.compile(pattern))
    return found.filter(lambda text: least <= len(text) <= (len(text) if most is None else most))


def _strings_with_checks(form: str, checks: Mapping[str, Any]) -> st.SearchStrategy[str] | None:
    """Return a strategy for a UUID of one version, a naive datetime or a URL of given schemes; None without these."""
    version = _UUID_VERSION.fullmatch(form)
    if version is not None:
        bits = int(version[1]) << 76
        return st.uuids().map(lambda found: str(UUID(int=found.int & ~(0xF << 76) | bits)))
    if form == "date-time" and checks.get("tz_constraint") == "naive":
        return st.datetimes().map(lambda moment: moment.isoformat())
    schemes = checks.get("allowed_schemes")
    if schemes:
        return st.sampled_from(schemes).map(
            lambda scheme: "file:///a/b" if scheme == "file" else f"{scheme}://user:word@example.com:5432/a"
        )
    return None


def _integers(schema: SchemaObject) -> st.SearchStrategy[int]:
    """Return a strategy for the integers within a schema's bounds that are multiples of its `multipleOf`."""
    return _multiples(schema).map(int)


def _multiples(schema: SchemaObject) -> st.SearchStrategy[Fraction]:
    """Return a strategy for the multiples of `multipleOf`, or of 1, within a schema's bounds; 2**53 bounds them else."""
    step = Fraction(str(schema.get("multipleOf", 1)))
    bounds = {name: Fraction(str(schema[name])) / step for name in _BOUNDS if name in schema}
    lower = [ceil(bounds["minimum"])] if "minimum" in bounds else []
    lower += [floor(bounds["exclusiveMinimum"]) + 1] if "exclusiveMinimum" in bounds else []
    upper = [floor(bounds["maximum"])] if "maximum" in bounds else []
    upper += [ceil(bounds["exclusiveMaximum"]) - 1] if "exclusiveMaximum" in bounds else []
    least = max(lower, default=min(-_LARGEST, *upper) if upper else -_LARGEST)
    most = min(upper, default=max(_LARGEST, least))
    return st.integers(least, most).map(lambda number: number * step)


def _decimals(number: SchemaObject) -> st.SearchStrategy[str]:
    """Return a strategy for decimals as text, within the bounds of a number's schema, with no or two places."""
    least = number.get("minimum", number.get("exclusiveMinimum", -_USUAL))
    most = number.get("maximum", number.get("exclusiveMaximum", max(least, 0) + _USUAL))
    prices = st.decimals(least, most, allow_nan=False, allow_infinity=False, places=2)
    whole = st.decimals(least, most, allow_nan=False, allow_infinity=False, places=0) if most - least >= 1 else prices
    return st.one_of(whole, prices).map(str)


def _floats(schema: SchemaObject) -> st.SearchStrategy[float]:
    """Return a strategy for the floats within a schema's bounds, which are multiples of its `multipleOf` if it has one."""
    if "multipleOf" in schema:
        return _multiples(schema).map(float)
    least = schema.get("minimum", schema.get("exclusiveMinimum"))
    most = schema.get("maximum", schema.get("exclusiveMaximum"))
    return st.floats(
        least,
        most,
        exclude_min="exclusiveMinimum" in schema,
        exclude_max="exclusiveMaximum" in schema,
        allow_nan=False,
        allow_infinity=False,
    )
