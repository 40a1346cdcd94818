import re
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import partial
from random import Random
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from pydantic import AwareDatetime, Field, field_validator

from contradance import PII, Contract, Value
from contradance.testing import events_of
from food_contracts.orders import OrderPlaced
from food_contracts.registry import registry
from tests.examples import examples


class Genre(StrEnum):
    """Kinds of books."""

    NOVEL = "novel"
    POEM = "poem"


class Shelf(Value):
    """Where a book stands, and what stands beside it."""

    name: Annotated[str, Field(pattern=r"^[A-Z]{1,3}-\d{2}$", max_length=6)]
    beside: tuple["Shelf", ...] = ()


class BookShelved(Contract, source="library.shelves", subject="book"):
    """A book with every kind of field."""

    book: UUID
    reader: Annotated[str, PII] = Field(min_length=2, max_length=5)
    genre: Genre
    pages: int = Field(ge=1, lt=2000, multiple_of=2)
    weight: float = Field(gt=0, le=9.5)
    price: Decimal = Field(ge=0, max_digits=6, decimal_places=2)
    printed: date
    shelved_at: AwareDatetime
    lent_for: timedelta
    shelf: Shelf | None
    state: Literal["new", "worn", 3]
    tags: tuple[str, ...] = Field(min_length=1, max_length=3)
    notes: dict[str, int] = Field(default_factory=dict)
    pair: tuple[int, str] = (1, "a")
    odd: int = Field(default=1, examples=[77])

    @field_validator("odd")
    @classmethod
    def _is_odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError("it is even")
        return value


@pytest.mark.parametrize("contract", list(registry), ids=lambda contract: contract.__name__)
@examples(20)
@given(st.data())
def test_every_event_of_the_food_system_travels_as_it_is(contract: type[Contract], data: st.DataObject) -> None:
    event = data.draw(events_of(contract))

    assert contract.model_validate_json(event.model_dump_json()) == event


@given(events_of(BookShelved))
def test_every_bound_pattern_and_validator_is_kept(event: BookShelved) -> None:
    assert 2 <= len(event.reader) <= 5
    assert 1 <= event.pages < 2000
    assert event.pages % 2 == 0
    assert 0 < event.weight <= 9.5
    assert event.odd % 2 == 1
    assert 1 <= len(event.tags) <= 3
    assert event.shelf is None or re.fullmatch(r"[A-Z]{1,3}-\d{2}", event.shelf.name)
    assert BookShelved.model_validate_json(event.model_dump_json()) == event


@given(events_of(BookShelved))
def test_personal_data_is_made_up_and_shown_to_nobody(event: BookShelved) -> None:
    assert f"reader={'***'!r}" in repr(event)


@pytest.mark.parametrize(
    "wanted",
    [
        lambda event: event.odd == 77,
        lambda event: event.odd != 77,
        lambda event: event.shelf is not None and event.shelf.beside != (),
        lambda event: event.shelf is None,
        lambda event: event.genre is Genre.POEM and event.state == 3,
        lambda event: event.notes != {},
    ],
    ids=["an example", "another value", "a nested model", "none", "choices", "a mapping"],
)
def test_examples_and_everything_else_are_among_the_events(wanted: object) -> None:
    assert callable(wanted)

    assert wanted(
        find(
            events_of(BookShelved),
            wanted,
            settings=settings(max_examples=1000, database=None, phases=[Phase.generate]),
            random=Random(1),
        )
    )


@given(st.data())
def test_it_is_a_strategy_like_any_other(data: st.DataObject) -> None:
    two = data.draw(st.lists(events_of(OrderPlaced), min_size=2, max_size=2))

    assert all(isinstance(event, OrderPlaced) for event in two)


BOUNDED: dict[str, object] = {
    "integer beyond JSON": Annotated[int, Field(ge=2**53 + 1)],
    "integer below JSON": Annotated[int, Field(lt=-(2**53))],
    "integer in two bounds": Annotated[int, Field(ge=10, gt=20, le=25, lt=24)],
    "multiples of 7": Annotated[int, Field(gt=10, lt=22, multiple_of=7)],
    "quarters": Annotated[float, Field(ge=0, le=1, multiple_of=0.25)],
    "halves": Annotated[float, Field(ge=10, le=12, multiple_of=0.5)],
    "inner quarters": Annotated[float, Field(gt=0, lt=1, multiple_of=0.25)],
    "fives": Annotated[float, Field(ge=0, le=10, multiple_of=5.0)],
    "tenths": Annotated[float, Field(ge=0, le=0.3, multiple_of=0.1)],
    "beyond": Annotated[float, Field(gt=2.0**53)],
}


@pytest.mark.parametrize("annotation", BOUNDED.values(), ids=BOUNDED)
def test_numbers_are_within_their_bounds(annotation: object) -> None:
    untyped: Any = type(Contract)
    space = {"__module__": __name__, "__annotations__": {"key": str, "number": annotation}}
    model = untyped("Numbered", (Contract,), space, source="library.numbers", subject="key")

    @settings(examples(20))
    @given(events_of(model))
    def each_is_an_event(event: Contract) -> None:
        assert isinstance(event, model)

    each_is_an_event()


def test_every_multiple_within_the_bounds_may_come() -> None:
    class Quarter(Contract, source="library.numbers", subject="key"):
        key: str
        number: float = Field(ge=0, le=1, multiple_of=0.25)

    found = {
        find(events_of(Quarter), partial(_has, number), settings=_SEARCH).number for number in (0, 0.25, 0.5, 0.75, 1)
    }

    assert found == {0, 0.25, 0.5, 0.75, 1}


_SEARCH = settings(phases=[Phase.generate])


def _has(number: float, event: Any) -> bool:
    return bool(event.number == number)
