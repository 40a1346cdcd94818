"""Payments move to a stack of their own on MiniStack, step by step as the page about it; orders come all the time."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from contradance.cli.app import app
from contradance.deployed import OUTPUT
from contradance.operate.dead_letters import purge
from contradance.operate.replay import plan, start
from contradance.project import find_project
from contradance.runtime.aws import layout
from functions.choreography import food_delivery
from tests.emulator.ministack import MiniStack
from tests.emulator.proxy import Call
from tests.emulator.system import Emulated
from tests.food import DECLINED, HAPPY, REFUSED
from tests.packaging.project import ROOT

pytestmark = pytest.mark.emulator

PAYMENTS = [function.name for function in food_delivery.functions.values() if function.service == "payments"]
PROCESS, REVERSE = "payments.process_payment", "payments.reverse_payment"
ENDS = {"happy": ("delivery_assigned", HAPPY), "refused": ("cancelled", REFUSED), "declined": ("cancelled", DECLINED)}


class Stacks(NamedTuple):
    """Both stacks during the move."""

    old: Emulated
    new: Emulated
    began: datetime


@pytest.fixture(scope="module")
def stacks(food_system: Emulated, emulator: MiniStack) -> Iterator[Stacks]:
    began, old = datetime.now(UTC).replace(microsecond=0), food_system.deployed
    config = {
        "services": '["payments"]',
        "paused": "true",
        "bus": old.bus_arn,
        "busArchive": str(old.archive_arn),
        "archiveDays": "30",
    }
    new = Emulated(find_project(ROOT), emulator, config=config, secrets={"gateway_key": "a key"}, stack="payments")
    yield Stacks(food_system, new, began)
    new.proxy.close()


@pytest.fixture(scope="module")
def orders() -> dict[str, str]:
    """The expected status of each order, by its id."""
    return {}


def place(stacks: Stacks, orders: dict[str, str]) -> list[str]:
    """Place an order for each end, and return the ids."""
    placed = []
    for status, body in ENDS.values():
        answer, order = stacks.old.request("POST", "/orders", body)
        assert answer == 201
        orders[order["order_id"]] = status
        placed.append(order["order_id"])
    return placed


def statuses(stacks: Stacks) -> dict[str, str]:
    return {order["order_id"]: order["status"] for order in stacks.old.documents()["orders.orders"]}


def ended(stacks: Stacks, orders: dict[str, str]) -> bool:
    """Whether every order has its expected status, and every refused one its refund."""
    refunds = [row for row in stacks.new.documents()["payments.charges"] if row["refund"]]
    refused = [one for one in published(stacks, "PaymentReversed") if one in orders]
    return orders.items() <= statuses(stacks).items() and bool(refunds) and len(refused) * len(ENDS) == len(orders)


def published(stacks: Stacks, detail_type: str) -> Counter[str]:
    """Return how many events of a kind both stacks published about each order; an event may be published twice."""
    entries = [*stacks.old.published(), *stacks.new.published()]
    found = [json.loads(one["Detail"])["metadata"] for one in entries if one["DetailType"] == detail_type]
    return Counter(subject for subject, _ in {(str(one["subject"]), one["event_id"]) for one in found})


def commits(stacks: Stacks) -> Counter[str]:
    """Return how often each once-record was committed, by its key, in both stacks."""
    return Counter(key for one in stacks[:2] for call in [*one.proxy.calls] for key in committed_by(call))


def committed_by(call: Call) -> Iterator[str]:
    """Yield the key of the once-record that a call commits."""
    if call.status == HTTPStatus.OK and call.operation in ("UpdateItem", "TransactWriteItems"):
        items = [item["Update"] for item in call.request.get("TransactItems", ()) if "Update" in item]
        for item in items or [call.request]:
            values = item.get("ExpressionAttributeValues", {})
            if values.get(":state", {}).get("S") in ("done", "published") and ":done" not in values:
                yield item["Key"][layout.PARTITION]["S"]


def move(stacks: Stacks, folder: Path, *options: str) -> Any:
    """Return what `contradance move` prints as JSON, for the stacks as they are."""
    for name, system in (("old", stacks.old), ("new", stacks.new)):
        outputs = {OUTPUT: system.deployed.model_dump(mode="json", by_alias=True)}
        (folder / name).write_text(json.dumps(outputs), encoding="utf-8")
    command = ["move", "payments", "--from", str(folder / "old"), "--to", str(folder / "new"), "--json", *options]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("contradance.operate.aws.services.Boto", lambda _: stacks.old.operator)
        result = CliRunner().invoke(app, command)
    return json.loads(result.stdout)


def test_the_new_stack_starts_paused_and_the_old_one_goes_on(
    stacks: Stacks, orders: dict[str, str], tmp_path: Path
) -> None:
    place(stacks, orders)
    stacks.old.settle()

    dry_run = move(stacks, tmp_path)

    assert orders.items() <= statuses(stacks).items()
    assert stacks.new.documents() == {"payments.charges": []}
    assert dry_run["copied"] == []
    assert {*PAYMENTS} <= {one["what"].partition(" in ")[0] for one in dry_run["obstacles"]}


def test_the_old_stack_is_paused_drained_and_stopped(stacks: Stacks, orders: dict[str, str], tmp_path: Path) -> None:
    for name in (PROCESS, REVERSE):
        rule = stacks.old.deployed.functions[name].rule_name
        stacks.old.aws("events").disable_rule(Name=rule, EventBusName=stacks.old.deployed.bus_name)
    waiting = place(stacks, orders)
    stacks.old.settle(without=[PROCESS, REVERSE])
    for name in (PROCESS, REVERSE):
        assert all(one.outcome == "deleted" for one in purge(stacks.old.system, food_delivery, name, really=True))
    for name in PAYMENTS:
        stacks.old.aws("lambda").put_function_concurrency(
            FunctionName=stacks.old.deployed.functions[name].function_name, ReservedConcurrentExecutions=0
        )

    assert {statuses(stacks)[order_id] for order_id in waiting} == {"placed"}
    assert move(stacks, tmp_path)["obstacles"] == []


def test_the_rows_are_copied_and_a_second_copy_finds_nothing(stacks: Stacks, tmp_path: Path) -> None:
    first, second = (move(stacks, tmp_path, "--yes") for _ in range(2))

    assert [one["what"] for one in first["copied"] if one["copied"]] == ["table payments.charges", "once-records"]
    assert [one["what"] for one in second["copied"] if one["copied"]] == []
    assert (first["complete"], second["complete"]) == (True, True)
    old, new = ({row["order_id"]: row for row in one.documents()["payments.charges"]} for one in stacks[:2])
    assert new == old


def test_the_new_stack_handles_what_came_between_by_a_replay_and_all_else_once(
    stacks: Stacks, orders: dict[str, str]
) -> None:
    before = {row["order_id"]: row for row in stacks.new.documents()["payments.charges"]}
    stacks.new.resume()

    first, last = stacks.began, datetime.now(UTC) + timedelta(seconds=1)
    for name in (PROCESS, REVERSE):
        start(stacks.new.system, plan(stacks.new.system, food_delivery, name, first, last, identifier=name))
    stacks.new.wait(lambda: ended(stacks, orders), lambda: (orders, statuses(stacks)))
    place(stacks, orders)
    stacks.new.wait(lambda: ended(stacks, orders), lambda: (orders, statuses(stacks)))
    stacks.old.settle(without=PAYMENTS)

    after = {row["order_id"]: row for row in stacks.new.documents()["payments.charges"]}
    assert before.items() <= after.items()
    assert orders.keys() <= after.keys()
    paid, refunded = published(stacks, "PaymentSuccess"), published(stacks, "PaymentReversed")
    assert {**paid, **refunded, **published(stacks, "PaymentFailed")}.keys() >= orders.keys()
    assert {*paid.values(), *refunded.values(), *published(stacks, "PaymentFailed").values()} == {1}
    committed = commits(stacks)
    assert len(committed) > len(orders)
    assert {key: count for key, count in committed.items() if count != 1} == {}
    asked = [parameters for operation, parameters in stacks.new.operator.asked if operation == "start_replay"]
    assert [one["EventSourceArn"] for one in asked] == [stacks.old.deployed.archive_arn] * 2
    assert [one["Destination"]["FilterArns"] for one in asked] == [
        [stacks.new.deployed.functions[name].rule_arn] for name in (PROCESS, REVERSE)
    ]
    assert stacks.new.proxy.denied == []
