import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import PydanticCustomError

from contradance import Contract, ContractViolation, Value
from contradance.envelope import (
    MAX_EVENT_BYTES,
    Delivered,
    SealedEvent,
    cloudevent,
    derived_id,
    seal,
    seal_initial,
    unseal,
)
from contradance.errors import TooMuchWork
from contradance.identity import Identity
from contradance.violation import violation

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ORDER_ID = UUID(int=7)


class Channel(StrEnum):
    WEB = "web"
    PHONE = "phone"


class Line(Value):
    sku: str
    price: Decimal
    count: int


class OrderPlaced(Contract, source="shop.orders", subject="order_id"):
    order_id: UUID
    note: str | None = None
    lines: tuple[Line, ...] = ()
    tags: dict[str, bool] = Field(default_factory=dict)
    channel: Channel = Channel.WEB
    placed_at: datetime = NOON
    weight: float = 0.0


class OrderPlacedV2(Contract, source="shop.orders", detail_type="OrderPlaced", version=2, subject="order_id"):
    order_id: UUID


def never(value: object) -> object:
    raise ValueError(f"never {value}")


def custom(value: object) -> object:
    raise PydanticCustomError("our_own", "never {value}", {"value": str(value)})


class Strict(Contract, source="shop.orders", subject="id"):
    id: str = Field(max_length=3)
    number: int = 0
    ratio: float = 0
    flag: bool = False
    uuid: UUID = ORDER_ID
    at: datetime = NOON
    after: timedelta = timedelta()
    channel: Channel = Channel.WEB
    line: Line | None = None
    lines: list[Line] = Field(default_factory=list)
    counts: dict[str, int] = Field(default_factory=dict)
    by_number: dict[int, Line] = Field(default_factory=dict)
    either: int | Line = 0
    pattern: str = Field(default="a", pattern="^a$")
    odd: Annotated[Any, AfterValidator(never)] = 0
    odder: Annotated[Any, AfterValidator(custom)] = 0


LINES = st.builds(
    Line,
    sku=st.text(),
    price=st.decimals(allow_nan=False, allow_infinity=False),
    count=st.integers(-(2**63), 2**63 - 1),
)
EVENTS = st.builds(
    OrderPlaced,
    order_id=st.uuids(),
    note=st.none() | st.text(),
    lines=st.lists(LINES, max_size=3).map(tuple),
    tags=st.dictionaries(st.text(), st.booleans(), max_size=3),
    channel=st.sampled_from(Channel),
    placed_at=st.datetimes(timezones=st.just(UTC)),
    weight=st.floats(allow_nan=False, allow_infinity=False),
)


def sealed(event: Contract, **said: Any) -> SealedEvent:
    told = {"event_id": "e1", "occurred_at": NOON, "correlation_id": "c1", "publisher": "orders.place_order", **said}
    return seal(event, **told)


def delivered(event: SealedEvent) -> dict[str, Any]:
    """Return what EventBridge hands to a target."""
    return {
        "version": "0",
        "id": "aws-1",
        "source": event.identity.source,
        "detail-type": event.identity.detail_type,
        "detail": json.loads(event.detail),
    }


@given(EVENTS)
def test_what_is_sealed_is_what_is_consumed(event: OrderPlaced) -> None:
    read = unseal(delivered(sealed(event)), "payments.pay")

    assert OrderPlaced.model_validate(read.data, extra="ignore") == event
    assert read.identity == OrderPlaced.identity
    assert read.metadata.subject == str(event.order_id)


def test_a_sealed_event_reads_exactly_so() -> None:
    event = sealed(OrderPlacedV2(order_id=ORDER_ID), causation_id="e0", traceparent="00-1-2-00")

    assert event.detail == (
        '{"metadata":{"event_id":"e1","version":2,"occurred_at":"2026-03-01T12:00:00Z",'
        '"subject":"00000000-0000-0000-0000-000000000007","correlation_id":"c1","causation_id":"e0",'
        '"publisher":"orders.place_order","traceparent":"00-1-2-00"},'
        '"data":{"order_id":"00000000-0000-0000-0000-000000000007"}}'
    )
    assert event.entry("shop") == {
        "Source": "shop.orders",
        "DetailType": "OrderPlaced",
        "Detail": event.detail,
        "EventBusName": "shop",
    }


