"""Events of others, as they are declared."""

import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from contradance import PII, Contract, ForeignEvent, subscriber
from contradance.errors import InvalidContract, InvalidFunction
from contradance.foreign import Origin, id_at, once_id
from contradance.identity import Identity
from contradance.subscription import Subscription


class Bucket(BaseModel):
    name: str


class S3Object(BaseModel):
    key: str
    size: int = 0
    sequencer: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    dotted: str = Field(default="", alias="a.b")
    owner: Annotated[str, PII] = ""


class ObjectCreated(
    ForeignEvent,
    source="aws.s3",
    detail_type="Object Created",
    bus="default",
    once_by=("bucket.name", "object.key", "object.sequencer"),
    subject="object.key",
):
    bucket: Bucket
    object: S3Object


class ParcelMoved(ForeignEvent, source="parcels", detail_type="parcel moved", correlation="orderId"):
    order_id: str = Field(alias="orderId")


class ParcelLost(Contract, source="shop.parcels", subject="order_id"):
    order_id: str


class ExistingModel(BaseModel):
    request_id: str = Field(alias="request-id")


class Existing(ForeignEvent, ExistingModel, source="aws.partner/acme.com/*", detail_type="made", bus="partner"): ...


untyped_subscriber: Any = subscriber


def subscription(handler: object, **options: Any) -> Subscription:
    trigger = untyped_subscriber(service="photos", **options)(handler).trigger
    assert isinstance(trigger, Subscription)
    return trigger


def pattern(handler: object, **options: Any) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(subscription(handler, **options).pattern.canonical)
    return read


def declare(**keywords: Any) -> None:
    untyped: Any = type(ForeignEvent)
    untyped("Declared", (ForeignEvent,), {"__module__": __name__, "__annotations__": {"object": S3Object}}, **keywords)


def index(created: ObjectCreated) -> None: ...


def move(moved: ParcelMoved) -> None: ...


def either(moved: ParcelMoved | ParcelLost) -> None: ...


def existing(made: Existing) -> None: ...


def test_a_foreign_event_has_an_identity_without_a_version_and_an_origin() -> None:
    assert ObjectCreated.identity == Identity("aws.s3", "Object Created", 0)
    assert str(ObjectCreated.identity) == "aws.s3/Object Created"
    assert ObjectCreated.origin == Origin(
        "aws.s3", "default", (("bucket", "name"), ("object", "key"), ("object", "sequencer")), ("object", "key")
    )


def test_the_rule_matches_source_and_detail_type_and_no_envelope() -> None:
    assert pattern(index) == {"source": ["aws.s3"], "detail-type": ["Object Created"]}
    assert subscription(index).bus == "default"


def test_a_filter_is_over_the_detail_by_names_in_json() -> None:
    assert pattern(move, where={"orderId": [{"prefix": "A"}]})["detail"] == {"orderId": [{"prefix": "A"}]}
    with pytest.raises(
        InvalidFunction, match=r"filters on detail\.order_id, but parcels/parcel moved has no such field"
    ):
        subscription(move, where={"order_id": ["A"]})


def test_a_source_with_a_star_at_its_end_matches_by_its_beginning() -> None:
    found = subscription(existing)

    assert pattern(existing)["source"] == [{"prefix": "aws.partner/acme.com/"}]
    assert found.foreign_of("aws.partner/acme.com/7/orders", "made") is Existing
    assert found.foreign_of("aws.partner/other.com/7", "made") is None
    assert found.foreign_of("aws.partner/acme.com/7/orders", "unmade") is None


def test_a_model_that_exists_is_a_second_base_class() -> None:
    assert Existing.model_validate({"request-id": "7"}).request_id == "7"
    assert issubclass(Existing, ExistingModel)


def test_a_parameter_may_name_contracts_and_events_of_others_on_the_own_bus() -> None:
    found = subscription(either, where={ParcelMoved: {"orderId": ["A"]}})

    assert (found.contracts, found.foreign, found.bus) == ((ParcelLost,), (ParcelMoved,), None)
    assert json.loads(found.pattern.canonical)["$or"][1] == {
        "source": ["parcels"],
        "detail-type": ["parcel moved"],
        "detail": {"orderId": ["A"]},
    }


@pytest.mark.parametrize(
    ("annotation", "places"),
    [
        (ObjectCreated | ParcelLost, "ObjectCreated on bus 'default' and ParcelLost on the own bus"),
        (ObjectCreated | ParcelMoved, "ObjectCreated on bus 'default' and ParcelMoved on the own bus"),
        (ObjectCreated | Existing, "ObjectCreated on bus 'default' and Existing on bus 'partner'"),
    ],
    ids=["own contract", "own bus", "two others"],
)
def test_a_parameter_of_two_buses_is_refused(annotation: object, places: str) -> None:
    def handler(event: Any) -> None: ...

    handler.__annotations__["event"] = annotation

    with pytest.raises(InvalidFunction, match="a function has one rule, and a rule is on one bus") as refused:
        subscription(handler)
    assert places in str(refused.value)
    assert "Write one function for each bus" in str(refused.value)


