"""Reads and writes the items of a function's tables in DynamoDB."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

from contradance.errors import WorkError
from contradance.runtime.aws import layout, variable_names
from contradance.runtime.aws.caller import Caller
from contradance.runtime.aws.record import DynamoItem
from contradance.runtime.ports import ABSENT, Item, Write
from contradance.unit import ItemKey


class DynamoDBTables:
    """Reads items with strong consistency, and converts the writes of a unit of work."""

    def __init__(self, aws: Caller, tables: Mapping[str, str]) -> None:
        self._aws = aws
        self._tables = tables

    def get(self, table: str, key: ItemKey) -> Item | None:
        """Return a committed item, read with strong consistency; None when it does not exist."""
        request = {"TableName": self._name(table), "Key": _key(key), "ConsistentRead": True}
        found = self._aws.call("dynamodb", "GetItem", request).get("Item")
        return _item(found) if found else None

    def query(self, table: str, partition: str) -> list[Item]:
        """Return the items of one partition, ordered by sort key; empty when there are none."""
        request = {
            "TableName": self._name(table),
            "ConsistentRead": True,
            "KeyConditionExpression": f"{layout.PARTITION} = :partition",
            "ExpressionAttributeValues": {":partition": {"S": partition}},
        }
        return [_item(item) for page in self._pages("Query", request) for item in page]

    def scan(self, table: str, limit: int, after: ItemKey | None) -> list[Item]:
        """Return up to `limit` items after the key `after`, in the order of DynamoDB's hashes."""
        request: dict[str, Any] = {"TableName": self._name(table), "ConsistentRead": True, "Limit": limit}
        if after is not None:
            request["ExclusiveStartKey"] = _key(after)
        found: list[Item] = []
        for page in self._pages("Scan", request):
            found += map(_item, page)
            if len(found) >= limit:
                break
            request["Limit"] = limit - len(found)
        return found

    def written(self, write: Write) -> dict[str, Any]:
        """Return one write in the form of TransactWriteItems, with the condition on its expected version."""
        change: dict[str, Any] = {"TableName": self._name(write.table)}
        if write.expected == ABSENT:
            change["ConditionExpression"] = f"attribute_not_exists({layout.PARTITION})"
        elif write.expected is not None:
            change["ConditionExpression"] = "#version = :seen"
            change["ExpressionAttributeNames"] = {"#version": layout.VERSION}
            change["ExpressionAttributeValues"] = {":seen": {"S": write.expected}}
        if write.document is None:
            return {"Delete": {**change, "Key": _key(write.key)}}
        content = {layout.DOCUMENT: {"S": write.document}, layout.VERSION: {"S": uuid4().hex}}
        return {"Put": {**change, "Item": {**_key(write.key), **content}}}

    def _pages(self, operation: str, request: dict[str, Any]) -> Iterator[list[DynamoItem]]:
        """Yield the items page by page, up to 1 MB each; the next page begins after the last key of the one before."""
        while True:
            page = self._aws.call("dynamodb", operation, request)
            yield page["Items"]
            if not (last := page.get("LastEvaluatedKey")):
                return
            request["ExclusiveStartKey"] = last

    def _name(self, table: str) -> str:
        """Return the deployed name of a table; raise `WorkError` when the function has none."""
        name = self._tables.get(table)
        if name is None:
            raise WorkError(
                f"table {table} is not deployed for this function: {variable_names.TABLES} does not name it.\n"
                "  Deploy the function again: its uses=[...] lists its tables."
            )
        return name


def _key(key: ItemKey) -> dict[str, dict[str, str]]:
    """Return a key in DynamoDB's JSON; a table without a sort key has no range key."""
    partition, sort = key
    return {layout.PARTITION: {"S": partition}, **({layout.SORT: {"S": sort}} if sort else {})}


def _item(item: DynamoItem) -> Item:
    """Return the runtime's item for an item of DynamoDB; its sort key is empty when the table has none."""
    key = (item[layout.PARTITION]["S"], item[layout.SORT]["S"] if layout.SORT in item else "")
    return Item(key, item[layout.VERSION]["S"], item[layout.DOCUMENT]["S"])
