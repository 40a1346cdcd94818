from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import pytest
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, ValidationError

from contradance import PII, Contract, Value
from contradance.contract import where_defined
from contradance.errors import InvalidContract
from contradance.identity import Identity

ORDER_ID = UUID(int=1)
HERE = __name__


class Line(Value):
    sku: str
    count: int = 1


class OrderPlaced(Contract, source="shop.orders", subject="order_id"):
    order_id: UUID
    lines: list[Line] = Field(default_factory=list)


class OrderPlacedV2(
    Contract, source="shop.orders", detail_type="OrderPlaced", version=2, upcasts=OrderPlaced, subject="order_id"
):
    order_id: UUID
    lines: list[Line] = Field(default_factory=list)
    channel: str

    @classmethod
    def upcast(cls, old: OrderPlaced) -> "OrderPlacedV2":
        return cls(order_id=old.order_id, lines=old.lines, channel="unknown")


class OrderPlacedV3(
    Contract, source="shop.orders", detail_type="OrderPlaced", version=3, upcasts=OrderPlacedV2, subject="order_id"
):
    order_id: UUID

    @classmethod
    def upcast(cls, old: OrderPlacedV2) -> "OrderPlacedV3":
        return cls(order_id=old.order_id)


def contract(name: str = "Made", fields: dict[str, Any] | None = None, **keywords: Any) -> type[Contract]:
    """Make a contract class as a class statement would."""
    named = {"__module__": HERE, "__qualname__": name}
    annotations = {"order_id": UUID} if fields is None else fields
    settled: dict[str, Any] = {"source": "shop.orders", "subject": "order_id", **keywords}
    metaclass: Any = type(Contract)
    made: type[Contract] = metaclass(name, (Contract,), {**named, "__annotations__": annotations}, **settled)
    return made


def test_a_contract_is_named_after_its_class_and_starts_at_version_1() -> None:
    assert OrderPlaced.identity == Identity("shop.orders", "OrderPlaced", 1)
    assert str(OrderPlaced.identity) == "shop.orders/OrderPlaced v1"
    assert (OrderPlaced.identity.app, OrderPlaced.identity.service) == ("shop", "orders")
    assert not OrderPlaced.failure


def test_a_contract_knows_the_ones_it_upcasts_newest_first() -> None:
    assert OrderPlaced.lineage() == (OrderPlaced,)
    assert OrderPlacedV3.lineage() == (OrderPlacedV3, OrderPlacedV2, OrderPlaced)


def test_the_subject_is_the_text_of_the_subject_field() -> None:
    assert OrderPlaced(order_id=ORDER_ID).subject == str(ORDER_ID)


def test_the_subject_of_an_enum_is_its_value() -> None:
    class Region(StrEnum):
        NORTH = "north"

    made = contract(fields={"region": Region}, subject="region")

    assert made.model_validate({"region": "north"}).subject == "north"


def test_an_event_cannot_be_changed() -> None:
    event = OrderPlaced(order_id=ORDER_ID)

    with pytest.raises(ValidationError, match="Instance is frozen"):
        event.order_id = UUID(int=2)


def test_a_published_event_is_closed_at_every_depth() -> None:
    with pytest.raises(ValidationError) as refused:
        OrderPlaced.model_validate({"order_id": ORDER_ID, "lines": [{"sku": "a", "size": 1}], "note": ""})

    assert [problem["loc"] for problem in refused.value.errors()] == [("lines", 0, "size"), ("note",)]


def test_a_consumed_event_ignores_what_it_does_not_know_at_every_depth() -> None:
    data = {"order_id": str(ORDER_ID), "lines": [{"sku": "a", "size": 1, "box": {"x": 1}}], "note": ""}

    event = OrderPlaced.model_validate(data, extra="ignore")

    assert event == OrderPlaced(order_id=ORDER_ID, lines=[Line(sku="a")])


