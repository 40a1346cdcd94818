from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, NewType, Optional
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, RootModel
from typing_extensions import TypeAliasType, TypedDict

from contradance import Contract, Registry, Value
from contradance.annotation import models_in
from contradance.contract import check_value
from contradance.errors import InvalidContract, InvalidRegistry


class Line(Value):
    sku: str


class OrderPlaced(Contract, source="shop.orders", subject="order_id"):
    order_id: UUID


class OrderPlacedV2(
    Contract, source="shop.orders", detail_type="OrderPlaced", version=2, upcasts=OrderPlaced, subject="order_id"
):
    order_id: UUID

    @classmethod
    def upcast(cls, old: OrderPlaced) -> "OrderPlacedV2":
        return cls(order_id=old.order_id)


class Twin(Contract, source="shop.orders", detail_type="OrderPlaced", subject="order_id"):
    order_id: UUID


class Open(BaseModel):
    sku: str


class Deep(Value):
    inside: Open


@dataclass
class Point:
    x: int


class Pair(NamedTuple):
    x: int


class Shape(TypedDict):
    x: int


class Numbers(RootModel[list[int]]):
    pass


class Tree(Value):
    branches: list["Tree"]


class Late(Contract, source="shop.orders", subject="order_id"):
    order_id: UUID
    held: "Unreadable"


class LateValue(Value):
    held: "Unreadable"


class HoldsLate(Contract, source="shop.orders", subject="order_id"):
    order_id: UUID
    inside: LateValue


Unreadable = dict[frozenset[int], int]


def holding(annotation: Any) -> type[Contract]:
    """Make a contract with one field of a type."""
    fields = {"order_id": UUID, "held": annotation}
    named = {"__module__": __name__, "__qualname__": "Holding", "__annotations__": fields}
    metaclass: Any = type(Contract)
    made: type[Contract] = metaclass("Holding", (Contract,), named, source="shop.orders", subject="order_id")
    return made


@pytest.mark.parametrize(
    ("model", "fix"),
    [
        (Open, "Derive Open from contradance.Value."),
        (Numbers, "Use the type inside Numbers itself, or a Value with one field."),
        (Shape, "Write Shape as a class of fields that derives from contradance.Value alone."),
    ],
    ids=lambda given: "" if isinstance(given, str) else given.__name__,
)
def test_the_fix_depends_on_what_a_model_is(model: type, fix: str) -> None:
    with pytest.raises(InvalidRegistry) as refused:
        Registry("shop", [holding(model)])

    assert str(refused.value).splitlines()[1:] == [f"  {fix}"]


@pytest.mark.parametrize("contract", [Late, HoldsLate])
def test_a_type_that_is_known_only_later_is_looked_at_when_the_registry_is_made(contract: type[Contract]) -> None:
    with pytest.raises(InvalidContract, match="has keys that"):
        Registry("shop", [contract])


def test_a_registry_is_read_by_identity_and_by_detail_type() -> None:
    registry = Registry("shop", [OrderPlaced, OrderPlacedV2])

    assert list(registry) == [OrderPlaced, OrderPlacedV2]
    assert len(registry) == 2
    assert registry.by_identity[OrderPlaced.identity] is OrderPlaced
    assert registry.named("OrderPlaced") == (OrderPlacedV2, OrderPlaced)
    assert registry.named("Unheard") == ()
    assert OrderPlaced in registry
    assert Twin not in registry
    assert repr(registry) == "Registry('shop', 2 contracts)"


def test_one_identity_is_one_contract() -> None:
    with pytest.raises(InvalidRegistry) as refused:
        Registry("shop", [OrderPlaced, Twin])

    assert str(refused.value) == (
        "tests.test_registry.Twin and tests.test_registry.OrderPlaced are both shop.orders/OrderPlaced v1.\n"
        "  Give one of them another detail_type, or the next version."
    )


@pytest.mark.parametrize(
    "listed", [Line, Contract, int, "OrderPlaced", None, OrderPlaced(order_id=UUID(int=1))], ids=str
)
def test_what_is_no_contract_is_not_listed(listed: Any) -> None:
    with pytest.raises(InvalidRegistry) as refused:
        Registry("shop", [listed])

    assert str(refused.value) == (
        f"registry 'shop' lists {listed!r}, which is not a contract.\n  List classes that derive from contradance.Contract."
    )


@pytest.mark.parametrize(
    "annotation",
    [
        Open,
        list[Open],
        list[list[Open]],
        dict[str, Open],
        Mapping[str, tuple[int, Open]],
        tuple[Open, ...],
        Open | None,
        Optional[Open],  # noqa: UP045 - the old spelling is another type
        int | list[Open | str],
        Annotated[Open, Field(description="inside")],
        list[Annotated[Open, Field(description="inside")]],
        Annotated[list[Open] | None, Field(description="inside")],
        NewType("Renamed", Open),
        TypeAliasType("Aliased", list[Open]),
        Deep,
        list[Deep] | None,
    ],
    ids=str,
)
def test_a_model_that_is_no_value_is_found_at_every_depth(annotation: Any) -> None:
    with pytest.raises(InvalidRegistry) as refused:
        Registry("shop", [holding(annotation)])

    assert str(refused.value) == (
        "shop.orders/Holding v1 holds tests.test_registry.Open in its field 'held', which is not a Value, so it would "
        "accept unknown fields when published.\n  Derive Open from contradance.Value."
    )


@pytest.mark.parametrize("model", [Point, Pair, Shape], ids=lambda model: model.__name__)
def test_any_other_class_of_fields_is_no_value_either(model: Any) -> None:
    with pytest.raises(InvalidRegistry, match=rf"holds tests.test_registry.{model.__name__} in its field 'held'"):
        Registry("shop", [holding(list[model])])


@pytest.mark.parametrize(
    "annotation", [Line, list[Line | None], dict[str, Line], Tree, Literal["a"], Any, object, UUID], ids=str
)
def test_values_and_plain_types_may_stand_inside(annotation: Any) -> None:
    assert len(Registry("shop", [holding(annotation)])) == 1


def test_a_type_that_does_not_exist_is_named() -> None:
    with pytest.raises(InvalidRegistry) as refused:
        Registry("shop", [holding("list[Missing]")])

    assert str(refused.value) == (
        "shop.orders/Holding v1 names a type that does not exist: name 'Missing' is not defined.\n"
        "  Define or import it in tests.test_registry, at module level."
    )


def test_a_type_that_is_defined_later_is_read_all_the_same() -> None:
    registry = Registry("shop", [holding("list[Line]")])

    assert len(registry) == 1


def test_models_are_found_in_any_annotation() -> None:
    def models(annotation: Any) -> Iterator[str]:
        return (model.__name__ for model in models_in(annotation))

    assert list(models(dict[str, list[Line | Open]])) == ["Line", "Open"]
    assert list(models(Literal["Line"])) == []
    assert list(models(Annotated[int, Line])) == []


class Parcel(Value):
    inside: "list[Item]"
    opens: Callable[[], None]


class Item(Value):
    name: str


def test_a_value_that_a_later_class_completes_is_refused_each_time() -> None:
    Parcel.model_rebuild()

    for _ in range(2):
        with pytest.raises(InvalidContract, match="'opens' that is a callable, which has no JSON"):
            check_value(Parcel)
