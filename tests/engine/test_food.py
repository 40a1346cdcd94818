"""The food delivery system, from its first preview to its end, on the real engine.

The tests are one story, and run in this order.
"""

import json
import re
from dataclasses import replace

import pytest

from contradance.deployed import OUTPUT, Deployed
from functions.choreography import food_delivery
from tests.engine.aws.account import Resource
from tests.engine.aws.demands import FUNCTION, QUEUE, RULE, TARGET, named
from tests.engine.projects import food
from tests.engine.stack import Stack, Workspace

pytestmark = pytest.mark.engine

SECRET = "sk_live_that_nobody_may_read"  # noqa: S105 - no password: what must be found nowhere
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
LAYER = "aws:lambda/layerVersion:LayerVersion"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
PARAMETER = "aws:ssm/parameter:Parameter"


@pytest.fixture(scope="module")
def stack(workspace: Workspace) -> Stack:
    stack = Stack(workspace, food(workspace), "dev").init()
    stack.set("secrets.gateway_key", SECRET, "--secret", "--path")
    return stack


def test_a_preview_foresees_everything_and_creates_nothing(stack: Stack, workspace: Workspace) -> None:
    run = stack.preview()

    assert run.code == 0, run
    assert {op for op, _, _ in run.touched} == {"create"}
    assert workspace.account.every() == []


def test_up_creates_what_the_preview_foresaw(stack: Stack, workspace: Workspace) -> None:
    foreseen = stack.preview()

    run = stack.up()

    assert run.code == 0, run
    assert run.touched == foreseen.touched
    assert len(workspace.account.every()) == sum(type_.startswith("aws:") for _, type_, _ in run.touched)


def test_what_a_resource_names_it_waits_for(stack: Stack) -> None:
    """So it is made after that and goes before it, whichever way the engine runs."""
    state = {one["urn"]: one for one in stack.state() if one["type"].startswith("aws:")}
    there = {
        urn: Resource(one["type"], one["id"], one["inputs"], {**one["outputs"], "id": one["id"]})
        for urn, one in state.items()
    }

    def before(urn: str) -> set[str]:
        direct = set(state[urn].get("dependencies", ())) & state.keys()
        return direct.union(*map(before, direct))

    unawaited = [
        f"{urn} does not wait for what its {place} names"
        for urn, one in there.items()
        for place, _, found in named(one.inputs, [other for other in there.values() if other is not one])
        if not any(there[earlier] in found for earlier in before(urn))
    ]

    assert unawaited == []


def test_each_subscriber_has_one_rule_with_the_laptops_pattern_and_one_target(workspace: Workspace) -> None:
    wanted = sorted(subscribed.subscription.pattern.canonical for subscribed in food_delivery.subscriptions)

    rules = workspace.account.every(RULE)
    targets = workspace.account.every(TARGET)

    assert sorted(str(rule.inputs["eventPattern"]) for rule in rules) == wanted
    assert sorted(str(target.inputs["rule"]) for target in targets) == sorted(
        str(rule.inputs["name"]) for rule in rules
    )


def test_what_the_stack_says_of_itself_is_there(stack: Stack, workspace: Workspace) -> None:
    deployed = Deployed.model_validate(stack.outputs[OUTPUT])

    told = deployed.functions.values()
    account = workspace.account

    def there(kind: str, output: str) -> set[object]:
        return {one.outputs[output] for one in account.every(kind)}

    assert deployed.functions.keys() >= food_delivery.functions.keys()
    assert {one.function_name for one in told} == there(FUNCTION, "name")
    assert {one.log_group for one in told} <= there(LOG_GROUP, "name")
    assert {one.rule_arn for one in told if one.rule_arn} == there(RULE, "arn")
    assert {url for one in told for url in (one.queue_url, one.dead_letter_queue_url) if url} == there(QUEUE, "url")
    assert {name for one in told for name in one.alarms} | {*deployed.alarms} == there(ALARM, "name")
    assert stack.outputs["api_url"] == deployed.api_url


