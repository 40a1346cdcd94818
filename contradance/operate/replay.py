"""Replays of a window of the archive to one subscriber; the filter of the replay is the subscriber's rule.

EventBridge replays by an event's own `time`, minute by minute; within a minute the order is undefined. A new event may
take ten minutes to reach the archive (EventBridge user guide, eb-archive). An event that the subscriber has completed
has no effect again, unless the replay's name begins with `again.`: then the runtime handles each event as a new one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from contradance.choreography import AnyFunction, Choreography
from contradance.errors import InvalidPattern, OperateError
from contradance.foreign import ForeignEvent
from contradance.operate.ports import ReplayStatus, RunningRule, System
from contradance.pattern import EventPattern
from contradance.pattern.branch import PatternBranch
from contradance.runtime.consume import AGAIN
from contradance.subscription import Subscription

ARCHIVE_LAG: Final = timedelta(minutes=10)
"""Longest time that an event takes to reach the archive. EventBridge user guide, eb-archive."""
_REPLAY_NAME: Final = "replay-name"
"""The field that EventBridge adds to a replayed event."""
_COMPLETED_ONCE: Final = "replay."
"""Prefix of the name of a replay in which completed events have no effect."""


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """One replay to one subscriber, checked against the code and the system."""

    function: AnyFunction
    subscription: Subscription
    first: datetime
    last: datetime
    again: bool
    name: str

    @property
    def publishes_again(self) -> bool:
        """Whether the replay makes the function publish new events for events that it has already completed."""
        return self.again and bool(self.function.publishes)

    def is_fresh(self, now: datetime) -> bool:
        """Whether the window ends less than ten minutes before `now`: events may not be in the archive yet."""
        return is_fresh(self.last, now)


def plan(
    system: System,
    choreography: Choreography,
    subscriber: str,
    first: datetime,
    last: datetime,
    *,
    identifier: str,
    again: bool = False,
) -> ReplayPlan:
    """Return a checked replay of the events with `first` <= time < `last`; `OperateError` when it is not possible.

    Raises:
        OperateError: the replay is not possible; the message has the reason.
    """
    function = choreography.functions.get(subscriber)
    subscribers = ", ".join(one.function.name for one in choreography.subscriptions)
    if function is None:
        raise OperateError(
            f"the code has no function {subscriber}.\n  Subscribers: {subscribers}.\n"
            "  For a function of another stack on this bus, name its rule: --rule NAME"
        )
    if not isinstance(function.trigger, Subscription):
        raise OperateError(
            f"{subscriber} consumes no events, so none can be replayed to it.\n  Subscribers: {subscribers}."
        )
    if function.trigger.on_replay == "skip":
        raise OperateError(
            f"{subscriber} is declared with on_replay='skip': its rule matches no replayed event.\n"
            "  To replay to it, declare it with on_replay='run' and deploy it."
        )
    check_window(first, last)
    _check_rule(system, subscriber)
    _check_archive(system, subscriber)
    _check_recognition(subscriber, function.trigger, again=again)
    return ReplayPlan(function, function.trigger, first, last, again, replay_name(identifier, again=again))


def check_window(first: datetime, last: datetime) -> None:
    """Raise `OperateError` unless a window ends later than it begins."""
    if last <= first:
        raise OperateError("the window ends before it begins.\n  Give a --to that is later than --from.")


def replay_name(identifier: str, *, again: bool) -> str:
    """Return `again.<identifier>`, by which the runtime handles completed events again; else `replay.<identifier>`."""
    return f"{AGAIN if again else _COMPLETED_ONCE}{identifier}"


def is_fresh(last: datetime, now: datetime) -> bool:
    """Whether `last`, the end of a window, is less than ten minutes ago: events may not be in the archive yet."""
    return last > now - ARCHIVE_LAG


def _check_rule(system: System, subscriber: str) -> None:
    """Raise `OperateError` when the stack lacks the subscriber or its rule, or its configuration disables the rule."""
    deployed = system.deployed
    function = deployed.functions.get(subscriber)
    if function is None:
        known = ", ".join(sorted(deployed.functions)) or "none"
        raise OperateError(
            f"{deployed.app} has no function {subscriber} here.\n  It has: {known}.\n"
            f"  If another stack has it, name that stack: --stack NAME; or name its rule on {deployed.bus_name}: --rule NAME"
        )
    if function.rule_arn is None:
        raise OperateError(f"{subscriber} has no rule in this stack.\n  Deploy the current code, and try again.")
    if function.paused:
        raise OperateError(
            f"{subscriber} is paused: its rule is disabled, and a replay would not reach it.\n"
            "  If its service has moved to another stack, name that one: --stack NAME. Else take the service out of the keys "
            "paused and stopped; pulumi up"
        )


def _check_archive(system: System, subscriber: str) -> None:
    """Raise `OperateError` when the subscriber's bus has no archive in this stack."""
    bus = system.deployed.functions[subscriber].bus
    if system.deployed.bus_of(subscriber).archive_arn is not None:
        return
    if bus is None:
        raise OperateError(
            f"the archive of the bus {system.deployed.bus_name} is not known: another stack owns it.\n"
            "  Name it: pulumi config set busArchive ARN; pulumi up. With busStack instead of bus, pulumi up is enough."
        )
    raise OperateError(
        f"{subscriber} consumes from bus {bus!r}, which has no archive in this stack: its events are not kept.\n"
        f"  Keep them from now on: pulumi config set --path 'archives.{bus}' 14"
    )


