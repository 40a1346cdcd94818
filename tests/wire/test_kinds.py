"""Each kind of field, through everything that handles one event's data in one process."""

import json
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from contradance import Contract, ContractViolation, Registry
from contradance.catalog.exports import export
from contradance.catalog.sample import sample
from contradance.envelope import seal_initial
from contradance.equality import Equality
from contradance.errors import InvalidTable, WorkError
from contradance.local.console.schema_form import FormField, SchemaForm
from contradance.local.console.submitted import SubmittedForm
from contradance.pii import mask
from contradance.schemas import changes, frozen_state, read_frozen, schema_of
from contradance.tableitem import ItemFormat
from contradance.wire import read_closed, read_tolerant, to_wire
from tests.wire.contracts import contract_of, event_of, holds, item_of, record_of
from tests.wire.kinds import KINDS, Kind

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EQUAL = Equality(opaque=True)
HELD = pytest.mark.parametrize("kind", [kind for kind in KINDS if holds(kind)], ids=lambda kind: kind.name)
REFUSED = pytest.mark.parametrize("kind", [kind for kind in KINDS if not holds(kind)], ids=lambda kind: kind.name)
LOSSY = pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.lost], ids=lambda kind: kind.name)
KEPT = pytest.mark.parametrize(
    "kind",
    [kind for kind in KINDS if not (kind.refused if kind.table is None else kind.table)],
    ids=lambda kind: kind.name,
)


def events(kind: Kind) -> list[Contract]:
    return [event_of(kind, value) for value in kind.values]


def data_of(event: Contract) -> Any:
    (sealed,) = seal_initial(event, publisher="kinds.tests", occurred_at=NOON)
    return json.loads(sealed.detail)["data"]


def ordered(kind: Kind, data: dict[str, Any]) -> str:
    """Return data as text, with the members of a set in one order: equal sets may have two."""
    if isinstance(kind.values[0], AbstractSet):
        data = {**data, "field": sorted(data["field"], key=json.dumps)}
    return json.dumps(data)


def test_the_table_holds_every_kind_once() -> None:
    names = [kind.name for kind in KINDS]

    assert len(names) == len({*names}) >= 150
    assert all(kind.values or kind.lost or kind.refused for kind in KINDS)


@REFUSED
def test_a_kind_that_cannot_be_read_back_is_refused_where_its_class_is_made(kind: Kind) -> None:
    with pytest.raises(Exception, match=kind.refused):
        contract_of(kind)


@HELD
def test_what_is_published_is_read_equal(kind: Kind) -> None:
    for event in events(kind):
        read = read_closed(type(event), json.dumps(data_of(event)))

        assert EQUAL.difference(event, read) is None


@HELD
def test_a_consumer_reads_equal_what_a_newer_publisher_publishes(kind: Kind) -> None:
    for event in events(kind):
        read = read_tolerant(type(event), json.dumps({**data_of(event), "new": 1}))

        assert EQUAL.difference(event, read) is None


@LOSSY
def test_what_would_not_arrive_equal_is_refused_with_the_field_named(kind: Kind) -> None:
    for value in kind.lost:
        event = event_of(kind, value)

        with pytest.raises(ContractViolation, match=r"breaks kinds\.fields/Kind\d+ v1\n  data\.field"):
            data_of(event)


@HELD
def test_the_schema_accepts_the_wire(kind: Kind) -> None:
    validator = Draft202012Validator(schema_of(contract_of(kind)))
    (exported,) = export(Registry("kinds", [contract_of(kind)]), "jsonschema").values()

    for event in events(kind):
        assert [*validator.iter_errors(data_of(event))] == []
        assert [*Draft202012Validator(exported).iter_errors(data_of(event))] == []


@HELD
def test_a_frozen_contract_is_no_break_of_itself(kind: Kind) -> None:
    frozen = frozen_state(contract_of(kind))
    read = read_frozen(frozen.text, "file")

    assert changes(read, frozen_state(contract_of(kind))) == []


@HELD
def test_a_sample_may_be_published(kind: Kind) -> None:
    for event in events(kind):
        example = data_of(event)["field"]
        made = sample(_with_example(kind, example))

        assert ordered(kind, json.loads(to_wire(made))) == ordered(kind, data_of(event))


@HELD
def test_a_mask_keeps_the_names_of_the_wire(kind: Kind) -> None:
    for event in events(kind):
        masked = mask(type(event), data_of(event))

        assert isinstance(masked, dict)
        assert masked.keys() == data_of(event).keys()


@KEPT
def test_a_table_returns_what_was_put(kind: Kind) -> None:
    items = ItemFormat("kinds.records", ("id",), record_of(kind))

    for value in kind.values:
        item = item_of(kind, value)

        assert EQUAL.difference(item, items.read(items.write(item), ("k1",))) is None


def test_a_table_refuses_what_it_would_lose() -> None:
    for kind in KINDS:
        if kind.refused and kind.table is None and kind.refused != "Unable to generate":
            with pytest.raises(InvalidTable, match=kind.refused):
                ItemFormat("kinds.records", ("id",), record_of(kind))
        for value in kind.lost:
            items = ItemFormat("kinds.records", ("id",), record_of(kind))
            with pytest.raises(WorkError, match="cannot store"):
                items.write(item_of(kind, value))


def _with_example(kind: Kind, example: Any) -> type[BaseModel]:
    """Return the contract with an example of the field."""
    contract = contract_of(kind)
    contract.model_fields["field"].examples = [example]
    return contract


@HELD
def test_the_console_s_form_gives_back_what_it_shows(kind: Kind) -> None:
    form = SchemaForm(schema_of(contract_of(kind), "validation"))

    for event in events(kind):
        shown = form.fields(data_of(event), {})
        read, errors = form.read(SubmittedForm(_inputs(shown)))

        assert errors == {}
        assert EQUAL.difference(event, read_closed(type(event), json.dumps(read))) is None


def _inputs(shown: Iterable[FormField]) -> Iterator[tuple[str, str]]:
    """Yield what a browser sends of a form."""
    for field in shown:
        if field.fields:
            yield from _inputs(field.fields)
        elif field.kind not in ("group", "list") and (field.kind != "yes" or field.value == "true"):
            yield field.path, field.value
