import json
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from contradance import PII, Contract, Value
from contradance.catalog.sample import sample
from contradance.local.console import schema_form
from contradance.local.console.schema_form import SchemaForm
from contradance.local.console.submitted import SubmittedForm
from functions.choreography import food_delivery


class Shelf(StrEnum):
    UPPER = "upper"
    LOWER = "lower"


class Book(Value):
    title: str
    pages: int | None = None
    price: Decimal = Decimal("1.5")


class Noted(Contract, source="library.loans", subject="note"):
    note: str
    before: "Noted | None" = None


class Lent(Contract, source="library.loans", subject="loan"):
    loan: str
    books: tuple[Book, ...]
    shelf: Shelf = Shelf.UPPER
    kind: Literal["long", "short"] = "long"
    renewed: bool = False
    due: date | None = None
    reader: Annotated[str, PII] = Field(default="ada", description="Who.")
    tags: list[str] = Field(default=[])
    notes: dict[str, int] = Field(default={})
    other: Book | None = None
    weight: float = 1.0


def inputs(fields: Iterable[schema_form.FormField]) -> list[tuple[str, str]]:
    """Return what a browser would send of these fields, untouched."""
    found: list[tuple[str, str]] = []
    for field in fields:
        if field.kind in ("group", "list"):
            found += inputs(field.fields)
        elif field.kind != "yes" or field.value == "true":
            found.append((field.path, field.value))
    return found


def form_of(contract: type[Contract]) -> SchemaForm:
    return SchemaForm(contract.model_json_schema(mode="validation"))


def there_and_back(event: Contract) -> Contract:
    form = form_of(type(event))
    data, errors = form.read(SubmittedForm(inputs(form.fields(json.loads(event.model_dump_json()), {}))))
    assert errors == {}
    return type(event).model_validate_json(json.dumps(data))


@pytest.mark.parametrize("contract", food_delivery.contracts, ids=lambda contract: str(contract.identity))
def test_the_example_of_every_contract_comes_back_as_it_was_shown(contract: type[Contract]) -> None:
    event = sample(contract)

    assert there_and_back(event) == event


books = st.builds(
    Book,
    title=st.text(max_size=9),
    pages=st.none() | st.integers(),
    price=st.decimals(allow_nan=False, allow_infinity=False),
)


@given(
    st.builds(
        Lent,
        loan=st.text(max_size=9),
        books=st.lists(books, max_size=3).map(tuple),
        other=st.none() | books,
        due=st.none() | st.dates(),
        weight=st.floats(allow_nan=False, allow_infinity=False),
        notes=st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
        tags=st.lists(st.text(max_size=5), max_size=3),
    )
)
def test_whatever_stands_in_the_fields_comes_back(event: Lent) -> None:
    assert there_and_back(event) == event


def test_a_contract_that_holds_itself_has_a_form() -> None:
    event = Noted(note="late", before=Noted(note="early"))

    assert there_and_back(event) == event


def test_a_list_that_is_too_long_for_inputs_comes_back_whole() -> None:
    many = schema_form.MOST_ITEMS + 1
    event = Lent(loan="1", books=(Book(title="x"),) * many, tags=["x"] * many)

    assert there_and_back(event) == event


def test_kinds_of_fields_follow_the_schema() -> None:
    fields = {field.label: field for field in form_of(Lent).fields({"books": [{"title": "x"}]}, {"loan": "wrong"})}

    assert {name: field.kind for name, field in fields.items()} == {
        "loan": "text",
        "books": "list",
        "shelf": "choice",
        "kind": "choice",
        "renewed": "yes",
        "due": "text",
        "reader": "text",
        "tags": "list",
        "notes": "json",
        "other": "json",
        "weight": "number",
    }
    assert (fields["loan"].error, fields["loan"].required, fields["reader"].required) == ("wrong", True, False)
    assert (fields["reader"].personal, fields["reader"].about) == (True, "Who.")
    assert fields["shelf"].choices == ("upper", "lower")
    assert [inner.path for inner in fields["books"].fields[0].fields] == [
        "books.0.title",
        "books.0.pages",
        "books.0.price",
    ]


def test_text_that_is_no_json_is_told_beside_its_field() -> None:
    data, errors = form_of(Lent).read(SubmittedForm([("notes", "{"), ("loan", "1")]))

    assert errors == {"notes": "This is not JSON."}
    assert data["loan"] == "1"


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=10))
def test_whatever_is_sent_is_read_or_told(fields: list[tuple[str, str]]) -> None:
    data, _ = form_of(Lent).read(SubmittedForm([*fields, ("books.99999999.title", "x"), ("books.-1.title", "x")]))

    assert isinstance(data, dict)
    assert len(data["books"]) <= schema_form.MOST_ITEMS
