"""Sample events, built from the contracts' own examples."""

from typing import TypeVar

from contradance import Contract
from contradance.catalog.sample import sample as example

Event = TypeVar("Event", bound=Contract)


def sample(contract: type[Event], **changes: object) -> Event:
    """Return the event that the contract's first examples make, with some fields changed."""
    return contract.model_validate({**example(contract).model_dump(), **changes})
