"""Changes a once-record, alone or with a unit of work's items, and interprets DynamoDB's refusal."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from contradance.errors import AWSCallFailed, Conflict, LeaseLost
from contradance.runtime.aws.caller import Caller
from contradance.runtime.aws.record import ASKED, DynamoItem
from contradance.runtime.aws.retry_budget import RetryBudget
from contradance.runtime.once import OnceKey

FAILED: Final = "ConditionalCheckFailed"
"""Cancellation reason of an item whose condition does not hold."""
_CONFLICT: Final = "TransactionConflict"
_IN_TRANSACTION: Final = "TransactionConflictException"
"""Code of the error of a single write to an item that a transaction is changing."""
PASSING: Final = frozenset({_CONFLICT, "ThrottlingError", "ProvisionedThroughputExceeded"})
"""Cancellation reasons that another try may not meet. DynamoDB API reference, TransactWriteItems."""
_TRIES: Final = 6
"""Tries of a change that another transaction is in the way of."""


def update(aws: Caller, retry_budget: RetryBudget, change: Mapping[str, Any]) -> DynamoItem | None:
    """Change a once-record and return None; if its condition fails, the record if `change` requests it, else None.

    Raises:
        AWSCallFailed: anything else failed, a transaction kept changing the record, or the requested record is missing in
            the answer: it must not be taken for a change.
    """
    tries = 0
    while True:
        tries += 1
        try:
            aws.call("dynamodb", "UpdateItem", change)
        except AWSCallFailed as error:
            if error.code == _IN_TRANSACTION and tries < _TRIES and retry_budget.pause(tries):
                continue
            refused: DynamoItem | None = error.answer.get("Item")
            unknown = refused is None and "ReturnValuesOnConditionCheckFailure" in change
            if error.code != "ConditionalCheckFailedException" or unknown:
                raise
            return refused
        return None


def commit_record(aws: Caller, retry_budget: RetryBudget, *, token: str, key: OnceKey, once: Mapping[str, Any]) -> None:
    """Update the once-record of `key` alone, at half the price of a transaction; else raise `LeaseLost` or `Conflict`.

    `token` is in the record, so that a repeated call whose response was lost recognises its own change.

    Raises:
        LeaseLost: the condition of the record does not hold.
        Conflict: other transactions keep changing the record.
        AWSCallFailed: anything else.
    """
    try:
        found = update(aws, retry_budget, {**once, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"})
    except AWSCallFailed as error:
        if error.code == _IN_TRANSACTION:
            raise _conflict(set()) from error
        raise
    if found is not None and found[ASKED]["S"] != token:
        raise _lease_lost(key)


def commit_with_writes(
    aws: Caller,
    retry_budget: RetryBudget,
    *,
    token: str,
    key: OnceKey,
    once: Mapping[str, Any],
    writes: Sequence[tuple[str, Mapping[str, Any]]],
) -> None:
    """Update the once-record of `key` and apply (table, write) pairs in one transaction; else raise an error.

    `token` identifies the transaction, so that a repeated call whose response was lost changes nothing again.

    Raises:
        LeaseLost: the condition of the once-record does not hold.
        Conflict: the condition of another item does not hold, or other transactions keep changing the items.
        AWSCallFailed: anything else.
    """
    items = [{"Update": once}, *(write for _, write in writes)]
    request = {"TransactItems": items, "ClientRequestToken": token}
    for tries in range(1, _TRIES + 1):
        try:
            aws.call("dynamodb", "TransactWriteItems", request)
        except AWSCallFailed as error:
            reasons = _reasons(error)
            if reasons[:1] == [FAILED]:
                raise _lease_lost(key) from error
            refused = {table for (table, _), reason in zip(writes, reasons[1:], strict=False) if reason == FAILED}
            if refused:
                raise _conflict(refused) from error
            passing = error.code == "TransactionInProgressException" or (
                reasons and PASSING.issuperset({*reasons} - {"None"})
            )
            if passing and tries < _TRIES and retry_budget.pause(tries):
                continue
            if _CONFLICT in reasons:
                raise _conflict({table for table, _ in writes}) from error
            raise
        return


def _reasons(error: AWSCallFailed) -> list[str]:
    """Return each item's cancellation reason, in order, "None" if it was not refused; empty for another error."""
    if error.code != "TransactionCanceledException":
        return []
    return [str(reason.get("Code") or "None") for reason in error.answer.get("CancellationReasons", ())]


def _lease_lost(key: OnceKey) -> LeaseLost:
    """Return the error, to raise, for an attempt whose lease is no longer held."""
    return LeaseLost(
        f"{key.function} took too long over event {key.event_id}, and another attempt took over.\n"
        "  Raise its timeout=, or make it faster."
    )


def _conflict(tables: set[str]) -> Conflict:
    """Return the error for items of these tables that changed meanwhile; without tables it names once-records."""
    named = ", ".join(sorted(tables)) or "once-records"
    return Conflict(f"an item of table {named} changed between read and commit.\n  The handler runs again.")
