"""Replays between stacks: the owner of the bus has the archive, another stack on the bus has the subscriber."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # it has no types

from contradance.deployed import Deployed
from contradance.errors import OperateError
from contradance.local.system.deployed import deployed
from contradance.operate.aws.services import BotoService
from contradance.operate.aws.stack import stack_system
from contradance.operate.doctor import examine
from contradance.operate.ports import System
from contradance.operate.replay import plan, start
from contradance.operate.rule_replay import plan_to_rule, start_to_rule
from functions.choreography import food_delivery
from tests.marketing.choreography import marketing
from tests.operate.fakes import FakeAws, FakeService

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
OWNER = deployed(food_delivery, "http://127.0.0.1:8700")
THANKS, RULE = "campaigns.thank_diner", "marketing-prod-campaigns-thank_diner"
COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
RULES = OWNER.bus_arn.replace(":event-bus/", ":rule/")


def guest(**changes: object) -> Deployed:
    """Return another team's stack on the owner's bus, which knows the owner's archive."""
    alone = deployed(marketing, "http://127.0.0.1:8701")
    function = alone.functions[THANKS].model_copy(update={"rule_name": RULE, "rule_arn": f"{RULES}/{RULE}"})
    bus = {"bus_name": OWNER.bus_name, "bus_arn": OWNER.bus_arn}
    archive = {"archive_name": OWNER.archive_name, "archive_arn": OWNER.archive_arn}
    return alone.model_copy(update={**bus, **archive, "functions": {THANKS: function}, **changes})


def service(state: str = "ENABLED", pattern: str = '{"source": ["food"]}', **answers: Any) -> FakeService:
    """Return EventBridge with the owner's rules and the guest's on one bus, two pages of them."""
    mine = [{"Name": one.rule_name} for one in OWNER.functions.values() if one.rule_name]
    pages: dict[str | None, dict[str, Any]] = {
        None: {"Rules": [*mine, {"Name": "Events-Archive-x", "ManagedBy": "events"}], "NextToken": "2"},
        "2": {"Rules": [{"Name": RULE}]},
    }
    return FakeService(
        {
            "start_replay": {"State": "STARTING"},
            "list_rules": lambda **asked: pages[asked.get("NextToken")],
            "describe_rule": {"State": state, "EventPattern": pattern},
            "list_targets_by_rule": {"Targets": []},
            **answers,
        }
    )


def system(stack: Deployed, events: FakeService) -> System:
    return stack_system(stack, FakeAws(events=events))


def started(events: FakeService) -> dict[str, Any]:
    (asked,) = [asked for operation, asked in events.asked if operation == "start_replay"]
    return asked


@pytest.mark.parametrize("rule", [RULE, f"{RULES}/{RULE}"])
def test_both_sides_start_the_same_replay(rule: str) -> None:
    """One replay of the owner's archive, to the owner's bus, whose filter is the other stack's rule."""
    theirs, owners = service(), service()

    start(
        system(guest(), theirs),
        plan(system(guest(), theirs), marketing, THANKS, NOON, NOON + HOUR, identifier="1"),
    )
    owner = system(OWNER, owners)
    start_to_rule(owner, plan_to_rule(owner, rule, NOON, NOON + HOUR, identifier="1"))

    about = {name: value for name, value in started(theirs).items() if name != "Description"}
    assert about == {name: value for name, value in started(owners).items() if name != "Description"}
    assert about == {
        "ReplayName": "replay.1",
        "EventSourceArn": OWNER.archive_arn,
        "EventStartTime": NOON,
        "EventEndTime": NOON + HOUR,
        "Destination": {"Arn": OWNER.bus_arn, "FilterArns": [f"{RULES}/{RULE}"]},
    }


@pytest.mark.parametrize(
    ("events", "message"),
    [
        (service(state="DISABLED"), f"the rule {RULE} is DISABLED: a replay would not reach its function."),
        (
            service(pattern='{"replay-name": [{"exists": false}]}'),
            f"the rule {RULE} matches no event of this replay: its",
        ),
    ],
)
def test_a_replay_starts_by_the_deployed_rule_and_not_by_the_code_alone(events: FakeService, message: str) -> None:
    stack = system(guest(), events)
    planned = plan(stack, marketing, THANKS, NOON, NOON + HOUR, identifier="1")

    with pytest.raises(OperateError) as refusal:
        start(stack, planned)

    assert str(refusal.value).startswith(message)
    assert "start_replay" not in [operation for operation, _ in events.asked]


