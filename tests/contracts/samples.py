"""Sample events, built from the contracts' own examples."""

from typing import TypeVar

from contradance import Contract

Event = TypeVar("Event", bound=Contract)


def sample(contract: type[Event], **changes: object) -> Event:
    """Return the event that the first example of each field makes, with some fields changed."""
    examples = {name: (field.examples or [None])[0] for name, field in contract.model_fields.items()}
    return contract.model_validate({**examples, **changes})
