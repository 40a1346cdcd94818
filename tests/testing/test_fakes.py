import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import BaseModel, Field, create_model, field_validator

from contradance import PII, Contract, Value
from contradance.pii import MASK, mask
from contradance.testing import events_of
from contradance.testing.fakes import CannotFake, faked
from contradance.wire import as_text, read_tolerant, to_wire


class Address(Value):
    street: Annotated[str, PII] = Field(min_length=1)
    city: str


class Card(Value):
    number: Annotated[str, PII] = Field(pattern=r"^\d{4}$")


class Account(Value):
    iban: Annotated[str, PII]


class Moved(Contract, source="town.hall", subject="person_id"):
    person_id: UUID
    name: Annotated[str, PII]
    phone: Annotated[str, PII, Field(pattern=r"^\+\d{6,12}$")]
    born: Annotated[int | None, PII] = None
    addresses: list[Address] = Field(default_factory=list)
    notes: dict[str, Annotated[str, PII]] = Field(default_factory=dict)
    paid_by: Card | Account | None = None
    floor: int = 0


def leaves(value: Any, shown: Any, path: str = "") -> dict[str, Any]:
    """Return the values that are masked, by path."""
    if shown == MASK:
        return {path: value}
    if isinstance(value, dict):
        parts = [leaves(one, shown[key], f"{path}.{key}") for key, one in value.items()]
    elif isinstance(value, list):
        parts = [leaves(one, shown[n], f"{path}.{n}") for n, one in enumerate(value)]
    else:
        parts = []
    return {key: one for part in parts for key, one in part.items()}


@settings(max_examples=8, suppress_health_check=[HealthCheck.nested_given, HealthCheck.too_slow])
@given(events_of(Moved))
def test_personal_data_becomes_valid_fakes_and_the_rest_stays(event: Moved) -> None:
    data = json.loads(to_wire(event))

    found, _ = faked(Moved, data)

    again, _ = faked(Moved, data)
    assert found == again
    read_tolerant(Moved, as_text(found))
    assert mask(Moved, found) == mask(Moved, data)


def test_a_long_personal_text_is_never_kept() -> None:
    data = {
        "person_id": "0f67b684-62ea-5519-a9c0-5c9573afe055",
        "name": "Ada Lovelace of London",
        "phone": "+491715551234",
        "addresses": [{"street": "12 St James's Square", "city": "London"}],
        "notes": {"a": "likes engines very much"},
        "paid_by": {"iban": "DE02120300000000202051"},
        "unknown": "Ada again, in a field that no contract has",
    }

    found, replaced = faked(Moved, data)

    text = json.dumps(found)
    for secret in leaves(data, mask(Moved, data)).values():
        assert secret not in text
    assert found["addresses"][0]["city"] == "London"
    assert found["person_id"] == data["person_id"]
    assert "unknown" not in found
    assert replaced["Ada Lovelace of London"] == found["name"]


class Told(Contract, source="town.hall", subject="person_id"):
    person_id: str
    names: Annotated[list[str], PII]
    home: Annotated[Address, PII]
    phone: Annotated[int, PII]
    age: Annotated[int, PII]
    by_name: dict[Annotated[str, PII], int]


def test_every_personal_text_of_the_data_has_a_replacement() -> None:
    data = {
        "person_id": "p",
        "names": ["Ada", "Countess"],
        "home": {"street": "Main Street", "city": "London"},
        "phone": 4930123456,
        "age": 36,
        "by_name": {"Byron": 1815},
        "unknown": {"nested": [{"secret": "Zebra"}]},
    }

    _, replaced = faked(Told, data)

    personal = {"Ada", "Countess", "Main Street", "London", "4930123456", "Byron", "1815", "Zebra"}
    assert replaced.keys() == personal | {"nested", "secret"}, "and keys, unless they are names of fields"
    assert {*replaced.values()} == {MASK}


def test_the_fake_is_the_same_in_another_process() -> None:
    data = {"person_id": "0f67b684-62ea-5519-a9c0-5c9573afe055", "name": "Ada Lovelace", "phone": "+491715551234"}
    code = (
        "import json, sys\nfrom tests.testing.test_fakes import Moved\nfrom contradance.testing.fakes import faked\n"
        f"print(json.dumps(faked(Moved, {data!r})[0]))"
    )

    other = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    )

    assert json.loads(other.stdout) == faked(Moved, data)[0]


@pytest.mark.parametrize(
    ("in_event", "in_row", "value"),
    [
        (
            Annotated[str, PII, Field(description="Who ordered.", examples=["Ada"], title="A")],
            Annotated[str, PII],
            "Bo",
        ),
        (
            Annotated[str, PII, Field(pattern="^[0-9]{9}$")],
            Annotated[str, PII, Field(pattern="^[0-9]{9}$")],
            "123456789",
        ),
        (Annotated[str, PII] | None, Annotated[str, PII], "Bo"),
        (Annotated[str | int | None, PII], Annotated[str | int, PII], "Bo"),
        (Annotated[list[str], PII, Field(description="All.")], Annotated[list[str], PII], ["Bo"]),
    ],
    ids=["annotations", "pattern", "optional", "union", "list"],
)
def test_a_value_has_the_same_fake_in_an_event_and_in_a_row(in_event: Any, in_row: Any, value: object) -> None:
    about = Field(default=None, description="The customer.")
    event = create_model("Ordered", __base__=Value, customer=(in_event, about))
    row = create_model("Row", customer=(in_row, ...), title=(str, ""))

    fakes = [faked(model, {"customer": value})[0]["customer"] for model in (event, row)]

    assert fakes[0] == fakes[1] != value
    assert fakes[0] is not None


def test_an_example_is_the_fake_where_a_validator_accepts_nothing_else() -> None:
    class Paid(BaseModel):
        iban: Annotated[str, PII] = Field(examples=["GB33BUKB20201555555555"])

        @field_validator("iban")
        @classmethod
        def check(cls, value: str) -> str:
            if len(value) != 22 or not value[:2].isalpha():
                raise ValueError("not an IBAN")
            return value

    assert faked(Paid, {"iban": "DE02120300000000202051"})[0] == {"iban": "GB33BUKB20201555555555"}


def test_what_no_generated_value_satisfies_is_refused() -> None:
    class Strict(Contract, source="town.hall", subject="name"):
        name: str
        secret: Annotated[str, PII]

        @field_validator("secret")
        @classmethod
        def check(cls, value: str) -> str:
            if value != "the one word":
                raise ValueError("another word")
            return value

    with pytest.raises(CannotFake, match="accept no generated value"):
        faked(Strict, {"name": "a", "secret": "the one word"})
    with pytest.raises(CannotFake, match="is not an object"):
        faked(Strict, "text")
