"""The gate reports every change of a field's kind that makes a consumer refuse what was published before."""

import json
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Annotated, Any, Final

import pydantic
import pytest
from pydantic import Field, UrlConstraints

from contradance.compatibility import compare
from contradance.schemas import schema_of
from contradance.wire import read_tolerant
from tests.wire.contracts import contract_of, holds
from tests.wire.kinds import KINDS, Kind
from tests.wire.test_kinds import data_of, events

BEFORE: Final = [
    kind
    for kind in KINDS
    if kind.name
    in (
        "str",
        "int",
        "float",
        "date",
        "datetime",
        "time",
        "timedelta",
        "Decimal",
        "Fraction",
        "FileUrl",
        "dict[str, int]",
    )
]
"""Kinds whose JSON many others also read: a part of it."""
NARROWED: Final = {
    "date": Annotated[date, Field(ge=date(2027, 1, 1))],
    "datetime": Annotated[datetime, Field(lt=datetime(1990, 1, 1))],  # noqa: DTZ001
    "time": Annotated[time, Field(gt=time(13))],
    "timedelta": Annotated[timedelta, Field(ge=timedelta(weeks=20))],
    "decimal": Annotated[Decimal, Field(ge=10**40)],
    "digits": Annotated[Decimal, Field(max_digits=1)],
    "fraction": Annotated[Fraction, Field(ge=1)],
    "url": Annotated[pydantic.AnyUrl, UrlConstraints(host_required=True)],
    "keys with a pattern": dict[Annotated[str, Field(pattern="^b")], int],
    "keys with a length": dict[Annotated[str, Field(pattern="^", min_length=9)], int],
    "keys with bounds": dict[Annotated[int, Field(ge=5)], int],
    "keys of two types": dict[int | date, int],
}
AFTER: Final = [
    *(kind for kind in KINDS if holds(kind) and kind.values),
    *(Kind(name, annotation) for name, annotation in NARROWED.items()),
]


@cache
def model_of(kind: Kind) -> Any:
    """Return a contract with a field of a kind, which is in the table or in `NARROWED`."""
    if kind in KINDS:
        return contract_of(kind)
    return pydantic.create_model(f"Narrowed{AFTER.index(kind)}", id=(str, "k1"), field=(kind.type, ...))


@cache
def published(kind: Kind) -> list[str]:
    """Return the data of a kind's events as text."""
    return [json.dumps(data_of(event)) for event in events(kind)]


@pytest.mark.parametrize("after", AFTER, ids=lambda kind: kind.name)
def test_the_gate_reports_every_change_that_consumers_refuse(after: Kind) -> None:
    new = schema_of(model_of(after))

    for before in BEFORE:
        refused = []
        for text in published(before):
            with suppress(Exception):  # a custom type's validator may raise anything
                read_tolerant(model_of(after), text)
                continue
            refused.append(text)
        found = compare(schema_of(model_of(before)), new) if refused else []

        assert not refused or any("backward" in change.breaks for change in found), (before.name, refused)
