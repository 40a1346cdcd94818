"""An order's life on what the program deploys: its environments, its rules, its roles, the runtime's own code."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from moto import mock_aws

from tests.food import DECLINED, HAPPY, REFUSED
from tests.infra.cloud import Cloud


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with mock_aws(config={"lambda": {"use_docker": False}}):
        yield Cloud(tmp_path_factory.mktemp("zips"))


def in_a_minute(_: object) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


def placed(cloud: Cloud, body: object) -> str:
    status, order = cloud.request("orders.place_order", "POST", "/orders", body)
    assert status == 201
    return str(order["order_id"])


def shown(cloud: Cloud, function: str, path: str, order_id: str) -> str:
    status, found = cloud.request(function, "GET", f"{path}/{order_id}", order_id=order_id)
    assert status == 200
    return str(found["status"])


@pytest.mark.parametrize(
    ("body", "order", "payment"),
    [(HAPPY, "delivery_assigned", "charged"), (REFUSED, "cancelled", "refunded"), (DECLINED, "cancelled", "declined")],
    ids=["happy", "refused", "declined"],
)
def test_an_order_comes_to_the_end_that_it_has_on_the_laptop(
    body: object, order: str, payment: str, cloud: Cloud
) -> None:
    order_id = placed(cloud, body)

    cloud.settle()

    assert shown(cloud, "orders.show_order", "/orders", order_id) == order
    assert shown(cloud, "payments.show_payment", "/payments", order_id) == payment


def test_what_could_not_be_published_is_published_by_the_sweeper(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.bus_answers = False
    status, _ = cloud.request("orders.place_order", "POST", "/orders", HAPPY)
    cloud.bus_answers = True
    monkeypatch.setattr("contradance.runtime.aws.environment.SystemClock.now", in_a_minute)

    swept = cloud.sweep()

    assert (status, swept) == (500, 1)
    cloud.settle()
    assert cloud.sweep() == 0


def test_every_kind_of_call_that_the_runtime_makes_was_made(cloud: Cloud) -> None:
    for body in (HAPPY, REFUSED):
        placed(cloud, body)
    cloud.settle()
    cloud.request("orders.list_orders", "GET", "/orders")
    cloud.sweep()

    assert {operation for _, operation in cloud.called} == {
        "GetItem",
        "GetParameters",
        "PutEvents",
        "Query",
        "Scan",
        "TransactWriteItems",
        "UpdateItem",
    }


def test_a_role_refuses_what_its_function_has_no_business_with(cloud: Cloud) -> None:
    entry = {"Source": "food.payments", "DetailType": "PaymentSuccess", "Detail": "{}"}
    bus = cloud.deployment.all("EventBus")["bus"]["name"]
    entry["EventBusName"] = f"arn:aws:events:eu-central-1:123456789012:event-bus/{bus}"
    another = {"pk": {"S": "payments.process_payment|food.orders|1"}}
    once = {"TableName": "food-delivery-dev-once", "Key": another}

    with pytest.raises(AssertionError, match=r"orders\.place_order may not events:PutEvents"):
        cloud.call("orders.place_order", "events", "PutEvents", {"Entries": [entry]})
    with pytest.raises(AssertionError, match=r"loyalty\.add_loyalty_points may not dynamodb:GetItem"):
        cloud.call("loyalty.add_loyalty_points", "dynamodb", "GetItem", once)
