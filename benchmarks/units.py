"""AWS calls and DynamoDB units of each function of the food delivery system, and of a whole order.

    python benchmarks/units.py [--quick] [--write]

Nothing is timed: each function runs once over the DynamoDB store, on moto, and every call is counted. Units follow from
the sizes of the items before and after a call, by AWS's rules, which are named below. `bare` is what the same items would
cost if each was written by itself, without a once-record: the price of taking effect once is what is above it.

`--write` writes the result to `tests/runtime/aws/units.json`. A test compares it, and the pages about cost are made of it.
"""

import argparse
import json
import logging
import sys
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parents[1]))

from moto import mock_aws

from contradance.function import AnyFunction
from contradance.local.clock import VirtualClock
from contradance.local.events.entry import envelope
from contradance.local.events.pending_delivery import PendingDelivery
from contradance.local.invocation.record import http_request, sqs_batch
from contradance.local.scene import Scene
from contradance.pattern import RuleIndex
from contradance.runtime.aws import layout
from contradance.runtime.aws.boto import BotoCaller
from contradance.runtime.aws.events import EventBridge, OwnQueue
from contradance.runtime.entry import invoke
from contradance.runtime.journal_record import JournalRecord
from contradance.runtime.ports import Environment
from contradance.table import Grant
from functions.choreography import food_delivery
from functions.demo import scenes
from tests.runtime.aws.moto import ONCE_TABLE, client, dynamodb_store, make_once_table

GOLDEN: Final = Path(__file__).parents[1] / "tests" / "runtime" / "aws" / "units.json"
WRITE_BYTES: Final = 1_024
"""Most bytes that one write unit writes. DynamoDB developer guide, read/write capacity mode."""
READ_BYTES: Final = 4_096
"""Most bytes that one read unit reads, strongly consistent; half a unit otherwise. The same page."""
TRANSACTED: Final = 2
"""Units of an item that a transaction writes, of those that it would cost alone. DynamoDB developer guide, transaction-apis."""
WITH_SORT_KEY: Final = frozenset(
    use.table
    for function in food_delivery.functions.values()
    for use in function.uses
    if isinstance(use, Grant) and len(use.key) > 1
)
DELIVERED, REFUSED = scenes[0], scenes[1]

Item = Mapping[str, Any]


@dataclass
class Cost:
    """What one invocation, or several, costs."""

    calls: Counter[str] = field(default_factory=Counter)
    """By service and operation."""
    read: float = 0
    write: float = 0
    bare: float = 0
    """Write units of the same items, each written by itself, without once-records."""

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.calls + other.calls, self.read + other.read, self.write + other.write, self.bare + other.bare)


class Row(NamedTuple):
    """What one invocation of a function costs."""

    function: str
    trigger: str
    """The route, or the event's detail-type."""
    cost: Cost


def item_bytes(item: Item | None) -> int:
    """Return an item's size: names and values. DynamoDB developer guide, item sizes and formats."""
    return sum(len(name.encode()) + value_bytes(value) for name, value in (item or {}).items())


def value_bytes(value: Mapping[str, Any]) -> int:
    """Return the size of one attribute's value, without its name."""
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "B":
            return len(content)
        case "N":  # a byte for each two digits, without the zeros at both ends, and one more
            digits = content.replace(".", "").strip("0")
            return ceil(len(digits) / 2) + 1
        case "L":
            return 3 + sum(1 + value_bytes(one) for one in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + value_bytes(one) for name, one in content.items())
    raise AssertionError(f"the store writes no {kind}")


def write_units(before: Item | None, after: Item | None) -> int:
    """Return the units of a write: of the larger of both sizes, and one at least."""
    return max(ceil(max(item_bytes(before), item_bytes(after)) / WRITE_BYTES), 1)


def index_units(before: Item | None, after: Item | None) -> int:
    """Return the units that a change of a once-record costs in the index of the unpublished ones, which holds keys.

    An entry is put, deleted, or both where its key changes. The index follows the commit, so no transaction doubles it.
    """
    entries = [
        {name: item[name] for name in (layout.PARTITION, layout.SHARD, layout.LEASE_EXPIRES)}
        for item in (before, after)
        if item and layout.SHARD in item
    ]
    if len(entries) == len((before, after)) and entries[0] == entries[1]:
        return 0
    return sum(write_units(None, entry) for entry in entries)


