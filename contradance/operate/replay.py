"""Replaying a window of the archive to one subscriber: its rule's ARN is the replay's filter.

EventBridge replays by an event's own `time`, minute by minute, in no order inside a minute; what has just happened may
take ten minutes to reach the archive (EventBridge user guide, eb-archive). What the subscriber has completed has no
effect again, unless the replay's name begins with `again.`: then the runtime takes each event for a new one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from contradance.choreography import AnyFunction, Choreography
from contradance.errors import OperateError
from contradance.operate.stack import Stack
from contradance.runtime.consume import AGAIN
from contradance.subscription import Subscription

ARCHIVE_LAG: Final = timedelta(minutes=10)
"""How long to wait before what has happened is surely in the archive. EventBridge user guide, eb-archive."""
_ENDED: Final = ("COMPLETED", "CANCELLED", "FAILED")
_ONCE_AND_FOR_ALL: Final = "replay."
"""Prefix of the name of a replay that has no effect where it had one."""


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """One replay to one subscriber, checked against the code and the stack."""

    function: AnyFunction
    subscription: Subscription
    first: datetime
    last: datetime
    again: bool
    name: str

    @property
    def publishes_again(self) -> bool:
        """Whether it publishes events that its function has published before, as new ones."""
        return self.again and bool(self.function.publishes)

    def is_fresh(self, now: datetime) -> bool:
        """Whether the window reaches into what may not be in the archive yet."""
        return self.last > now - ARCHIVE_LAG


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay is."""

    name: str
    state: str
    """As EventBridge calls it: STARTING, RUNNING, CANCELLING, COMPLETED, CANCELLED or FAILED."""
    reason: str
    last_replayed: datetime | None
    """The time of the last event that was replayed; None before the first."""

    @property
    def ended(self) -> bool:
        """Whether there is nothing to wait for."""
        return self.state in _ENDED


def plan(
    stack: Stack,
    choreography: Choreography,
    subscriber: str,
    first: datetime,
    last: datetime,
    *,
    identifier: str,
    again: bool = False,
) -> ReplayPlan:
    """Return a replay of the events from `first` to before `last`; `identifier` makes its name unique.

    Raises:
        OperateError: it cannot be, and why.
    """
    function = choreography.functions.get(subscriber)
    subscribers = ", ".join(one.function.name for one in choreography.subscriptions)
    if function is None:
        raise OperateError(f"the code here has no function {subscriber}.\n  Subscribers: {subscribers}.")
    if not isinstance(function.trigger, Subscription):
        raise OperateError(
            f"{subscriber} consumes no events, so none can be replayed to it.\n  Subscribers: {subscribers}."
        )
    if function.trigger.on_replay == "skip":
        raise OperateError(
            f"{subscriber} is declared with on_replay='skip': its rule matches no replayed event.\n"
            "  Declare it with on_replay='run' and deploy it, if a replay should reach it."
        )
    if last <= first:
        raise OperateError("a replay ends after it begins.\n  Give a --to that is later than --from.")
    if stack.deployed.archive_arn is None:
        raise OperateError(
            f"{stack.deployed.app} has no archive of its own.\n  Replay from the stack that owns the bus {stack.deployed.bus_name}."
        )
    if stack.function(subscriber).rule_arn is None:
        raise OperateError(f"{subscriber} has no rule in this stack.\n  Deploy the code as it is, and try again.")
    name = f"{AGAIN if again else _ONCE_AND_FOR_ALL}{identifier}"
    return ReplayPlan(function, function.trigger, first, last, again, name)


def start(stack: Stack, planned: ReplayPlan) -> Progress:
    """Start a replay; it goes on by itself."""
    rule = stack.function(planned.function.name).rule_arn
    answer = stack.aws.service("events").ask(
        "start_replay",
        ReplayName=planned.name,
        Description=f"contradance replay to {planned.function.name}",
        EventSourceArn=stack.deployed.archive_arn,
        EventStartTime=planned.first,
        EventEndTime=planned.last,
        Destination={"Arn": stack.deployed.bus_arn, "FilterArns": [rule]},
    )
    return _progress({"ReplayName": planned.name, **answer})


def watch(stack: Stack, name: str, pauses: Iterable[object]) -> Iterator[Progress]:
    """Yield how far a replay is, until it has ended; the next look is taken whenever `pauses` yields."""
    for _ in pauses:
        progress = _progress(stack.aws.service("events").ask("describe_replay", ReplayName=name))
        yield progress
        if progress.ended:
            return


def _progress(answer: dict[str, Any]) -> Progress:
    return Progress(
        answer["ReplayName"], answer["State"], answer.get("StateReason", ""), answer.get("EventLastReplayedTime")
    )
