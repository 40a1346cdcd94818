"""Two stacks whose tables are in moto, with the rows that the runtime itself writes, for the tests of a move."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from moto import mock_aws

from contradance.choreography import Choreography
from contradance.deployed import Deployed, DeployedTable
from contradance.envelope import SealedEvent
from contradance.identity import Identity
from contradance.local.clock import VirtualClock
from contradance.local.system.deployed import deployed
from contradance.operate.aws.rows import DynamoDBOnceRecords, DynamoDBRows
from contradance.operate.aws.services import BotoService, Service
from contradance.runtime.aws import layout
from contradance.runtime.aws.boto import BotoCaller
from contradance.runtime.aws.retry_budget import RetryBudget
from contradance.runtime.aws.store import DynamoDBStore
from contradance.runtime.once import Lease, OnceKey
from contradance.runtime.ports import Write
from functions.choreography import food_delivery
from tests.operate.fakes import FakeAws, FakeService
from tests.runtime.aws.moto import CREDENTIALS, client, make_table

NOW = datetime.now(UTC).replace(microsecond=0)
CHARGES, PAY, REVERSE = "payments.charges", "payments.process_payment", "payments.reverse_payment"
FUNCTIONS = sorted(name for name in food_delivery.functions if name.startswith("payments."))
SLEPT: list[float] = []


@contextmanager
def two_stacks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run moto with the tables of two stacks, `prod` and `payments`."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        for stack in ("prod", "payments"):
            make_table(f"{stack}-charges", sort_key=False)
            make_table(f"{stack}-once", sort_key=False)
        yield


def store(stack: str, function: str = PAY) -> "Handled":
    return Handled(stack, function)


class Handled:
    """A function of one stack, handling events through the runtime's store."""

    def __init__(self, stack: str, function: str) -> None:
        self.function = function
        self.store = DynamoDBStore(
            BotoCaller(client),
            tables={CHARGES: f"{stack}-charges"},
            once_table=f"{stack}-once",
            remember_seconds=1_000_000,
            clock=VirtualClock(NOW),
            retry_budget=RetryBudget(sleep=lambda _: None),
        )

    def begin(self, event: str, lease_seconds: float = 60) -> tuple[OnceKey, Lease]:
        """Take the lease for an event."""
        key = OnceKey(self.function, "food.orders", event)
        lease = Lease(f"request-{event}", NOW + timedelta(seconds=lease_seconds))
        self.store.begin(key, lease, NOW)
        return key, lease

    def commit(self, event: str, document: str, *, sealed: bool = False, expected: str | None = None) -> OnceKey:
        """Handle an event: write its charge; with `sealed`, its event is not published yet."""
        key, lease = self.begin(event)
        events = (
            [SealedEvent(f"p-{event}", Identity("food.payments", "Paid", 1), event, event, DETAIL)] if sealed else []
        )
        self.store.commit(key, lease, [Write(CHARGES, (event, ""), document, expected)], events, None)
        return key


DETAIL = json.dumps({"metadata": {"event_id": "p", "version": 1, "subject": "s", "correlation_id": "c"}, "data": {}})


def charges(stack: str, aws: Service | None = None) -> DynamoDBRows:
    return DynamoDBRows(FakeAws(dynamodb=aws or dynamodb()), f"{stack}-charges", sleep=SLEPT.append)


def once(stack: str) -> DynamoDBOnceRecords:
    return DynamoDBOnceRecords(FakeAws(dynamodb=dynamodb()), f"{stack}-once", FUNCTIONS, NOW, sleep=SLEPT.append)


def dynamodb() -> BotoService:
    return BotoService("dynamodb", client("dynamodb"))


def documents(stack: str) -> dict[str, str]:
    return {row.key.partition: row.content["document"]["S"] for page in charges(stack).pages() for row in page}


def put_charges(stack: str, documents: Mapping[str, str]) -> None:
    """Put charges into a stack's table, as a function leaves them."""
    items = [
        {layout.PARTITION: {"S": key}, layout.VERSION: {"S": f"v-{key}"}, layout.DOCUMENT: {"S": document}}
        for key, document in documents.items()
    ]
    for first in range(0, len(items), 25):
        puts = [{"PutRequest": {"Item": item}} for item in items[first : first + 25]]
        client("dynamodb").batch_write_item(RequestItems={f"{stack}-charges": puts})


def stack(
    name: str, *, paused: bool, stopped: bool = False, service: str = "payments", of: Choreography = food_delivery
) -> Deployed:
    """Return a stack's description with its tables in moto, and the functions of one service."""
    laptop = deployed(of, "http://127.0.0.1:8700")
    functions = {
        one: function.model_copy(update={"paused": paused, "stopped": stopped, "function_name": f"{name}-{one}"})
        for one, function in laptop.functions.items()
        if one.startswith(f"{service}.")
    }
    table = DeployedTable(table_name=f"{name}-charges", sorted=False)
    changes = {"functions": functions, "once_table": f"{name}-once", "tables": {CHARGES: table}}
    return laptop.model_copy(update=changes)


def services(
    *,
    old: str = "DISABLED",
    new: str = "DISABLED",
    concurrency: int | None = 0,
    there: int | None = 0,
    pattern: str = "{}",
    **counts: int,
) -> FakeAws:
    """Return AWS with moto's DynamoDB, and the rules, queues and limits (the new stack's is `there`) of two stacks."""
    told = {"waiting": 0, "letters": 0, **counts}
    state = {"prod": old, "payments": new}
    limit = {
        name: {} if value is None else {"ReservedConcurrentExecutions": value}
        for name, value in (("prod", concurrency), ("payments", there))
    }
    return FakeAws(
        dynamodb=dynamodb(),
        events=FakeService(
            {
                "describe_rule": lambda Name, **_: {"State": state[Name.partition("/")[0]], "EventPattern": pattern},  # noqa: N803 - AWS's
                "list_targets_by_rule": {"Targets": []},
            }
        ),
        sqs=FakeService(
            {
                "get_queue_attributes": lambda QueueUrl, **_: {  # noqa: N803 - AWS's
                    "Attributes": {
                        "ApproximateNumberOfMessages": str(told["letters" if "dead" in QueueUrl else "waiting"]),
                        "ApproximateNumberOfMessagesDelayed": "0",
                        "ApproximateNumberOfMessagesNotVisible": "0",
                    }
                }
            }
        ),
        **{
            "lambda": FakeService(
                {
                    "get_function_concurrency": lambda FunctionName: limit[FunctionName.partition("-")[0]]  # noqa: N803 - AWS's
                }
            )
        },
    )


def named(deployed: Deployed, name: str) -> Deployed:
    """Return the description with rules that begin with the stack's name, as a deployed stack has them."""
    functions = {
        one: function.model_copy(update={"rule_name": f"{name}/{one}"}) if function.rule_name else function
        for one, function in deployed.functions.items()
    }
    return deployed.model_copy(update={"functions": functions})


OLD = named(stack("prod", paused=True, stopped=True), "prod")
NEW = named(stack("payments", paused=True, stopped=True), "payments")
