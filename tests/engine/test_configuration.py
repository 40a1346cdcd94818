"""A stack that is configured wrongly is told so before any resource, and one that uses every switch works."""

import dataclasses
from collections.abc import Iterator, Mapping

import pytest

from tests.engine.projects import food
from tests.engine.stack import REGION, Run, Stack, Workspace

pytestmark = pytest.mark.engine

ELSEWHERE = "arn:aws:events:{}:{}:event-bus/food-delivery-dev"


@pytest.fixture(scope="module")
def stack(workspace: Workspace) -> Stack:
    stack = Stack(workspace, food(workspace), "dev").init()
    stack.set("secrets.gateway_key", "sk_test", "--secret", "--path")
    return stack


@pytest.fixture
def configured(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Yield the stack with the configuration of the test's parameter, which it has for this test alone."""
    file = stack.project / f"Pulumi.{stack.name}.yaml"
    right = file.read_text()
    values: Mapping[str, str] = request.param
    for key, value in values.items():
        stack.set(key, value, "--path")
    yield stack
    file.write_text(right)


def refused(run: Run) -> str:
    """Return the one thing that the program said, after seeing that nothing was to be created."""
    assert run.code != 0
    assert {step["type"] for step in run.steps} <= {"pulumi:pulumi:Stack", "pulumi:providers:aws"}
    (said,) = run.errors
    return said


@pytest.mark.parametrize(
    ("configured", "names"),
    [
        pytest.param({"archiveDay": "7"}, ["food-delivery:archiveDay", "archiveDays"], id="an unknown key"),
        pytest.param({"archiveDays": "many"}, ["food-delivery:archiveDays"], id="a wrong type"),
        pytest.param({"apiAuth": "open"}, ["food-delivery:apiAuth"], id="a value that there is not"),
        pytest.param({"apiAuth": "jwt"}, ["jwtIssuer", "jwtAudience"], id="half of what belongs together"),
        pytest.param(
            {"alarmMail": "a@example.com", "alarmTopic": "arn:aws:sns:eu-central-1:123456789012:t"},
            ["alarmTopic"],
            id="both of two",
        ),
        pytest.param({"services[0]": "kitchens"}, ["kitchens", "restaurants"], id="a service that there is not"),
        pytest.param({"secrets.gateway_key": "sk_test"}, ["secrets.", "--secret"], id="a plain secret"),
        pytest.param({"settings.refusal_rate": "often"}, ["refusal_rate"], id="a setting of a wrong type"),
        pytest.param({"ruleQuota": "5"}, ["rule"], id="more rules than the bus may have"),
        pytest.param({"patternQuota": "100"}, ["pattern"], id="a longer pattern than a rule may have"),
        pytest.param(
            {"bus": ELSEWHERE.format(REGION, "999999999999"), "archiveDays": "14"}, ["account"], id="another account"
        ),
        pytest.param(
            {"bus": ELSEWHERE.format("us-east-1", "123456789012"), "archiveDays": "14"}, ["region"], id="another region"
        ),
    ],
    indirect=["configured"],
)
def test_what_cannot_work_is_refused_before_any_resource(configured: Stack, names: list[str]) -> None:
    said = refused(configured.preview())

    assert all(name in said for name in ["dev", *names]), said
    assert "Fix: " in said or "\n  " in said


def test_a_secret_that_is_not_configured_is_asked_for_before_any_resource(stack: Stack) -> None:
    bare = dataclasses.replace(stack, name="bare").init()

    said = refused(bare.preview())

    assert "gateway_key" in said
    assert "pulumi config set --stack bare --secret" in said


def test_every_switch_at_once_goes_up_stays_up_and_comes_down(stack: Stack, workspace: Workspace) -> None:
    full = dataclasses.replace(stack, name="full").init()
    full.set("secrets.gateway_key", "sk_test", "--secret", "--path")
    for key, value in {
        "apiAuth": "jwt",
        "jwtIssuer": "https://issuer.example.com",
        "jwtAudience[0]": "food",
        "corsOrigins[0]": "https://shop.example.com",
        "ingress[0]": "OrderPlaced",
        "alarmMail": "oncall@example.com",
        "schemaRegistry": "true",
        "tracing": "true",
        "logLevel": "DEBUG",
        "archiveDays": "60",
        "settings.refusal_rate": "0.5",
        'functions["payments.process_payment"].concurrency': "5",
        "tags.team": "food",
    }.items():
        full.set(key, value, "--path")

    up, again, down = full.up(), full.up("--expect-no-changes"), full.destroy()

    assert up.code == 0, up
    assert (again.code, again.steps) == (0, [])
    assert (down.code, down.errors, workspace.account.every()) == (0, [], [])


def test_production_protects_what_holds_data(stack: Stack) -> None:
    production = dataclasses.replace(stack, name="prod").init()
    production.set("secrets.gateway_key", "sk_test", "--secret", "--path")

    run = production.preview()

    made = [step["new"] for step in run.steps]
    protected = {one["type"].rpartition(":")[2] for one in made if one.get("protect")}
    tables = [one for one in made if one["type"] == "aws:dynamodb/table:Table"]
    assert run.code == 0, run
    assert protected == {"EventBus", "EventArchive", "Table"}
    assert {one["inputs"]["deletionProtectionEnabled"] for one in tables} == {True}
    assert {one["inputs"]["pointInTimeRecovery"]["enabled"] for one in tables} == {True}
