from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from importlib import import_module
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from contradance.scaffold.expression import expression


class Colour(StrEnum):
    """An enum of ours."""

    RED = "red"


class Shelf(BaseModel):
    """A model of ours."""

    name: str
    colours: tuple[Colour, ...]


def evaluated(value: object) -> Any:
    """Return what the text of `value` means, with nothing but its imports."""
    code = expression(value)
    assert code is not None
    names = {name: getattr(import_module(module), name) for module, name in code.imports}
    return eval(code.text, {}, names)  # noqa: S307 - our own text


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.uuids()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.datetimes(timezones=st.just(UTC))
    | st.dates()
    | st.timedeltas()
    | st.just(Colour.RED)
    | st.builds(Shelf, name=st.text(), colours=st.lists(st.just(Colour.RED)).map(tuple))
)


@given(st.recursive(SCALARS, lambda inner: st.lists(inner) | st.lists(inner).map(tuple), max_leaves=8))
def test_the_text_of_a_value_means_the_value(value: object) -> None:
    assert evaluated(value) == value


@pytest.mark.parametrize(
    "value", [UUID(int=1), Decimal("1.50"), date(2026, 1, 31), datetime(2026, 1, 31, tzinfo=UTC), 'it\'s "so"\n']
)
def test_text_is_quoted_as_formatters_quote_it(value: object) -> None:
    code = expression(value)

    assert code is not None
    assert "'" not in code.text.replace("it's", "")


class Shelved(BaseModel):
    """A model of ours that holds an enum of its own."""

    class State(StrEnum):
        """Cannot be imported by its name."""

        HERE = "here"


@pytest.mark.parametrize("value", [object(), [object()], (1, [object()]), Shelved.State.HERE], ids=lambda _: "value")
def test_a_value_that_cannot_be_written_has_no_text(value: object) -> None:
    assert expression(value) is None
