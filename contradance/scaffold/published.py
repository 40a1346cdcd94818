"""The code that makes the events a new function publishes: what is known is passed on, the rest is an example."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from pydantic import AwareDatetime
from pydantic.fields import FieldInfo

from contradance.annotation import members
from contradance.catalog.sample import sample
from contradance.contract import Contract
from contradance.errors import CannotCreate
from contradance.scaffold.expression import Import, expression
from contradance.scaffold.place import Event


class Given(NamedTuple):
    """What a handler is given: the name of its first parameter, and what that has."""

    name: str
    events: Sequence[Event] = ()
    """A consumed event is one of these."""
    fields: frozenset[str] = frozenset()
    """Fields of a request that are named like the event's."""
    parameters: frozenset[str] = frozenset()
    """Further parameters, which are named like the event's fields."""

    def has(self, name: str, field: FieldInfo) -> bool:
        """Whether it surely has a field of this name and type."""
        contracts = [event.contract for event in self.events]
        held = [one.model_fields.get(name) for one in contracts if one is not None]
        same = bool(held) and len(held) == len(contracts)
        return name in self.fields or (same and all(one and one.annotation == field.annotation for one in held))


class Made(NamedTuple):
    """Lines of a handler's body."""

    text: str
    imports: tuple[Import, ...]
    takes_delivery: bool


def making(published: Sequence[Event], given: Given, *, returned: bool = True) -> Made:
    """Return the code that makes the first of these events; the others are its author's to choose."""
    contract = published[0].contract
    if contract is None:
        raise CannotCreate(f"{published[0].name} is being created itself.\n  Create its publisher in a second step.")
    example = sample(contract)
    lines, imports, takes_delivery = [], set[Import](), False
    for name, field in contract.model_fields.items():
        if name in given.parameters:
            lines.append(f"{name}={name},")
        elif given.has(name, field):
            lines.append(f"{name}={given.name}.{name},")
        elif is_moment(field):
            lines.append(f"{name}=delivery.now,")
            takes_delivery = True
        elif is_new_id(contract, name, field) and not given.events:
            lines.append(f"{name}=uuid4(),")
            imports.add(("uuid", "uuid4"))
        else:
            code = expression(getattr(example, name))
            if code is None:
                raise CannotCreate(
                    f"{published[0].name} has a field {name!r} that no example can be written for.\n"
                    "  Leave --publishes out, and return the event yourself."
                )
            lines.append(f"{name}={code.text},  # an example: say what it really is")
            imports |= code.imports
    head = "return " if returned else "event = "
    text = "\n".join([f"    {head}{published[0].name}(", *(f"        {line}" for line in lines), "    )"])
    if takes_delivery:
        imports.add(("contradance", "Delivery"))
    return Made(text, tuple(sorted(imports)), takes_delivery)


def is_moment(field: FieldInfo) -> bool:
    """Whether a field says when something happened."""
    return field.annotation is AwareDatetime


def is_new_id(contract: type[Contract], name: str, field: FieldInfo) -> bool:
    """Whether a route makes this field itself: the id of the entity that the event is about."""
    return name == contract.subject_field and members(field.annotation) == (UUID,)
