"""A contract's canonical JSON Schema: equal contracts, equal text, and what JSON Schema alone would not say."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import AfterValidator, AwareDatetime, Field, HttpUrl, field_validator

from contradance import Contract
from contradance.compatibility import compare
from contradance.schemas import schema_of
from tests.schemas.library import BookLent, changed


def not_empty(text: str) -> str:
    return text


@pytest.mark.parametrize(
    ("annotation", "checks"),
    [
        (Annotated[Decimal, Field(gt=0, max_digits=5)], {"gt": 0, "max_digits": 5}),
        (Annotated[date, Field(ge=date(2026, 1, 31))], {"ge": "2026-01-31"}),
        (Annotated[timedelta, Field(le=timedelta(hours=1))], {"le": "1:00:00"}),
        (AwareDatetime, {"tz_constraint": "aware"}),
        (HttpUrl, {"allowed_schemes": ["http", "https"]}),
        (Annotated[str, AfterValidator(not_empty)], {"not_empty": "function-after"}),
        (datetime, None),
        (Decimal, None),
    ],
)
def test_what_only_python_checks_is_named(annotation: Any, checks: dict[str, Any] | None) -> None:
    contract = changed(BookLent, extra=(annotation, None))

    assert schema_of(contract)["properties"]["extra"].get("x-checks") == checks


def test_a_validator_of_a_field_is_named_by_its_method() -> None:
    class Renewed(Contract, source="library.loans", subject="loan_id"):
        loan_id: UUID
        note: str

        @field_validator("note")
        @classmethod
        def polite(cls, note: str) -> str:
            return note

    said = schema_of(Renewed)["properties"]["note"]["x-checks"]

    assert [*said.values()] == ["function-after"]
    assert next(iter(said)).endswith("Renewed.polite")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (datetime, AwareDatetime),
        (Decimal, Annotated[Decimal, Field(gt=0)]),
        (str, Annotated[str, AfterValidator(not_empty)]),
    ],
)
def test_what_is_newly_checked_by_python_breaks_consumers_of_old_events(before: Any, after: Any) -> None:
    old, new = (schema_of(changed(BookLent, extra=(annotation, None))) for annotation in (before, after))

    assert [(change.rule, *change.breaks) for change in compare(old, new)] == [("cannot-prove", "backward")]


def test_the_order_of_fields_says_nothing() -> None:
    one = changed(BookLent, a=(str, None), b=(int, None))
    two = changed(BookLent, b=(int, None), a=(str, None))

    assert schema_of(one) == schema_of(two)
    assert list(schema_of(one)["properties"]) == ["a", "b", "days", "loan_id", "reader"]
    assert schema_of(one)["required"] == ["a", "b", "days", "loan_id", "reader"]


def test_what_is_on_the_wire_counts() -> None:
    assert schema_of(changed(BookLent, price=(Decimal, None)))["properties"]["price"]["type"] == "string"
