"""Faults that were seen, each with its right result."""

import json
from copy import deepcopy
from datetime import UTC, date, datetime, time
from enum import Enum, IntEnum
from types import SimpleNamespace
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from pydantic import (
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    PlainSerializer,
    computed_field,
    create_model,
)
from pydantic.alias_generators import to_camel

from contradance import Contract, ContractViolation, Registry, Value
from contradance.catalog.asyncapi import asyncapi
from contradance.envelope import seal_initial, unseal
from contradance.errors import InvalidTable, WorkError
from contradance.gate import breaks
from contradance.runtime.consume import read_event
from contradance.schemas import frozen_state, schema_of
from contradance.subscription import Subscription
from contradance.tableitem import ItemFormat, UnreadableError
from contradance.wire import to_wire
from tests.wire import shapes as s

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
METACLASS: Any = type(Contract)
FUNCTION: Any = SimpleNamespace(name="shop.consume")


def contract(fields: dict[str, Any], **names: Any) -> Any:
    """Return a contract with a field `id` and others."""
    own = {"__annotations__": {"id": str, **fields}, "__module__": __name__, "__qualname__": "Made", **names}
    return METACLASS("Made", (Contract,), own, source="shop.made", subject="id")


def sealed(event: Contract) -> Any:
    """Return a published event as it is delivered."""
    (one,) = seal_initial(event, publisher="shop.made", occurred_at=NOON)
    return {"id": "e", "source": "shop.made", "detail-type": "Made", "detail": json.loads(one.detail)}


def read(made: Any, delivered: Any) -> Any:
    """Return an event as a consumer reads it."""
    subscription = Subscription((made,), {}, "direct", 1, "run", takes_delivery=False)
    return read_event(FUNCTION, subscription, unseal(delivered, "shop.consume"))


def refusal(event: Contract) -> list[str]:
    """Return the lines with which an event is refused at publish."""
    with pytest.raises(ContractViolation) as refused:
        sealed(event)
    return str(refused.value).splitlines()


def test_a_validator_that_is_not_idempotent_changes_nothing_silently() -> None:
    made = contract({"cents": Annotated[int, BeforeValidator(lambda value: round(value * 100))]})

    lines = refusal(made(id="1", cents=9.5))

    assert lines[1] == "  data.cents: is an int, and would arrive as another int"
    assert lines[3].endswith("change the value in a validator, which must not change the JSON of its own result.")


def test_a_serializer_that_loses_something_is_refused_with_the_path_on_the_wire() -> None:
    class Amount(Value):
        model_config = ConfigDict(alias_generator=to_camel)

        per_unit: Annotated[float, PlainSerializer(lambda value: round(value, 1))]

    made = contract({"amounts": tuple[Amount, ...]})

    lines = refusal(made(id="1", amounts=(Amount(per_unit=1.0), Amount(per_unit=0.55))))

    assert lines[1] == "  data.amounts.1.perUnit: is a float, and would arrive as another float"


@pytest.mark.parametrize(
    ("annotation", "value", "problem"),
    [
        (bytes, b"\xff", "has no JSON form"),
        (time, time(12, tzinfo=ZoneInfo("Europe/Berlin")), "is a time, and would arrive as a time without its zone"),
        (UUID | str, "6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11", "is a str, and would arrive as a UUID"),
        (dict[str, bytes], {"k": b"\xff"}, "has no JSON form"),
    ],
    ids=["bytes", "time", "union", "bytes within a mapping"],
)
def test_what_json_cannot_keep_is_refused_with_event_and_field(annotation: Any, value: Any, problem: str) -> None:
    lines = refusal(contract({"field": annotation})(id="1", field=value))

    assert lines[0].startswith("event ")
    assert lines[0].endswith(" breaks shop.made/Made v1")
    assert lines[1] == f"  data.field: {problem}"


def test_a_validator_that_raises_what_is_no_value_error_is_named() -> None:
    made = contract({"field": Annotated[Any, BeforeValidator(lambda value: value.real)]})

    lines = refusal(made(id="1", field=5.5).model_copy(update={"field": "text"}))

    assert lines[1] == "  data.field: has a validator that raises AttributeError when it reads its own JSON"


def test_the_members_of_a_union_stay_apart_for_a_consumer_that_ignores_fields() -> None:
    made = contract({"shape": Annotated[s.Circle | s.Square, Field(union_mode="left_to_right")]})
    delivered = sealed(made(id="1", shape=s.Square(side=2)))
    delivered["detail"]["data"]["new"] = 1

    assert read(made, delivered).shape == s.Square(side=2)


