"""The bus, rules, archive, replays and alarms of a stack, as AWS describes them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from contradance.deployed import Deployed, DeployedBus
from contradance.errors import OperateError
from contradance.operate.aws.services import Aws, AwsRefusal
from contradance.operate.ports import AlarmState, Hang, ReplayStatus, RuleTarget, RunningRule

_WAITING: Final = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
)
_DENIED: Final = "AccessDeniedException"
_ALARMS: Final = 100
"""Most alarms of one DescribeAlarms call. CloudWatch API reference, DescribeAlarms."""


class EventBridgeReplays:
    """`contradance.operate.ports.ReplayAccess` over EventBridge."""

    def __init__(self, deployed: Deployed, aws: Aws) -> None:
        self._deployed = deployed
        self._aws = aws

    def start(self, name: str, function: str, first: datetime, last: datetime) -> ReplayStatus:
        """Start a replay from `first` to `last` whose filter is the function's rule; return its state."""
        rule_arn = str(self._deployed.functions[function].rule_arn)
        return self._start(name, function, self._deployed.bus_of(function), rule_arn, (first, last))

    def start_to_rule(self, name: str, rule: str, first: datetime, last: datetime) -> ReplayStatus:
        """Start a replay from `first` to `last` to another stack's rule on the stack's bus; return its state."""
        bus = self._deployed.own_bus
        rule_arn = f"{bus.arn.replace(':event-bus/', ':rule/')}/{rule}"
        return self._start(name, rule, bus, rule_arn, (first, last))

    def _start(
        self, name: str, to: str, bus: DeployedBus, rule_arn: str, window: tuple[datetime, datetime]
    ) -> ReplayStatus:
        """Start a replay to one rule on a bus; the `OperateError` for a missing permission names the policy."""
        first, last = window
        try:
            answer = self._aws.service("events").ask(
                "start_replay",
                ReplayName=name,
                Description=f"contradance replay to {to}",
                EventSourceArn=bus.archive_arn,
                EventStartTime=first,
                EventEndTime=last,
                Destination={"Arn": bus.arn, "FilterArns": [rule_arn]},
            )
        except AwsRefusal as refusal:
            if refusal.code != _DENIED:
                raise
            raise OperateError(
                f"{refusal}\n  The policy that allows it is an output of the stack that owns the bus {bus.name}: "
                "pulumi stack output replay_policy"
            ) from refusal
        return _status({"ReplayName": name, **answer})

    def status(self, name: str) -> ReplayStatus:
        """Return the state of the replay with this name."""
        return _status(self._aws.service("events").ask("describe_replay", ReplayName=name))


class AwsHealth:
    """`contradance.operate.ports.HealthAccess` over STS, EventBridge and CloudWatch."""

    def __init__(self, deployed: Deployed, aws: Aws) -> None:
        self._deployed = deployed
        self._aws = aws

    def deployed(self) -> Deployed:
        """Return the description of the stack, from its outputs."""
        return self._deployed

    def account(self) -> str:
        """Return the AWS account of the credentials in use."""
        return str(self._aws.service("sts").ask("get_caller_identity")["Account"])

    def bus_arn(self) -> str:
        """Return the ARN of the stack's bus; raise `OperateError` when AWS has no such bus."""
        return str(self._aws.service("events").ask("describe_event_bus", Name=self._deployed.bus_arn)["Arn"])

    def has_bus(self, bus: DeployedBus) -> bool:
        """Return True if a bus of events of others exists, by its ARN; raise `OperateError` when it does not."""
        return bool(self._aws.service("events").ask("describe_event_bus", Name=bus.arn)["Arn"] == bus.arn)

    def rule(self, function: str) -> RunningRule:
        """Return the rule of one subscriber as AWS has it, with its targets."""
        return self._rule(str(self._deployed.functions[function].rule_name), self._deployed.bus_of(function).arn)

    def bus_rule(self, name: str) -> RunningRule:
        """Return a rule on the stack's bus as AWS has it, also of another stack; `OperateError` if there is none."""
        return self._rule(name, self._deployed.bus_arn)

    def can_run(self, function: str) -> bool:
        """Whether Lambda may run a function: False when its reserved concurrency is 0."""
        name = self._deployed.functions[function].function_name
        answer = self._aws.service("lambda").ask("get_function_concurrency", FunctionName=name)
        return bool(answer.get("ReservedConcurrentExecutions") != 0)

    def bus_rules(self) -> Sequence[str]:
        """Return the names of all rules on the stack's bus, without those that AWS manages, in order."""
        events, found, page = self._aws.service("events"), list[str](), dict[str, str]()
        while True:
            answer = events.ask("list_rules", EventBusName=self._deployed.bus_arn, **page)
            found += [rule["Name"] for rule in answer["Rules"] if "ManagedBy" not in rule]
            if "NextToken" not in answer:
                return sorted(found)
            page = {"NextToken": answer["NextToken"]}

    def _rule(self, name: str, bus: str) -> RunningRule:
        """Return the rule with this name on the bus with this ARN, with its targets."""
        events = self._aws.service("events")
        rule = events.ask("describe_rule", Name=name, EventBusName=bus)
        targets = events.ask("list_targets_by_rule", Rule=name, EventBusName=bus)["Targets"]
        return RunningRule(
            rule["State"],
            rule.get("EventPattern", ""),
            tuple(
                RuleTarget(target["Arn"].rpartition(":")[2], "Arn" in target.get("DeadLetterConfig", {}))
                for target in targets
            ),
        )

    def waiting(self, function: str) -> int | None:
        """Return about how many messages a function's queue has, hidden and delayed included; None without a queue."""
        url = self._deployed.functions[function].queue_url
        if url is None:
            return None
        answer = self._aws.service("sqs").ask("get_queue_attributes", QueueUrl=url, AttributeNames=[*_WAITING])
        return sum(int(answer["Attributes"][name]) for name in _WAITING)

    def archive_state(self, archive: str) -> str:
        """Return ENABLED, or an archive's other state, followed by its reason if it has one."""
        found = self._aws.service("events").ask("describe_archive", ArchiveName=archive)
        return f"{found['State']} {found.get('StateReason', '')}".strip()

    def alarms(self, names: Sequence[str]) -> Mapping[str, AlarmState]:
        """Return the state of each alarm in `names` that exists, by name."""
        found: list[dict[str, Any]] = []
        for first in range(0, len(names), _ALARMS):
            some = [*names[first : first + _ALARMS]]
            answer = self._aws.service("cloudwatch").ask("describe_alarms", AlarmNames=some, MaxRecords=_ALARMS)
            found += answer["MetricAlarms"]
        return {
            alarm["AlarmName"]: AlarmState(
                acts=bool(alarm.get("ActionsEnabled")),
                notifies=bool(alarm.get("AlarmActions")),
                in_alarm=alarm.get("StateValue") == "ALARM",
            )
            for alarm in found
        }

    def hangs(self) -> Sequence[Hang]:
        """Return an empty sequence: Lambda ends an invocation at its timeout."""
        return ()


def _status(answer: dict[str, Any]) -> ReplayStatus:
    """Return the state of a replay from EventBridge's response."""
    return ReplayStatus(
        answer["ReplayName"], answer["State"], answer.get("EventLastReplayedTime"), answer.get("StateReason", "")
    )
