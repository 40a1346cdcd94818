"""Compares a system with the code, and finds what is wrong; each finding has its fix."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from contradance.choreography import Choreography, Subscribed
from contradance.deployed import Deployed, DeployedBus, DeployedFunction
from contradance.errors import ContradanceError, InvalidPattern
from contradance.operate.ports import AlarmState, RunningRule, System
from contradance.pattern import EventPattern
from contradance.quantity import counted
from contradance.subscription import Subscription

_DEPLOY: Final = "Deploy the current code: pulumi up"


class HealthCheck(NamedTuple):
    """The result of one check."""

    what: str
    """What was checked: `rule of loans.remind_reader`."""
    trouble: str
    """What is wrong; empty where nothing is."""
    fix: str = ""


def examine(system: System, choreography: Choreography) -> Iterator[HealthCheck]:
    """Yield the result of every check; if the system cannot be described, or account or bus is wrong, only of these."""
    try:
        deployed = system.health.deployed()
    except ContradanceError as error:
        yield _failed(f"bus {system.deployed.bus_name}", error)
        return
    first = [*_credentials(system, deployed), *_bus(system, deployed)]
    yield from first
    if any(check.trouble for check in first):
        return
    yield from _functions(deployed, choreography)
    for one in choreography.subscriptions:
        if one.function.name in deployed.functions:
            yield from _rule(system, deployed, one)
            yield from _draining(system, one)
    for name, bus in deployed.buses.items():
        yield from _foreign_bus(system, name, bus)
    yield from _archives(system, deployed, choreography)
    yield from _alarms(system, deployed)
    yield from _hangs(system)
    for name, function in deployed.functions.items():
        if function.dead_letter_queue_url is not None:
            yield from _dead_letters(system, name)


def checked(what: str, check: Callable[[], HealthCheck | None]) -> Iterator[HealthCheck]:
    """Yield the result of `check`, nothing when it returns None; a `ContradanceError` that it raises is a finding."""
    try:
        result = check()
    except ContradanceError as error:
        result = _failed(what, error)
    if result is not None:
        yield result


def _failed(what: str, error: ContradanceError) -> HealthCheck:
    """Return the finding for an error: its first line, and as the fix the other lines, else to deploy."""
    trouble, _, fix = str(error).partition("\n")
    return HealthCheck(what, trouble, fix.strip() or _DEPLOY)


def _credentials(system: System, deployed: Deployed) -> Iterator[HealthCheck]:
    """Yield whether the credentials are for the stack's account; nothing when the system needs none."""
    what = "credentials"

    def look() -> HealthCheck | None:
        """Return the result; None when the system needs no credentials."""
        account = system.health.account()
        if account is None:
            return None
        if account == deployed.account:
            return HealthCheck(what, "")
        trouble = f"they are for account {account}; the stack is in {deployed.account}"
        return HealthCheck(what, trouble, "Log in to that account.")

    yield from checked(what, look)


def _bus(system: System, deployed: Deployed) -> Iterator[HealthCheck]:
    """Yield whether the application's bus has the ARN that the stack describes."""
    what = f"bus {deployed.bus_name}"

    def look() -> HealthCheck:
        """Return the result of comparing the two ARNs."""
        arn = system.health.bus_arn()
        if arn == deployed.bus_arn:
            return HealthCheck(what, "")
        return HealthCheck(what, f"its ARN is {arn}, the stack has {deployed.bus_arn}", _DEPLOY)

    yield from checked(what, look)


def _functions(deployed: Deployed, choreography: Choreography) -> Iterator[HealthCheck]:
    """Yield each function that is only in the code or only deployed, else one result; for deployed services only."""
    names = {name for name, one in deployed.functions.items() if one.kind not in ("sweeper", "ingress")}
    services = {name.partition(".")[0] for name in names}
    ours = {name for name, function in choreography.functions.items() if function.service in services}
    for name in sorted(ours - names):
        yield HealthCheck(f"function {name}", "it is in the code, but not deployed", _DEPLOY)
    for name in sorted(names - choreography.functions.keys()):
        yield HealthCheck(
            f"function {name}", "it is deployed, but not in the code", f"{_DEPLOY}; or use the code that was deployed."
        )
    if ours == names:
        yield HealthCheck(counted(len(names), "function"), "")


