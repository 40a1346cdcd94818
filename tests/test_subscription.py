import json
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from decimal import Decimal
from types import FunctionType
from typing import Any, Literal
from uuid import UUID

import pytest
from pydantic import ConfigDict, Field, computed_field, create_model
from pydantic.alias_generators import to_camel

from contradance import Contract, Value, subscriber
from contradance.contentfilter import ContentFilter
from contradance.errors import InvalidFunction, InvalidPattern
from contradance.identity import Identity
from contradance.pattern import EventPattern
from contradance.subscription import Subscription, event_pattern


class Sku(Value):
    code: str


class Line(Value):
    sku: Sku
    count: int


class Card(Value):
    number: str


class Cash(Value):
    received: int


class OrderPlaced(Contract, source="shop.orders", subject="order_id"):
    order_id: UUID
    total: int
    line: Line
    lines: list[Line] = Field(default_factory=list)
    by_name: dict[str, Line] = Field(default_factory=dict)
    payment: Card | Cash | None = None
    anything: Any = None


class OrderCancelled(Contract, source="shop.orders", subject="order_id"):
    order_id: UUID
    reason: str


class Reviewed(Contract, source="shop.reviews", subject="order_id"):
    order_id: UUID
    stars: int


class ReviewedV2(
    Contract, source="shop.reviews", detail_type="Reviewed", version=2, upcasts=Reviewed, subject="order_id"
):
    order_id: UUID
    stars: int
    text: str = ""

    @classmethod
    def upcast(cls, old: Reviewed) -> "ReviewedV2":
        return cls(order_id=old.order_id, stars=old.stars)


class ReviewedV4(
    Contract, source="shop.reviews", detail_type="Reviewed", version=4, upcasts=ReviewedV2, subject="order_id"
):
    order_id: UUID
    stars: int
    text: str = ""
    photo: str = ""

    @classmethod
    def upcast(cls, old: ReviewedV2) -> "ReviewedV4":
        return cls(order_id=old.order_id, stars=old.stars, text=old.text)


def one(placed: OrderPlaced) -> None: ...


def either(event: OrderPlaced | OrderCancelled) -> None: ...


def newest(review: ReviewedV4) -> None: ...


def newer_first(review: ReviewedV2 | Reviewed) -> None: ...


def older_first(review: Reviewed | ReviewedV2) -> None: ...


untyped_subscriber: Any = subscriber


def subscription(handler: object, **options: Any) -> Subscription:
    trigger = untyped_subscriber(service="loyalty", **options)(handler).trigger
    assert isinstance(trigger, Subscription)
    return trigger


def pattern(handler: object, **options: Any) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(subscription(handler, **options).pattern.canonical)
    return read


def refusal(handler: Callable[..., None], where: object) -> str:
    assert isinstance(handler, FunctionType)
    with pytest.raises(InvalidFunction) as refused:
        subscription(handler, where=where)
    place = f"loyalty.{handler.__name__} (tests/test_subscription.py, line {handler.__code__.co_firstlineno}) "
    assert str(refused.value).startswith(place)
    return str(refused.value).removeprefix(place)


def test_a_subscription_is_a_value() -> None:
    first, second = subscription(one), subscription(one)

    assert first == second
    assert hash(first) == hash(second)
    with pytest.raises(FrozenInstanceError):
        first.batch = 10  # type: ignore[misc]  # what is tested


def test_one_contract_makes_one_flat_pattern() -> None:
    assert pattern(one) == {
        "source": ["shop.orders"],
        "detail-type": ["OrderPlaced"],
        "detail": {"metadata": {"version": [1]}},
    }


def test_a_union_makes_alternatives_never_a_cross_product() -> None:
    assert pattern(either) == {
        "$or": [
            {"source": ["shop.orders"], "detail-type": ["OrderPlaced"], "detail": {"metadata": {"version": [1]}}},
            {"source": ["shop.orders"], "detail-type": ["OrderCancelled"], "detail": {"metadata": {"version": [1]}}},
        ]
    }


