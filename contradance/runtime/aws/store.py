"""The unit of work's store on AWS: tables and once-records in DynamoDB, changed by one TransactWriteItems.

A once-record is written up to four times: to take the lease (1), to commit (2), to mark it as published (3), and to give
the lease back (4). What that costs is counted by `benchmarks/units.py`. The laptop's store passes the same conformance tests.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from contradance.envelope import SealedEvent
from contradance.errors import LeaseHeld
from contradance.runtime.aws import layout, record
from contradance.runtime.aws.caller import Caller
from contradance.runtime.aws.record import AttributeValue, DynamoItem, StoredRecord
from contradance.runtime.aws.retry_budget import RetryBudget
from contradance.runtime.aws.tables import DynamoDBTables
from contradance.runtime.aws.transaction import commit_record, commit_with_writes, update
from contradance.runtime.once import Lease, OnceKey, OnceRecord, OnceState, StoredResponse
from contradance.runtime.ports import Clock, Write

_RACES: Final = 5
"""Tries of taking a lease, each after another process changed the record."""
_FREE: Final = f"attribute_not_exists({layout.PARTITION})"
_MINE: Final = "#state = :in_progress AND #holder = :holder"


class DynamoDBStore(DynamoDBTables):
    """`contradance.runtime.ports.Store` over DynamoDB.

    Args:
        aws: calls DynamoDB.
        tables: the deployed name of each table, by its name in the code.
        once_table: the deployed name of the table of once-records.
        remember_seconds: how long a once-record lives after its last change.
        clock: gives the current time.
        retry_budget: the time that the running invocation may still spend on AWS calls.
    """

    def __init__(
        self,
        aws: Caller,
        *,
        tables: Mapping[str, str],
        once_table: str,
        remember_seconds: int,
        clock: Clock,
        retry_budget: RetryBudget,
    ) -> None:
        super().__init__(aws, tables)
        self._aws = aws
        self._once_table = once_table
        self._remember_seconds = remember_seconds
        self._clock = clock
        self._retry_budget = retry_budget

    def begin(self, key: OnceKey, lease: Lease, now: datetime) -> OnceRecord:
        """Take the lease, count an attempt, return the record; a `published` one unchanged. Raise `LeaseHeld` if held.

        A first attempt costs one call, which takes a free lease. When the condition fails, DynamoDB returns the record
        that exists; a second call takes it over if the record has not changed since.
        """
        asked = uuid4().hex
        found = self._take(key, lease, asked, attempt=1, condition=_FREE, seen={})
        for _ in range(_RACES):
            if found is None:
                return OnceRecord("in_progress", 1)
            if found.asked == asked:  # an earlier try took it, and its response was lost
                return found.once(found.attempt)
            if found.state == "published":
                return found.once(found.attempt)
            mine = found.holder == lease.holder
            if found.state == "in_progress" and not mine and found.lease_expires > now.timestamp():
                break
            attempt = found.attempt + 1 if mine else 1
            seen: dict[str, AttributeValue] = {":seen": {"S": found.asked}, ":was": {"S": found.state}}
            unchanged = "#asked = :seen AND #state = :was"
            changed = self._take(key, lease, asked, attempt=attempt, condition=unchanged, seen=seen)
            if changed is None or changed.asked == asked:
                return found.once(attempt)
            found = changed
        raise LeaseHeld(
            f"{key.function} is already handling event {key.event_id}.\n"
            "  It is delivered again when that attempt has ended."
        )

    def _take(
        self,
        key: OnceKey,
        lease: Lease,
        asked: str,
        *,
        attempt: int,
        condition: str,
        seen: Mapping[str, AttributeValue],
    ) -> StoredRecord | None:
        """Take the lease if `condition` holds and return None; else return the record that exists."""
        set_: dict[str, AttributeValue] = {
            record.HOLDER: {"S": lease.holder},
            record.ATTEMPT: {"N": str(attempt)},
            record.ASKED: {"S": asked},
            layout.LEASE_EXPIRES: record.moment(lease.expires),
            **self._expiry(),
        }
        names, values = _assigned(set_)
        change = {
            **self._item_key(key),
            "UpdateExpression": f"{_set(set_)}, #state = if_not_exists(#state, :in_progress)",
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {**names, "#state": record.STATE},
            "ExpressionAttributeValues": {**values, **seen, ":in_progress": {"S": "in_progress"}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        refused = update(self._aws, self._retry_budget, change)
        return record.read_record(refused) if refused is not None else None

    def commit(
        self,
        key: OnceKey,
        lease: Lease,
        writes: Sequence[Write],
        sealed: Sequence[SealedEvent],
        answer: StoredResponse | None,
    ) -> OnceState:
        """Apply all writes and return the record's new state, `done` or `published`; or change nothing and raise.

        The condition on the holder is the fence: an attempt that lost its lease cannot commit. All tries share one
        token, so the change is applied once even when a response is lost.
        """
        state: OnceState = "done" if sealed else "published"
        token = uuid4().hex
        set_: dict[str, AttributeValue] = {
            record.STATE: {"S": state},
            record.HOLDER: {"S": lease.holder},
            record.ASKED: {"S": token},
            layout.LEASE_EXPIRES: record.moment(lease.expires),
            **self._expiry(),
            **record.commit_attributes(record.once_pk(key), sealed, answer),
        }
        names, values = _assigned(set_)
        done = {
            **self._item_key(key),
            "UpdateExpression": f"{_set(set_)}, #attempt = if_not_exists(#attempt, :one)",
            "ConditionExpression": f"{_FREE} OR ({_MINE})",
            "ExpressionAttributeNames": {**names, "#attempt": record.ATTEMPT},
            "ExpressionAttributeValues": {**values, ":one": {"N": "1"}, ":in_progress": {"S": "in_progress"}},
        }
        items = [(write.table, self.written(write)) for write in writes]
        if items:
            commit_with_writes(self._aws, self._retry_budget, token=token, key=key, once=done, writes=items)
        else:
            commit_record(self._aws, self._retry_budget, token=token, key=key, once=done)
        return state

    def release(self, key: OnceKey, lease: Lease, *, counted: bool = True) -> None:
        """Give the lease back if it is held, else do nothing; unless `counted`, also take the attempt back.

        A call that is repeated, because its response was lost, has no effect: the lease has expired.
        """
        update(
            self._aws,
            self._retry_budget,
            {
                **self._item_key(key),
                "UpdateExpression": "SET #expires = :now, #attempt = #attempt - :uncounted",
                "ConditionExpression": f"{_MINE} AND #expires <> :now",
                "ExpressionAttributeNames": {
                    "#expires": layout.LEASE_EXPIRES,
                    "#attempt": record.ATTEMPT,
                    "#state": record.STATE,
                    "#holder": record.HOLDER,
                },
                "ExpressionAttributeValues": {
                    ":now": {"N": "0"},
                    ":uncounted": {"N": str(int(not counted))},
                    ":in_progress": {"S": "in_progress"},
                    ":holder": {"S": lease.holder},
                },
            },
        )

    def mark_published(self, key: OnceKey, sealed: Sequence[SealedEvent]) -> None:
        """Make a `done` record `published`, with ids instead of its sealed events; no effect on other states."""
        set_ = {record.STATE: {"S": "published"}, **record.published_attribute(sealed), **self._expiry()}
        names, values = _assigned(set_)
        update(
            self._aws,
            self._retry_budget,
            {
                **self._item_key(key),
                "UpdateExpression": f"{_set(set_)} REMOVE #sealed, #shard",
                "ConditionExpression": "#state = :done",
                "ExpressionAttributeNames": {**names, "#sealed": record.SEALED, "#shard": layout.SHARD},
                "ExpressionAttributeValues": {**values, ":done": {"S": "done"}},
            },
        )

    def unpublished(self, now: datetime, limit: int) -> list[tuple[OnceKey, tuple[SealedEvent, ...]]]:
        """Return (key, sealed events) of up to `limit` `done` records with an expired lease, the oldest first.

        The index lags behind the table: each record is read from the table, and left out when it is published already.
        """
        due = sorted(
            (float(item[layout.LEASE_EXPIRES]["N"]), item[layout.PARTITION]["S"])
            for shard in range(layout.SHARDS)
            for item in self._due(str(shard), now, limit)
        )
        found = []
        for _, pk in due[:limit]:
            key = record.once_key(pk)
            request = {**self._item_key(key), "ConsistentRead": True}
            item: DynamoItem | None = self._aws.call("dynamodb", "GetItem", request).get("Item")
            stored = record.read_record(item) if item else None
            if stored and stored.state == "done" and stored.lease_expires <= now.timestamp():
                found.append((key, stored.once(stored.attempt).sealed))
        return found

    def _due(self, shard: str, now: datetime, limit: int) -> Iterator[DynamoItem]:
        """Yield up to `limit` index entries of one shard whose lease has expired."""
        request = {
            "TableName": self._once_table,
            "IndexName": layout.UNPUBLISHED,
            "KeyConditionExpression": "#shard = :shard AND #expires <= :now",
            "ExpressionAttributeNames": {"#shard": layout.SHARD, "#expires": layout.LEASE_EXPIRES},
            "ExpressionAttributeValues": {":shard": {"S": shard}, ":now": record.moment(now)},
            "Limit": limit,
        }
        yield from self._aws.call("dynamodb", "Query", request)["Items"]

    def _item_key(self, key: OnceKey) -> dict[str, Any]:
        """Return the parameters `TableName` and `Key` of a once-record."""
        return {"TableName": self._once_table, "Key": {layout.PARTITION: {"S": record.once_pk(key)}}}

    def _expiry(self) -> dict[str, AttributeValue]:
        """Return the TTL attribute of a record that changes now, by name."""
        return {layout.EXPIRES: {"N": str(int(self._clock.now().timestamp()) + self._remember_seconds)}}


def _set(set_: Mapping[str, AttributeValue]) -> str:
    """Return the SET clause of an UpdateExpression, with placeholders for names and values."""
    return "SET " + ", ".join(f"#{name} = :{name}" for name in set_)


def _assigned(set_: Mapping[str, AttributeValue]) -> tuple[dict[str, str], dict[str, AttributeValue]]:
    """Return the placeholders of an assignment: attributes by name placeholder, and values by value placeholder.

    All names are placeholders, since DynamoDB reserves many words.
    """
    return {f"#{name}": name for name in set_}, {f":{name}": value for name, value in set_.items()}
