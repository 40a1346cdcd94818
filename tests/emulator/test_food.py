"""The food delivery system on MiniStack, beside the laptop."""

import contextlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from contradance import Contract
from contradance.local.state.journal_table import STATE_FILE
from contradance.operate.dead_letter import DeadLetter
from contradance.operate.doctor import examine
from contradance.operate.replay import plan, start
from contradance.runtime.aws.boto import _METHODS
from food_contracts.orders import OrderPlaced
from food_contracts.restaurants import RestaurantConfirmedOrder
from functions.choreography import food_delivery
from functions.demo import scenes
from tests.emulator.system import Emulated
from tests.emulator.tables import comparable
from tests.food import HAPPY, food

pytestmark = pytest.mark.emulator

BUS = "food-delivery-dev"
PLACE, PAYMENT, MAILS = "orders.place_order", "payments.process_payment", "notifications.notify_customer"
POINTS, SWEEPER = "loyalty.add_loyalty_points", "contradance.sweeper"


@pytest.fixture(scope="module")
def system(food_system: Emulated) -> Emulated:
    return food_system


@pytest.fixture(scope="module")
def lost(system: Emulated) -> str:
    """Place an order whose event is not published, without a sweeper, and return the id of the order."""
    system.set_schedule(SWEEPER, "DISABLED")
    with system.proxy.refusing(PLACE, "PutEvents"):
        status, _ = system.request("POST", "/orders", order_of("lost"))
    assert status == 500
    return order_id_of(system, "lost")


def order_of(customer: str) -> dict[str, Any]:
    """Return a request for an order that ends well."""
    return HAPPY | {"customer": {"customer_id": customer, "name": "A Customer", "email": "customer@example.com"}}


def order_id_of(system: Emulated, customer: str) -> str:
    orders = system.documents()["orders.orders"]
    (order_id,) = [order["order_id"] for order in orders if order["customer"]["customer_id"] == customer]
    return str(order_id)


def placed(system: Emulated, body: object) -> str:
    status, order = system.request("POST", "/orders", body)
    assert status == 201, order
    return str(order["order_id"])


def shown(system: Emulated, path: str) -> Any:
    status, answer = system.request("GET", path)
    return answer if status == 200 else None


def published(system: Emulated, detail_type: str) -> dict[str, Any]:
    """Return the last event of a kind, as a function published it."""
    return [entry for entry in system.published() if entry["DetailType"] == detail_type][-1]


def published_about(system: Emulated, order_id: str) -> list[dict[str, Any]]:
    """Return the events of an order, as functions published them."""
    return [entry for entry in system.published() if json.loads(entry["Detail"])["metadata"]["subject"] == order_id]


def another(entry: dict[str, Any], **data: object) -> dict[str, Any]:
    """Return an event like one that was published, with an id of its own, and with other data."""
    detail = json.loads(entry["Detail"])
    detail["metadata"]["event_id"] = str(uuid4())
    detail["data"] |= data
    return {**entry, "Detail": json.dumps(detail)}


def failed(system: Emulated, function: str) -> list[DeadLetter]:
    """Return the dead letters of events that a function raised on."""
    return [letter for letter in system.letters(function) if letter.reason == "failed"]


def leases(system: Emulated) -> Counter[str]:
    """Return how often each once-record was updated, by its key."""
    calls = [call for call in system.proxy.calls if call.operation == "UpdateItem"]
    return Counter(call.request["Key"]["pk"]["S"] for call in calls)


def on_the_laptop(state: Path) -> dict[str, list[str]]:
    """Return what is in every table of the laptop after the orders of the demo."""
    with food(state) as system:
        orders = [system.order(scene.body) for scene in scenes]
    documents: dict[str, list[Any]] = {name: [] for name in food_delivery.tables}
    with contextlib.closing(sqlite3.connect(state / STATE_FILE)) as connection:
        for table, document in connection.execute("SELECT table_name, document FROM item"):
            documents[table].append(json.loads(document))
    return comparable(documents, orders)


@contextlib.contextmanager
def disabled(system: Emulated, function: str) -> Iterator[None]:
    """Disable a subscriber's rule for a while."""
    rule = {"Name": system.deployed.functions[function].rule_name, "EventBusName": BUS}
    system.aws("events").disable_rule(**rule)
    yield
    system.aws("events").enable_rule(**rule)


def test_doctor_finds_nothing_wrong(system: Emulated) -> None:
    checks = [*examine(system.system, system.choreography)]

    assert {check.what for check in checks} >= {f"bus {BUS}", f"archive {BUS}", f"rule of {PAYMENT}"}
    assert [check for check in checks if check.trouble] == []


def test_orders_end_with_the_same_rows_in_every_table_as_on_the_laptop(system: Emulated, tmp_path: Path) -> None:
    orders = []
    for scene in scenes:
        orders.append(placed(system, scene.body))
        system.settle()

    ends = [(shown(system, f"/orders/{one}"), shown(system, f"/payments/{one}")) for one in orders]
    assert [(order["status"], payment and payment["status"]) for order, payment in ends] == [
        ("delivery_assigned", "charged"),
        ("cancelled", "refunded"),
        ("cancelled", "declined"),
        ("placed", None),
    ]
    rows = comparable(system.documents(), orders)
    assert rows == on_the_laptop(tmp_path)
    assert all(rows.values())
    (outage,) = system.letters(PAYMENT)
    assert (outage.reason, outage.attempts) == ("failed", 6)
    assert "GatewayOutage" in outage.error


