"""The contracts as EventBridge's schema registry mirrors them, for people who look for events there."""

import json
from dataclasses import dataclass
from typing import Final

from contradance.catalog.draft4 import to_draft4
from contradance.contract import Contract
from contradance.schemas import schema_of

TYPE: Final = "JSONSchemaDraft4"
"""EventBridge's name of what the content is. Schemas API reference, CreateSchema."""
LONGEST: Final = 100_000
"""Most characters of a schema. EventBridge user guide, eb-quota."""
_LONGEST_DESCRIPTION: Final = 256


@dataclass(frozen=True, slots=True)
class RegistrySchema:
    """One contract's schema: of an event's `data`, not of the envelope around it."""

    name: str
    """`library.loans@BookLent-v1`: like the names that EventBridge's own discovery gives, and the version."""
    description: str
    content: str
    """Canonical JSON text: the same contract is the same content."""
    dropped: tuple[str, ...]
    """What Draft 4 cannot say, by place."""


def registry_schema(contract: type[Contract]) -> RegistrySchema:
    """Return the mirror of one contract, as it is published."""
    converted = to_draft4(schema_of(contract))
    source, detail_type, version = contract.identity
    return RegistrySchema(
        f"{source}@{detail_type}-v{version}",
        (contract.__doc__ or str(contract.identity)).strip().partition("\n")[0][:_LONGEST_DESCRIPTION],
        json.dumps(converted.schema, sort_keys=True, separators=(",", ":")),
        converted.dropped,
    )
