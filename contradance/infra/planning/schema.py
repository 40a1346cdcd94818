"""The contracts as EventBridge's schema registry mirrors them, for people who look for events there."""

from dataclasses import dataclass

from contradance.contract import Contract
from contradance.infra.draft4 import to_draft4
from contradance.infra.planning.statement import canonical

LONGEST = 100_000
"""Most characters of a schema. EventBridge user guide, eb-quota."""


@dataclass(frozen=True, slots=True)
class SchemaPlan:
    """One contract's schema: of an event's `data`, not of the envelope around it."""

    name: str
    """`library.loans@BookLent-v1`: like the names that EventBridge's own discovery gives, and the version."""
    description: str
    content: str
    dropped: tuple[str, ...]
    """What Draft 4 cannot say, by place."""


def plan_schema(contract: type[Contract]) -> SchemaPlan:
    """Plan the mirror of one contract, as it is published."""
    converted = to_draft4(contract.model_json_schema(mode="serialization"))
    identity = contract.identity
    description = (contract.__doc__ or str(identity)).strip().partition("\n")[0][:256]
    return SchemaPlan(
        f"{identity.source}@{identity.detail_type}-v{identity.version}",
        description,
        canonical(converted.schema),
        converted.dropped,
    )
