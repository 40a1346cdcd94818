"""DynamoDB, EventBridge, SQS and SSM as moto plays them, and what a deployed function needs of them."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3  # type: ignore[import-untyped]  # boto3 has no types
from moto import mock_aws

from contradance.runtime.aws import layout, variable_names
from contradance.runtime.aws.boto import BotoCaller
from contradance.runtime.aws.caller import Caller
from contradance.runtime.aws.retry_budget import RetryBudget
from contradance.runtime.aws.store import DynamoDBStore
from contradance.runtime.ports import Clock

REGION = "eu-central-1"
ACCOUNT = "123456789012"
ONCE_TABLE = "desk-once"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
}
REMEMBER_SECONDS = 1_000_000


@cache
def client(service: str) -> Any:
    """Return boto3's client of moto; one serves every moto, and takes long to make."""
    return boto3.client(
        service,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],  # else it keeps those of the moment when it is made
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )


class OneAtATime:
    """Calls moto from one thread at a time: it has no locks, where DynamoDB changes each item in one step."""

    def __init__(self, aws: Caller) -> None:
        self._aws = aws
        self._lock = threading.Lock()

    def call(self, service: str, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            return self._aws.call(service, operation, request)


class Tables(dict[str, str]):
    """Deployed names of tables; one is made when it is first asked for, with a sort key where its name says so."""

    def __init__(self, with_sort_key: Callable[[str], bool]) -> None:
        super().__init__()
        self._with_sort_key = with_sort_key
        self._lock = threading.Lock()

    def get(self, table: str, default: Any = None) -> Any:
        with self._lock:
            if table not in self:
                name = f"desk-{table.replace('.', '-')}"
                make_table(name, sort_key=self._with_sort_key(table))
                self[table] = name
        return self[table]


def make_table(name: str, *, sort_key: bool) -> None:
    """Make a table as it is deployed."""
    parts = [(layout.PARTITION, "HASH"), *([(layout.SORT, "RANGE")] if sort_key else [])]
    client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": part, "AttributeType": "S"} for part, _ in parts],
        KeySchema=[{"AttributeName": part, "KeyType": kind} for part, kind in parts],
    )


def make_once_table() -> None:
    """Make the table of once-records as it is deployed."""
    client("dynamodb").create_table(
        TableName=ONCE_TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": layout.PARTITION, "AttributeType": "S"},
            {"AttributeName": layout.SHARD, "AttributeType": "S"},
            {"AttributeName": layout.LEASE_EXPIRES, "AttributeType": "N"},
        ],
        KeySchema=[{"AttributeName": layout.PARTITION, "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": layout.UNPUBLISHED,
                "KeySchema": [
                    {"AttributeName": layout.SHARD, "KeyType": "HASH"},
                    {"AttributeName": layout.LEASE_EXPIRES, "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )


@contextmanager
def moto_with_once_table() -> Iterator[None]:
    """Run moto, with nothing but the table of once-records."""
    with mock_aws():
        make_once_table()
        yield


def dynamodb_store(clock: Clock, with_sort_key: Callable[[str], bool], aws: Caller | None = None) -> DynamoDBStore:
    """Return a store whose tables are made when they are first used."""
    return DynamoDBStore(
        aws or OneAtATime(BotoCaller(client)),
        tables=Tables(with_sort_key),
        once_table=ONCE_TABLE,
        remember_seconds=REMEMBER_SECONDS,
        clock=clock,
        retry_budget=RetryBudget(sleep=lambda _: None),
    )


def deployed(**more: str) -> dict[str, str]:
    """Return the environment of a deployed function."""
    return {
        **CREDENTIALS,
        variable_names.BUS: "desk",
        variable_names.ONCE_TABLE: ONCE_TABLE,
        variable_names.REMEMBER_SECONDS: str(REMEMBER_SECONDS),
        **more,
    }