def _rule(system: System, deployed: Deployed, one: Subscribed) -> Iterator[HealthCheck]:
    """Yield whether a subscriber's rule exists, is enabled, and has the code's pattern and target."""
    what, function = f"rule of {one.function.name}", deployed.functions[one.function.name]
    if function.rule_name is None:
        yield HealthCheck(what, "the stack has none", _DEPLOY)
        return

    def look() -> HealthCheck:
        """Return the result of checking the rule's state, pattern and target."""
        rule = system.health.rule(one.function.name)
        if rule.state != "ENABLED" and function.paused:
            return HealthCheck(
                what,
                "its service is paused: its events stay in the archive of the bus, if it has one",
                "To continue: take it out of the keys paused and stopped; pulumi up; then replay the time between. "
                "While it moves to another stack, leave it.",
            )
        if rule.state != "ENABLED":
            enable = f"aws events enable-rule --name {function.rule_name} --event-bus-name {deployed.bus_of(one.function.name).name}"
            return HealthCheck(what, f"it is {rule.state}: no event reaches the function", f"Enable it: {enable}")
        trouble = _rule_trouble(rule, function, one.subscription)
        return HealthCheck(what, trouble, _DEPLOY if trouble else "")

    yield from checked(what, look)


def _draining(system: System, one: Subscribed) -> Iterator[HealthCheck]:
    """Yield whether a queue with `draining=True` is empty and may be removed; nothing for other subscribers."""
    if not one.subscription.draining:
        return
    what = f"queue of {one.function.name}"

    def look() -> HealthCheck | None:
        """Return the result, by the number of waiting events; None without a queue."""
        waiting = system.health.waiting(one.function.name)
        if waiting is None:
            return None
        if waiting:
            return HealthCheck(f"{what}: about {counted(waiting, 'event')} in it, keep draining=True", "")
        return HealthCheck(what, "it is empty", f"Remove draining=True from {one.function.name}, then: pulumi up")

    yield from checked(what, look)


def _rule_trouble(rule: RunningRule, function: DeployedFunction, subscription: Subscription) -> str:
    """Return what is wrong with a rule's pattern or its one target, which is no draining queue; "" if nothing is."""
    if not _is_same_pattern(rule.pattern, subscription.pattern):
        return "its event pattern is not the code's"
    if len(rule.targets) != 1:
        return f"it has {len(rule.targets)} targets, not one"
    (target,) = rule.targets
    queue = "" if subscription.draining else (function.queue_url or "").rpartition("/")[2]
    if target.name != (queue or function.function_name):
        return "its target is neither the function nor its queue"
    return "" if target.has_dead_letters else "its target has no dead letter queue: an undeliverable event is lost"


def _foreign_bus(system: System, name: str, bus: DeployedBus) -> Iterator[HealthCheck]:
    """Yield whether a bus of events of others, which the stack names `name`, exists."""
    what = f"bus {bus.name}"

    def look() -> HealthCheck:
        """Return the result of looking for the bus."""
        if system.health.has_bus(bus):
            return HealthCheck(what, "")
        return HealthCheck(what, "it does not exist", f"Name another one: pulumi config set --path 'buses.{name}' ARN")

    yield from checked(what, look)


