"""Writes the code with which a new function creates an event: known values are passed on, the others are examples."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from pydantic import AwareDatetime
from pydantic.fields import FieldInfo

from contradance.annotation import members
from contradance.catalog.sample import sample
from contradance.contract import Contract
from contradance.errors import CannotCreate
from contradance.scaffold.expression import Code, Import, expression
from contradance.scaffold.layout import EventRef

DELIVERY: Final = ("contradance", "Delivery")
"""Imported by code that uses the handler's parameter `delivery`."""


class HandlerInput(NamedTuple):
    """The values that a handler's body can use."""

    name: str
    """The first parameter's name."""
    events: Sequence[EventRef] = ()
    """The first parameter is one of these events."""
    fields: frozenset[str] = frozenset()
    """Fields of a request that have the names of the event's fields."""
    parameters: frozenset[str] = frozenset()
    """More parameters, which have the names of the event's fields."""

    def has_field(self, name: str, field: FieldInfo) -> bool:
        """Whether the first parameter always has this field: by its name in a request, in events also by its type."""
        fields = [event.contract.model_fields.get(name) if event.contract else None for event in self.events]
        same = [one is not None and one.annotation == field.annotation for one in fields]
        return name in self.fields or (bool(same) and all(same))


def event_code(published: Sequence[EventRef], given: HandlerInput, *, returned: bool = True) -> Code:
    """Return a handler's lines that create the first of these events, and return it or only name it `event`."""
    event = published[0]
    if event.contract is None:
        raise CannotCreate(f"{event.name} is not created yet.\n  Create its publisher in a second step.")
    values = {
        name: _value_code(event.contract, name, field, given) for name, field in event.contract.model_fields.items()
    }
    head = "return " if returned else "event = "
    lines = [f"        {name}={value.text}" for name, value in values.items()]
    imports = frozenset[Import]().union(*(value.imports for value in values.values()))
    return Code("\n".join([f"    {head}{event.name}(", *lines, "    )"]), imports)


def _value_code(contract: type[Contract], name: str, field: FieldInfo, given: HandlerInput) -> Code:
    """Return the source of a field's value, with its comma; raise `CannotCreate` if no example can be written."""
    if name in given.parameters:
        return Code(f"{name},")
    if given.has_field(name, field):
        return Code(f"{given.name}.{name},")
    if is_time(field):
        return Code("delivery.now,", frozenset({DELIVERY}))
    if is_new_id(contract, name, field) and not given.events:
        return Code("uuid4(),", frozenset({("uuid", "uuid4")}))
    example = expression(getattr(sample(contract), name))
    if example is None:
        raise CannotCreate(
            f"the field {name!r} of {contract.__name__} has a type for which no example can be written.\n"
            "  Leave --publishes out, and return the event yourself."
        )
    return Code(f"{example.text},  # an example: replace it", example.imports)


def is_time(field: FieldInfo) -> bool:
    """Whether a field holds the time at which something happened."""
    return field.annotation is AwareDatetime


def is_new_id(contract: type[Contract], name: str, field: FieldInfo) -> bool:
    """Whether a route generates this field: a UUID that is the event's subject."""
    return name == contract.subject_field and members(field.annotation) == (UUID,)