class Meter:
    """Calls moto, and counts calls and units. PutEvents ends here: its entries wait in `published`."""

    def __init__(self) -> None:
        self.cost = Cost()
        self.published: deque[Mapping[str, str]] = deque()
        self._aws = BotoCaller(client)

    def call(self, service: str, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Count one call, and return its response."""
        self.cost.calls[f"{service}.{operation}"] += 1
        match operation:
            case "PutEvents":
                self.published.extend(request["Entries"])
                return {"FailedEntryCount": 0, "Entries": [{"EventId": "event"} for _ in request["Entries"]]}
            case "UpdateItem":
                return self._write(operation, request, [request], 1)
            case "TransactWriteItems":
                changes = [change for one in request["TransactItems"] for change in one.values()]
                return self._write(operation, request, changes, TRANSACTED)
            case _:
                answer = self._aws.call(service, operation, request)
                read = [answer["Item"]] if "Item" in answer else answer.get("Items", [])
                units = max(ceil(sum(map(item_bytes, read)) / READ_BYTES), 1)
                self.cost.read += units if request.get("ConsistentRead") else units / 2
                return answer

    def _write(
        self, operation: str, request: Mapping[str, Any], changes: Sequence[Mapping[str, Any]], times: int
    ) -> dict[str, Any]:
        """Make a write of several items, and count its units; one that is refused costs as much as what it meets."""
        stored = [*map(_stored, changes)]
        try:
            return self._aws.call("dynamodb", operation, request)
        finally:
            for change, before in zip(changes, stored, strict=True):
                after = _stored(change)
                units = write_units(before, after)
                self.cost.write += times * units
                if change["TableName"] == ONCE_TABLE:
                    self.cost.write += index_units(before, after)
                else:
                    self.cost.bare += units


def _stored(change: Mapping[str, Any]) -> Item | None:
    """Return the item that a change is about, as it is now; None when it does not exist."""
    item = change.get("Key") or change["Item"]
    key = {name: item[name] for name in (layout.PARTITION, layout.SORT) if name in item}
    found: Item | None = client("dynamodb").get_item(TableName=change["TableName"], Key=key).get("Item")
    return found


class Journal:
    """A journal that refuses failures: what fails is not what is to be counted."""

    def write(self, record: JournalRecord) -> None:
        """Check one record."""
        assert record.outcome == "done", record


class Context:
    """Lambda's context."""

    def __init__(self, number: int) -> None:
        self.aws_request_id = f"52fdfc07-2182-454f-963f-{number:012}"

    def get_remaining_time_in_millis(self) -> int:
        """Return half a minute."""
        return 30_000


class System:
    """The food delivery system on AWS as moto plays it, one invocation after the other."""

    def __init__(self) -> None:
        self.meter = Meter()
        self._clock = VirtualClock()
        self._invocations = 0
        patterns = {one.function.name: one.subscription.pattern for one in food_delivery.subscriptions}
        self._rules = RuleIndex(patterns)
        self._environment = Environment(
            store=dynamodb_store(self._clock, lambda table: table in WITH_SORT_KEY, self.meter),
            events=EventBridge(self.meter, {}),
            dead_letters=OwnQueue(self.meter, None),
            journal=Journal(),
            clock=self._clock,
            variables={},
            bus="food-delivery",
        )

    def request(self, key: str, body: object = None, **path: str) -> tuple[Any, Row]:
        """Answer one request to the route `key`; return (JSON of the response, what it cost)."""
        function = next(function for function, route in food_delivery.routes if route.key == key)
        text = "" if body is None else json.dumps(body)
        now = self._clock.now()
        event = http_request(key, key, path_parameters=path, query="", headers={}, body=text.encode(), now=now)
        answer, cost = self._invoke(function, event)
        assert answer["statusCode"] in (200, 201), answer
        return json.loads(answer["body"]), Row(function.name, key, cost)

    def order(self, scene: Scene) -> tuple[str, list[Row]]:
        """Place an order, and make its deliveries; return (its id, what each invocation cost)."""
        placed, row = self.request("POST /orders", scene.body)
        return placed["order_id"], [row, *self._deliveries()]

    def _deliveries(self) -> Iterator[Row]:
        """Deliver every event until none is left; yield what each delivery cost."""
        while self.meter.published:
            event = envelope(self.meter.published.popleft(), self._clock.now())
            for name in sorted(self._rules.matching(event)):
                function = food_delivery.functions[name]
                if function.delivery == "queue":
                    at = self._clock.now().timestamp()
                    pending = PendingDelivery(
                        f"message-{self._invocations:028}", name, 1, at, at, None, json.dumps(event)
                    )
                    _, cost = self._invoke(function, sqs_batch(pending, self._clock.now()))
                else:
                    _, cost = self._invoke(function, event)
                yield Row(name, event["detail-type"], cost)

    def _invoke(self, function: AnyFunction, event: Mapping[str, Any]) -> tuple[Any, Cost]:
        """Invoke a function; return (response, cost)."""
        self._invocations += 1
        self._clock.sleep(0.123456)
        self.meter.cost = Cost()
        answer = invoke(function, event, Context(self._invocations), self._environment)
        assert function.delivery == "direct" or answer == {"batchItemFailures": []}, answer
        return answer, self.meter.cost


def measured() -> dict[str, list[Row]]:
    """Return what each invocation of some courses costs; the ids are the same in each run, and so are the sizes."""
    logging.disable()
    try:
        with mock_aws(), patch("os.urandom", Random(20).randbytes):  # noqa: S311 - sizes, not secrets
            make_once_table()
            system = System()
            order_id, delivered = system.order(DELIVERED)
            _, refused = system.order(REFUSED)
            reads = [
                system.request("GET /orders/{order_id}", order_id=order_id),
                system.request("GET /orders"),
                system.request("GET /payments/{order_id}", order_id=order_id),
                system.request("GET /customers/{customer_id}/loyalty", customer_id="ada"),
                system.request("GET /customers/{customer_id}/notifications", customer_id="ada"),
            ]
    finally:
        logging.disable(logging.NOTSET)
    return {"delivered": delivered, "refused": refused, "read": [row for _, row in reads]}


def total(rows: Sequence[Row]) -> Cost:
    """Return what several invocations cost together."""
    return sum((row.cost for row in rows), Cost())


def as_json(courses: Mapping[str, Sequence[Row]]) -> str:
    """Return the result as JSON, one line for each invocation."""
    lines = {
        course: [{"function": row.function, "trigger": row.trigger, **_plain(row.cost)} for row in rows]
        for course, rows in courses.items()
    }
    lists = (
        f'"{name}": [\n' + ",\n".join(f"    {json.dumps(row)}" for row in rows) + "\n  ]"
        for name, rows in lines.items()
    )
    return "{\n  " + ",\n  ".join(lists) + "\n}\n"


def _plain(cost: Cost) -> dict[str, Any]:
    """Return a cost as JSON has it."""
    return {"calls": dict(sorted(cost.calls.items())), "read": cost.read, "write": cost.write, "bare": cost.bare}


def main(arguments: Sequence[str]) -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description="AWS calls and DynamoDB units of each function.")
    parser.add_argument("--quick", action="store_true", help="no difference: nothing is timed")
    parser.add_argument("--write", action="store_true", help=f"write {GOLDEN.name}, which a test compares")
    options = parser.parse_args(arguments)
    courses = measured()
    if options.write:
        GOLDEN.write_text(as_json(courses), encoding="utf-8")
    print(f"{'':34} {'by':38} {'calls':>6} {'read':>6} {'write':>6} {'bare':>6}")
    for course, rows in courses.items():
        for function, trigger, cost in [*rows, Row(f"together: {course}", "", total(rows))]:
            numbers = f"{cost.calls.total():>6} {cost.read:>6g} {cost.write:>6g} {cost.bare:>6g}"
            print(f"{function:34} {trigger:38} {numbers}", end="")
            print(f" {cost.write / cost.bare:>6.1f}x" if cost.bare else "")


if __name__ == "__main__":
    main(sys.argv[1:])