def _check_recognition(subscriber: str, subscription: Subscription, *, again: bool) -> None:
    """Raise `OperateError` for events of others that a replay, without `again`, could handle twice.

    A replay may change EventBridge's ids, so only the fields in `once_by=` identify such an event.
    """
    unknown = unrecognised(subscription)
    if unknown and not again:
        name = unknown[0].__name__
        raise OperateError(
            f"{subscriber} consumes {name}, which only EventBridge's id identifies, and it is not documented that a replay "
            "keeps this id: completed events would be handled again.\n"
            f"  Name the fields that identify it in once_by= of {name}; or handle every event again, with --again."
        )


def unrecognised(subscription: Subscription) -> Sequence[type[ForeignEvent]]:
    """Return the consumed events of others without `once_by=`, which only EventBridge's id identifies."""
    return [kind for kind in subscription.foreign if not kind.origin.once_by]


def check_receives(name: str, rule: RunningRule, replay: str) -> None:
    """Raise `OperateError` when a rule, as it is now, is disabled or matches no event of the replay named `replay`."""
    if rule.state != "ENABLED":
        raise OperateError(
            f"the rule {name} is {rule.state}: a replay would not reach its function.\n  Its stack enables it: pulumi up"
        )
    if ignores_replay(rule, replay):
        raise OperateError(
            f"the rule {name} matches no event of this replay: its pattern excludes the replay-name {replay}.\n"
            "  Declare its function with on_replay='run', and deploy it."
        )


def ignores_replay(rule: RunningRule, replay: str) -> bool:
    """Whether a rule, as it is now, matches no event of the replay with this name; False if its pattern is unknown."""
    try:
        branches = EventPattern(rule.pattern).branches
    except InvalidPattern:  # of a schedule, or with an operator that this version does not have
        return False
    event = {_REPLAY_NAME: replay}
    about_replays = (
        {path: wanted for path, wanted in branch.fields.items() if path.partition(".")[0] == _REPLAY_NAME}
        for branch in branches
    )
    return not any(PatternBranch(fields).matches(event) for fields in about_replays)


def start(system: System, planned: ReplayPlan) -> ReplayStatus:
    """Start a replay, which then runs in the system; `OperateError` if the rule, as it is now, would not receive it."""
    name = planned.function.name
    check_receives(str(system.deployed.functions[name].rule_name), system.health.rule(name), planned.name)
    return system.replays.start(planned.name, planned.function.name, planned.first, planned.last)


def watch(system: System, name: str, pauses: Iterable[object]) -> Iterator[ReplayStatus]:
    """Yield the state of a replay, once for each item of `pauses`, until the replay has ended."""
    for _ in pauses:
        status = system.replays.status(name)
        yield status
        if status.ended:
            return
