"""Commits a unit of work by one TransactWriteItems, and interprets its cancellation."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from contradance.errors import AWSCallFailed, Conflict, LeaseLost
from contradance.runtime.aws.caller import Caller
from contradance.runtime.aws.retry_budget import RetryBudget
from contradance.runtime.once import OnceKey

_FAILED: Final = "ConditionalCheckFailed"
_CONFLICT: Final = "TransactionConflict"
_PASSING: Final = frozenset({_CONFLICT, "ThrottlingError", "ProvisionedThroughputExceeded"})
"""Cancellation reasons that another try may not meet. DynamoDB API reference, TransactWriteItems."""
_TRIES: Final = 6


def transact(
    aws: Caller,
    retry_budget: RetryBudget,
    *,
    token: str,
    key: OnceKey,
    once: Mapping[str, Any],
    writes: Sequence[tuple[str, Mapping[str, Any]]],
) -> None:
    """Update the once-record of `key` and apply (table, write) pairs, or change nothing and raise an error.

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
            if reasons[:1] == [_FAILED]:
                raise LeaseLost(
                    f"{key.function} took too long over event {key.event_id}, and another attempt took over.\n"
                    "  Raise its timeout=, or make it faster."
                ) from error
            refused = {table for (table, _), reason in zip(writes, reasons[1:], strict=False) if reason == _FAILED}
            if refused:
                raise _conflict(refused) from error
            passing = error.code == "TransactionInProgressException" or (
                reasons and _PASSING.issuperset({*reasons} - {"None"})
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


def _conflict(tables: set[str]) -> Conflict:
    """Return the error for items of these tables that changed meanwhile; without tables it names once-records."""
    named = ", ".join(sorted(tables)) or "once-records"
    return Conflict(f"an item of table {named} changed between read and commit.\n  The handler runs again.")
