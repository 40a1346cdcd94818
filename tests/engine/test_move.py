"""A service moves to a stack of its own under `protect: true`, step by step; what each step changes, and nothing else."""

import dataclasses
import json
import shlex
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contradance.deployed import OUTPUT, Deployed
from contradance.operate.aws.stack import stack_system
from contradance.operate.move import plan_move
from contradance.operate.replay import plan, start
from contradance.operate.rule_replay import plan_to_rule, start_to_rule
from functions.choreography import food_delivery
from tests.docs.page import page
from tests.engine.aws.demands import FUNCTION, QUEUE, RULE
from tests.engine.projects import food
from tests.engine.stack import Run, Stack, Workspace
from tests.operate.fakes import FakeAws, FakeService

pytestmark = pytest.mark.engine

PAY, REVERSE, SHOW = "payments.process_payment", "payments.reverse_payment", "payments.show_payment"
TABLE, LOG_GROUP = "aws:dynamodb/table:Table", "aws:cloudwatch/logGroup:LogGroup"
ARCHIVE = "aws:cloudwatch/eventArchive:EventArchive"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def old(workspace: Workspace) -> Stack:
    """Two services in one protected stack."""
    stack = Stack(workspace, food(workspace), "prod", {"protect": "true"}).init()
    for position, service in enumerate(("loyalty", "payments")):
        stack.set(f"services[{position}]", service, "--path")
    stack.set("secrets.gateway_key", "sk_test", "--secret", "--path")
    run = stack.up()
    assert run.code == 0, run
    return stack


@pytest.fixture(scope="module")
def new(old: Stack) -> Stack:
    """The stack that payments moves to, configured as the guide does, and not deployed."""
    configure(old, "1. Create the new stack, stopped")
    return dataclasses.replace(old, name="billing", config={})


def configure(stack: Stack, step: str, about: str = "") -> None:
    """Run the commands of one step of the guide that configure a stack; with `about`, those that contain it."""
    section = next(part for part in page("docs/how-to/move-service.md").text.split("\n## ") if part.startswith(step))
    lines = [line for line in section.splitlines() if line.startswith(("pulumi stack init", "pulumi config"))]
    assert lines, step
    for line in lines:
        words = shlex.split(line.replace("ORGANIZATION", "organization"), comments=True)
        if about in line:
            stack.ask(*words[1:], *(["sk_test"] if "--secret" in words else []))  # without a value, Pulumi asks for it


def deployed(stack: Stack) -> Deployed:
    return Deployed.model_validate(stack.outputs[OUTPUT])


def touched(run: Run) -> set[tuple[str, str, str]]:
    """Return (operation, type, name) of each step."""
    assert run.code == 0, run
    return {(op, kind.rpartition(":")[2], name) for op, kind, name in run.touched}


def warned(run: Run) -> str:
    """Return what the program warned of, sorted."""
    return "\n".join(sorted(text for text in run.warnings if not text.startswith("using pulumi-")))


def states(workspace: Workspace, stack: str) -> set[str]:
    """Return the states of the rules of one stack's payments functions."""
    rules = [one for one in workspace.account.every(RULE) if f"-{stack}-payments-" in str(one.inputs["name"])]
    assert len(rules) == 2
    return {str(rule.inputs["state"]) for rule in rules}


def test_the_new_stack_is_created_with_its_rules_disabled_and_its_functions_stopped(
    workspace: Workspace, old: Stack, new: Stack
) -> None:
    preview = new.preview()
    run = new.up()

    assert f"rules of: {PAY}, {REVERSE}" in warned(preview)
    assert f"and stops: {PAY}, {REVERSE}, {SHOW}" in warned(preview)
    assert {op for op, _, _ in touched(run)} == {"create"}
    assert (states(workspace, "billing"), states(workspace, "prod")) == ({"DISABLED"}, {"ENABLED"})
    assert old.up("--expect-no-changes").code == 0


def test_the_old_stack_disables_the_services_rules_and_nothing_else(workspace: Workspace, old: Stack) -> None:
    configure(old, "2. Pause")

    preview, run = old.preview(), old.up()

    assert touched(preview) == touched(run) == {("update", "EventRule", PAY), ("update", "EventRule", REVERSE)}
    assert states(workspace, "prod") == {"DISABLED"}


def test_the_old_stack_stops_its_functions_and_their_pollers(workspace: Workspace, old: Stack) -> None:
    configure(old, "3. Stop")

    run = old.up()

    assert touched(run) == {
        *(("update", "Function", name) for name in (PAY, REVERSE, SHOW)),
        *(("update", "EventSourceMapping", name) for name in (PAY, REVERSE)),
    }
    reserved = {
        str(one.inputs["name"]): one.inputs.get("reservedConcurrentExecutions")
        for one in workspace.account.every(FUNCTION)
    }
    assert {name for name, value in reserved.items() if value == 0} == {
        f"food-delivery-{stack}-{name.replace('.', '-')}"
        for name in (PAY, REVERSE, SHOW)
        for stack in ("prod", "billing")
    }


