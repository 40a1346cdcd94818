"""Copying rows between the DynamoDB tables of two stacks, on moto."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from contradance.errors import OperateError
from contradance.operate.aws.rows import DynamoDBOnceRecords, DynamoDBRows
from contradance.operate.aws.services import AwsRefusal
from contradance.operate.copying import RowChange, RowKey, StoredRow, copy_rows
from contradance.operate.move import MovedRows, MovePlan, check_direction
from contradance.runtime.aws import layout
from contradance.runtime.once import Lease, OnceKey
from contradance.runtime.ports import Write
from tests.operate.fakes import FakeAws
from tests.operate.moving import (
    CHARGES,
    FUNCTIONS,
    NOW,
    PAY,
    REVERSE,
    SLEPT,
    charges,
    documents,
    dynamodb,
    once,
    put_charges,
    store,
    two_stacks,
)
from tests.operate.rows import Killed
from tests.runtime.aws.moto import client, make_table


@pytest.fixture(autouse=True)
def _moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    SLEPT.clear()
    with two_stacks(monkeypatch):
        yield


class Flaky:
    """DynamoDB with small pages, which processes half of what it is asked and conflicts every other time."""

    def __init__(self) -> None:
        self._real, self._turn = dynamodb(), 0

    def ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        self._turn += 1
        if operation == "scan":
            return self._real.ask(operation, **parameters, Limit=7)
        if operation == "batch_get_item":
            ((table, asked),) = parameters["RequestItems"].items()
            half = len(asked["Keys"]) // 2
            some = {table: {**asked, "Keys": asked["Keys"][half:]}}
            rest = {table: {**asked, "Keys": asked["Keys"][:half]}} if half else {}
            return {**self._real.ask(operation, RequestItems=some), "UnprocessedKeys": rest}
        if self._turn % 2:
            reasons = [{"Code": "TransactionConflict"}] + [{"Code": "None"}] * (len(parameters["TransactItems"]) - 1)
            raise AwsRefusal("busy", "TransactionCanceledException", {"CancellationReasons": reasons})
        return self._real.ask(operation, **parameters)


class Counting:
    """DynamoDB that notes the size of each transaction, and after some of them the process is killed."""

    def __init__(self, kill_after: int = 1000) -> None:
        self._real, self._left = dynamodb(), kill_after
        self.sizes: list[int] = []

    def ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        if operation == "transact_write_items":
            self.sizes.append(len(json.dumps(parameters["TransactItems"])))
            if len(self.sizes) > self._left:
                raise Killed
        return self._real.ask(operation, **parameters)


def test_a_copy_that_is_killed_half_way_is_run_again() -> None:
    put_charges("prod", {f"order-{number}": str(number) for number in range(130)})
    with pytest.raises(Killed):
        copy_rows(charges("prod"), charges("payments", Counting(kill_after=1)), dry_run=False)
    half = len(documents("payments"))

    counts = copy_rows(charges("prod"), charges("payments"), dry_run=False)

    assert (half, counts.same, counts.copied) == (100, 100, 30)
    assert documents("payments") == documents("prod")


def test_every_item_is_copied_through_pages_unprocessed_keys_and_conflicts() -> None:
    put_charges("prod", {f"order-{number}": str(number) for number in range(40)})

    counts = copy_rows(charges("prod", Flaky()), charges("payments", Flaky()), dry_run=False)

    assert (counts.source, counts.copied) == (40, 40)
    assert documents("payments") == documents("prod")
    assert SLEPT
    assert copy_rows(charges("prod"), charges("payments"), dry_run=True).is_settled


def test_a_copy_is_read_and_written_by_the_runtime_like_any_item() -> None:
    store("prod").commit("order-1", '{"status": "charged"}')
    copy_rows(charges("prod"), charges("payments"), dry_run=False)
    new = store("payments", REVERSE)

    found = new.store.get(CHARGES, ("order-1", ""))
    assert found is not None
    new.commit("order-1", '{"status": "refunded"}', expected=found.version)

    assert found.document == '{"status": "charged"}'
    (row,) = next(iter(charges("payments").pages()))
    assert (row.is_copy, row.copy_of) == (False, None)
    assert copy_rows(charges("prod"), charges("payments"), dry_run=False).kept == 1
    assert documents("payments") == {"order-1": '{"status": "refunded"}'}


def test_a_row_that_changed_at_the_source_between_two_runs_is_copied_again() -> None:
    old = store("prod")
    old.commit("order-1", "1")
    old.commit("order-2", "1")
    copy_rows(charges("prod"), charges("payments"), dry_run=False)
    old.store.commit(*store("prod", REVERSE).begin("order-1"), [Write(CHARGES, ("order-1", ""), "2", None)], [], None)

    counts = copy_rows(charges("prod"), charges("payments"), dry_run=False)

    assert (counts.same, counts.copied) == (1, 1)
    assert documents("payments") == {"order-1": "2", "order-2": "1"}


def test_what_the_old_stack_completed_has_no_effect_in_the_new_one() -> None:
    """Published is copied; committed, running and given up are not: the replay handles or waits for those."""
    old = store("prod")
    old.commit("complete", "1")
    old.commit("unpublished", "1", sealed=True)
    key, lease = old.begin("failed")
    old.store.release(key, lease)
    old.begin("running", 3600)
    store("prod", "orders.update_order_status").commit("complete", "1")

    counts = copy_rows(once("prod"), once("payments"), dry_run=False, delete=False)

    assert (counts.source, counts.copied, counts.unpublished, counts.running) == (1, 1, 1, 1)
    new = store("payments").store
    states = {
        name: new.begin(OnceKey(PAY, "food.orders", name), Lease("new", NOW + timedelta(minutes=1)), NOW).state
        for name in ("complete", "failed", "never")
    }
    assert states == {"complete": "published", "failed": "in_progress", "never": "in_progress"}
    other = OnceKey("orders.update_order_status", "food.orders", "complete")
    assert new.begin(other, Lease("new", NOW + timedelta(minutes=1)), NOW).state == "in_progress"


def test_the_sweeper_ends_what_is_unpublished_and_the_next_run_copies_it() -> None:
    old = store("prod")
    key = old.commit("order-1", "1", sealed=True)
    first = copy_rows(once("prod"), once("payments"), dry_run=False, delete=False)
    old.store.mark_published(key, ())

    second = copy_rows(once("prod"), once("payments"), dry_run=False, delete=False)

    assert (first.copied, first.unpublished, second.copied, second.unpublished) == (0, 1, 1, 0)


def test_an_expired_record_is_not_copied_and_a_kept_one_is_not_deleted() -> None:
    store("prod").commit("order-1", "1")
    copy_rows(once("prod"), once("payments"), dry_run=False, delete=False)
    later = NOW + timedelta(days=30)
    old = DynamoDBOnceRecords(FakeAws(dynamodb=dynamodb()), "prod-once", FUNCTIONS, later)

    counts = copy_rows(old, once("payments"), dry_run=False, delete=False)

    assert (counts.source, counts.is_settled) == (0, True)


def test_a_newer_row_is_not_overwritten_between_reading_and_writing() -> None:
    """The condition is in the write itself: what was read a moment ago does not count."""
    target, new = charges("payments"), store("payments")
    row = StoredRow(
        RowKey("order-1"), {layout.PARTITION: {"S": "order-1"}, "version": {"S": "v"}, "document": {"S": "old"}}
    )
    new.commit("order-1", "newer")
    fresh = StoredRow(RowKey("order-2"), {**row.content, layout.PARTITION: {"S": "order-2"}})

    refused = target.write([RowChange(row.key, row, None), RowChange(fresh.key, fresh, None)])
    again = target.write([RowChange(fresh.key, None, replace(fresh, copy_of="of something else"))])

    assert [*refused, *again] == [row.key, fresh.key]
    assert documents("payments") == {"order-1": "newer", "order-2": "old"}


def test_a_row_that_dynamodb_refuses_for_good_is_an_error_at_once() -> None:
    class Refusing:
        def ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
            if operation == "transact_write_items":
                reasons = [{"Code": "ValidationError"}]
                raise AwsRefusal("too large", "TransactionCanceledException", {"CancellationReasons": reasons})
            return dynamodb().ask(operation, **parameters)

    put_charges("prod", {"order-1": "1"})

    with pytest.raises(AwsRefusal, match="too large"):
        copy_rows(charges("prod"), charges("payments", Refusing()), dry_run=False)
    assert SLEPT == []


def test_large_rows_are_split_over_transactions() -> None:
    put_charges("prod", {f"order-{number}": "x" * 380_000 for number in range(12)})

    written = Counting()
    counts = copy_rows(charges("prod"), charges("payments", written), dry_run=False)

    assert counts.copied == 12
    assert len(written.sizes) > 1
    assert max(written.sizes) < 4_000_000
    assert documents("payments") == documents("prod")


def test_a_table_with_a_sort_key_is_copied_and_cleaned_by_both_keys() -> None:
    for name in ("old-mails", "new-mails"):
        make_table(name, sort_key=True)
    old, new = (DynamoDBRows(FakeAws(dynamodb=dynamodb()), name) for name in ("old-mails", "new-mails"))
    for sort in ("1", "2"):
        content = {layout.PARTITION: {"S": "ada"}, layout.SORT: {"S": sort}, "version": {"S": sort}}
        client("dynamodb").put_item(TableName="old-mails", Item=content)
    copy_rows(old, new, dry_run=False)
    client("dynamodb").delete_item(TableName="old-mails", Key={layout.PARTITION: {"S": "ada"}, layout.SORT: {"S": "1"}})

    counts = copy_rows(old, new, dry_run=False)

    assert (counts.same, counts.deleted) == (1, 1)
    assert [row.key for page in new.pages() for row in page] == [RowKey("ada", "2")]


def test_only_what_was_copied_from_the_other_stack_is_a_copy_that_may_change_or_go() -> None:
    """A service that has moved before has rows that are copies of a third stack's."""

    def rows(table: str, counterpart: str) -> DynamoDBRows:
        return DynamoDBRows(FakeAws(dynamodb=dynamodb()), f"{table}-charges", counterpart=f"{counterpart}-charges")

    make_table("third-charges", sort_key=False)
    put_charges("prod", {"order-1": "1", "order-2": "1"})
    copy_rows(rows("prod", "payments"), rows("payments", "prod"), dry_run=False)
    moved = MovedRows("table payments.charges", "payments-charges", "third-charges", is_once=False)
    plan = MovePlan("payments", (), (), (moved,))
    right = rows("payments", "third"), rows("third", "payments")

    check_direction(plan, lambda _: right)
    first = copy_rows(*right, dry_run=False)
    client("dynamodb").delete_item(TableName="third-charges", Key={layout.PARTITION: {"S": "order-2"}})
    with pytest.raises(OperateError, match="Name the old stack with --from"):
        check_direction(plan, lambda _: right[::-1])
    exchanged = copy_rows(*right[::-1], dry_run=False)

    assert (first.source, first.copied) == (2, 2)
    assert (exchanged.source, exchanged.same, exchanged.deleted) == (1, 1, 0)
    assert documents("payments") == {"order-1": "1", "order-2": "1"}
    assert copy_rows(rows("prod", "payments"), rows("payments", "prod"), dry_run=True).is_settled
