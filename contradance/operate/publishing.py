"""Publishing an event from the command line, validated like any other."""

from datetime import UTC, datetime

from pydantic import ValidationError

from contradance.choreography import Choreography
from contradance.contract import Contract, where_defined
from contradance.envelope import SealedEvent, seal_initial
from contradance.errors import ContractViolation, DeclarationError
from contradance.runtime.ports import Clock, Events
from contradance.runtime.publish import publish
from contradance.violation import problems
from contradance.wire import read_closed

PUBLISHER = "contradance.cli"
"""The publisher of an event that a command published."""
_SECONDS = 10.0


def contract_named(choreography: Choreography, detail_type: str) -> type[Contract]:
    """Return the newest version of the contract with this detail-type; raise `DeclarationError` when there is none."""
    found = choreography.contracts.named(detail_type)
    if not found:
        known = ", ".join(sorted({contract.identity.detail_type for contract in choreography.contracts}))
        known += "".join(f", {model.__name__} of others" for one in choreography.foreign for model in one.models)
        raise DeclarationError(
            f"the registry {choreography.contracts.name!r} holds no {detail_type!r}.\n  It holds: {known}."
        )
    return found[0]


def seal_data(choreography: Choreography, detail_type: str, data: str) -> tuple[SealedEvent, ...]:
    """Return JSON text sealed as an event that begins a flow, newest version last; refuse data that does not fit."""
    contract = contract_named(choreography, detail_type)
    try:
        event = read_closed(contract, data)
    except ValidationError as error:
        lines = [f"the data breaks {contract.identity} (contract in {where_defined(contract)})"]
        lines += [f"  {path}: {message}" for path, message in problems(error, "data")]
        lines.append(f"  See what it should look like: contradance events sample {detail_type}")
        raise ContractViolation("\n".join(lines)) from error
    return seal_initial(event, publisher=PUBLISHER, occurred_at=datetime.now(UTC))


def publish_data(choreography: Choreography, detail_type: str, data: str, events: Events, clock: Clock) -> SealedEvent:
    """Publish JSON text as an event, and return its newest version; refuse data that breaks its contract."""
    sealed = seal_data(choreography, detail_type, data)
    publish(sealed, events, choreography.name, clock, _SECONDS)
    return sealed[-1]
