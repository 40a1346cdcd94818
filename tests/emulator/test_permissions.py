"""The check that the emulator's proxy makes of each call, by itself: it needs no emulator."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.emulator.proxy import Proxy
from tests.infra.mocks import ACCOUNT, REGION
from tests.infra.stack import deployed

PAYMENT = "payments.process_payment"
HERE = f"{REGION}:{ACCOUNT}"
EVENT = {
    "EventBusName": f"arn:aws:events:{HERE}:event-bus/food-delivery-dev",
    "Source": "food.payments",
    "DetailType": "PaymentSuccess",
    "Detail": "{}",
}
QUEUES = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/food-delivery-dev-payments-process_payment"
ONCE = {"TableName": "food-delivery-dev-once", "Key": {"pk": {"S": f"{PAYMENT}|food.orders|1"}}}
CHARGE = {"TableName": "food-delivery-dev-payments-charges", "Item": {"pk": {"S": "1"}}}
CALLS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "publish": ("AWSEvents.PutEvents", {"Entries": [EVENT]}),
    "take the lease": ("DynamoDB_20120810.UpdateItem", ONCE),
    "commit": ("DynamoDB_20120810.TransactWriteItems", {"TransactItems": [{"Update": ONCE}, {"Put": CHARGE}]}),
    "dead-letter": ("AmazonSQS.SendMessage", {"QueueUrl": f"{QUEUES}-dead-letters"}),
    "hide": ("AmazonSQS.ChangeMessageVisibility", {"QueueUrl": QUEUES, "VisibilityTimeout": 180}),
    "read the secret": ("AmazonSSM.GetParameters", {"Names": ["/food-delivery/dev/gateway_key"]}),
}
"""Calls that the function makes, each with its target and its request."""


class Answering(Proxy):
    """Answers what it allows, instead of an emulator."""

    def _ask(self, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, b"{}"


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> str:
    config = {"services": '["payments"]', "dashboard": "false"}
    return str(deployed(tmp_path_factory.mktemp("zips"), config=config).all("RolePolicy")[PAYMENT]["policy"])


def refused(policy: str, function: str = PAYMENT) -> dict[str, list[str]]:
    """Return what is denied of each call that is refused."""
    proxy = Answering(0)
    proxy.policies[PAYMENT] = policy
    found: dict[str, list[str]] = {}
    for name, (target, request) in CALLS.items():
        denied = len(proxy.denied)
        status, _, answer = proxy.forward(function, {"x-amz-target": target}, json.dumps(request).encode())
        assert (status == 200) == (denied == len(proxy.denied))
        if status != 200:
            assert b"AccessDenied" in answer
            found[name] = proxy.denied[denied:]
    return found


def test_a_function_may_make_the_calls_of_its_life(policy: str) -> None:
    assert refused(policy) == {}


def test_without_one_statement_of_its_policy_a_call_is_denied(policy: str) -> None:
    statements = json.loads(policy)["Statement"]
    used = [one for one in statements if not any(action.startswith("logs:") for action in one["Action"])]
    assert len(used) >= 5

    for missing in used:
        denied = refused(json.dumps({"Statement": [one for one in statements if one != missing]}))

        assert denied, missing
        assert all(f"{PAYMENT} may not " in each for found in denied.values() for each in found)


def test_a_function_may_not_make_the_calls_of_another(policy: str) -> None:
    assert refused(policy, "payments.reverse_payment").keys() == CALLS.keys()


def test_an_operation_is_refused_while_a_test_asks_for_it(policy: str) -> None:
    proxy = Answering(0)
    proxy.policies[PAYMENT] = policy
    target, request = CALLS["publish"]

    def status() -> int:
        return proxy.forward(PAYMENT, {"x-amz-target": target}, json.dumps(request).encode())[0]

    with proxy.refusing(PAYMENT, "PutEvents"):
        assert status() == 400
    assert status() == 200
    assert proxy.denied == []
    assert [call.status for call in proxy.calls] == [400, 200]
