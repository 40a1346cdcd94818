"""Real zips with the real layer in AWS's own runtime interface client (`awslambdaric`): what Lambda would receive."""

import json
import sys
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any

import pytest

from contradance.catalog.sample import sample
from contradance.local.invocation.record import http_request
from food_contracts.orders import OrderPlaced
from food_contracts.restaurants import RestaurantConfirmedOrder
from tests.food import HAPPY
from tests.infra.mocks import Deployment
from tests.infra.stack import deployed
from tests.packaging.project import Unpacked
from tests.packaging.runtime_api import running
from tests.runtime.fakes import delivered

if find_spec("awslambdaric") is None:
    assert sys.platform != "linux", "awslambdaric is not installed: make .venv/ready"
    pytest.skip("NOT RUN: awslambdaric has wheels for Linux alone", allow_module_level=True)

POINTS, PAYMENT, PLACE = "loyalty.add_loyalty_points", "payments.process_payment", "orders.place_order"


@pytest.fixture(scope="module")
def food(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return deployed(tmp_path_factory.mktemp("zips"), config={"dashboard": "false"})


def request(body: object) -> dict[str, Any]:
    text = json.dumps(body).encode()
    return http_request(
        "POST /orders", "/orders", path_parameters={}, query="", headers={}, body=text, now=datetime.now(UTC)
    )


def message(number: str, placed: OrderPlaced) -> dict[str, Any]:
    sent = str(int(datetime.now(UTC).timestamp() * 1000))
    return {
        "messageId": number,
        "receiptHandle": f"receipt of {number}",
        "body": json.dumps(delivered(placed, event_id=number)),
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": sent},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:food-delivery-dev-payments-process_payment",
    }


def test_a_direct_subscriber_returns_null_and_posts_what_its_handler_raises(
    food: Deployment, unpacked: Unpacked
) -> None:
    event = delivered(sample(RestaurantConfirmedOrder))
    with running(POINTS, unpacked, food.all("Function")[POINTS]) as runtime:
        done = runtime.invoke(event)
        failed = runtime.invoke(event, refusing="TransactWriteItems")

    assert done == ("response", None)
    assert [target.partition(".")[2] for target, _ in runtime.calls] == [
        "UpdateItem",
        "GetItem",
        "TransactWriteItems",
    ] * 2
    assert failed.kind == "error"
    assert failed.body["errorType"] == "AWSCallFailed"
    assert failed.body["errorMessage"].startswith("dynamodb refused TransactWriteItems: ResourceNotFoundException")


def test_a_batch_returns_the_messages_that_the_queue_repeats(food: Deployment, unpacked: Unpacked) -> None:
    paid, outage = (sample(OrderPlaced, payment_token=token) for token in ("tok_visa", "tok_outage"))
    with running(PAYMENT, unpacked, food.all("Function")[PAYMENT]) as runtime:
        posted = runtime.invoke({"Records": [message("paid", paid), message("outage", outage)]})

    published = [one for target, one in runtime.calls if target.endswith("PutEvents")]
    hidden = [one for target, one in runtime.calls if target.endswith("ChangeMessageVisibility")]
    assert posted == ("response", {"batchItemFailures": [{"itemIdentifier": "outage"}]})
    assert [entry["DetailType"] for one in published for entry in one["Entries"]] == ["PaymentSuccess"]
    assert [one["ReceiptHandle"] for one in hidden] == ["receipt of outage"]


def test_a_route_answers_a_request_and_refuses_another(food: Deployment, unpacked: Unpacked) -> None:
    with running(PLACE, unpacked, food.all("Function")[PLACE]) as runtime:
        created = runtime.invoke(request(HAPPY))
        refused = runtime.invoke(request(HAPPY | {"lines": []}))

    assert (created.kind, created.body["statusCode"]) == ("response", 201)
    assert json.loads(created.body["body"])["status"] == "placed"
    assert (refused.kind, refused.body["statusCode"]) == ("response", 422)
    assert "lines" in refused.body["body"]


def test_a_function_that_cannot_be_loaded_is_an_error_of_its_start(food: Deployment, unpacked: Unpacked) -> None:
    declared = food.all("Function")[POINTS]
    environment = {"variables": declared["environment"]["variables"] | {"CONTRADANCE_FUNCTION": "no.such:function"}}
    with running(POINTS, unpacked, {**declared, "environment": environment}) as runtime:
        posted = runtime.posted()

    assert posted.kind == "/init/error"
    assert "No module named 'no'" in posted.body["errorMessage"]