def test_stopping_is_undone_by_the_same_steps_back(old: Stack) -> None:
    old.unset("stopped")
    back = old.up()
    old.set("stopped[0]", "payments", "--path")
    again = old.up()

    assert touched(back) == touched(again)


def test_the_outputs_of_both_stacks_name_every_table_of_the_move(workspace: Workspace, old: Stack, new: Stack) -> None:
    move = plan_move(food_delivery, "payments", deployed(old), deployed(new))

    tables = {str(one.inputs["name"]) for one in workspace.account.every(TABLE)}
    assert move.functions == (PAY, REVERSE, SHOW)
    assert [one.what for one in move.rows] == ["table payments.charges", "once-records"]
    assert {name for one in move.rows for name in (one.source, one.target)} <= tables
    assert all(one.source != one.target for one in move.rows)


def test_the_new_stack_is_enabled(workspace: Workspace, new: Stack) -> None:
    configure(new, "5. Enable")

    run = new.up()

    assert touched(run) == {
        *(("update", "Function", name) for name in (PAY, REVERSE, SHOW)),
        *(("update", kind, name) for kind in ("EventRule", "EventSourceMapping") for name in (PAY, REVERSE)),
    }
    assert (states(workspace, "billing"), states(workspace, "prod")) == ({"ENABLED"}, {"DISABLED"})
    assert warned(run) == ""


def test_both_stacks_replay_from_the_one_archive_to_the_new_stacks_rule(
    workspace: Workspace, old: Stack, new: Stack
) -> None:
    """The engine's outputs are all that a replay needs, in either stack."""
    (archive,) = workspace.account.every(ARCHIVE)
    rule = next(one for one in workspace.account.every(RULE) if "billing-payments-process" in str(one.inputs["name"]))
    name = str(rule.inputs["name"])
    events = FakeService(
        {
            "start_replay": {"State": "STARTING"},
            "list_rules": {"Rules": [{"Name": str(one.inputs["name"])} for one in workspace.account.every(RULE)]},
            "describe_rule": {"State": rule.inputs["state"], "EventPattern": rule.inputs["eventPattern"]},
            "list_targets_by_rule": {"Targets": []},
        }
    )
    there, here = (stack_system(deployed(stack), FakeAws(events=events)) for stack in (new, old))

    start(there, plan(there, food_delivery, PAY, NOON, NOON + timedelta(hours=1), identifier="1"))
    start_to_rule(here, plan_to_rule(here, name, NOON, NOON + timedelta(hours=1), identifier="2"))

    asked: list[dict[str, Any]] = [one for operation, one in events.asked if operation == "start_replay"]
    assert {one["EventSourceArn"] for one in asked} == {archive.outputs["arn"]}
    assert [one["Destination"]["FilterArns"] for one in asked] == [[rule.outputs["arn"]]] * 2
    assert str(archive.outputs["arn"]) in json.dumps(json.loads(old.outputs["replay_policy"]))


def test_the_old_stack_lets_the_service_go_and_aws_keeps_what_it_held(
    workspace: Workspace, old: Stack, new: Stack
) -> None:
    old.unset("services")
    old.set("services[0]", "loyalty", "--path")

    refused = old.preview()
    configure(old, "6. Remove", "config rm")
    preview, run = old.preview(), old.up()

    def held() -> dict[str, int]:
        return {
            kind.rpartition(":")[2]: sum("-prod-payments-" in one.id for one in workspace.account.every(kind))
            for kind in (FUNCTION, RULE, QUEUE, LOG_GROUP, TABLE)
        }

    assert "paused names 'payments', which is not a service of this stack" in refused.errors[0]
    assert run.code == 0, run
    assert warned(preview) == warned(run)
    assert warned(run).count("pulumi import") == 2 * 3 + 1 + 1  # dead letters, queue, log group; a log group; a table
    assert held() == {"Function": 0, "EventRule": 0, "Queue": 4, "LogGroup": 3, "Table": 1}
    assert (old.up("--expect-no-changes").code, new.up("--expect-no-changes").code) == (0, 0)


def test_both_stacks_come_down_without_protection(workspace: Workspace, old: Stack, new: Stack) -> None:
    for stack in (new, old):
        stack.set("protect", "false")
        assert stack.up().code == 0
    downs = [stack.destroy() for stack in (new, old)]

    assert [(down.code, down.errors) for down in downs] == [(0, [])] * 2
    assert {one.type.rpartition(":")[2] for one in workspace.account.every()} == {"Queue", "LogGroup", "Table"}
