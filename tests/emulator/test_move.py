"""payments moves from the stack `prod` to one of its own, on MiniStack: the steps of docs/how-to/move-service.md.

What `pulumi up` changes in each step is in tests/engine/test_move.py; here the same changes are made over the API.
"""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest
from typer.testing import CliRunner

from contradance.cli.app import app
from contradance.operate.aws.stack import stack_system
from contradance.operate.ports import System
from contradance.operate.replay import plan, start
from contradance.project import find_project
from contradance.runtime.aws import layout
from functions.choreography import food_delivery
from functions.demo import scenes
from tests.emulator.ministack import MiniStack
from tests.emulator.proxy import Call
from tests.emulator.system import Emulated, as_event
from tests.packaging.project import ROOT

pytestmark = pytest.mark.emulator

PAY, REVERSE = "payments.process_payment", "payments.reverse_payment"
PAYMENTS = [name for name in food_delivery.functions if name.startswith("payments.")]
OWNER = "organization/food-delivery/prod"
SECRETS = {"gateway_key": "a key"}
ENDS = ("delivery_assigned", "cancelled", "cancelled")


class Stacks:
    """Both stacks, and the orders with their ends."""

    def __init__(self, emulator: MiniStack) -> None:
        project = find_project(ROOT)
        plain = {"dashboard": "false"}
        self.old = Emulated(project, emulator, stack="prod", config=plain, secrets=SECRETS)
        alone = {"services": '["payments"]', "busStack": OWNER, "archiveDays": "30", "paused": "true"}
        outputs = {OWNER: self.old.deployment.outputs}
        self.new = Emulated(
            project, emulator, stack="payments", config={**plain, **alone}, secrets=SECRETS, stacks=outputs
        )
        self.orders: dict[str, str] = {}

    def place(self) -> None:
        """Place one order of each kind."""
        for scene, end in zip(scenes, ENDS, strict=False):
            status, order = self.old.request("POST", "/orders", scene.body)
            assert status == 201, order
            self.orders[order["order_id"]] = end

    def settle(self) -> None:
        """Wait until each order has ended, and each delivery is handled in one of the stacks."""
        self.old.wait(lambda: not self.unfinished(), self.unfinished)

    def unfinished(self) -> list[str]:
        done = self.committed()
        return [one for one in self.expected() if not done[one]]

    def expected(self) -> set[str]:
        """Return the key of the once-record of each published event and each of its subscribers, in whichever stack."""
        return {
            key
            for entry in (*self.old.published(), *self.new.published())
            for _, key in self.old.deliveries(entry["EventBusName"], as_event(entry))
            if key is not None
        }

    def committed(self) -> Counter[str]:
        """Return how often each once-record was committed, in both stacks."""
        return Counter(key for one in (self.old, self.new) for call in [*one.proxy.calls] for key in _commits(call))

    def set_rules(self, stack: Emulated, operation: str) -> None:
        """Enable or disable the rules of payments in one stack."""
        for name in (PAY, REVERSE):
            deployed = stack.deployed
            rule = {"Name": deployed.functions[name].rule_name, "EventBusName": deployed.bus_name}
            getattr(stack.aws("events"), operation)(**rule)

    def enabled(self) -> System:
        """Return the new stack as the update that enables it describes it."""
        deployed = self.new.deployed
        functions = {name: one.model_copy(update={"paused": False}) for name, one in deployed.functions.items()}
        return stack_system(deployed.model_copy(update={"functions": functions}), self.new.operator)

    def stop(self) -> None:
        """Stop the old stack's functions, and the polling of their queues."""
        aws, functions = self.old.aws("lambda"), self.old.deployed.functions
        for name in PAYMENTS:
            lambda_name = functions[name].function_name
            aws.put_function_concurrency(FunctionName=lambda_name, ReservedConcurrentExecutions=0)
            for mapping in aws.list_event_source_mappings(FunctionName=lambda_name)["EventSourceMappings"]:
                aws.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)


def _commits(call: Call) -> Iterator[str]:
    """Yield the key of the once-record that a call commits."""
    if call.status != HTTPStatus.OK or call.operation not in ("UpdateItem", "TransactWriteItems"):
        return
    items = [item["Update"] for item in call.request.get("TransactItems", ()) if "Update" in item] or [call.request]
    for item in items:
        values = item.get("ExpressionAttributeValues", {})
        if values.get(":state", {}).get("S") in ("done", "published") and ":done" not in values:
            yield item["Key"][layout.PARTITION]["S"]


@pytest.fixture(scope="module")
def stacks(emulator: MiniStack) -> Iterator[Stacks]:
    made = Stacks(emulator)
    yield made
    made.old.proxy.close()
    made.new.proxy.close()


def moved(stacks: Stacks, monkeypatch: pytest.MonkeyPatch, *options: str) -> tuple[int, Any]:
    """Run `contradance move`; return its exit code and its JSON."""
    monkeypatch.chdir(ROOT)
    named = {"prod": stacks.old.deployed, "payments": stacks.new.deployed}
    monkeypatch.setattr("contradance.operate.aws.stack.outputs_of", lambda name, _: named[name])
    monkeypatch.setattr("contradance.operate.aws.services.Boto", lambda *_: stacks.old.operator)
    words = ["move", "payments", "--from", "prod", "--to", "payments", "--json", *options]
    result = CliRunner().invoke(app, words)
    assert result.stdout, result.output
    return result.exit_code, json.loads(result.stdout)


def test_each_event_is_handled_once_while_payments_moves(stacks: Stacks, monkeypatch: pytest.MonkeyPatch) -> None:
    stacks.place()
    stacks.settle()
    first_code, first = moved(stacks, monkeypatch, "--yes")  # while the old stack still handles

    begun = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    stacks.set_rules(stacks.old, "disable_rule")
    before = stacks.committed()
    stacks.place()  # these wait in the archive
    stacks.stop()
    code, copied = moved(stacks, monkeypatch, "--yes")
    stacks.set_rules(stacks.new, "enable_rule")
    stacks.place()
    enabled = stacks.enabled()
    for name in (PAY, REVERSE):
        start(enabled, plan(enabled, food_delivery, name, begun, datetime.now(UTC), identifier=name[9:]))
    stacks.settle()

    assert (first_code, first["complete"]) == (1, False)
    assert [one["copied"] for one in first["copied"]] == [3, 4]  # three charges; three payments and a refund
    assert (code, copied["complete"], copied["obstacles"]) == (0, True, [])
    assert {key: count for key, count in stacks.committed().items() if key in stacks.expected() and count != 1} == {}
    assert len(stacks.expected()) > len(before)
    statuses = {one["order_id"]: one["status"] for one in stacks.old.documents()["orders.orders"]}
    assert statuses == stacks.orders
    assert len(stacks.new.documents()["payments.charges"]) == len(stacks.orders) == 9
    assert len(stacks.old.documents()["payments.charges"]) == 3
    asked = [parameters for operation, parameters in stacks.new.operator.asked if operation == "start_replay"]
    assert {one["EventSourceArn"] for one in asked} == {stacks.old.deployed.archive_arn}
    assert stacks.old.proxy.denied == stacks.new.proxy.denied == []
