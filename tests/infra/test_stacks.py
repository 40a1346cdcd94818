"""Several stacks: another team on our bus, and a service that moves into a stack of its own."""

import json
from pathlib import Path
from typing import Any

import pytest

from contradance.deployed import Deployed
from contradance.errors import InvalidStack
from contradance.pattern import EventPattern
from functions.choreography import food_delivery
from tests.infra.mocks import ACCOUNT, REGION, Deployment, Recorder
from tests.infra.stack import deployed
from tests.marketing.choreography import marketing

THEIRS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/food-delivery-prod"
PAYMENTS = {"payments.process_payment", "payments.reverse_payment", "payments.show_payment"}


def marketed(folder: Path, recorder: Recorder | None = None, **config: str) -> Deployment:
    values = {"archiveDays": "365", **config}
    return deployed(folder, marketing, secrets=None, stack="prod", recorder=recorder, config=values)


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return deployed(tmp_path_factory.mktemp("owner"), stack="prod")


def test_another_team_subscribes_by_the_arn_of_our_bus(tmp_path: Path) -> None:
    theirs = marketed(tmp_path, bus=THEIRS)

    rule = theirs.all("EventRule")["campaigns.thank_diner"]
    assert rule["eventBusName"] == "food-delivery-prod"
    assert rule["name"] == "marketing-prod-campaigns-thank_diner"
    assert theirs.all("EventTarget")["campaigns.thank_diner"]["eventBusName"] == "food-delivery-prod"
    (allowed,) = theirs.policy("QueuePolicy", "campaigns.thank_diner.dead-letters")["Statement"]
    assert allowed["Condition"]["ArnEquals"]["aws:SourceArn"] == (
        f"arn:aws:events:{REGION}:{ACCOUNT}:rule/food-delivery-prod/marketing-prod-campaigns-thank_diner"
    )


def test_another_team_subscribes_by_the_name_of_our_stack(tmp_path: Path, owner: Deployment) -> None:
    recorder = Recorder(stacks={"food/food-delivery/prod": owner.outputs})

    theirs = marketed(tmp_path, recorder, busStack="food/food-delivery/prod")

    assert theirs.all("EventRule")["campaigns.thank_diner"]["eventBusName"] == "food-delivery-prod"
    assert theirs.outputs["bus_arn"] == owner.outputs["bus_arn"]
    assert theirs.outputs["deployed"]["archiveArn"] == owner.outputs["deployed"]["archiveArn"]
    assert (theirs.outputs["replay_policy"], owner.outputs["replay_policy"] is None) == (None, False)


def test_a_stack_on_anothers_bus_creates_neither_bus_nor_archive_and_says_so(tmp_path: Path) -> None:
    theirs = marketed(tmp_path, bus=THEIRS)

    assert theirs.all("EventBus") == {}
    assert theirs.all("EventArchive") == {}
    told = Deployed.model_validate(theirs.outputs["deployed"])
    assert (told.bus_arn, told.archive_arn, told.api_url) == (THEIRS, None, None)
    assert theirs.all("Table").keys() == {"campaigns.vouchers", "once"}


def test_the_archive_of_a_bus_by_its_arn_is_a_key_beside_it(tmp_path: Path) -> None:
    archive = f"arn:aws:events:{REGION}:{ACCOUNT}:archive/food-delivery-prod"

    theirs = marketed(tmp_path, bus=THEIRS, busArchive=archive)

    told = Deployed.model_validate(theirs.outputs["deployed"])
    assert (told.archive_arn, told.archive_name) == (archive, "food-delivery-prod")
    assert theirs.all("EventArchive") == {}


def test_an_archive_elsewhere_is_refused(tmp_path: Path) -> None:
    recorder = Recorder()

    with pytest.raises(InvalidStack, match="an archive in another account or region than the key bus"):
        marketed(tmp_path, recorder, bus=THEIRS, busArchive=f"arn:aws:events:us-east-1:{ACCOUNT}:archive/x")

    assert recorder.resources == []


def test_what_another_teams_operator_needs_is_an_output_of_the_owner(owner: Deployment) -> None:
    replay, rules = json.loads(owner.outputs["replay_policy"])["Statement"]

    assert replay["Resource"] == [
        f"arn:aws:events:{REGION}:{ACCOUNT}:archive/food-delivery-prod",
        f"arn:aws:events:{REGION}:{ACCOUNT}:replay/*",
    ]
    assert rules["Resource"][1] == f"arn:aws:events:{REGION}:{ACCOUNT}:rule/food-delivery-prod/*"
    used = {"StartReplay", "DescribeReplay", "DescribeArchive", "DescribeEventBus", "DescribeRule", "ListTargetsByRule"}
    assert {f"events:{name}" for name in used} <= {*replay["Action"], *rules["Action"]}


def test_another_team_remembers_as_long_as_our_archive_keeps(tmp_path: Path) -> None:
    theirs = marketed(tmp_path, bus=THEIRS)

    variables = theirs.all("Function")["campaigns.thank_diner"]["environment"]["variables"]
    assert variables["CONTRADANCE_REMEMBER_SECONDS"] == str(365 * 86_400 + 6 * 3600)


