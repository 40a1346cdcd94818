"""The fingerprint of a choreography: a digest that shows whether a stack runs the choreography of the code.

It covers contracts, patterns, edges, retries, limits and links, but not the code inside handlers.
"""

import json
from collections.abc import Iterable
from datetime import UTC
from hashlib import sha256
from typing import TYPE_CHECKING

from contradance.choreography import Choreography
from contradance.function import AnyFunction, Schedule
from contradance.httproute import Route
from contradance.settings import Secret, Setting

if TYPE_CHECKING:
    from contradance.function import Link

_CHARACTERS = 16


def fingerprint(choreography: Choreography, functions: Iterable[AnyFunction] | None = None) -> str:
    """Return 16 hexadecimal digits: equal for equal choreographies, on any machine.

    Args:
        choreography: the whole system.
        functions: the functions that a stack deploys; all unless given.
    """
    facts = {
        "name": choreography.name,
        "contracts": {
            str(contract.identity): contract.model_json_schema(mode="serialization")
            for contract in choreography.contracts
        },
        **_foreign_facts(choreography),
        "functions": {
            function.name: _function_facts(function)
            for function in (choreography.functions.values() if functions is None else functions)
        },
    }
    return sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:_CHARACTERS]


def _foreign_facts(choreography: Choreography) -> dict[str, object]:
    """Return the events of others, if there are any: their models, buses and identifying fields."""
    facts = sorted(
        [str(model.identity), repr(model.origin), json.dumps(model.model_json_schema(), sort_keys=True)]
        for one in choreography.foreign
        for model in one.models
    )
    return {"foreign": facts} if facts else {}


def _function_facts(function: AnyFunction) -> dict[str, object]:
    """Return what counts of a function: trigger, events, retries, limits, links, and a pinned deployed name."""
    limits, retry = function.limits, function.retry
    return {
        "trigger": _trigger_facts(function),
        "publishes": [str(each.identity) for contract in function.publishes for each in contract.renderings()],
        "retry": [retry.times, retry.max_age.total_seconds()],
        "limits": [limits.timeout.total_seconds(), limits.memory, limits.concurrency],
        "uses": sorted(map(_link_text, function.uses)),
        **({"deployed as": function.deployed_name} if function.deployed_name != function.name else {}),
    }


def _trigger_facts(function: AnyFunction) -> list[object]:
    """Return what counts: a route's key, a schedule's times, zone and window, or a rule's pattern and options."""
    trigger = function.trigger
    if isinstance(trigger, Route):
        return [trigger.key]
    if isinstance(trigger, Schedule):
        times = trigger.timetable
        window = [None if one is None else one.astimezone(UTC).isoformat() for one in (times.start, times.end)]
        return [times.expression] if times.timezone == "UTC" and window == [None, None] else [times.label, *window]
    return [trigger.pattern.canonical, trigger.delivery, trigger.batch, trigger.on_replay]


def _link_text(link: "Link") -> str:
    """Return a table's grant or a secret's variable as text, and a setting's variable with its default."""
    if isinstance(link, Setting):
        return f"{link.variable}={link.default}"
    return link.variable if isinstance(link, Secret) else str(link)
