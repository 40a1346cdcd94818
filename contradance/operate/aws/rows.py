"""The rows of DynamoDB tables, for `contradance.operate.copying`.

Rows are written in transactions, not with BatchWriteItem, which has no conditions: it could overwrite a row that a function
has written since it was read.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from contradance.errors import OperateError
from contradance.operate.aws.services import Aws, AwsRefusal
from contradance.operate.copying import RowChange, RowKey, RowState, StoredRow
from contradance.runtime.aws import layout, record
from contradance.runtime.aws.record import DynamoItem
from contradance.runtime.aws.transaction import FAILED, PASSING

_LARGEST_STEP: Final = 3_500_000
"""Most bytes of one transaction, by the length of the text; DynamoDB allows 4 MB."""
_TRIES: Final = 12
"""Tries of one step, with a pause before each that doubles up to `_LONGEST_PAUSE`."""
_LONGEST_PAUSE: Final = 8.0
"""In seconds."""
_FINGERPRINT: Final = (layout.VERSION, record.ASKED, record.STATE, layout.COPY_OF)
"""Attributes of which every write of a function changes one."""


class DynamoDBRows:
    """`contradance.operate.copying.Rows` over one table.

    Args:
        aws: the services of the stack's account and region.
        table: name of the table in DynamoDB.
        counterpart: name of the table in the other stack: only what was copied from there counts as a copy.
        seen: called with the number of items that a page was read from.
        sleep: waits before a step is tried again.
    """

    def __init__(
        self,
        aws: Aws,
        table: str,
        *,
        counterpart: str = "",
        seen: Callable[[int], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._dynamodb = aws.service("dynamodb")
        self._table = table
        self._counterpart = counterpart
        self._seen = seen
        self._sleep = sleep

    def pages(self) -> Iterator[Sequence[StoredRow]]:
        """Yield every item, up to 1 MB a page."""
        request: dict[str, Any] = {"TableName": self._table, "ConsistentRead": True, **self._scan_filter()}
        while True:
            page = self._dynamodb.ask("scan", **request)
            yield [self._row(item) for item in page["Items"]]
            self._seen(page["ScannedCount"])
            if not (last := page.get("LastEvaluatedKey")):
                return
            request["ExclusiveStartKey"] = last

    def find(self, keys: Sequence[RowKey]) -> Mapping[RowKey, StoredRow]:
        """Return the items with up to 100 keys; ask again for unprocessed ones, up to 12 times, then `OperateError`."""
        found: dict[RowKey, StoredRow] = {}
        wanted: dict[str, Any] = {self._table: {"Keys": [*map(_key, keys)], "ConsistentRead": True}}
        for pause in self._pauses():
            answer = self._dynamodb.ask("batch_get_item", RequestItems=wanted)
            rows = map(self._row, answer["Responses"].get(self._table, ()))
            found.update({row.key: row for row in rows})
            wanted = answer.get("UnprocessedKeys") or {}
            if not wanted:
                return found
            pause()
        raise OperateError(f"DynamoDB throttles reads of table {self._table}.\n  Run it again later.")

    def write(self, changes: Sequence[RowChange]) -> frozenset[RowKey]:
        """Apply changes in transactions; return the keys of those whose row in the table had changed."""
        refused: set[RowKey] = set()
        for step in _steps(changes):
            refused |= self._write(step)
        return frozenset(refused)

    def _write(self, step: list[RowChange]) -> set[RowKey]:
        """Apply one transaction, again without refused changes; return their keys, or `OperateError` after 12 times."""
        refused: set[RowKey] = set()
        for pause in self._pauses():
            if not step:
                return refused
            try:
                self._dynamodb.ask("transact_write_items", TransactItems=[self._change(one) for one in step])
            except AwsRefusal as refusal:
                reasons = refusal.response.get("CancellationReasons")
                if refusal.code != "TransactionCanceledException" or not reasons:
                    raise
                if {why.get("Code") for why in reasons} - PASSING - {FAILED, "None", None}:
                    raise
                changed = [one for one, why in zip(step, reasons, strict=True) if why.get("Code") == FAILED]
                refused |= {one.key for one in changed}
                step = [one for one in step if one.key not in refused]
                if not changed:
                    pause()
            else:
                return refused
        raise OperateError(f"DynamoDB refuses writes of table {self._table} again and again.\n  Run it again later.")

    def _change(self, change: RowChange) -> dict[str, Any]:
        """Return a change in the form of TransactWriteItems, with the condition on the row that it expects."""
        request: dict[str, Any] = {"TableName": self._table, **self._condition(change.expected)}
        if change.row is None:
            return {"Delete": {**request, "Key": _key(change.key)}}
        item = {**change.row.content, layout.COPY_OF: self._mark(change.row.digest)}
        return {"Put": {**request, "Item": item}}

    def _condition(self, expected: StoredRow | None) -> dict[str, Any]:
        """Return the condition that the table still has this row, a copy; with None, that it has no row with the key."""
        if expected is None:
            names, values = {"#0": layout.PARTITION}, {}
            condition = "attribute_not_exists(#0)"
        else:
            content = {**expected.content, layout.COPY_OF: self._mark(expected.copy_of)}
            known = [name for name in _FINGERPRINT if name in content]
            names = {f"#{number}": name for number, name in enumerate(known)}
            values = {f":{number}": content[name] for number, name in enumerate(known)}
            condition = " AND ".join(f"#{number} = :{number}" for number in range(len(known)))
        found: dict[str, Any] = {"ConditionExpression": condition, "ExpressionAttributeNames": names}
        return {**found, "ExpressionAttributeValues": values} if values else found

    def _row(self, item: DynamoItem) -> StoredRow:
        """Return an item as a row, the mark of a copy apart from its content."""
        content = {name: value for name, value in item.items() if name != layout.COPY_OF}
        key = RowKey(item[layout.PARTITION]["S"], item[layout.SORT]["S"] if layout.SORT in item else "")
        digest, _, source = item[layout.COPY_OF]["S"].partition(" ") if layout.COPY_OF in item else ("", "", None)
        return StoredRow(key, content, self._state(item), digest if source == self._counterpart else None)

    def _mark(self, digest: str | None) -> dict[str, str]:
        """Return the mark of a copy from the other stack with this digest."""
        return {"S": f"{digest} {self._counterpart}"}

    def _state(self, item: DynamoItem) -> RowState:  # noqa: ARG002 - of once-records it depends on the item
        """Return `item`; once-records have a state of their own."""
        return "item"

    def _scan_filter(self) -> Mapping[str, Any]:
        """Return no parameters: a scan of a table reads all items; of once-records it has a filter."""
        return {}

    def _pauses(self) -> Iterator[Callable[[], None]]:
        """Yield, for each try, a function that waits before the next one: twice as long each time."""
        for attempt in range(_TRIES):
            seconds = min(0.05 * 2**attempt, _LONGEST_PAUSE)
            yield partial(self._sleep, seconds)


class DynamoDBOnceRecords(DynamoDBRows):
    """The once-records of some functions.

    Args:
        aws: the services of the stack's account and region.
        table: name of the table of once-records.
        counterpart: name of the table in the other stack.
        functions: deployed names of the functions.
        now: a record that expires before is not copied: DynamoDB deletes it within days.
        seen: called with the number of items that a page was read from.
        sleep: waits before a step is tried again.
    """

    def __init__(
        self,
        aws: Aws,
        table: str,
        functions: Sequence[str],
        now: datetime,
        *,
        counterpart: str = "",
        seen: Callable[[int], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(aws, table, counterpart=counterpart, seen=seen, sleep=sleep)
        self._functions = functions
        self._now = now.timestamp()

    def _scan_filter(self) -> Mapping[str, Any]:
        """Return the filter of the functions' records, whose keys begin with the function's name."""
        values = {
            f":function{number}": {"S": f"{name}{layout.ONCE_SEPARATOR}"} for number, name in enumerate(self._functions)
        }
        either = " OR ".join(f"begins_with(#key, {value})" for value in values)
        return {
            "FilterExpression": either,
            "ExpressionAttributeNames": {"#key": layout.PARTITION},
            "ExpressionAttributeValues": values,
        }

    def _state(self, item: DynamoItem) -> RowState:
        """Return the state of a once-record: expired, running or open (by its lease), completed or unpublished."""
        state = item[record.STATE]["S"]
        if float(item[layout.EXPIRES]["N"]) <= self._now:
            return "expired"
        if state == "in_progress":
            return "running" if float(item[layout.LEASE_EXPIRES]["N"]) > self._now else "open"
        return "completed" if state == "published" else "unpublished"


def _key(key: RowKey) -> dict[str, dict[str, str]]:
    """Return a key in DynamoDB's JSON."""
    return {layout.PARTITION: {"S": key.partition}, **({layout.SORT: {"S": key.sort}} if key.sort else {})}


def _steps(changes: Sequence[RowChange]) -> Iterator[list[RowChange]]:
    """Yield the changes in lists of at most 3.5 MB, so that each fits into one transaction."""
    step: list[RowChange] = []
    size = 0
    for change in changes:
        length = len(repr(change.row.content).encode()) if change.row else 0
        if step and size + length > _LARGEST_STEP:
            yield step
            step, size = [], 0
        step.append(change)
        size += length
    if step:
        yield step