class Wide(ForeignEvent, source="par*", detail_type="parcel moved"): ...


class Lost(ForeignEvent, source="shop.parcels", detail_type="ParcelLost"): ...


@pytest.mark.parametrize("annotation", [ParcelMoved | Wide, Wide | ParcelMoved, ParcelLost | Lost], ids=str)
def test_two_classes_for_one_delivered_event_are_refused(annotation: object) -> None:
    def handler(event: Any) -> None: ...

    handler.__annotations__["event"] = annotation

    with pytest.raises(InvalidFunction, match="an event may be both"):
        subscription(handler)


def test_returning_a_foreign_event_is_refused() -> None:
    def handler(lost: ParcelLost) -> ParcelMoved:
        return ParcelMoved(orderId=lost.order_id)

    with pytest.raises(InvalidFunction, match="returns ParcelMoved, an event that others publish from 'parcels'"):
        subscription(handler)


@pytest.mark.parametrize(
    ("keywords", "reason"),
    [
        ({}, "is missing `source=`"),
        ({"source": "x" * 257}, "a source has 1 to 256 printable characters"),
        ({"source": "a\nb"}, "printable"),
        ({"source": "*"}, "which no event has"),
        ({"source": "a*b"}, "which no event has"),
        ({"source": "a", "detail_type": ""}, "a detail-type has 1 to 128 printable characters"),
        ({"source": "a", "detail_type": "x" * 129}, "a detail-type has 1 to 128 printable characters"),
        ({"source": "a", "bus": "arn:aws:events:eu-west-1:123456789012:event-bus/x"}, "buses.partner"),
        ({"source": "a", "bus": "aws.partner/acme.com/7"}, "buses.partner"),
        ({"source": "a", "bus": ""}, "a bus has a short name here"),
        ({"source": "aws.s3"}, "Write bus='default'"),
        ({"source": "a", "once_by": "object.keys"}, r"names 'object.keys' in once_by=, but object has no field 'keys'"),
        ({"source": "a", "once_by": ("object.key", "nothing")}, "detail has no field 'nothing'"),
        ({"source": "a", "once_by": "object.dotted"}, "object has no field 'dotted'"),
        ({"source": "a", "once_by": "object"}, "in once_by=, which is S3Object"),
        ({"source": "a", "once_by": "object.tags"}, "Name a field that holds a text, a number or a boolean"),
        ({"source": "a", "subject": "object.size.unit"}, "object.size has no field 'unit'"),
        ({"source": "a", "subject": "object.owner"}, "marks it as personal data"),
        ({"source": "a", "correlation": "object.owner"}, "marks it as personal data"),
    ],
    ids=str,
)
def test_a_declaration_that_cannot_work_is_refused(keywords: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidContract, match=reason.replace(".", r"\.") if "\\" not in reason else reason):
        declare(**keywords)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("object.a.b", ("object", "a.b")),
        ("object.tags.owner", ("object", "tags", "owner")),
        ("object.tags.a.b", ("object", "tags", "a", "b")),
        ("object.owner", ("object", "owner")),
    ],
)
def test_a_field_is_named_by_its_names_in_json(name: str, path: tuple[str, ...]) -> None:
    class Named(ForeignEvent, source="a", once_by=name):
        object: S3Object

    assert Named.origin.once_by == (path,)


@pytest.mark.parametrize(
    ("annotation", "usable"),
    [
        (str, True),
        (int | None, True),
        (Literal["a", "b"], True),
        (Annotated[str, Field(max_length=9)], True),
        (object, True),
        (str | list[str], True),
        (list[str], False),
        (tuple[str, ...], False),
        (set[str], False),
        (frozenset[str], False),
        (Sequence[str], False),
        (Mapping[str, str], False),
        (dict[str, str], False),
        (Bucket, False),
        (tuple, False),
    ],
    ids=str,
)
def test_only_a_field_with_a_scalar_value_identifies_an_event(annotation: object, usable: bool) -> None:
    untyped: Any = type(ForeignEvent)
    space = {"__module__": __name__, "__annotations__": {"key": annotation}}
    with nullcontext() if usable else pytest.raises(InvalidContract, match="holds a text, a number or a boolean"):
        untyped("Declared", (ForeignEvent,), space, source="crm", once_by="key")


