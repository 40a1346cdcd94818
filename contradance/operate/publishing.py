"""Publishing an event from the command line, validated like any other."""

from datetime import datetime

from pydantic import ValidationError

from contradance.choreography import Choreography
from contradance.contentfilter import EventClass
from contradance.contract import Contract, where_defined
from contradance.envelope import SealedEvent, seal_initial
from contradance.errors import ContractViolation, DeclarationError
from contradance.operate.foreign import foreign_named
from contradance.runtime.ports import Clock, Events
from contradance.runtime.publish import publish
from contradance.schemas.identities import find_identity, matching_identities
from contradance.violation import problems
from contradance.wire import read_closed

PUBLISHER = "contradance.cli"
"""The publisher of an event that a command published."""
_SECONDS = 10.0


def event_named(choreography: Choreography, name: str) -> EventClass:
    """Return the contract, else the event of others, with this name; `DeclarationError` for none or several sources.

    A name is like `BookLent v1`, or a class's. Without a version it is the newest one.
    """
    contracts = choreography.contracts
    if matching_identities(name, contracts.by_identity):
        return contracts.by_identity[find_identity(name, contracts.by_identity)]
    classes: list[EventClass] = [one for one in contracts if one.__name__ == name]
    foreign = foreign_named(choreography, name)
    if found := [*classes, *([foreign] if foreign else [])]:
        return found[0]
    known = ", ".join(sorted({contract.identity.detail_type for contract in contracts}))
    known += "".join(f", {model.__name__} of others" for one in choreography.foreign for model in one.models)
    raise DeclarationError(f"the registry {contracts.name!r} holds no {name!r}.\n  It holds: {known}.")


def seal_data(contract: type[Contract], data: str, at: datetime) -> tuple[SealedEvent, ...]:
    """Return JSON data as a sealed event of a new flow, newest version last; `ContractViolation` if it does not fit."""
    try:
        event = read_closed(contract, data)
    except ValidationError as error:
        _, name, version = contract.identity
        lines = [f"the data breaks {contract.identity} (contract in {where_defined(contract)})"]
        lines += [f"  {path}: {message}" for path, message in problems(error, "data")]
        lines.append(f"  See what it should look like: contradance events sample '{name} v{version}'")
        raise ContractViolation("\n".join(lines)) from error
    return seal_initial(event, publisher=PUBLISHER, occurred_at=at)


def publish_data(
    choreography: Choreography, contract: type[Contract], data: str, events: Events, clock: Clock
) -> SealedEvent:
    """Publish JSON text as an event, return its newest version; raise `ContractViolation` or `PublishFailed`.

    Raises:
        ContractViolation: the data breaks the contract.
        PublishFailed: the event was not accepted within ten seconds.
    """
    sealed = seal_data(contract, data, clock.now())
    publish(sealed, events, choreography.name, clock, _SECONDS)
    return sealed[-1]
