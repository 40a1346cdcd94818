"""Typed document tables: DynamoDB on AWS, SQLite on the laptop.

    loans = Table("loans", key=("loan_id",), model=Loan)

    @subscriber(uses=[loans.write])
    def renew(event: RenewalAsked) -> None:
        loan = loans.get(event.loan_id)

A handler's writes are buffered, visible to its own reads, and committed in one transaction when it returns. An item
that the handler has read is written only if it has not changed since; otherwise the handler runs again.
"""

import re
import sys
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Generic, Literal, NamedTuple, TypeVar, cast
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from contradance.annotation import is_model, type_name
from contradance.errors import InvalidTable, WorkError
from contradance.quantity import counted
from contradance.signature import deployed_name, service_of
from contradance.tableitem import ItemFormat, UnreadableError
from contradance.unit import ItemKey, Unit, running

Record = TypeVar("Record", bound=BaseModel)
KeyPart = str | UUID | date
"""The types of a key field: their texts sort like their values. A datetime is a date."""

_KEY_TYPES: tuple[type, ...] = (str, UUID, date, StrEnum, cast("type", AwareDatetime))
_MAX_KEY_PARTS = 2
_LONGEST = (2048, 1024)
"""Most UTF-8 bytes of a partition key and of a sort key. DynamoDB's constraints; neither may be empty."""
_NAME = re.compile(r"[a-z][a-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Grant:
    """Permission to use a table: `loans.read` or `loans.write`, an item of `uses=[...]`."""

    table: str
    access: Literal["read", "write"]
    key: tuple[str, ...]
    """Names of the table's key fields: one or two."""
    deployed_name: str
    """The name of its resources: `table`, unless `deployed_as=` pins an earlier one."""
    model: type[BaseModel] = field(compare=False, repr=False)
    """The class of the table's items."""

    def __str__(self) -> str:
        return f"{self.table} ({self.access})"


class UnreadableItem(NamedTuple):
    """An item that no longer matches the model of its table."""

    key: tuple[str, ...]
    """The values of its key, as text."""
    problem: str
    """Each invalid field and its problem."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Record]):
    """Some items of a table; `scan(after=page.after)` returns the next page, None marks the last one."""

    items: list[Record]
    after: tuple[str, ...] | None
    unreadable: tuple["UnreadableItem", ...] = ()
    """Items that `scan(skip_unreadable=True)` left out."""


class Table(Generic[Record]):
    """A table of one service. Its items are `model` instances under a partition key and an optional sort key.

    Args:
        name: the table's name within its service.
        key: one or two names of fields of `model`: partition key, sort key. Strings, UUIDs and dates may be keys.
        model: the class of its items.
        service: the owning service; the folder of the declaring module unless given.
        deployed_as: the name under which it was first deployed, after a rename: `"old_name"` or `"old_service.old_name"`. It
            stays the same table in AWS.
    """

    def __init__(
        self,
        name: str,
        *,
        key: tuple[str, ...],
        model: type[Record],
        service: str | None = None,
        deployed_as: str | None = None,
    ) -> None:
        self.service = service or service_of(_declaring_module(), f"table {name!r}", InvalidTable)
        self.name = f"{self.service}.{name}"
        self.key = key
        self.model = model
        if not _NAME.fullmatch(name):
            raise InvalidTable(
                f"table {self.name!r} has a name that AWS does not accept.\n  Use lower-case letters, digits, '_' and '-'."
            )
        deployed = deployed_name(f"table {self.name}", self.name, deployed_as, InvalidTable)
        self.read = Grant(self.name, "read", key, deployed, model)
        self.write = Grant(self.name, "write", key, deployed, model)
        if not is_model(model):
            raise InvalidTable(
                f"table {self.name} holds {type_name(model)}, which is not a model.\n  Derive it from pydantic.BaseModel."
            )
        self._items = ItemFormat(self.name, key, model)
        if type(key) is not tuple or not 1 <= len(set(key)) == len(key) <= _MAX_KEY_PARTS:
            raise InvalidTable(
                f"table {self.name} has the key {key!r}, which is not one field or two.\n"
                "  Name the partition key, and the sort key if there is one: key=('loan_id',)."
            )
        for part in key:
            self._check_key_part(part)

    def _check_key_part(self, part: str) -> None:
        """Raise `InvalidTable` for a key field that the model does not have, or whose type does not sort as text."""
        field = self.model.model_fields.get(part)
        if field is None:
            raise InvalidTable(
                f"table {self.name} has the key {part!r}, but its model {self.model.__qualname__} has no such field.\n"
                f"  Name one of: {', '.join(sorted(self.model.model_fields))}."
            )
        if not (isinstance(field.annotation, type) and issubclass(field.annotation, _KEY_TYPES)):
            raise InvalidTable(
                f"table {self.name} has the key {part!r}, whose type {type_name(field.annotation)} does not sort as text.\n"
                "  Make it a str, a UUID, a date or a datetime."
            )

    def get(self, *key: KeyPart) -> Record | None:
        """Return the item with `key`, None when there is none; raise `WorkError` if it no longer matches the model."""
        document = self._linked_unit("read").get(self.name, self._text_key(key))
        return None if document is None else self._items.read(document, self._text_key(key))

    def put(self, item: Record) -> None:
        """Write `item` at the commit, also over one with its key; raise `WorkError` if it is not read back equal."""
        self._linked_unit("write").put(self.name, self._key_of_item(item), self._items.write(item))

    def put_if_absent(self, item: Record) -> bool:
        """Write `item` unless an item with its key exists; return whether it was written."""
        unit, key = self._linked_unit("write"), self._key_of_item(item)
        if unit.get(self.name, key) is not None:
            return False
        unit.put(self.name, key, self._items.write(item))
        return True

    def update(self, item: Record) -> None:
        """Replace an item that exists, else raise `WorkError`. Read it first, so that a change between is a conflict.

        Raises:
            WorkError: no item has the key.
        """
        unit, key = self._linked_unit("write"), self._key_of_item(item)
        if unit.get(self.name, key) is None:
            raise WorkError(f"table {self.name} has no such item to update.\n  Use put() or put_if_absent().")
        unit.put(self.name, key, self._items.write(item))

    def delete(self, *key: KeyPart) -> None:
        """Delete the item with `key` at the commit; nothing happens when there is none."""
        self._linked_unit("write").put(self.name, self._text_key(key), None)

    def query(self, partition: KeyPart) -> list[Record]:
        """Return the items of one partition in the order of their sort keys; `WorkError` for an unreadable one."""
        text = self._key_texts((partition,))[0]
        return [self._items.read(document, (text,)) for document in self._linked_unit("read").query(self.name, text)]

    def scan(
        self, *, limit: int = 100, after: tuple[KeyPart, ...] | None = None, skip_unreadable: bool = False
    ) -> Page[Record]:
        """Return up to `limit` items after the key `after`, in arbitrary order; `WorkError` for an unreadable one.

        With `skip_unreadable`, items that no longer match the model are left out and listed in `Page.unreadable`.

        Raises:
            WorkError: `limit` is below 1, or an item does not match the model and `skip_unreadable` is not set.
        """
        if limit < 1:
            raise WorkError(f"table {self.name} is scanned with limit={limit}.\n  Use 1 or more.")
        found = self._linked_unit("read").scan(self.name, limit, None if after is None else self._text_key(after))
        last = found[-1][0][: len(self.key)] if len(found) == limit else None
        items: list[Record] = []
        unreadable: list[UnreadableItem] = []
        for key, document in found:
            try:
                items.append(self._items.read(document, key))
            except UnreadableError as error:
                if not skip_unreadable:
                    raise
                unreadable.append(UnreadableItem(key[: len(self.key)], error.problem))
        return Page(items, last, tuple(unreadable))

    def _linked_unit(self, access: Literal["read", "write"]) -> Unit:
        """Return the running unit of work; raise `NoUnitOfWork` outside a handler, `NotLinked` without this access."""
        wanted = f"table {self.name}"
        unit = running(wanted)
        grants = {self.write} if access == "write" else {self.read, self.write}
        unit.check_linked(f"{self.name.partition('.')[2]}.{access}", frozenset(grants))
        return unit

    def _text_key(self, parts: tuple[KeyPart, ...]) -> ItemKey:
        """Return (partition key, sort key or empty text) as text; raise `WorkError` for a wrong number of parts."""
        if len(parts) != len(self.key):
            raise WorkError(
                f"table {self.name} got {counted(len(parts), 'key value')}, but its key is {self.key}.\n"
                "  Give one value for each field."
            )
        texts = self._key_texts(parts)
        return (texts[0], texts[1] if len(texts) == _MAX_KEY_PARTS else "")

    def _key_texts(self, parts: tuple[KeyPart, ...]) -> list[str]:
        """Return key parts as their texts in the store; raise `WorkError` for texts that DynamoDB does not accept."""
        texts = [key_part_text(part) for part in parts]
        for name, text, longest in zip(self.key, texts, _LONGEST, strict=False):
            if not 1 <= len(text.encode()) <= longest:
                raise WorkError(
                    f"table {self.name} has a key {name!r} of {len(text.encode())} bytes; it may have 1 to {longest}.\n"
                    "  Give the field a min_length and a max_length."
                )
        return texts

    def _key_of_item(self, item: Record) -> ItemKey:
        """Return the key of an item as text; raise `WorkError` for an item of another class."""
        self._items.check_class(item)
        return self._text_key(tuple(getattr(item, part) for part in self.key))

    def __repr__(self) -> str:
        return f"Table({self.name!r}, key={self.key})"


def key_part_text(part: KeyPart) -> str:
    """Return a key part as text that sorts like its value: datetimes in UTC, with microseconds."""
    if isinstance(part, datetime):
        return (part.astimezone(UTC) if part.tzinfo else part).isoformat(timespec="microseconds")
    return part.isoformat() if isinstance(part, date) else str(part)


def _declaring_module() -> str:
    """Return the name of the module that calls `Table(...)` or `Table[Model](...)`, as `namedtuple` does."""
    frame = sys._getframe(2)  # noqa: SLF001 - there is no public way
    while frame.f_back is not None and frame.f_globals["__name__"] == "typing":
        frame = frame.f_back
    return str(frame.f_globals["__name__"])