def test_a_newer_contract_also_takes_every_version_it_upcasts() -> None:
    assert pattern(newest)["detail"]["metadata"]["version"] == [1, 2, 4]


def test_of_an_event_in_several_versions_the_newest_that_is_read_is_taken() -> None:
    assert pattern(newest)["detail"]["metadata"]["newer_version"] == [{"exists": False}, {"anything-but": [2, 4]}]
    for handler in (newer_first, older_first):
        for part in pattern(handler)["$or"]:
            assert part["detail"]["metadata"]["newer_version"] == [{"exists": False}, {"anything-but": [2]}]


def test_a_replay_is_skipped_by_the_pattern_itself() -> None:
    assert pattern(one, on_replay="skip") == {
        "source": ["shop.orders"],
        "detail-type": ["OrderPlaced"],
        "detail": {"metadata": {"version": [1]}},
        "replay-name": [{"exists": False}],
    }
    assert pattern(either, on_replay="skip")["replay-name"] == [{"exists": False}]


def test_a_filter_looks_into_the_data() -> None:
    where = {"total": [{"numeric": [">", 100]}], "line": {"sku": {"code": [{"prefix": "a"}]}}}

    assert pattern(one, where=where)["detail"] == {"metadata": {"version": [1]}, "data": where}


def test_a_filter_of_a_union_is_given_for_each_contract() -> None:
    where = {OrderPlaced: {"total": [5]}}

    placed, cancelled = pattern(either, where=where)["$or"]

    assert placed["detail"] == {"metadata": {"version": [1]}, "data": {"total": [5]}}
    assert cancelled["detail"] == {"metadata": {"version": [1]}}


def test_a_filter_of_one_contract_may_be_given_for_it_by_name() -> None:
    assert pattern(one, where={OrderPlaced: {"total": [5]}}) == pattern(one, where={"total": [5]})


@pytest.mark.parametrize(
    "where",
    [
        {"lines": {"count": [1]}},
        {"lines": {"sku": {"code": ["a"]}}},
        {"line.sku.code": ["a"]},
        {"by_name": {"first": {"count": [1]}}},
        {"payment": {"number": ["1"]}},
        {"payment": {"received": [1]}},
        {"anything": {"at": {"all": [1]}}},
        {"$or": [{"total": [1]}, {"line": {"count": [1]}}]},
        {"line": {"$or": [{"count": [1]}, {"sku": {"code": ["a"]}}]}},
        {"$or": ({"total": (1,)}, {"line": {"count": (1,)}})},
    ],
    ids=str,
)
def test_a_filter_looks_as_deep_as_the_contract_goes(where: ContentFilter) -> None:
    assert subscription(one, where=where).pattern.canonical


@pytest.mark.parametrize(
    ("where", "missing", "fix"),
    [
        (
            {"size": ["L"]},
            "size",
            "Filter on one of: anything, by_name, line, lines, order_id, payment, total.",
        ),
        ({"line": {"size": ["L"]}}, "line.size", "Filter on one of: count, sku."),
        ({"line": {"sku": {"size": ["L"]}}}, "line.sku.size", "Filter on one of: code."),
        ({"line.sku.size": ["L"]}, "line.sku.size", "Filter on one of: code."),
        ({"lines": {"size": ["L"]}}, "lines.size", "Filter on one of: count, sku."),
        ({"by_name": {"first": {"size": ["L"]}}}, "by_name.first.size", "Filter on one of: count, sku."),
        ({"payment": {"size": ["L"]}}, "payment.size", "Filter on one of: number, received."),
        ({"total": {"amount": [1]}}, "total.amount", "data.total is a value: filter on itself."),
        ({"$or": [{"total": [1]}, {"size": ["L"]}]}, "size", None),
        ({"line": {"$or": [{"count": [1]}, {"size": ["L"]}]}}, "line.size", "Filter on one of: count, sku."),
        ({OrderPlaced: {"line": {"size": ["L"]}}}, "line.size", "Filter on one of: count, sku."),
    ],
    ids=str,
)
def test_a_filter_on_a_field_that_the_contract_lacks_is_refused(
    where: ContentFilter, missing: str, fix: str | None
) -> None:
    known = "Filter on one of: anything, by_name, line, lines, order_id, payment, total."

    assert refusal(one, where) == (
        f"filters on data.{missing}, but shop.orders/OrderPlaced v1 has no such field (contract in "
        f"tests/test_subscription.py).\n  {fix or known}"
    )


