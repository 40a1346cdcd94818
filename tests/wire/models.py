"""Contracts made at random, their validators and serializers included, with instances of them."""

# ruff: noqa: DTZ001 - zones are drawn

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from itertools import count
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WrapSerializer,
    field_serializer,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.alias_generators import to_camel

from contradance import Contract, Value
from tests.wire import shapes as s

Made = tuple[Any, st.SearchStrategy[Any]]
"""A type, and a strategy for arguments that it may be built from."""

_METACLASS: Final[Any] = type(Value)
_NUMBERS: Final = count()
_MOMENTS: Final = st.datetimes(
    datetime(1800, 1, 1),
    datetime(2200, 1, 1),
    timezones=st.one_of(st.none(), st.timezones()),
)
_ZONED: Final = _MOMENTS | st.datetimes(
    datetime(2000, 1, 1),
    datetime(2030, 1, 1),
    timezones=st.just(timezone(timedelta(hours=5, minutes=30))),
)
_SCALARS: Final[tuple[Made, ...]] = (
    (int, st.integers() | st.booleans()),
    (float, st.floats() | st.integers(-9, 9)),
    (bool, st.booleans()),
    (str, st.text(max_size=5)),
    (bytes, st.binary(max_size=4)),
    (Decimal, st.decimals() | st.integers(-9, 9)),
    (datetime, _ZONED),
    (date, st.dates()),
    (timedelta, st.timedeltas()),
    (UUID, st.uuids()),
    (s.Colour, st.sampled_from(s.Colour)),
    (s.Level, st.sampled_from(s.Level)),
    (s.Access, st.sampled_from([s.Access.READ, s.Access.READ | s.Access.WRITE])),
    (Literal["a", 1], st.sampled_from(["a", 1])),
    (Any, st.none() | st.integers() | st.text(max_size=3) | st.uuids() | st.lists(st.integers(), max_size=2)),
    (s.Celsius, st.builds(s.Celsius, st.floats(-9, 9))),
    (s.Opaque, st.builds(s.Opaque, st.floats(-9, 9))),
)
_KEYS: Final[tuple[Made, ...]] = tuple(
    made for made in _SCALARS if made[0] in (int, float, bool, str, Decimal, datetime, date, UUID, s.Colour, s.Level)
)


_SETTINGS: Final = (
    ConfigDict(),
    ConfigDict(alias_generator=to_camel),
    ConfigDict(strict=True),
    ConfigDict(str_to_lower=True),
)


def _of(container: Any, items: Any) -> Any:
    return container[items]


def _double(value: Any) -> Any:
    return value * 2 if isinstance(value, int | float | str | Decimal) else value


def _once(value: Any) -> Any:
    return value if not isinstance(value, str) else value.strip().lower()


def _half(value: Any) -> Any:
    return value / 2 if isinstance(value, float) else value


def _raises(value: Any) -> Any:
    if isinstance(value, str):
        raise TypeError(value)
    return value


def _as_text(value: Any) -> str:
    return str(value)


def _wrapped(value: Any, handler: Any) -> Any:
    found = handler(value)
    return found[:3] if isinstance(found, str) else found


_ODDITIES: Final = (
    BeforeValidator(_double),
    BeforeValidator(_raises),
    AfterValidator(_once),
    AfterValidator(_half),
    PlainSerializer(_as_text),
    PlainSerializer(lambda value: value),
    PlainSerializer(lambda _: None),
    WrapSerializer(_wrapped),
    Field(strict=True),
)


@st.composite
def fields(draw: st.DrawFn, depth: int = 2) -> Made:
    """Draw a type of a field, and a strategy for its values."""
    kind, values = draw(_types(depth))
    if draw(st.integers(0, 4)) == 0:
        kind = Annotated[kind, draw(st.sampled_from(_ODDITIES))]
    return kind, values


def _types(depth: int) -> st.SearchStrategy[Made]:
    scalars = st.sampled_from(_SCALARS)
    if not depth:
        return scalars
    inner = fields(depth - 1)
    return st.one_of(
        scalars,
        inner.map(lambda made: (_of(list, made[0]), st.lists(made[1], max_size=3))),
        inner.map(lambda made: (_of(tuple, (made[0], ...)), st.lists(made[1], max_size=3).map(tuple))),
        inner.map(lambda made: (made[0] | None if made[0] is not Any else Any, st.none() | made[1])),
        st.tuples(st.sampled_from(_KEYS), inner).map(
            lambda made: (_of(dict, (made[0][0], made[1][0])), st.dictionaries(made[0][1], made[1][1], max_size=3))
        ),
        st.tuples(inner, inner).map(lambda made: (made[0][0] | made[1][0], made[0][1] | made[1][1])),
        st.sampled_from(_KEYS).map(lambda made: (_of(frozenset, made[0]), st.frozensets(made[1], max_size=3))),
        values(depth - 1),
    )


@st.composite
def values(draw: st.DrawFn, depth: int) -> Made:
    """Draw a `Value`, with settings, validators and serializers of its own, and a strategy for its instances."""
    made = draw(st.dictionaries(st.sampled_from("abc"), fields(depth), min_size=1, max_size=3))
    kind = _METACLASS(f"Value{next(_NUMBERS)}", (Value,), draw(_names({name: one for name, (one, _) in made.items()})))
    return kind, st.fixed_dictionaries({name: given for name, (_, given) in made.items()})


@st.composite
def _names(draw: st.DrawFn, annotations: dict[str, Any]) -> dict[str, Any]:
    """Draw what stands in the body of a class."""
    names: dict[str, Any] = {"__annotations__": annotations, "__module__": __name__}
    first = next(iter(annotations))
    own = draw(
        st.sampled_from(["", "", "", "validator", "serializer", "model before", "model after", "model serializer"])
    )
    if own == "validator":
        names["check"] = field_validator(first)(classmethod(lambda _, value: _once(value)))
    elif own == "serializer":
        names["write"] = field_serializer(first)(lambda _, value: _half(value))
    elif own == "model before":

        def before(_: Any, data: Any) -> Any:
            return {**data, first: _double(data.get(first))} if isinstance(data, dict) else data

        decorate: Any = model_validator(mode="before")
        names["before"] = decorate(classmethod(before))
    elif own == "model serializer":
        names["pack"] = model_serializer(lambda self: dict(self.__dict__))
    names["model_config"] = draw(st.sampled_from(_SETTINGS))
    return names


@st.composite
def contracts(draw: st.DrawFn) -> Made:
    """Draw a contract, and a strategy for arguments of its events; raises what its class is refused with."""
    made = draw(st.dictionaries(st.sampled_from(["field", "other", "due_on"]), fields(), min_size=1, max_size=3))
    names = draw(_names({name: one for name, (one, _) in made.items()}))
    names["__annotations__"] = {**names["__annotations__"], "id": str}
    name = f"Contract{next(_NUMBERS)}"
    kind = _METACLASS(name, (Contract,), {**names, "__qualname__": name}, source="made.up", subject="id")
    return kind, st.fixed_dictionaries({"id": st.just("k1"), **{name: given for name, (_, given) in made.items()}})
