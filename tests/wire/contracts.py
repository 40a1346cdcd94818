"""A contract, a table's model and a request model for each kind of field; made once."""

from collections.abc import Callable  # noqa: TC003 - beside its siblings
from functools import cache
from typing import Any

from pydantic import BaseModel, Field

from contradance import Contract, Registry
from tests.wire.kinds import KINDS, Kind

METACLASS: Any = type(Contract)


def number(kind: Kind) -> int:
    """Return the number of a kind in the table."""
    return KINDS.index(kind)


@cache
def contract_of(kind: Kind) -> type[Contract]:
    """Return a contract with a field of a kind, in a registry of its own; raises where it is refused."""
    made: type[Contract] = METACLASS(
        f"Kind{number(kind)}", (Contract,), _names(kind), source="kinds.fields", subject="id"
    )
    Registry("kinds", [made])
    return made


@cache
def record_of(kind: Kind) -> type[BaseModel]:
    """Return a model with a field of a kind that is not a contract."""
    made: type[BaseModel] = METACLASS(f"Record{number(kind)}", (BaseModel,), _names(kind))
    return made


def _names(kind: Kind) -> dict[str, Any]:
    name = f"Kind{number(kind)}"
    return {
        "__annotations__": {"id": str, "field": kind.type},
        "__doc__": f"A contract with a field of the kind {kind.name}.",
        "__module__": __name__,
        "__qualname__": name,
        "id": Field(default="k1", examples=["k1"]),
    }


def event_of(kind: Kind, value: object) -> Contract:
    """Return an event whose field has a value."""
    made: Callable[..., Contract] = contract_of(kind)
    return made(id="k1", field=value)


def item_of(kind: Kind, value: object) -> BaseModel:
    """Return a record whose field has a value."""
    made: Callable[..., BaseModel] = record_of(kind)
    return made(id="k1", field=value)


def holds(kind: Kind) -> bool:
    """Whether a contract may have a field of a kind."""
    return not kind.refused