@pytest.mark.parametrize(
    ("where", "field", "fix"),
    [
        ({"total": 5}, "total", "Write a list: {'total': [5]}."),
        ({"payment": "card"}, "payment", "Write a list: {'payment': ['card']}."),
        ({"line": {"count": None}}, "line.count", "Write a list: {'count': [None]}."),
        ({OrderPlaced: {"total": 5}}, "total", "Write a list: {'total': [5]}."),
    ],
    ids=str,
)
def test_a_filter_by_a_single_value_is_refused_with_the_list_to_write(where: Any, field: str, fix: str) -> None:
    message = refusal(one, where)

    assert message.startswith(f"filters data.{field} by ")
    assert message.endswith(f", which is not a list.\n  {fix}")


def test_a_filter_holds_for_every_version_that_is_read() -> None:
    assert refusal(newest, {"photo": ["x"]}) == (
        "filters on data.photo, but shop.reviews/Reviewed v2 has no such field (contract in tests/test_subscription.py).\n"
        "  Filter on one of: order_id, stars, text.\n"
        "  A subscriber of ReviewedV4 also consumes v2, upcast, and EventBridge filters before the upcast. Filter on what is "
        "new in the handler."
    )


@pytest.mark.parametrize(
    ("handler", "where", "why"),
    [
        (
            either,
            {"total": [1]},
            (
                "subscribes to 2 contracts, but its where= does not name the one that it filters.\n"
                "  Write where={OrderPlaced: {...}}."
            ),
        ),
        (
            either,
            {Reviewed: {"stars": [1]}},
            "filters Reviewed in where=, but does not subscribe to it.\n  It subscribes to: OrderPlaced, OrderCancelled.",
        ),
        (
            one,
            {OrderPlaced: {"total": [1]}, "total": [1]},
            "filters total in where=, but does not subscribe to it.\n  It subscribes to: OrderPlaced.",
        ),
        (
            one,
            ["total"],
            (
                "has where=['total'], which filters no field.\n"
                "  Write it like where={'status': ['open']}, or where={TheContract: {'status': ['open']}}."
            ),
        ),
        (
            one,
            {OrderPlaced: ["total"]},
            (
                "filters OrderPlaced by ['total'] in where=, which filters no field.\n"
                "  Write it like where={'status': ['open']}, or where={TheContract: {'status': ['open']}}."
            ),
        ),
    ],
    ids=["a union", "a contract of others", "a contract and a field", "a list", "a list for a contract"],
)
def test_a_filter_that_does_not_say_what_it_filters_is_refused(
    handler: Callable[..., None], where: object, why: str
) -> None:
    assert refusal(handler, where) == why


@pytest.mark.parametrize(
    "data",
    [
        {"total": [{"bigger": 5}]},
        {"total": []},
        {"total": [{"numeric": [">"]}]},
        {"line": {"count": [{"prefix": 5}]}},
        {"$or": [{"total": [1]}]},
    ],
    ids=str,
)
@pytest.mark.parametrize("by_contract", [False, True])
def test_a_filter_that_eventbridge_would_refuse_is_refused_with_its_reason(
    data: dict[str, object], by_contract: bool
) -> None:
    with pytest.raises(InvalidPattern) as reason:
        EventPattern(
            {
                "source": ["shop.orders"],
                "detail-type": ["OrderPlaced"],
                "detail": {"metadata": {"version": [1]}, "data": data},
            }
        )

    assert refusal(one, {OrderPlaced: data} if by_contract else data) == (
        f"has a where= that is not an event pattern.\n  {reason.value}"
    )