def test_what_was_not_said_is_left_out_of_the_metadata() -> None:
    metadata = json.loads(sealed(OrderPlacedV2(order_id=ORDER_ID)).detail)["metadata"]

    assert not {"causation_id", "replay_of", "traceparent"} & set(metadata)


def test_the_moment_is_told_in_utc() -> None:
    two_hours_east = NOON.astimezone(timezone(timedelta(hours=2)))

    event = sealed(OrderPlacedV2(order_id=ORDER_ID), occurred_at=two_hours_east)

    assert json.loads(event.detail)["metadata"]["occurred_at"] == "2026-03-01T12:00:00Z"


@pytest.mark.parametrize("letter", ["x", "\u00fc", "\U0001f355"], ids=["one byte", "two bytes", "four bytes"])
def test_the_largest_event_is_measured_in_bytes(letter: str) -> None:
    envelope = len(sealed(OrderPlaced(order_id=ORDER_ID, note="")).detail.encode())
    room, width = MAX_EVENT_BYTES - envelope, len(letter.encode())
    fits = letter * (room // width) + "x" * (room % width)

    event = sealed(OrderPlaced(order_id=ORDER_ID, note=fits))

    assert len(event.detail.encode()) == MAX_EVENT_BYTES == 262_144
    with pytest.raises(TooMuchWork) as refused:
        sealed(OrderPlaced(order_id=ORDER_ID, note=fits + "x"))
    assert str(refused.value) == (
        "event e1 (shop.orders/OrderPlaced v1) is 262145 bytes; the limit is 262144.\n"
        "  published by orders.place_order\n"
        "  Store the large part and publish a reference to it."
    )


def test_an_event_that_was_built_around_its_validation_is_refused() -> None:
    event = OrderPlaced.model_construct(order_id=ORDER_ID, note=5)

    with pytest.raises(ContractViolation) as refused:
        sealed(event)

    assert str(refused.value) == (
        "event e1 breaks shop.orders/OrderPlaced v1\n"
        "  data.note: Input should be a valid string\n"
        "  published by orders.place_order; contract in tests/test_envelope.py\n"
        "  Fix the publisher, or publish the new shape as version 2.\n"
        "  A validator must accept the JSON of its own result."
    )


def test_a_violation_names_both_parties() -> None:
    with pytest.raises(ValidationError) as broken:
        OrderPlaced.model_validate({"lines": [{"sku": "a", "price": "1"}]}, extra="ignore")

    told = violation(OrderPlaced, broken.value, event_id="e1", publisher="orders.place_order", consumer="payments.pay")

    assert str(told) == (
        "event e1 breaks shop.orders/OrderPlaced v1\n"
        "  data.order_id: Field required\n"
        "  data.lines.0.count: Field required\n"
        "  published by orders.place_order, consumed by payments.pay; contract in tests/test_envelope.py\n"
        "  Fix the publisher, or publish the new shape as version 2."
    )


SECRETS = st.from_regex(r"hush-[a-z0-9]{12}", fullmatch=True)
WRAPS = st.sampled_from(
    [
        lambda secret: secret,
        lambda secret: [secret],
        lambda secret: {"sku": secret, "price": secret, "count": secret},
        lambda secret: {secret: secret},
        lambda secret: [{"sku": secret}, secret],
        lambda secret: {"5": {"sku": [secret]}},
    ]
)


@given(secret=SECRETS, wrap=WRAPS, field=st.sampled_from([name for name in Strict.model_fields if name != "pattern"]))
def test_a_violation_never_holds_a_value(secret: str, wrap: Any, field: str) -> None:
    data = {"id": "1", field: wrap(secret)}

    with pytest.raises(ValidationError) as broken:
        Strict.model_validate(data, extra="ignore")
    told = violation(Strict, broken.value, event_id="e1", publisher="orders.place_order", consumer="payments.pay")

    assert secret not in str(told)
    assert secret not in repr(told)
    assert f"data.{field}" in str(told)


@given(secret=SECRETS)
def test_a_violation_at_publish_never_holds_a_value(secret: str) -> None:
    with pytest.raises(ContractViolation) as refused:
        sealed(Strict.model_construct(id=secret, counts={secret: secret}, pattern=secret))

    assert secret not in str(refused.value)
    assert secret not in repr(refused.value)


def test_the_key_of_a_dictionary_is_data_too() -> None:
    with pytest.raises(ValidationError) as broken:
        Strict.model_validate({"id": "1", "counts": {"ada@example.com": "many"}})

    told = violation(Strict, broken.value, event_id="e1", publisher="orders.place_order")

    assert "  data.counts.*: Input should be a valid integer, unable to parse string as an integer\n" in str(told)


def test_neither_a_sealed_nor_a_delivered_event_shows_its_data() -> None:
    event = sealed(OrderPlaced(order_id=ORDER_ID, note="hush-hush"))

    read = unseal(delivered(event), "payments.pay")

    assert "hush-hush" in event.detail
    assert "hush-hush" not in repr(event)
    assert "hush-hush" not in repr(read)


@pytest.mark.parametrize(
    ("detail", "problems"),
    [
        ({"order_id": "1"}, "  detail: has no 'metadata'\n"),
        ({"metadata": {"event_id": "1"}}, None),
        ("text", "  metadata: Input should be a valid dictionary or instance of Metadata\n"),
        (None, "  metadata: Input should be a valid dictionary or instance of Metadata\n"),
        ([], "  metadata: Input should be a valid dictionary or instance of Metadata\n"),
        ({"metadata": 5, "data": {}}, "  metadata: Input should be a valid dictionary or instance of Metadata\n"),
    ],
    ids=["no metadata", "half the metadata", "text", "nothing", "a list", "a number"],
)
def test_an_event_of_another_envelope_is_refused(detail: object, problems: str | None) -> None:
    halves = "".join(f"  metadata.{name}: Field required\n" for name in ("version", "occurred_at", "subject"))
    halves += "".join(f"  metadata.{name}: Field required\n" for name in ("correlation_id", "publisher"))

    with pytest.raises(ContractViolation) as refused:
        unseal({"id": "aws-1", "source": "shop.orders", "detail-type": "OrderPlaced", "detail": detail}, "payments.pay")

    assert str(refused.value) == (
        "event aws-1 from shop.orders/OrderPlaced is not in contradance's envelope\n"
        f"{problems or halves}"
        "  consumed by payments.pay\n"
        '  Publish it as {"metadata": ..., "data": ...}.'
    )


@pytest.mark.parametrize(
    ("name", "within", "beyond"),
    [
        *[(name, ["i", "i" * 256], ["", "i" * 257]) for name in ("event_id", "correlation_id", "causation_id")],
        ("version", [1, 1_000], [0, -1]),
    ],
)
def test_metadata_stays_within_its_bounds(name: str, within: list[object], beyond: list[object]) -> None:
    event = delivered(sealed(OrderPlacedV2(order_id=ORDER_ID)))
    metadata = event["detail"]["metadata"]

    for value in within:
        metadata[name] = value
        assert getattr(unseal(event, "payments.pay").metadata, name) == value
    for value in beyond:
        metadata[name] = value
        with pytest.raises(ContractViolation, match=rf"\n  metadata\.{name}: (String should have|Input should be) "):
            unseal(event, "payments.pay")


def test_an_unreadable_metadata_is_not_shown_by_the_cause_either() -> None:
    event = delivered(sealed(OrderPlacedV2(order_id=ORDER_ID)))
    event["detail"]["metadata"]["event_id"] = ["hush-hush"]

    with pytest.raises(ContractViolation) as refused:
        unseal(event, "payments.pay")

    assert "event_id" in str(refused.value.__cause__)
    assert "hush-hush" not in str(refused.value.__cause__)


def test_the_metadata_of_a_delivered_event_cannot_be_changed() -> None:
    metadata = unseal(delivered(sealed(OrderPlacedV2(order_id=ORDER_ID))), "payments.pay").metadata

    with pytest.raises(ValidationError, match="frozen"):
        metadata.event_id = "another"


def test_an_event_that_starts_a_flow_gets_new_ids_unless_they_are_given() -> None:
    event = OrderPlacedV2(order_id=ORDER_ID)
    told: dict[str, Any] = {"publisher": "orders.place_order", "occurred_at": NOON}
    ids: dict[str, Any] = {"event_id": "e1", "correlation_id": "c1", "traceparent": "00-1-2-00"}

    made = [unseal(delivered(one), "payments.pay").metadata for _ in range(2) for one in seal_initial(event, **told)]

    assert seal_initial(event, **told, **ids) == (seal(event, **told, **ids),)
    assert len({one.event_id for one in made} | {one.correlation_id for one in made}) == 4
    assert {one.publisher for one in made} == {"orders.place_order"}


def test_a_moment_without_a_zone_is_refused() -> None:
    event = delivered(sealed(OrderPlacedV2(order_id=ORDER_ID)))
    event["detail"]["metadata"]["occurred_at"] = "2026-03-01T12:00:00"

    with pytest.raises(ContractViolation, match=r"metadata\.occurred_at: Input should have timezone info"):
        unseal(event, "payments.pay")


def test_a_missing_data_is_named() -> None:
    event = delivered(sealed(OrderPlacedV2(order_id=ORDER_ID)))
    del event["detail"]["data"]

    with pytest.raises(ContractViolation, match="detail: has no 'data'"):
        unseal(event, "payments.pay")


def test_a_replayed_event_says_by_which_replay() -> None:
    event = delivered(sealed(OrderPlacedV2(order_id=ORDER_ID)))

    live, replayed = unseal(event, "payments.pay"), unseal({**event, "replay-name": "again.1"}, "payments.pay")

    assert (live.replay_name, replayed.replay_name) == (None, "again.1")
    assert isinstance(live, Delivered)
    assert live.identity == Identity("shop.orders", "OrderPlaced", 2)


def test_metadata_that_a_later_version_adds_is_ignored() -> None:
    event = delivered(sealed(OrderPlacedV2(order_id=ORDER_ID)))
    event["detail"]["metadata"]["mood"] = "good"

    assert unseal(event, "payments.pay").metadata.event_id == "e1"


def test_a_cloudevent_is_another_view_of_the_same() -> None:
    event = delivered(sealed(OrderPlacedV2(order_id=ORDER_ID), causation_id="e0"))

    assert cloudevent(event) == {
        "specversion": "1.0",
        "id": "e1",
        "source": "shop.orders",
        "type": "OrderPlaced",
        "subject": "00000000-0000-0000-0000-000000000007",
        "time": "2026-03-01T12:00:00Z",
        "datacontenttype": "application/json",
        "dataschema": "contract:shop.orders/OrderPlaced/v2",
        "correlationid": "c1",
        "causationid": "e0",
        "data": {"order_id": "00000000-0000-0000-0000-000000000007"},
    }


@given(st.lists(st.text() | st.integers(), min_size=1, max_size=4))
def test_a_derived_id_depends_on_its_parts_alone(parts: list[object]) -> None:
    assert derived_id(*parts) == derived_id(*parts)
    assert derived_id(*parts) != derived_id(*parts, "more")


def test_derived_ids_stay_what_they_are() -> None:
    assert derived_id("payments.pay", "e1", 0) == "58c39d89-69bb-54f4-b6ee-004654387d7f"
    assert derived_id("a", "bc") != derived_id("ab", "c")