@pytest.mark.parametrize("name", ["a", "b", "c", "d", "e", "f"])
def test_the_members_of_a_union_are_compared_alike_whatever_the_names_and_the_order_of_their_fields(name: str) -> None:
    """What is found for a pair of types holds wherever the pair is met again."""
    one: dict[str, Any] = {name: (s.Circle | s.Square, ...), "last": (s.Circle, ...)}
    other: dict[str, Any] = {name: (s.Square, ...), "last": (s.Square, ...), "new": (int, ...)}
    reader, writer = create_model("Reader", __base__=Value, **one), create_model("Writer", __base__=Value, **other)
    union = Annotated[list[reader] | list[writer], Field(union_mode="left_to_right")]  # type: ignore[valid-type]

    made = contract({"shapes": union})

    written = [writer(**{name: s.Square(side=1), "last": s.Square(side=2), "new": 3})]
    assert read(made, sealed(made(id="1", shapes=written))).shapes == written


def test_strict_contracts_are_consumed_by_the_rules_of_json() -> None:
    made = contract({"at": datetime, "ids": frozenset[UUID]}, model_config=ConfigDict(strict=True))
    event = made(id="1", at=NOON, ids=frozenset({UUID(int=1)}))

    assert read(made, sealed(event)) == event


def test_a_validator_does_not_change_the_delivered_event() -> None:
    def take(value: Any) -> Any:
        return value.pop("inner") if isinstance(value, dict) else value

    made = contract({"field": Annotated[int, BeforeValidator(take)]})
    delivered = sealed(made(id="1", field=5))
    delivered["detail"]["data"]["field"] = {"inner": 5}
    before = deepcopy(delivered)

    read(made, delivered)

    assert delivered == before


class Wide(IntEnum):
    MOST = 10**30


class Far(Enum):
    AWAY = -(2**64)


class Camel(Contract, source="shop.made", subject="loan_id"):
    model_config = ConfigDict(alias_generator=to_camel)

    loan_id: str
    due_on: str = Field(default="", description="When.")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def is_late(self) -> bool:
        """Whether it is late."""
        return True


def test_an_alias_is_the_name_of_the_wire() -> None:
    event = Camel(loan_id="1", due_on="x")
    delivered = {**sealed(event), "detail-type": "Camel"}

    assert delivered["detail"]["data"] == {"loanId": "1", "dueOn": "x"}
    assert delivered["detail"]["metadata"]["subject"] == "1"
    assert read(Camel, delivered) == event
    assert schema_of(Camel)["properties"].keys() == {"loanId", "dueOn"}
    assert '"dueOn"' in json.dumps(asyncapi(Registry("shop", [Camel])))


def gate_of(fields: dict[str, Any], later: dict[str, Any], **names: Any) -> list[str]:
    """Return the rules that a change of fields breaks."""
    frozen = frozen_state(contract(fields))
    return [one.change.rule for one in breaks(Registry("shop", [contract(later, **names)]), {frozen.identity: frozen})]


def test_a_computed_field_is_no_data() -> None:
    def area(self: Any) -> int:
        return 1

    assert gate_of({}, {}, area=computed_field(return_type=int)(property(area))) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (dict[str, int], dict[int, int]),
        (dict[UUID, int], dict[int, int]),
        (s.Lower, str),
        (str, Annotated[str, Field(pattern="^a$"), BeforeValidator(str.strip)]),
        (s.Hex, Annotated[int, PlainSerializer(oct, return_type=str)]),
        (s.Point | s.Tree, Annotated[s.Point | s.Tree, Field(union_mode="left_to_right")]),
    ],
    ids=["keys", "keys of two types", "validator", "constraint", "serializer", "order of a union"],
)
def test_the_gate_sees_what_a_schema_omits(before: Any, after: Any) -> None:
    assert gate_of({"field": before}, {"field": after})
    assert gate_of({"field": before}, {"field": before}) == []


@pytest.mark.parametrize(
    ("model", "fixed"),
    [
        (dict[str, int], {"Jane Doe": 2.5}),
        (dict[str, bytes], {"Jane Doe": b"\xff"}),
        (dict[date | str, int], {NOON: 1}),
    ],
    ids=["value", "no JSON", "key"],
)
def test_a_table_s_refusal_does_not_show_the_keys_of_a_mapping(model: Any, fixed: Any) -> None:
    record: Any = create_model("Record", id=(str, ...), inner=(create_model("Inner", by_key=(model, ...)), ...))
    items = ItemFormat("shop.records", ("id",), record)

    with pytest.raises(WorkError, match=r"inner\.by_key") as refused:
        items.write(
            record.model_construct(id="1", inner=record.model_fields["inner"].annotation.model_construct(by_key=fixed))
        )

    assert "Jane" not in str(refused.value)
    assert "2026" not in str(refused.value)