def test_upcasting_is_left_to_the_newer_contract() -> None:
    old = OrderPlaced(order_id=ORDER_ID)

    assert OrderPlacedV2.upcast(old) == OrderPlacedV2(order_id=ORDER_ID, channel="unknown")
    with pytest.raises(NotImplementedError) as refused:
        OrderPlaced.upcast(old)
    assert str(refused.value) == "shop.orders/OrderPlaced v1 has no upcast, so it cannot upcast OrderPlaced"


def test_a_contract_says_in_which_file_it_is_defined() -> None:
    assert where_defined(OrderPlaced) == "tests/test_contract.py"


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        pytest.param(
            lambda: contract(source="aws.s3"),
            f"{HERE}.Made has source 'aws.s3', but EventBridge reserves 'aws.'.\n"
            "  Name it <app>.<service>, like 'library.loans'.",
            id="source of AWS",
        ),
        *[
            pytest.param(
                lambda source=source: contract(source=source),
                f"{HERE}.Made has source {source!r}, which is not <app>.<service> in lower case.\n"
                "  Name it like 'library.loans'.",
                id=f"source {source}",
            )
            for source in (
                "shop",
                "Shop.orders",
                "shop.orders.new",
                "shop.",
                ".orders",
                "shop.or ders",
                "shop.orders\n",
                5,
            )
        ],
        pytest.param(
            lambda: contract(source=""),
            f"{HERE}.Made is missing `source=`.\n  Write class Made(Contract, source='<app>.<service>', subject='<field>').",
            id="no source",
        ),
        pytest.param(
            lambda: contract(subject=""),
            f"{HERE}.Made is missing `subject=`.\n  Write class Made(Contract, source='<app>.<service>', subject='<field>').",
            id="no subject",
        ),
        pytest.param(
            lambda: contract(detail_type="A" * 129),
            f"{HERE}.Made has a detail-type of 129 characters; EventBridge takes 128.\n"
            "  Give a shorter one with detail_type=.",
            id="detail-type too long",
        ),
        *[
            pytest.param(
                lambda detail_type=detail_type: contract(detail_type=detail_type),
                f"{HERE}.Made has detail-type {detail_type!r}, which is not letters, digits, '_', '.' and '-'.\n"
                "  Name it in the past tense, like 'BookLent'.",
                id=f"detail-type {detail_type!r}",
            )
            for detail_type in ("", "order placed", "Bestellung_f\u00fcr", "1st")
        ],
        *[
            pytest.param(
                lambda version=version: contract(version=version),
                f"{HERE}.Made has version {version!r}, but versions are whole numbers from 1.\n"
                "  Leave version= out for the first one.",
                id=f"version {version!r}",
            )
            for version in (0, -1, "2", 1.5, True, None)
        ],
        pytest.param(
            lambda: contract(subject="customer"),
            f"{HERE}.Made names 'customer' as its subject, but has no such field.\n  Name one of: order_id.",
            id="subject that is no field",
        ),
        pytest.param(
            lambda: contract(fields={}, subject="customer"),
            f"{HERE}.Made names 'customer' as its subject, but has no such field.\n"
            "  Give it the field that identifies the business entity.",
            id="no field at all",
        ),
        pytest.param(
            lambda: contract(fields={"email": Annotated[str, PII]}, subject="email"),
            f"{HERE}.Made names 'email' as its subject, but marks it as personal data, and a subject is written to "
            "metadata and journal as it is.\n  Name a field that holds an id.",
            id="subject that is personal data",
        ),
        pytest.param(
            lambda: contract(fields={"order_id": UUID, "identity": str}),
            f"{HERE}.Made has a field 'identity', a name that is reserved in every contract.\n"
            "  Give the field another name.",
            id="field with a name of the contract's own",
        ),
        pytest.param(
            lambda: contract(version=2, upcasts=OrderPlaced),
            f"{HERE}.Made (shop.orders/Made v2) upcasts {HERE}.OrderPlaced (shop.orders/OrderPlaced v1), which is not an "
            "earlier version of it.\n  Give both the same source and detail_type, and this one the higher version.",
            id="upcast of another detail-type",
        ),
        pytest.param(
            lambda: contract(detail_type="OrderPlaced", version=1, upcasts=OrderPlaced),
            f"{HERE}.Made (shop.orders/OrderPlaced v1) upcasts {HERE}.OrderPlaced (shop.orders/OrderPlaced v1), which is "
            "not an earlier version of it.\n  Give both the same source and detail_type, and this one the higher version.",
            id="upcast of the same version",
        ),
        pytest.param(
            lambda: contract(detail_type="OrderPlaced", version=2, upcasts=OrderPlaced),
            f"{HERE}.Made upcasts {HERE}.OrderPlaced but does not define `upcast`.\n"
            "  Define: @classmethod def upcast(cls, old: OrderPlaced) -> Made.",
            id="upcast that is not defined",
        ),
        pytest.param(
            lambda: contract(version=2, upcasts=Line),
            f"{HERE}.Made upcasts {Line!r}, which is not a contract.\n  Name the contract of the earlier version.",
            id="upcast of no contract",
        ),
    ],
)
def test_a_contract_that_cannot_travel_is_refused_when_its_class_is_made(
    declare: Callable[[], type[Contract]], message: str
) -> None:
    with pytest.raises(InvalidContract) as refused:
        declare()

    assert str(refused.value) == message