def test_more_events_than_one_rule_can_match_are_refused_with_the_function() -> None:
    named = {"source": "shop.orders", "subject": "order_id"}
    kinds = [
        create_model(f"Happened{number}", __base__=Contract, __cls_kwargs__=named, order_id=str) for number in range(60)
    ]

    assert len(event_pattern("shop.tidy", tuple(kinds[:30]), None, "run")["$or"]) == 30  # type: ignore[arg-type]
    with pytest.raises(InvalidFunction) as refused:
        event_pattern("shop.tidy", tuple(kinds), None, "run")
    assert str(refused.value).startswith("shop.tidy subscribes to 60 events, too many for the pattern of one rule.\n")


def test_an_event_is_read_by_the_contract_that_wrote_it() -> None:
    taken = subscription(newest)

    assert taken.contract_of(Identity("shop.reviews", "Reviewed", 1)) == (Reviewed, ReviewedV4)
    assert taken.contract_of(Identity("shop.reviews", "Reviewed", 4)) == (ReviewedV4, ReviewedV4)
    assert taken.contract_of(Identity("shop.reviews", "Reviewed", 3)) is None
    assert taken.contract_of(Identity("shop.orders", "Reviewed", 1)) is None


@pytest.mark.parametrize("handler", [newer_first, older_first])
def test_an_event_that_is_subscribed_to_itself_is_not_upcast(handler: object) -> None:
    taken = subscription(handler)

    assert taken.contract_of(Reviewed.identity) == (Reviewed, Reviewed)
    assert taken.contract_of(ReviewedV2.identity) == (ReviewedV2, ReviewedV2)


class Priced(Contract, source="shop.orders", subject="order_id"):
    model_config = ConfigDict(alias_generator=to_camel)

    order_id: str
    unit_price: Decimal
    tier: str = ""
    level: Literal["a", 1] = "a"
    flags: tuple[bool, ...] = ()
    note: str | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def label(self) -> str:
        return self.order_id


def consume_priced(event: Priced) -> None:
    """Do nothing."""


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"tier": [3]}, r"filters data\.tier by a number, but .* has a text there .*, so it would never match\."),
        ({"unitPrice": [{"numeric": [">", 5]}]}, r"filters data\.unitPrice by a number, but .* has a text there"),
        ({"level": [True]}, r"filters data\.level by a boolean, but .* has a number or a text there"),
        ({"flags": ["yes"]}, r"filters data\.flags by a text, but .* has a boolean there"),
        ({"flags": ("yes",)}, r"filters data\.flags by a text, but .* has a boolean there"),
        (
            {"unit_price": ["5"]},
            r"no such field .*\n  Filter on one of: flags, level, note, orderId, tier, unitPrice\.",
        ),
        ({"label": ["x"]}, r"filters on data\.label, but .* has no such field"),
    ],
    ids=[
        "number on a text",
        "number on a decimal",
        "boolean on a literal",
        "text on booleans",
        "tuple",
        "own name",
        "computed",
    ],
)
def test_a_filter_that_can_never_match_is_refused(where: ContentFilter, message: str) -> None:
    with pytest.raises(InvalidFunction, match=message):
        subscriber(service="shop", where=where)(consume_priced)


def test_a_filter_is_on_the_names_and_values_of_the_wire() -> None:
    where: ContentFilter = {"unitPrice": ["5.00"], "level": [1], "flags": [True], "note": [None, {"prefix": "x"}]}

    function = subscriber(service="shop", where=where)(consume_priced)

    assert dict(function.trigger.spelled)["detail"]["data"] == where  # type: ignore[union-attr]