def test_a_table_names_a_type_that_does_not_exist() -> None:
    with pytest.raises(InvalidTable, match="names a type that does not exist: name 'Nowhere' is not defined"):
        ItemFormat(
            "shop.records", ("id",), METACLASS("Record", (BaseModel,), {"__annotations__": {"other": "Nowhere"}})
        )


class Stored(BaseModel):
    id: str
    loan_id: str = Field(alias="loanId")
    price: float = 0


def test_a_table_reads_a_required_alias() -> None:
    items = ItemFormat("shop.loans", ("id",), Stored)

    document = items.write(Stored(id="1", loanId="2"))

    assert json.loads(document) == {"id": "1", "loanId": "2", "price": 0.0}
    assert items.read(document, ("1",)).loan_id == "2"


@pytest.mark.parametrize("price", [float("inf"), float("nan")], ids=["inf", "nan"])
def test_a_table_refuses_what_json_has_no_number_for(price: float) -> None:
    with pytest.raises(WorkError, match=r"table shop\.loans cannot store an item that could not be read back: price: "):
        ItemFormat("shop.loans", ("id",), Stored).write(Stored(id="1", loanId="2", price=price))


def test_a_table_refuses_an_instance_of_a_subclass() -> None:
    class More(Stored):
        more: int = 5

    with pytest.raises(WorkError, match=r"holds Stored, not .*More: its other fields would be lost"):
        ItemFormat("shop.loans", ("id",), Stored).write(More(id="1", loanId="2"))


def test_a_table_refuses_a_model_that_leaves_a_field_out() -> None:
    class Hidden(BaseModel):
        id: str
        secret: str = Field(exclude=True)

    with pytest.raises(InvalidTable, match="leaves its field 'secret' out of its JSON by exclude="):
        ItemFormat("shop.loans", ("id",), Hidden)


def test_a_table_keeps_unknown_fields_where_its_model_does() -> None:
    items = ItemFormat("shop.open", ("x",), s.Open)
    item = s.Open.model_validate({"x": 1, "more": [1, 2]})

    assert items.read(items.write(item), ("1",)) == item


def test_an_unreadable_item_is_named_by_its_key() -> None:
    with pytest.raises(UnreadableError, match=r"is no longer a Stored \(id '7'\): loanId: Field required") as refused:
        ItemFormat("shop.loans", ("id",), Stored).read('{"id": "7"}', ("7",))

    assert refused.value.problem == "loanId: Field required"


def test_an_answer_may_be_computed_and_an_event_not() -> None:
    event = Camel(loan_id="1")

    assert json.loads(to_wire(event, computed=True)) == {"loanId": "1", "dueOn": "", "isLate": True}
    assert json.loads(to_wire(event)) == {"loanId": "1", "dueOn": ""}


@pytest.mark.parametrize(
    ("kind", "value", "path"),
    [
        pytest.param(int, 2**63, "", id="int"),
        pytest.param(int | str, -(2**63) - 1, "", id="union"),
        pytest.param(Annotated[int, Field(ge=0, le=10**30)], 10**30, "", id="bounds beyond 64 bits"),
        pytest.param(Any, 10**30, "", id="any"),
        pytest.param(ByteSize, 10**30, "", id="a subclass of int"),
        pytest.param(Annotated[int, Field(ge=s.Level.HIGH)], 10**30, "", id="a bound of a subclass"),
        pytest.param(list[int], [1, 10**30], ".1", id="list"),
        pytest.param(dict[str, int], {"a": 10**30}, ".*", id="dict"),
        pytest.param(frozenset[int], frozenset({10**30}), "", id="set"),
        pytest.param(list[dict[str, Any]], [{"a": [10**30]}], ".0.*.0", id="nested"),
        pytest.param(Wide, Wide.MOST, "", id="enum"),
        pytest.param(list[Wide | str], ["a", Wide.MOST], ".1", id="enum in a list"),
        pytest.param(list[Far], [Far.AWAY], ".0", id="enum of integers"),
    ],
)
def test_an_integer_that_eventbridge_refuses_is_refused_with_its_path(kind: Any, value: Any, path: str) -> None:
    made = contract({"field": kind})

    lines = refusal(made(id="1", field=value))

    assert lines[1] == f"  data.field{path}: is an integer of more than 64 bits"


def test_the_largest_integers_of_eventbridge_and_large_keys_are_published() -> None:
    made = contract({"most": int, "least": Annotated[int, Field(le=0)], "by_key": dict[int, int]})

    sealed(made(id="1", most=2**63 - 1, least=-(2**63), by_key={10**30: 1}))
