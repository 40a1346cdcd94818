"""Replays to a rule of another stack on the system's bus.

The code of the rule's function is another project's: what the rule itself shows is checked, and nothing is counted.
"""

from dataclasses import dataclass
from datetime import datetime

from contradance.errors import OperateError
from contradance.operate.ports import ReplayStatus, System
from contradance.operate.replay import check_receives, check_window, is_fresh, replay_name


@dataclass(frozen=True, slots=True)
class RuleReplay:
    """One replay to a rule of another stack, checked against the system."""

    rule: str
    """Name of the rule on the system's bus."""
    first: datetime
    last: datetime
    again: bool
    name: str

    def is_fresh(self, now: datetime) -> bool:
        """Whether the window ends less than ten minutes before `now`: events may not be in the archive yet."""
        return is_fresh(self.last, now)


def plan_to_rule(
    system: System, rule: str, first: datetime, last: datetime, *, identifier: str, again: bool = False
) -> RuleReplay:
    """Return a checked replay to a rule, by name or ARN, of `first` <= time < `last`; `OperateError` if not possible.

    Raises:
        OperateError: the replay is not possible; the message has the reason.
    """
    deployed = system.deployed
    name = _rule_name(system, rule)
    mine = next((function for function, one in deployed.functions.items() if one.rule_name == name), None)
    if mine is not None:
        raise OperateError(f"{name} is the rule of {mine} in this stack.\n  Name the function: --subscriber {mine}")
    check_window(first, last)
    if deployed.archive_arn is None:
        raise OperateError(
            f"the archive of the bus {deployed.bus_name} is not known here.\n  Replay with the stack that owns the bus."
        )
    others = sorted({*system.health.bus_rules()} - {one.rule_name for one in deployed.functions.values()})
    if name not in others:
        raise OperateError(
            f"no other stack has a rule {name} on the bus {deployed.bus_name}.\n"
            f"  Rules of others: {', '.join(others) or 'none'}."
        )
    named = replay_name(identifier, again=again)
    check_receives(name, system.health.bus_rule(name), named)
    return RuleReplay(name, first, last, again, named)


def start_to_rule(system: System, planned: RuleReplay) -> ReplayStatus:
    """Start a replay and return its first state; it then runs in the system."""
    return system.replays.start_to_rule(planned.name, planned.rule, planned.first, planned.last)


def _rule_name(system: System, rule: str) -> str:
    """Return the name of a rule that is given by its name or its ARN; `OperateError` for an ARN of another bus."""
    prefix = f"{system.deployed.bus_arn.replace(':event-bus/', ':rule/')}/"
    if rule.startswith("arn:") and not rule.startswith(prefix):
        raise OperateError(f"{rule} is not a rule on the bus {system.deployed.bus_name}, whose archive is replayed.")
    return rule.removeprefix(prefix)
