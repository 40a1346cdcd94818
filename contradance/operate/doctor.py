"""Whether a stack is as the code says and as it should be: each finding with its fix."""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from contradance.choreography import Choreography, Subscribed
from contradance.deployed import DeployedFunction
from contradance.errors import InvalidPattern, OperateError
from contradance.operate.stack import Stack
from contradance.pattern import EventPattern

_DEPLOY: Final = "Deploy the code as it is: pulumi up"
_ALARMS: Final = 100
"""Most alarms of one call. CloudWatch API reference, DescribeAlarms."""


class HealthCheck(NamedTuple):
    """One thing that was looked at."""

    what: str
    """What it is: `rule of loans.remind_reader`."""
    trouble: str
    """What is wrong with it; empty where all is well."""
    fix: str = ""


def examine(stack: Stack, choreography: Choreography) -> Iterator[HealthCheck]:
    """Look at everything, and yield what was found; without the account and the bus there is nothing else to look at."""
    first = [*_credentials(stack), *_bus(stack)]
    yield from first
    if any(finding.trouble for finding in first):
        return
    yield from _functions(stack, choreography)
    for one in choreography.subscriptions:
        if one.function.name in stack.deployed.functions:
            yield from _rule(stack, one)
    yield from _archive(stack)
    yield from _alarms(stack)
    for name, function in stack.deployed.functions.items():
        if function.dead_letter_queue_url is not None:
            yield from _dead_letters(stack, name, function.dead_letter_queue_url)


def _looked(what: str, look: Callable[[], HealthCheck]) -> Iterator[HealthCheck]:
    try:
        yield look()
    except OperateError as error:
        trouble, _, fix = str(error).partition("\n")
        yield HealthCheck(what, trouble, fix.strip() or _DEPLOY)


def _credentials(stack: Stack) -> Iterator[HealthCheck]:
    """Look whose credentials these are; the laptop asks for none."""
    if stack.is_laptop:
        return
    what = "credentials"

    def look() -> HealthCheck:
        account = stack.aws.service("sts").ask("get_caller_identity")["Account"]
        if account == stack.deployed.account:
            return HealthCheck(what, "")
        return HealthCheck(
            what, f"they are for account {account}; the stack is in {stack.deployed.account}", "Log in to that account."
        )

    yield from _looked(what, look)


def _bus(stack: Stack) -> Iterator[HealthCheck]:
    what = f"bus {stack.deployed.bus_name}"

    def look() -> HealthCheck:
        found = stack.aws.service("events").ask("describe_event_bus", Name=stack.deployed.bus_arn)
        if found["Arn"] == stack.deployed.bus_arn:
            return HealthCheck(what, "")
        return HealthCheck(what, f"its ARN is {found['Arn']}, the stack says {stack.deployed.bus_arn}", _DEPLOY)

    yield from _looked(what, look)


def _functions(stack: Stack, choreography: Choreography) -> Iterator[HealthCheck]:
    """Compare what is deployed with the code. A stack may deploy some services only, but a service as a whole."""
    deployed = {name for name, one in stack.deployed.functions.items() if one.kind not in ("sweeper", "ingress")}
    services = {name.partition(".")[0] for name in deployed}
    ours = {name for name, function in choreography.functions.items() if function.service in services}
    for name in sorted(ours - deployed):
        yield HealthCheck(f"function {name}", "it is in the code, and not deployed", _DEPLOY)
    for name in sorted(deployed - choreography.functions.keys()):
        yield HealthCheck(
            f"function {name}", "it is deployed, and not in the code", f"{_DEPLOY}; or use that version's code."
        )
    if ours == deployed:
        yield HealthCheck(f"{len(deployed)} functions", "")