def test_a_secret_is_in_the_parameter_store_and_in_plain_text_nowhere_else(stack: Stack, workspace: Workspace) -> None:
    state = json.dumps(stack.state())
    (parameter,) = workspace.account.every(PARAMETER)
    others = [one for one in workspace.account.every() if one.type != PARAMETER]

    assert (parameter.inputs["type"], parameter.inputs["value"]) == ("SecureString", SECRET)
    assert SECRET not in state
    assert all(SECRET not in json.dumps(one.inputs) for one in others)


def test_up_again_changes_nothing(stack: Stack) -> None:
    run = stack.up("--expect-no-changes")

    assert (run.code, run.steps, run.errors) == (0, [], [])


def test_a_refresh_finds_nothing_changed(stack: Stack) -> None:
    run = stack.refresh("--expect-no-changes")

    assert (run.code, run.changes) == (0, {})


def test_an_edit_of_one_handler_changes_that_function_alone(stack: Stack) -> None:
    handler = stack.project / "functions" / "loyalty" / "add_loyalty_points.py"
    handler.write_text(handler.read_text().replace("POINT: Final = 100", "POINT: Final = 50"))

    run = stack.up()

    assert run.touched == [("update", FUNCTION, "loyalty.add_loyalty_points")]
    assert run.steps[0]["diffs"] == ["code"]


def test_a_changed_dependency_moves_every_function_to_a_new_layer_and_changes_nothing_else(
    stack: Stack, workspace: Workspace
) -> None:
    lock = stack.project / "requirements-lambda.txt"
    lock.write_text(re.sub(r"^jmespath==.*?(?=^\S)", "", lock.read_text(), flags=re.MULTILINE | re.DOTALL))

    run = stack.up()

    (layer,) = workspace.account.every(LAYER)
    functions = workspace.account.every(FUNCTION)
    moves = [("update", FUNCTION, ["layers"])] * len(functions)
    assert run.code == 0, run
    assert all(function.inputs["layers"] == [layer.outputs["arn"]] for function in functions)
    assert [(op, type_) for op, type_, _ in run.touched if type_ != FUNCTION] == [
        ("create-replacement", LAYER),
        ("delete-replaced", LAYER),
        ("replace", LAYER),
    ]
    assert [(step["op"], step["type"], step["diffs"]) for step in run.steps if step["type"] == FUNCTION] == moves


def test_the_same_code_in_another_folder_changes_nothing(stack: Stack) -> None:
    elsewhere = Stack(stack.workspace, stack.project.rename(stack.project.with_name("moved")), stack.name)

    run = elsewhere.up("--expect-no-changes")
    elsewhere.project.rename(stack.project)

    assert (run.code, run.steps) == (0, [])


def test_what_was_changed_by_hand_is_noticed_and_set_right(stack: Stack, workspace: Workspace) -> None:
    notifier = next(one for one in workspace.account.every(FUNCTION) if "notify" in one.id)
    slow = {"timeout": 900}
    workspace.account.change(replace(notifier, inputs=notifier.inputs | slow, outputs=notifier.outputs | slow))

    refreshed = stack.refresh()
    repaired = stack.up()

    assert refreshed.changes == {"update": 1}
    assert repaired.touched == [("update", FUNCTION, "notifications.notify_customer")]
    assert repaired.steps[0]["diffs"] == ["timeout"]


def test_what_was_deleted_by_hand_is_made_again(stack: Stack, workspace: Workspace) -> None:
    target = workspace.account.every(TARGET)[0]
    workspace.account.remove(TARGET, target.id)

    refreshed = stack.refresh()
    repaired = stack.up()

    assert refreshed.changes == {"delete": 1}
    assert [step["op"] for step in repaired.steps] == ["create"]
    assert workspace.account.get(TARGET, target.id) is not None


def test_destroy_leaves_nothing(stack: Stack, workspace: Workspace) -> None:
    run = stack.destroy()

    assert run.code == 0, run
    assert workspace.account.every() == []
    assert stack.state() == []