def test_a_request_whose_event_is_not_published_fails_and_stays_committed(system: Emulated, lost: str) -> None:
    (state,) = [state for key, state in system.once_records().items() if key.startswith(PLACE) and state != "published"]

    assert state == "done"
    assert shown(system, f"/orders/{lost}")["status"] == "placed"


@pytest.mark.parametrize("contract", [OrderPlaced, RestaurantConfirmedOrder])
def test_an_invalid_event_is_a_dead_letter_of_each_subscriber_at_once(
    system: Emulated, contract: type[Contract]
) -> None:
    entry = another(published(system, contract.identity.detail_type), total="a secret")
    event_id = json.loads(entry["Detail"])["metadata"]["event_id"]
    subscribers = [function.name for function in food_delivery.consumers(contract)]
    before = system.documents()

    system.publish(entry)
    system.settle()

    assert subscribers
    for name in subscribers:
        (letter,) = [one for one in system.letters(name) if event_id in json.dumps(one.event)]
        assert (letter.reason, letter.attempts) == ("invalid", None)
        assert "data.total" in letter.error
        assert "a secret" not in letter.error
    assert system.redrive(subscribers[0], "invalid") == ["kept"]
    assert system.documents() == before


def test_behind_a_queue_a_dead_letter_is_redriven_when_its_cause_is_gone(system: Emulated) -> None:
    with system.proxy.refusing(PAYMENT, "TransactWriteItems"):
        order_id = placed(system, order_of("grace"))
        system.settle()
    (letter,) = [one for one in failed(system, PAYMENT) if order_id in json.dumps(one.event)]

    outcomes = system.redrive(PAYMENT, "failed")
    system.settle()

    assert (letter.attempts, "TransactWriteItems" in letter.error) == (6, True)
    assert outcomes == ["redriven"] * 2
    assert shown(system, f"/orders/{order_id}")["status"] == "delivery_assigned"
    (outage,) = failed(system, PAYMENT)
    assert "GatewayOutage" in outage.error


def test_a_direct_subscriber_has_three_attempts_and_its_dead_letter_is_redriven(system: Emulated) -> None:
    entry, mails = another(published(system, "RestaurantConfirmedOrder")), system.documents()["notifications.mailbox"]
    calls, letters = len(system.proxy.calls), system.dead_letters(MAILS)

    with system.proxy.refusing(MAILS, "UpdateItem"):
        system.invoke(MAILS, entry)
        system.wait(lambda: system.dead_letters(MAILS) > letters, lambda: "no dead letter")
    (letter,) = failed(system, MAILS)
    attempts = [one for one in system.proxy.calls[calls:] if one.function == MAILS]
    outcomes = system.redrive(MAILS, "failed")
    system.wait(lambda: len(system.documents()["notifications.mailbox"]) > len(mails), lambda: "no mail")

    assert [one.operation for one in attempts] == ["UpdateItem"] * 3
    assert (letter.attempts, "UpdateItem" in letter.error) == (3, True)
    assert outcomes == ["redriven"]
    assert failed(system, MAILS) == []


def test_a_replay_brings_a_subscriber_what_it_missed_and_changes_nothing_else(system: Emulated) -> None:
    first = datetime.now(UTC).replace(microsecond=0)
    with disabled(system, POINTS):
        order_id = placed(system, order_of("barbara"))
        system.settle(without=[POINTS])
    before, seen = system.documents(), leases(system)
    ids = {json.loads(entry["Detail"])["metadata"]["event_id"] for entry in published_about(system, order_id)}
    completed = [key for key in system.once_records() if key.rpartition("|")[2] in ids]

    last = datetime.now(UTC) + timedelta(seconds=1)
    planned = plan(system.system, food_delivery, POINTS, first, last, identifier="gap")
    start(system.system, planned)
    system.settle()
    system.wait(lambda: all(leases(system)[key] > seen[key] for key in completed), lambda: leases(system))

    assert len(completed) == 7  # the eight deliveries of an order that ends well, without the points
    after = system.documents()
    missed = [row for row in after["loyalty.awards"] if row not in before["loyalty.awards"]]
    assert [row["order_id"] for row in missed] == [order_id]
    assert {**after, "loyalty.awards": []} == {**before, "loyalty.awards": []}
    assert system.system.replays.status(planned.name).state == "COMPLETED"
    (asked,) = [parameters for operation, parameters in system.operator.asked if operation == "start_replay"]
    rule = system.aws("events").describe_rule(Name=system.deployed.functions[POINTS].rule_name, EventBusName=BUS)
    assert asked["Destination"]["FilterArns"] == [rule["Arn"]]


def test_the_sweeper_runs_on_its_schedule_and_publishes_what_was_committed(system: Emulated, lost: str) -> None:
    def swept() -> bool:
        return any((call.function, call.operation) == (SWEEPER, "PutEvents") for call in system.proxy.calls)

    system.set_schedule(SWEEPER, "ENABLED")
    system.wait(swept, lambda: "not swept")
    system.settle()

    assert shown(system, f"/orders/{lost}")["status"] == "delivery_assigned"
    assert "done" not in system.once_records().values()


def test_every_function_called_aws_and_its_policy_allowed_each_call(system: Emulated) -> None:
    for path in ("/orders", "/customers/grace/loyalty", "/customers/grace/notifications"):
        assert shown(system, path)

    assert system.proxy.denied == []
    assert {call.function for call in system.proxy.calls} == {*system.deployed.functions}
    assert {call.operation for call in system.proxy.calls} == set(_METHODS)