def test_our_events_reach_the_other_team(tmp_path: Path) -> None:
    rule = marketed(tmp_path, bus=THEIRS).all("EventRule")["campaigns.thank_diner"]
    event = {
        "source": "food.restaurants",
        "detail-type": "RestaurantConfirmedOrder",
        "detail": {"metadata": {"version": 1}, "data": {}},
    }

    assert EventPattern(rule["eventPattern"]).matches(event)
    assert not EventPattern(rule["eventPattern"]).matches({**event, "source": "food.orders"})


@pytest.mark.parametrize(
    ("bus", "says"),
    [
        (
            THEIRS.replace(ACCOUNT, "210987654321"),
            "stack 'prod' has the key bus, which names a bus in another account, 210987654321; the stack is deployed to 123",
        ),
        (THEIRS.replace(REGION, "us-east-1"), "another region, us-east-1; the stack is deployed to eu-central-1"),
        ("food-delivery-prod", "the key bus, which is not the ARN of an event bus"),
        (THEIRS.replace("event-bus", "rule"), "the key bus, which is not the ARN of an event bus"),
    ],
)
def test_a_bus_elsewhere_is_refused_with_the_reason(bus: str, says: str, tmp_path: Path) -> None:
    recorder = Recorder()

    with pytest.raises(InvalidStack, match=says):
        marketed(tmp_path, recorder, bus=bus)

    assert recorder.resources == []


def test_another_accounts_stack_is_refused_with_the_reason(tmp_path: Path, owner: Deployment) -> None:
    recorder = Recorder(stacks={"food/food-delivery/prod": owner.outputs}, account="210987654321")

    with pytest.raises(InvalidStack, match=r"busStack 'food/food-delivery/prod', which names a bus in another account"):
        marketed(tmp_path, recorder, busStack="food/food-delivery/prod")

    assert recorder.resources == []


def test_a_stack_that_was_never_deployed_is_refused(tmp_path: Path) -> None:
    recorder = Recorder(stacks={})

    with pytest.raises(InvalidStack, match=r"'food/food-delivery/prod', a stack that has no output 'deployed'"):
        marketed(tmp_path, recorder, busStack="food/food-delivery/prod")


def test_once_records_that_end_before_the_owners_archive_are_refused(tmp_path: Path, owner: Deployment) -> None:
    recorder = Recorder(stacks={"food/food-delivery/prod": owner.outputs})

    with pytest.raises(InvalidStack, match=r"archiveDays 29, but the archive of busStack .* keeps events for 30 days"):
        marketed(tmp_path, recorder, busStack="food/food-delivery/prod", archiveDays="29")

    assert recorder.resources == []


def names(deployment: Deployment) -> set[str]:
    return set(deployment.all("Function"))


def test_payments_becomes_a_microservice_of_its_own(tmp_path: Path, owner: Deployment) -> None:
    """What the article calls very simple: the code stays, and two lines of configuration move a service."""
    together = owner
    others = json.dumps([service for service in food_delivery.services if service != "payments"])

    without = deployed(tmp_path, stack="prod", secrets=None, config={"services": others})
    alone = deployed(
        tmp_path,
        stack="payments",
        recorder=Recorder(stacks={"food/food-delivery/prod": without.outputs}),
        config={"services": '["payments"]', "busStack": "food/food-delivery/prod", "archiveDays": "30"},
    )

    assert names(alone) == {*PAYMENTS, "contradance.sweeper"}
    assert names(without) == names(together) - PAYMENTS
    assert rules(alone) | rules(without) == rules(together)
    assert rules(alone).keys().isdisjoint(rules(without))
    assert {each["eventBusName"] for each in alone.all("EventRule").values()} == {"food-delivery-prod"}
    assert set(alone.all("Route")) == {"payments.show_payment"}
    assert set(alone.all("Table")) == {"payments.charges", "once"}
    assert set(alone.all("Parameter")) == {"gateway_key"}
    assert without.all("Parameter") == {}


def rules(deployment: Deployment) -> dict[str, Any]:
    return {name: each["eventPattern"] for name, each in deployment.all("EventRule").items()}


def test_a_service_of_its_own_may_do_what_it_could_and_no_more(tmp_path: Path, owner: Deployment) -> None:
    together = owner
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/food-delivery-prod"

    alone = deployed(tmp_path, stack="payments", config={"services": '["payments"]', "bus": bus, "archiveDays": "30"})

    for name in PAYMENTS:
        before = together.all("RolePolicy")[name]["policy"].replace("food-delivery-prod", "X")
        after = alone.all("RolePolicy")[name]["policy"].replace("food-delivery-prod", "X")
        assert after.replace("food-delivery-payments", "X").replace("/payments/gateway", "/prod/gateway") == before
    (publish,) = [
        each for each in alone.policy("RolePolicy", "contradance.sweeper")["Statement"] if each["Sid"] == "Publish"
    ]
    assert publish["Condition"]["ForAllValues:StringEquals"]["events:source"] == ["food.payments"]
