"""Several stacks on one bus: another team's, and one service taken out into a stack of its own."""

import dataclasses
import json

import pytest

from contradance.deployed import OUTPUT, Deployed
from functions.choreography import food_delivery
from tests.engine.aws.account import Resource
from tests.engine.aws.demands import BUS, FUNCTION, RULE
from tests.engine.projects import food, marketing
from tests.engine.stack import Stack, Workspace

pytestmark = pytest.mark.engine

SERVICES = [service for service in food_delivery.services if service != "payments"]
PAYMENTS = {name for name, function in food_delivery.functions.items() if function.service == "payments"}


@pytest.fixture(scope="module")
def whole(workspace: Workspace) -> Stack:
    """The food delivery system in one stack."""
    stack = Stack(workspace, food(workspace), "dev").init()
    stack.set("secrets.gateway_key", "sk_test", "--secret", "--path")
    run = stack.up()
    assert run.code == 0, run
    return stack


@pytest.fixture(scope="module")
def team(workspace: Workspace, whole: Stack) -> Stack:
    """Another team's stack, told where the bus is."""
    return Stack(workspace, marketing(workspace), "dev", {"bus": whole.outputs["bus_arn"], "archiveDays": "14"}).init()


def rules(workspace: Workspace) -> list[Resource]:
    """Return the rules that are on the food delivery's bus."""
    (bus,) = workspace.account.every(BUS)
    return [rule for rule in workspace.account.every(RULE) if rule.inputs["eventBusName"] == bus.inputs["name"]]


def deployed(stack: Stack) -> Deployed:
    """Return what a stack says of itself."""
    return Deployed.model_validate(stack.outputs[OUTPUT])


def test_another_team_consumes_from_its_own_stack(workspace: Workspace, whole: Stack, team: Stack) -> None:
    before = {rule.id: rule for rule in rules(workspace)}

    run = team.up()

    (added,) = [rule for rule in rules(workspace) if rule.id not in before]
    assert run.code == 0, run
    assert {rule.id: rule for rule in rules(workspace) if rule.id in before} == before
    assert json.loads(str(added.inputs["eventPattern"]))["detail-type"] == ["RestaurantConfirmedOrder"]
    assert deployed(team).bus_arn == deployed(whole).bus_arn
    assert deployed(team).archive_arn is None
    assert team.up("--expect-no-changes").code == 0
    assert whole.up("--expect-no-changes").code == 0


def test_another_account_is_refused_with_the_reason(workspace: Workspace, team: Stack) -> None:
    stranger = dataclasses.replace(workspace, number="999999999999")

    run = dataclasses.replace(team, workspace=stranger).preview()

    assert run.code != 0
    assert "another account" in run.errors[0]
    assert run.steps == []


def test_a_bus_is_not_deleted_under_another_teams_rules(workspace: Workspace, whole: Stack, team: Stack) -> None:
    """What the engine does when one stack's end would break another's: it stops, and says at what."""
    other = dataclasses.replace(whole, name="small").init()
    other.set("services[0]", "loyalty", "--path")
    guest = dataclasses.replace(team, name="small", config={}).init()
    created = other.up()
    guest.set("bus", other.outputs["bus_arn"])
    guest.set("archiveDays", "30")
    joined = guest.up()

    refused = other.destroy()
    left, gone = guest.destroy(), other.destroy()

    assert (created.code, joined.code) == (0, 0)
    assert refused.code != 0
    assert any("is still there" in error for error in refused.errors)
    assert (left.code, gone.code, gone.errors) == (0, 0, [])


def test_payments_become_a_stack_of_their_own(workspace: Workspace, whole: Stack) -> None:
    """No line of code changes: the bus's stack names the services it keeps, and another stack the one it takes."""
    patterns = sorted(str(rule.inputs["eventPattern"]) for rule in rules(workspace))
    for position, service in enumerate(SERVICES):
        whole.set(f"services[{position}]", service, "--path")
    payments = dataclasses.replace(whole, name="payments").init()
    for key, value in {
        "services[0]": "payments",
        "busStack": "organization/food-delivery/dev",
        "archiveDays": "14",
    }.items():
        payments.set(key, value, "--path")
    payments.set("secrets.gateway_key", "sk_test", "--secret", "--path")

    shrunk = whole.up()
    moved = payments.up()

    assert shrunk.code == 0, shrunk
    assert moved.code == 0, moved
    assert deployed(payments).functions.keys() >= PAYMENTS
    assert not PAYMENTS & deployed(whole).functions.keys()
    assert deployed(payments).bus_arn == deployed(whole).bus_arn
    assert sorted(str(rule.inputs["eventPattern"]) for rule in rules(workspace)) == patterns
    assert payments.up("--expect-no-changes").code == 0
    assert whole.up("--expect-no-changes").code == 0


def test_an_edit_in_payments_reaches_no_other_stack(whole: Stack) -> None:
    payments = dataclasses.replace(whole, name="payments")
    handler = whole.project / "functions" / "payments" / "reverse_payment.py"
    handler.write_text(handler.read_text() + "\n# Edited.\n")

    mine, others = payments.up(), whole.up("--expect-no-changes")

    assert mine.touched == [("update", FUNCTION, "payments.reverse_payment")]
    assert (others.code, others.steps) == (0, [])


def test_every_stack_comes_down_and_leaves_nothing(workspace: Workspace, whole: Stack, team: Stack) -> None:
    payments = dataclasses.replace(whole, name="payments")

    downs = [stack.destroy() for stack in (payments, team, whole)]

    assert [(down.code, down.errors) for down in downs] == [(0, [])] * 3
    assert workspace.account.every() == []