def _archives(system: System, deployed: Deployed, choreography: Choreography) -> Iterator[HealthCheck]:
    """Yield whether each archive is enabled; a finding if that of the own bus, consumed from, is unknown."""
    consumes = any(one.subscription.bus is None for one in choreography.subscriptions)
    if consumes and deployed.archive_arn is None:
        yield HealthCheck(
            f"archive of bus {deployed.bus_name}",
            "it is not known: another stack owns it, and nothing can be replayed from here",
            "Name it: pulumi config set busArchive ARN; pulumi up. With busStack instead of bus, pulumi up is enough.",
        )
    for archive in (deployed.archive_name, *(bus.archive_name for bus in deployed.buses.values())):
        if archive is not None:
            yield from _archive(system, archive)


def _archive(system: System, archive: str) -> Iterator[HealthCheck]:
    """Yield whether an archive is enabled."""
    what = f"archive {archive}"

    def look() -> HealthCheck:
        """Return the result by the archive's state."""
        state = system.health.archive_state(archive)
        return HealthCheck(what, "") if state == "ENABLED" else HealthCheck(what, f"it is {state}", _DEPLOY)

    yield from checked(what, look)


def _alarms(system: System, deployed: Deployed) -> Iterator[HealthCheck]:
    """Yield each alarm that is missing, silent or in alarm; one result when all are right, nothing without alarms."""
    names = sorted({*deployed.alarms}.union(*(one.alarms for one in deployed.functions.values())))
    if not names:
        return
    try:
        found = system.health.alarms(names)
    except ContradanceError as error:
        yield HealthCheck("alarms", str(error), "Allow yourself cloudwatch:DescribeAlarms.")
        return
    troubles = [(name, *_alarm_trouble(name, found.get(name))) for name in names]
    for name, trouble, fix in troubles:
        if trouble:
            yield HealthCheck(f"alarm {name}", trouble, fix)
    if not any(trouble for _, trouble, _ in troubles):
        yield HealthCheck(counted(len(names), "alarm"), "")


def _alarm_trouble(name: str, alarm: AlarmState | None) -> tuple[str, str]:
    """Return (trouble, fix) of an alarm, which is None if it does not exist; both are empty when nothing is wrong."""
    if alarm is None:
        return "it does not exist", _DEPLOY
    if not alarm.acts:
        return "its actions are disabled", f"aws cloudwatch enable-alarm-actions --alarm-names {name}"
    if not alarm.notifies:
        return "it notifies no one", "Configure a notification for alarms in the stack, and deploy it."
    if alarm.in_alarm:
        return "it is in alarm", "See why: contradance dlq list, contradance logs"
    return "", ""


def _hangs(system: System) -> Iterator[HealthCheck]:
    """Yield a finding for each function whose invocations outlive their timeout, with the stack of the longest."""
    hangs = system.health.hangs()
    for name in sorted({hang.function for hang in hangs}):
        own = [hang for hang in hangs if hang.function == name]
        longest = max(own, key=lambda hang: hang.seconds)
        times = "an invocation hangs" if len(own) == 1 else f"{counted(len(own), 'invocation')} hang"
        trouble = f"{times}, the longest for {longest.seconds:,.0f} seconds at {longest.where or 'an unknown line'}"
        yield HealthCheck(
            f"threads of {name}", trouble, f"Give what it waits for a timeout. Its thread:\n{longest.stack}"
        )


def _dead_letters(system: System, name: str) -> Iterator[HealthCheck]:
    """Yield whether a function has dead letters; if it has, that is a finding."""
    what = f"dead letters of {name}"

    def look() -> HealthCheck:
        """Return the result by the number of dead letters."""
        count = system.dead_letters.count(name)
        if count == 0:
            return HealthCheck(what, "")
        about = f"{count}" if system.dead_letters.exact else f"about {count}"
        return HealthCheck(what, about, f"See why: contradance dlq list --subscriber {name}")

    yield from checked(what, look)


def _is_same_pattern(text: str, pattern: EventPattern) -> bool:
    """Whether JSON text is an event pattern equal to `pattern`; False for a text that is not a pattern."""
    try:
        return EventPattern(text) == pattern
    except InvalidPattern:
        return False
