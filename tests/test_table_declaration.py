from datetime import UTC, date, datetime
from enum import Enum, StrEnum
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import BaseModel, Field

from contradance import Table
from contradance.errors import InvalidTable, NoUnitOfWork, WorkError
from contradance.testing import unit_of_work


class Region(StrEnum):
    NORTH = "north"


class Colour(Enum):
    RED = 1


class Item(BaseModel):
    item_id: UUID
    name: str = ""
    day: date = date(2026, 3, 1)
    at: datetime | None = None
    moment: datetime = datetime(2026, 3, 1, tzinfo=UTC)
    region: Region = Region.NORTH
    code: Annotated[str, Field(min_length=1)] = "a"
    count: int = 0
    price: float = 0
    colour: Colour = Colour.RED
    tags: list[str] = []
    nick: str | None = None


untyped_table: Any = Table


def test_a_table_belongs_to_the_service_of_its_module() -> None:
    table = Table("items", key=("item_id",), model=Item)

    assert (table.service, table.name) == ("tests", "tests.items")
    assert repr(table) == "Table('tests.items', key=('item_id',))"
    assert (str(table.read), str(table.write)) == ("tests.items (read)", "tests.items (write)")


def test_a_table_with_its_record_in_brackets_belongs_there_too() -> None:
    assert Table[Item]("items", key=("item_id",), model=Item).name == "tests.items"


def test_a_table_of_a_module_in_no_folder_names_its_service_itself() -> None:
    lonely = {"__name__": "lonely", "Table": Table, "Item": Item}

    with pytest.raises(InvalidTable) as refused:
        exec("Table('items', key=('item_id',), model=Item)", lonely)  # noqa: S102 - a module of another name

    assert str(refused.value) == (
        "table 'items' is declared in the module 'lonely', which is not in a folder, so it has no service.\n"
        "  Put it in a service's folder, like functions/loans/, or write service='loans'."
    )


@pytest.mark.parametrize("part", ["item_id", "name", "day", "moment", "region", "code"])
def test_a_key_is_made_of_what_sorts_as_text(part: str) -> None:
    assert Table("items", key=(part,), model=Item, service="stock").key == (part,)
    assert Table("items", key=("item_id", part), model=Item, service="stock").key if part != "item_id" else True


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("count", "int"),
        ("price", "float"),
        ("colour", "Colour"),
        ("tags", "list[str]"),
        ("nick", "str | None"),
        ("at", "datetime | None"),
    ],
)
def test_a_key_that_does_not_sort_as_text_is_refused(part: str, said: str) -> None:
    with pytest.raises(InvalidTable) as refused:
        Table("items", key=("item_id", part), model=Item, service="stock")

    assert str(refused.value) == (
        f"table stock.items has the key {part!r}, whose type {said} does not sort as text.\n"
        "  Make it a str, a UUID, a date or a datetime."
    )


@pytest.mark.parametrize(
    "key", [(), ("item_id", "name", "day"), ("item_id", "item_id"), "item_id", ["item_id"], None], ids=str
)
def test_a_key_is_one_field_or_two(key: Any) -> None:
    with pytest.raises(InvalidTable) as refused:
        untyped_table("items", key=key, model=Item, service="stock")

    assert str(refused.value) == (
        f"table stock.items has the key {key!r}, which is not one field or two.\n"
        "  Name the partition key, and the sort key if there is one: key=('loan_id',)."
    )


def test_a_key_is_a_field_of_the_model() -> None:
    with pytest.raises(InvalidTable) as refused:
        Table("items", key=("size",), model=Item, service="stock")

    assert str(refused.value) == (
        "table stock.items has the key 'size', but its model Item has no such field.\n"
        "  Name one of: at, code, colour, count, day, item_id, moment, name, nick, price, region, tags."
    )


@pytest.mark.parametrize("model", [int, dict, "Item", None])
def test_an_item_is_a_model(model: Any) -> None:
    with pytest.raises(
        InvalidTable, match=r"^table stock.items holds .*, which is not a model.\n  Derive it from pydantic.BaseModel."
    ):
        untyped_table("items", key=("item_id",), model=model, service="stock")


@pytest.mark.parametrize("name", ["", "Items", "my items", "1items", "stock.items", "items\n"])
def test_a_name_is_one_that_aws_takes(name: str) -> None:
    with pytest.raises(InvalidTable) as refused:
        Table(name, key=("item_id",), model=Item, service="stock")

    assert str(refused.value) == (
        f"table {f'stock.{name}'!r} has a name that AWS does not accept.\n  Use lower-case letters, digits, '_' and '-'."
    )


def test_a_handler_writes_and_reads_typed_items() -> None:
    items = Table("items", key=("item_id", "name"), model=Item, service="stock")
    first, second = Item(item_id=UUID(int=1), name="a"), Item(item_id=UUID(int=1), name="b")

    with unit_of_work():
        items.put(second)
        assert items.put_if_absent(first)
        assert not items.put_if_absent(first)
        items.update(first.model_copy(update={"count": 5}))
        items.delete(UUID(int=1), "b")

        assert items.get(UUID(int=1), "a") == first.model_copy(update={"count": 5})
        assert items.get(UUID(int=1), "b") is None
        assert [item.name for item in items.query(UUID(int=1))] == ["a"]
        assert items.scan(limit=5).after is None


def test_updating_what_is_not_there_is_refused() -> None:
    items = Table("items", key=("item_id",), model=Item, service="stock")

    with unit_of_work(), pytest.raises(WorkError) as refused:
        items.update(Item(item_id=UUID(int=1)))

    assert str(refused.value) == "table stock.items has no such item to update.\n  Use put() or put_if_absent()."


def test_a_key_of_the_wrong_length_is_refused() -> None:
    items = Table("items", key=("item_id",), model=Item, service="stock")

    with unit_of_work(), pytest.raises(WorkError) as refused:
        items.get(UUID(int=1), "a")

    assert str(refused.value) == (
        "table stock.items got 2 key values, but its key is ('item_id',).\n  Give one value for each field."
    )


def test_a_table_is_used_where_a_handler_is_running() -> None:
    items = Table("items", key=("item_id",), model=Item, service="stock")

    with pytest.raises(NoUnitOfWork) as refused:
        items.get(UUID(int=1))

    assert str(refused.value) == (
        "table stock.items is used outside a running handler.\n"
        "  Use it inside a handler; in a unit test, call the handler inside contradance.testing.unit_of_work()."
    )
