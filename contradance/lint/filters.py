"""Content filters that no event can pass."""

import json
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from contradance.annotation import members
from contradance.choreography import Choreography
from contradance.contract import Contract
from contradance.lint.finding import LintFinding
from contradance.wire import wire_fields


def impossible_filters(choreography: Choreography) -> Iterator[LintFinding]:
    """Find filters that name only values which the field cannot have."""
    for function, subscription in choreography.subscriptions:
        pattern = json.loads(subscription.pattern.canonical)
        for part in pattern.get("$or", [pattern]):
            identity = (part["source"][0], part["detail-type"][0])
            contract = next(one for one in subscription.contracts if one.identity[:2] == identity)
            for field in _impossible(contract, part["detail"].get("data", {})):
                yield LintFinding(
                    "unreachable",
                    f"{function.name} {contract.identity}",
                    f"{function.name} consumes {contract.identity} where data.{field} has a value that the contract does "
                    "not allow.",
                    "The rule matches no event, so it never invokes the function, and no error shows it.",
                    f"Filter on one of the values of {field}, or remove the filter.",
                )


def _impossible(contract: type[Contract], filters: Mapping[str, Any]) -> Iterator[str]:
    """Yield each field that is filtered by exact values, none of which it can have."""
    for name, wanted in filters.items():
        _, field = wire_fields(contract).get(name, ("", None))
        allowed = _values(field.annotation) if field else None
        exact = isinstance(wanted, list) and not any(isinstance(one, dict) for one in wanted)
        if allowed is not None and exact and not any(one in allowed for one in wanted):
            yield name


def _values(annotation: Any) -> list[object] | None:
    """Return all JSON values of a type; None if it is not an enum, a literal or None."""
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
