"""Content filters that no event can pass."""

import json
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from contradance.annotation import members
from contradance.choreography import Choreography
from contradance.contract import Contract
from contradance.foreign import ForeignEvent
from contradance.lint.finding import LintFinding
from contradance.subscription import Subscription
from contradance.wire import wire_fields


def impossible_filters(choreography: Choreography) -> Iterator[LintFinding]:
    """Yield a finding for each field whose filter lists only exact values that its enum or literal does not have."""
    for function, subscription in choreography.subscriptions:
        pattern = json.loads(subscription.pattern.canonical)
        for part in pattern.get("$or", [pattern]):
            kind, filters, root = _filtered(subscription, part)
            for field in _impossible_fields(kind, filters):
                yield LintFinding(
                    "unreachable",
                    f"{function.name} {kind.identity}",
                    f"{function.name} consumes {kind.identity} where {root}.{field} has a value that its class does not "
                    "allow.",
                    "The rule matches no event, so it never invokes the function, and no error shows it.",
                    f"Filter on one of the values of {field}, or remove the filter.",
                )


def _filtered(
    subscription: Subscription, part: Mapping[str, Any]
) -> tuple[type[Contract | ForeignEvent], Mapping[str, Any], str]:
    """Return (class of the event, filters by field, `data` or `detail`) of one branch of a subscription's pattern."""
    detail = part.get("detail", {})
    for kind in subscription.foreign:
        if [kind.origin.source_pattern, kind.identity.detail_type] == [part["source"][0], part["detail-type"][0]]:
            return kind, detail, "detail"
    identity = (part["source"][0], part["detail-type"][0])
    contract = next(one for one in subscription.contracts if one.identity[:2] == identity)
    return contract, detail.get("data", {}), "data"


def _impossible_fields(kind: type[BaseModel], filters: Mapping[str, Any]) -> Iterator[str]:
    """Yield each top-level field whose filter lists only values that its enum or literal does not have."""
    for name, wanted in filters.items():
        _, field = wire_fields(kind).get(name, ("", None))
        allowed = _values(field.annotation) if field else None
        exact = isinstance(wanted, list) and not any(isinstance(one, dict) for one in wanted)
        if allowed is not None and exact and not any(one in allowed for one in wanted):
            yield name


def _values(annotation: Any) -> list[object] | None:
    """Return the values of a type that consists only of enums, literals and None; None for any other type."""
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