def test_an_upcast_that_is_no_classmethod_is_refused() -> None:
    with pytest.raises(InvalidContract) as refused:

        class Newer(
            Contract,
            source="shop.orders",
            detail_type="OrderPlaced",
            version=2,
            upcasts=OrderPlaced,
            subject="order_id",
        ):
            order_id: UUID

            @staticmethod
            def upcast(old: OrderPlaced) -> Any:
                return old

    assert (
        "defines upcast without @classmethod.\n  Write @classmethod above it: def upcast(cls, old: OrderPlaced) -> Newer."
        in str(refused.value)
    )


def test_an_upcast_is_not_inherited_from_the_version_before() -> None:
    with pytest.raises(
        InvalidContract, match=r"upcasts tests\.test_contract\.OrderPlacedV2 but does not define `upcast`"
    ):

        class Newer(
            OrderPlacedV2,
            source="shop.orders",
            detail_type="OrderPlaced",
            version=3,
            upcasts=OrderPlacedV2,
            subject="order_id",
        ):
            pass


def test_a_generic_contract_is_refused() -> None:
    item = TypeVar("item")

    with pytest.raises(InvalidContract) as refused:

        class Wrapped(Contract, Generic[item], source="shop.orders", subject="order_id"):
            order_id: UUID
            wrapped: item

    assert str(refused.value) == (
        "tests.test_contract.test_a_generic_contract_is_refused.<locals>.Wrapped is generic, but one identity has one "
        "shape.\n  Write one contract for each type."
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            ConfigDict(extra="allow"),
            (
                "Loose sets extra='allow', but every value and contract has extra='forbid'.\n"
                "  Remove the setting from its model_config."
            ),
        ),
        (
            ConfigDict(frozen=False),
            (
                "Loose sets frozen=False, but every value and contract has frozen=True.\n"
                "  Remove the setting from its model_config."
            ),
        ),
        (
            ConfigDict(hide_input_in_errors=False),
            (
                "Loose sets hide_input_in_errors=False, but every value and contract has hide_input_in_errors=True.\n"
                "  Remove the setting from its model_config."
            ),
        ),
        (
            ConfigDict(revalidate_instances="never"),
            (
                "Loose sets revalidate_instances='never', but every value and contract has revalidate_instances='always'.\n"
                "  Remove the setting from its model_config."
            ),
        ),
        (
            ConfigDict(allow_inf_nan=True),
            (
                "Loose sets allow_inf_nan=True, but every value and contract has allow_inf_nan=False.\n"
                "  Remove the setting from its model_config."
            ),
        ),
    ],
    ids=lambda argument: next(iter(argument)) if isinstance(argument, dict) else "",
)
def test_the_settled_settings_cannot_be_turned_off(settings: ConfigDict, message: str) -> None:
    metaclass: Any = type(Contract)
    named = {"__module__": HERE, "__qualname__": "Loose", "model_config": settings, "__annotations__": {"sku": str}}

    with pytest.raises(InvalidContract) as of_a_value:
        metaclass("Loose", (Value,), named)
    with pytest.raises(InvalidContract) as of_a_contract:
        metaclass("Loose", (Contract,), named, source="shop.orders", subject="sku")

    assert str(of_a_value.value) == str(of_a_contract.value) == message


