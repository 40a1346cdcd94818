"""Schemas for EventBridge's schema registry: a copy of the contracts, for people who look for events there."""

import json
from dataclasses import dataclass
from typing import Final

from contradance.catalog.draft4 import to_draft4
from contradance.contract import Contract
from contradance.schemas import schema_of

TYPE: Final = "JSONSchemaDraft4"
"""Type of the content. Schemas API reference, CreateSchema."""
LONGEST_SCHEMA: Final = 100_000
"""Longest schema, in characters. EventBridge user guide, eb-quota."""
_LONGEST_DESCRIPTION: Final = 256


@dataclass(frozen=True, slots=True)
class RegistrySchema:
    """The schema of one contract's `data`, without the envelope."""

    name: str
    """`library.loans@BookLent-v1`: a name like those of EventBridge's schema discovery, with the version."""
    description: str
    content: str
    """Canonical JSON text: equal contracts have equal content."""
    dropped: tuple[str, ...]
    """Paths of the keywords that Draft 4 cannot express."""


def registry_schema(contract: type[Contract]) -> RegistrySchema:
    """Return the schema of a contract's data in Draft 4, with a name, a description and what Draft 4 lacks."""
    converted = to_draft4(schema_of(contract))
    source, detail_type, version = contract.identity
    return RegistrySchema(
        f"{source}@{detail_type}-v{version}",
        (contract.__doc__ or str(contract.identity)).strip().partition("\n")[0][:_LONGEST_DESCRIPTION],
        json.dumps(converted.schema, sort_keys=True, separators=(",", ":")),
        converted.dropped,
    )
