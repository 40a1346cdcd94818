from dataclasses import dataclass
from typing import Annotated, Any, Literal, NewType
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from typing_extensions import TypeAliasType, TypedDict

from contradance import PII, Value, mask
from contradance.pii import MASK

Email = Annotated[str, PII]
Phone = NewType("Phone", Annotated[str, PII])
Street = TypeAliasType("Street", Annotated[str, PII])


class Address(Value):
    street: Annotated[str, PII]
    city: str


class Card(Value):
    kind: Literal["card"]
    number: Annotated[str, PII]


class Cash(Value):
    kind: Literal["cash"]
    received: int


@dataclass
class Point:
    latitude: float


class Shape(TypedDict):
    width: int


class Order(Value):
    order_id: str
    name: Annotated[str, PII]
    email: Annotated[str | None, Field(description="where to write"), PII] = None
    nick: Email | None = None
    phone: Phone = Phone("")
    street: Street = ""
    address: Address | None = None
    addresses: list[Address] = Field(default_factory=list)
    by_place: dict[str, Address] = Field(default_factory=dict)
    payment: Card | Cash | None = None
    emails: list[Annotated[str, PII]] = Field(default_factory=list)
    pair: tuple[int, Annotated[str, PII]] = (0, "")
    several: tuple[Annotated[str, PII], ...] = ()
    codes: dict[str, Annotated[str, PII]] = Field(default_factory=dict)
    by_email: dict[Annotated[str, PII], int] = Field(default_factory=dict)
    matrix: list[list[Annotated[str, PII]]] = Field(default_factory=list)
    whole: Annotated[Address | None, PII] = None
    tags: list[str] = Field(default_factory=list)
    count: int = 0
    anything: Any = None
    point: Point | None = None
    shape: Shape | None = None


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just("hush"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["street", "city"]), inner),
    max_leaves=6,
)
PERSONAL = ("name", "email", "nick", "phone", "street", "emails", "codes", "by_email", "matrix", "several", "whole")


def holds(shown: object, secret: str) -> bool:
    return secret in repr(shown)


@given(field=st.sampled_from(PERSONAL), value=JSON)
def test_nothing_in_a_personal_field_survives_whatever_its_shape(field: str, value: Any) -> None:
    shown = mask(Order, {field: value})

    assert not holds(shown, "hush")


@given(value=JSON)
def test_nothing_in_an_unknown_field_survives(value: Any) -> None:
    assert mask(Order, {"surprise": value}) == {"surprise": MASK}


@given(street=st.from_regex(r"hush-[a-z]{8}", fullmatch=True))
@pytest.mark.parametrize("wrap", [
    lambda address: {"address": address},
    lambda address: {"addresses": [address, address]},
    lambda address: {"by_place": {"home": address}},
    lambda address: {"address": [address]},
    lambda address: {"addresses": address},
    lambda address: {"addresses": {"home": address}},
    lambda address: {"by_place": [address]},
    lambda address: {"address": address["street"]},
    lambda address: {"address": [address["street"]]},
    lambda address: {"addresses": address["street"]},
    lambda address: {"by_place": address["street"]},
    lambda address: {"codes": [address["street"]]},
    lambda address: {"pair": [1, address["street"], address["street"]]},
    lambda address: {"pair": address["street"]},
    lambda address: {"payment": {"kind": "card", "number": address["street"]}},
    lambda address: {"payment": {"kind": "card", "number": [address["street"]], "more": address}},
    lambda address: {"point": address},
    lambda address: {"point": address["street"]},
    lambda address: {"shape": address},
    lambda address: {"shape": address["street"]},
    lambda address: {"anything": address},
    lambda address: {"anything": [address]},
    lambda address: {"count": address},
    lambda address: {"tags": [address]},
    lambda address: [address],
    lambda address: address["street"],
])  # fmt: skip
def test_what_is_marked_is_masked_wherever_it_stands_and_however_wrong_its_shape_is(wrap: Any, street: str) -> None:
    shown = mask(Order, wrap({"street": street, "city": "Bern"}))

    assert not holds(shown, street)


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ({"order_id": "1", "name": "Ada", "count": 2}, {"order_id": "1", "name": MASK, "count": 2}),
        ({"address": {"street": "x", "city": "Bern"}}, {"address": {"street": MASK, "city": "Bern"}}),
        ({"addresses": [{"city": "Bern"}, {"city": "Biel"}]}, {"addresses": [{"city": "Bern"}, {"city": "Biel"}]}),
        ({"by_place": {"home": {"street": "x"}}}, {"by_place": {"home": {"street": MASK}}}),
        ({"emails": ["a", "b"]}, {"emails": [MASK, MASK]}),
        ({"pair": [1, "x"]}, {"pair": [1, MASK]}),
        ({"several": ("x", "y")}, {"several": [MASK, MASK]}),
        ({"codes": {"home": "x"}}, {"codes": {"home": MASK}}),
        ({"by_email": {"a@b.c": 1}}, {"by_email": MASK}),
        ({"matrix": [["x"], []]}, {"matrix": [[MASK], []]}),
        ({"whole": {"city": "Bern"}}, {"whole": MASK}),
        ({"tags": ["a", 1, None]}, {"tags": ["a", 1, None]}),
        ({"address": None, "email": None}, {"address": None, "email": MASK}),
        ({"payment": {"kind": "cash", "received": 5}}, {"payment": {"kind": "cash", "received": MASK}}),
        ({"surprise": 1}, {"surprise": MASK}),
        ({}, {}),
        (None, MASK),
    ],
    ids=str,
)
def test_what_is_harmless_is_shown(data: object, shown: object) -> None:
    assert mask(Order, data) == shown


def test_an_alias_is_the_name_by_which_data_is_known() -> None:
    class Request(BaseModel):
        order_id: str = Field(alias="orderId")
        name: Annotated[str, PII] = Field(alias="customerName")

    shown = mask(Request, {"orderId": "1", "customerName": "Ada", "name": "Ada"})

    assert shown == {"orderId": "1", "customerName": MASK, "name": MASK}


def test_a_valid_event_is_masked_as_it_is_dumped() -> None:
    order = Order(
        order_id="1", name="Ada", address=Address(street="x", city="Bern"), payment=Cash(kind="cash", received=1)
    )

    shown = mask(Order, order.model_dump(mode="json", exclude_unset=True))

    assert shown == {
        "order_id": "1",
        "name": MASK,
        "address": {"street": MASK, "city": "Bern"},
        "payment": {"kind": "cash", "received": MASK},
    }


def test_the_mark_is_written_into_the_json_schema() -> None:
    schema = Order.model_json_schema()

    assert schema["properties"]["name"] == {"title": "Name", "type": "string", "x-pii": True}
    assert schema["properties"]["emails"]["items"] == {"type": "string", "x-pii": True}
    assert "x-pii" not in schema["properties"]["order_id"]
    assert repr(PII) == "PII"


def test_a_mark_does_not_change_what_is_valid() -> None:
    assert Address(street="x", city="Bern").street == "x"
    assert UUID(int=1) != PII