@pytest.mark.parametrize("name", ["identity", "origin"])
def test_a_reserved_field_name_is_refused_with_its_alias(name: str) -> None:
    untyped: Any = type(ForeignEvent)
    with pytest.raises(InvalidContract, match=f"Field\\(alias='{name}'\\)"):
        untyped("Taken", (ForeignEvent,), {"__module__": __name__, "__annotations__": {name: str}}, source="a")


class Late(ForeignEvent, source="a", subject="part.key"):
    part: "DefinedLater"


class DefinedLater(BaseModel):
    key: str


def test_a_class_that_names_a_later_one_is_completed_where_it_is_subscribed_to() -> None:
    def handler(late: Late) -> None: ...

    assert subscription(handler).foreign[0].origin.subject == ("part", "key")


def test_a_keyword_that_does_not_exist_is_refused() -> None:
    with pytest.raises(TypeError):
        declare(source="crm", detail_typ="made")


def test_a_test_makes_an_event_by_the_names_in_python_and_it_is_sent_by_those_in_json() -> None:
    by_name: Any = ParcelMoved

    moved = by_name(order_id="A-7")

    assert moved == ParcelMoved(orderId="A-7")
    assert moved.model_dump_json() == '{"orderId":"A-7"}'
    with pytest.raises(ValidationError):
        moved.order_id = "A-8"


def test_errors_and_reprs_show_no_value() -> None:
    class Person(ForeignEvent, source="crm"):
        mail: Annotated[str, PII]
        age: int

    with pytest.raises(ValidationError) as refused:
        Person.model_validate({"mail": "a@b.c", "age": "secret"})

    assert "secret" not in str(refused.value)
    assert "a@b.c" not in repr(Person(mail="a@b.c", age=1))


EVENT: dict[str, Any] = {
    "id": "e1",
    "source": "aws.s3",
    "detail-type": "Object Created",
    "account": "123456789012",
    "region": "eu-central-1",
    "detail": {"bucket": {"name": "photos"}, "object": {"key": "a.jpg", "sequencer": "7"}},
}


def changed(**changes: Any) -> dict[str, Any]:
    return {**EVENT, **changes}


def with_object(**changes: Any) -> dict[str, Any]:
    return changed(detail={"bucket": {"name": "photos"}, "object": {"key": "a.jpg", "sequencer": "7", **changes}})


def test_an_event_is_the_same_whatever_its_id_and_the_fields_that_do_not_identify_it() -> None:
    again = {**with_object(size=5), "id": "e2", "time": "2026-01-01T00:00:00Z", "replay-name": "x"}

    assert once_id(ObjectCreated, EVENT) == once_id(ObjectCreated, again)
    assert once_id(ObjectCreated, EVENT)[1] == ()


@pytest.mark.parametrize(
    "other",
    [
        changed(source="mine.s3"),
        changed(**{"detail-type": "Object Deleted"}),
        changed(account="210987654321"),
        changed(region="us-east-1"),
        with_object(key="b.jpg"),
        with_object(sequencer=7),
        with_object(key="a.jp", sequencer="g7"),
    ],
    ids=["source", "detail-type", "account", "region", "value", "type", "boundary"],
)
def test_an_event_is_another_by_its_place_and_by_each_identifying_value(other: dict[str, Any]) -> None:
    assert once_id(ObjectCreated, EVENT) != once_id(ObjectCreated, other)


@pytest.mark.parametrize("value", [None, {}, [], {"deeper": "7"}], ids=str)
def test_an_identifying_field_without_a_value_is_named(value: object) -> None:
    assert once_id(ObjectCreated, with_object(sequencer=value))[1] == ("object.sequencer",)


def test_a_detail_without_the_fields_names_them_all() -> None:
    details: list[object] = [{}, None, [], "text", {"bucket": "photos", "object": None}]
    for detail in details:
        assert once_id(ObjectCreated, changed(detail=detail))[1] == (
            "bucket.name",
            "object.key",
            "object.sequencer",
        )


def test_without_identifying_fields_the_id_is_the_events() -> None:
    assert once_id(ParcelMoved, EVENT) == ("e1", ())


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("A-7", "A-7"),
        (7, "7"),
        (True, "true"),
        ("", "e1"),
        (None, "e1"),
        ({}, "e1"),
        ("x" * 256, "x" * 256),
        ("x" * 257, "e1"),
    ],
    ids=["text", "number", "boolean", "empty", "null", "object", "longest", "too long"],
)
def test_subject_and_correlation_come_from_a_field_else_from_the_id(value: object, found: str) -> None:
    assert id_at(changed(detail={"orderId": value}), ParcelMoved.origin.correlation) == found
    assert id_at(EVENT, ()) == "e1"
