"""Members of a consumed union that a content filter lets nothing of through."""

import json
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from contradance.annotation import members
from contradance.choreography import Choreography
from contradance.contract import Contract
from contradance.lint.finding import Finding
from contradance.wire import wire_fields


def filtered_out(choreography: Choreography) -> Iterator[Finding]:
    """Find filters on a field of few values that ask for none of these."""
    for function, subscription in choreography.subscriptions:
        pattern = json.loads(subscription.pattern.canonical)
        for part in pattern.get("$or", [pattern]):
            contract = _contract(subscription.contracts, part)
            filters = part["detail"].get("data", {})
            for field in _impossible(contract, filters) if contract else ():
                yield Finding(
                    "unreachable",
                    f"{function.name} {contract.identity if contract else ''}",
                    f"{function.name} consumes {contract.identity if contract else ''} where data.{field} has a value that "
                    "the contract does not allow.",
                    "The rule matches no event, so the function is never invoked by it, and nothing says so.",
                    f"Filter on one of the values of {field}, or take the filter out.",
                )


def _contract(contracts: tuple[type[Contract], ...], part: Mapping[str, Any]) -> type[Contract] | None:
    named = (part["source"][0], part["detail-type"][0])
    return next((one for one in contracts if one.identity[:2] == named), None)


def _impossible(contract: type[Contract], filters: Mapping[str, Any]) -> Iterator[str]:
    """Yield each field whose filter asks for exact values that the field cannot have."""
    for name, wanted in filters.items():
        _, field = wire_fields(contract).get(name, ("", None))
        allowed = _values(field.annotation) if field else None
        exact = isinstance(wanted, list) and not any(isinstance(one, dict) for one in wanted)
        if allowed is not None and exact and not any(one in allowed for one in wanted):
            yield name


def _values(annotation: Any) -> list[object] | None:
    """Return every JSON value that a type has; None where they are too many to say."""
    found: list[object] = []
    for member in members(annotation):
        if isinstance(member, type) and issubclass(member, Enum):
            found += [one.value for one in member]
        elif get_origin(member) is Literal:
            found += get_args(member)
        elif member is type(None):
            found.append(None)
        else:
            return None
    return found