@pytest.mark.parametrize(
    ("rule", "events", "message"),
    [
        (
            "nothing",
            service(),
            f"no other stack has a rule nothing on the bus {OWNER.bus_name}.\n  Rules of others: {RULE}.",
        ),
        (
            str(OWNER.functions["payments.process_payment"].rule_name),
            service(),
            "payments-process_payment is the rule of payments.process_payment in this stack.",
        ),
        (
            "arn:aws:events:us-east-1:1:rule/other/x",
            service(),
            "arn:aws:events:us-east-1:1:rule/other/x is not a rule on",
        ),
        (RULE, service(state="DISABLED"), f"the rule {RULE} is DISABLED"),
        (
            RULE,
            service(pattern=json.dumps({"replay-name": [{"exists": False}]})),
            f"the rule {RULE} matches no event of this replay",
        ),
    ],
)
def test_a_rule_that_no_replay_reaches_is_refused(rule: str, events: FakeService, message: str) -> None:
    with pytest.raises(OperateError) as refusal:
        plan_to_rule(system(OWNER, events), rule, NOON, NOON + HOUR, identifier="1")

    assert str(refusal.value).startswith(message)
    assert "start_replay" not in [operation for operation, _ in events.asked]


def test_without_the_archive_the_fix_is_in_the_message_of_replay_and_of_doctor() -> None:
    unknown = guest(archive_arn=None, archive_name=None)

    with pytest.raises(OperateError) as refusal:
        plan(system(unknown, service()), marketing, THANKS, NOON, NOON + HOUR, identifier="1")

    assert "pulumi config set busArchive ARN" in str(refusal.value)
    assert any("busArchive" in one.fix for one in findings(unknown) if one.what.startswith("archive of bus"))
    assert not any(one.what.startswith("archive of bus") for one in findings(guest()))


def test_a_function_of_another_stack_is_pointed_to() -> None:
    gone = OWNER.model_copy(update={"functions": {}})

    with pytest.raises(OperateError, match=r"name that stack: --stack NAME; or name its rule on food-delivery: --rule"):
        plan(system(gone, service()), food_delivery, "loyalty.add_loyalty_points", NOON, NOON + HOUR, identifier="1")
    with pytest.raises(OperateError, match=r"For a function of another stack on this bus, name its rule: --rule NAME"):
        plan(system(OWNER, service()), food_delivery, THANKS, NOON, NOON + HOUR, identifier="1")


def test_a_paused_subscriber_is_not_replayed_to_and_doctor_has_the_reason() -> None:
    paused = guest(functions={THANKS: guest().functions[THANKS].model_copy(update={"paused": True})})

    with pytest.raises(OperateError, match=r"campaigns\.thank_diner is paused: its rule is disabled") as refusal:
        plan(system(paused, service()), marketing, THANKS, NOON, NOON + HOUR, identifier="1")

    (rule,) = [one for one in findings(paused, state="DISABLED") if one.what == f"rule of {THANKS}"]
    assert "its service is paused" in rule.trouble
    assert "config rm" not in f"{refusal.value}{rule.fix}"  # it would start other services, or one that has moved


def test_a_refused_permission_names_the_policy() -> None:
    class Denying:
        def start_replay(self, **_: object) -> None:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "StartReplay")

    stack = stack_system(guest(), FakeAws(events=BotoService("events", Denying())))

    with pytest.raises(OperateError, match="pulumi stack output replay_policy"):
        stack.replays.start("replay.1", THANKS, NOON, NOON + HOUR)


def findings(stack: Deployed, state: str = "ENABLED") -> list[Any]:
    """Return what doctor finds in a stack that has what it describes."""
    events = service(
        state=state,
        describe_event_bus={"Arn": stack.bus_arn},
        describe_archive={"State": "ENABLED"},
    )
    aws = FakeAws(
        events=events,
        sts=FakeService({"get_caller_identity": {"Account": stack.account}}),
        sqs=FakeService(
            {"get_queue_attributes": {"Attributes": dict.fromkeys(COUNTS, "0")}, "get_queue_url": {"QueueUrl": "x"}}
        ),
        cloudwatch=FakeService({"describe_alarms": {"MetricAlarms": []}}),
    )
    return [one for one in examine(stack_system(stack, aws), marketing) if one.trouble]