LEFT_OUT = (
    "Made leaves its field 'sku' out of its JSON by exclude=, so that its value would be lost.\n"
    "  Remove exclude=, or make the field a private attribute."
)
TAKEN = (
    "Made gives its field 'sku' the alias 'order_id', which another field has as its name.\n"
    "  Give each field a name of its own."
)
ONE_WAY = (
    "Made gives its field 'sku' different names for writing and reading JSON.\n"
    "  Write Field(alias=...), which is the name in both directions."
)


@pytest.mark.parametrize(
    ("field", "message"),
    [
        (Field(validation_alias="SKU"), ONE_WAY),
        (Field(serialization_alias="SKU"), ONE_WAY),
        (Field(validation_alias=AliasChoices("SKU", "sku"), serialization_alias="SKU"), ONE_WAY),
        (Field(validation_alias=AliasPath("a", 0)), ONE_WAY),
        (
            Field(exclude=True),
            LEFT_OUT,
        ),
        (
            Field(exclude_if=bool),
            LEFT_OUT,
        ),
        (
            Field(alias="order_id"),
            TAKEN,
        ),
    ],
    ids=["validation", "serialization", "choices", "path", "exclude", "exclude_if", "another field's name"],
)
def test_a_field_that_is_not_read_as_it_is_written_is_refused(field: object, message: str) -> None:
    with pytest.raises(InvalidContract) as refused:
        contract(fields={"order_id": UUID, "sku": Annotated[str, field]})

    assert str(refused.value) == message


def test_what_json_has_no_number_for_is_not_published() -> None:
    made = contract(fields={"order_id": UUID, "rate": float})

    with pytest.raises(ValidationError, match="Input should be a finite number"):
        made.model_validate({"order_id": ORDER_ID, "rate": float("nan")})


def test_validation_errors_do_not_show_the_input() -> None:
    with pytest.raises(ValidationError) as refused:
        OrderPlaced.model_validate({"order_id": "hush-hush"})

    assert "hush-hush" not in str(refused.value)
    assert "hush-hush" not in repr(refused.value)


def test_an_ordinary_model_is_no_contract() -> None:
    assert not issubclass(BaseModel, Contract)
    assert not issubclass(Line, Contract)


@pytest.mark.parametrize("kind", [Annotated[str, PII] | None, str | None, float, list[str]], ids=str)
def test_a_subject_is_an_id_that_is_always_there(kind: object) -> None:
    with pytest.raises(InvalidContract, match=r"Name a field that (is a str, an int or a UUID|holds an id)"):

        class Lent(Contract, source="library.loans", subject="reader"):
            reader: kind  # type: ignore[valid-type]


def test_printing_an_event_shows_no_personal_data() -> None:
    class Reader(Value):
        name: Annotated[str, PII]
        mail: Annotated[str, PII] | None = None

    class Lent(Contract, source="library.loans", subject="loan_id"):
        loan_id: str
        reader: Reader

    lent = Lent(loan_id="1", reader=Reader(name="Ada Example", mail="ada@example.com"))

    assert repr(lent).endswith("Lent(loan_id='1', reader=Reader(name='***', mail='***'))")
    assert "example" not in f"{lent} {lent!r}".lower()