def _rule(stack: Stack, one: Subscribed) -> Iterator[HealthCheck]:
    what = f"rule of {one.function.name}"
    function = stack.function(one.function.name)
    if function.rule_name is None:
        yield HealthCheck(what, "the stack has none", _DEPLOY)
        return

    def look() -> HealthCheck:
        events, place = stack.aws.service("events"), {"EventBusName": stack.deployed.bus_arn}
        rule = events.ask("describe_rule", Name=function.rule_name, **place)
        targets = events.ask("list_targets_by_rule", Rule=function.rule_name, **place)["Targets"]
        if rule["State"] != "ENABLED":
            enable = f"aws events enable-rule --name {function.rule_name} --event-bus-name {stack.deployed.bus_name}"
            return HealthCheck(what, f"it is {rule['State']}: no event reaches the function", f"Enable it: {enable}")
        if not _is_pattern(rule.get("EventPattern", ""), one.subscription.pattern):
            return HealthCheck(what, "its event pattern is not the code's", _DEPLOY)
        trouble = _target_trouble(targets, function)
        return HealthCheck(what, trouble, _DEPLOY if trouble else "")

    yield from _looked(what, look)


def _target_trouble(targets: list[dict[str, Any]], function: DeployedFunction) -> str:
    """Return what is wrong with a rule's targets: there should be one, the function or its queue, that loses nothing."""
    if len(targets) != 1:
        return f"it has {len(targets)} targets, not one"
    (target,) = targets
    wanted = (function.queue_url or "").rpartition("/")[2] or function.function_name
    if target["Arn"].rpartition(":")[2] != wanted:
        return "its target is neither the function nor its queue"
    if "Arn" not in target.get("DeadLetterConfig", {}):
        return "its target has no dead letter queue: what cannot be delivered is lost"
    return ""


def _archive(stack: Stack) -> Iterator[HealthCheck]:
    name = stack.deployed.archive_name
    if name is None:
        return
    what = f"archive {name}"

    def look() -> HealthCheck:
        found = stack.aws.service("events").ask("describe_archive", ArchiveName=name)
        if found["State"] == "ENABLED":
            return HealthCheck(what, "")
        return HealthCheck(what, f"it is {found['State']} {found.get('StateReason', '')}".strip(), _DEPLOY)

    yield from _looked(what, look)


def _alarms(stack: Stack) -> Iterator[HealthCheck]:
    names = sorted({*stack.deployed.alarms}.union(*(one.alarms for one in stack.deployed.functions.values())))
    if not names:
        return
    found: dict[str, dict[str, Any]] = {}
    try:
        for first in range(0, len(names), _ALARMS):
            asked = names[first : first + _ALARMS]
            answer = stack.aws.service("cloudwatch").ask("describe_alarms", AlarmNames=asked, MaxRecords=_ALARMS)
            found |= {alarm["AlarmName"]: alarm for alarm in answer["MetricAlarms"]}
    except OperateError as error:
        yield HealthCheck("alarms", str(error), "Allow yourself cloudwatch:DescribeAlarms.")
        return
    troubles = [(name, _alarm_trouble(found.get(name))) for name in names]
    for name, (trouble, fix) in troubles:
        if trouble:
            yield HealthCheck(f"alarm {name}", trouble, fix)
    if not any(trouble for _, (trouble, _) in troubles):
        yield HealthCheck(f"{len(names)} alarms", "")


def _alarm_trouble(alarm: dict[str, Any] | None) -> tuple[str, str]:
    if alarm is None:
        return "it does not exist", _DEPLOY
    if not alarm.get("ActionsEnabled"):
        return "its actions are disabled", f"aws cloudwatch enable-alarm-actions --alarm-names {alarm['AlarmName']}"
    if not alarm.get("AlarmActions"):
        return "it tells nobody", "Say in the stack's configuration whom alarms should tell, and deploy it."
    if alarm.get("StateValue") == "ALARM":
        return "it is in alarm", "See why: contradance dlq list, contradance logs"
    return "", ""


def _dead_letters(stack: Stack, name: str, url: str) -> Iterator[HealthCheck]:
    what = f"dead letters of {name}"
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def look() -> HealthCheck:
        answer = stack.aws.service("sqs").ask("get_queue_attributes", QueueUrl=url, AttributeNames=names)
        count = sum(int(answer["Attributes"][one]) for one in names)
        if count == 0:
            return HealthCheck(what, "")
        return HealthCheck(what, f"about {count}", f"See why: contradance dlq list --subscriber {name}")

    yield from _looked(what, look)


def _is_pattern(text: str, pattern: EventPattern) -> bool:
    try:
        return EventPattern(text) == pattern
    except InvalidPattern:
        return False
