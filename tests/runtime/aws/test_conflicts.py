"""What the store does when another transaction holds an item, or DynamoDB is busy: moto is never either."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from contradance.envelope import SealedEvent
from contradance.errors import AWSCallFailed, Conflict, LeaseLost
from contradance.identity import Identity
from contradance.local.clock import VirtualClock
from contradance.runtime.aws.boto import BotoCaller
from contradance.runtime.aws.retry_budget import RetryBudget
from contradance.runtime.aws.store import DynamoDBStore
from contradance.runtime.journal_record import published_events
from contradance.runtime.once import Lease, OnceKey
from contradance.runtime.ports import ABSENT, Write
from tests.runtime.aws.moto import OneAtATime, client, dynamodb_store, moto_with_once_table

NOW = VirtualClock().now()
ONCE = OnceKey("repairs.plan_repair", "desk.tickets", "event-1")
LEASE = Lease("request-1", NOW + timedelta(seconds=31))
DETAIL = '{"metadata":{"event_id":"derived-0","version":1,"subject":"ticket-1","correlation_id":"chain-1"}}'
SEALED = (SealedEvent("derived-0", Identity("desk.repairs", "RepairPlanned", 1), "ticket-1", "chain-1", DETAIL),)
WRITES = [Write("jobs", ("ticket-1", ""), "{}", ABSENT), Write("visits", ("ticket-1", ""), "{}", ABSENT)]
PAUSES = [0.05, 0.1, 0.2, 0.4, 0.8]
"""Seconds between six tries, without jitter."""


def failed(code: str, *reasons: str) -> AWSCallFailed:
    return AWSCallFailed("refused", code, {"CancellationReasons": [{"Code": reason} for reason in reasons]})


def cancelled(*reasons: str) -> AWSCallFailed:
    """Return what DynamoDB answers with a reason for each item: the once-record, jobs, visits."""
    return failed("TransactionCanceledException", *reasons)


BUSY = cancelled("None", "TransactionConflict", "None")
HELD = failed("TransactionConflictException")


class Refusing:
    """DynamoDB: it refuses call after call as it was told, and takes the next."""

    def __init__(self, refusals: Sequence[AWSCallFailed], seconds: float = 900) -> None:
        self.calls: list[Mapping[str, Any]] = []
        self.pauses: list[float] = []
        self._refusals = [*refusals]
        budget = RetryBudget(lambda: 0.0, self.pauses.append, lambda: 1.0)
        budget.begin(seconds)
        self.store = DynamoDBStore(
            self,
            tables={"jobs": "desk-jobs", "visits": "desk-visits"},
            once_table="once",
            remember_seconds=60,
            clock=VirtualClock(),
            retry_budget=budget,
        )

    def call(self, service: str, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        self.calls.append(request)
        if self._refusals:
            raise self._refusals.pop(0)
        return {}

    def commit(self) -> None:
        self.store.commit(ONCE, LEASE, WRITES, SEALED, None)


def test_a_failed_fence_without_the_record_in_the_answer_is_not_taken_for_a_commit() -> None:
    desk = Refusing([failed("ConditionalCheckFailedException")])

    with pytest.raises(AWSCallFailed):
        desk.store.commit(ONCE, LEASE, [], SEALED, None)


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(BUSY, id="an item is in another transaction"),
        pytest.param(cancelled("TransactionConflict", "None", "None"), id="the once-record is"),
        pytest.param(cancelled("None", "ThrottlingError", "ProvisionedThroughputExceeded"), id="throttled"),
        pytest.param(failed("TransactionInProgressException"), id="the same transaction is running"),
    ],
)
def test_a_passing_refusal_of_a_commit_is_tried_again_with_the_same_token(refusal: AWSCallFailed) -> None:
    dynamodb = Refusing([refusal] * 5)

    dynamodb.commit()

    assert len(dynamodb.calls) == 6
    assert len({call["ClientRequestToken"] for call in dynamodb.calls}) == 1
    assert dynamodb.pauses == PAUSES


@pytest.mark.parametrize(
    ("refusal", "error", "message", "tries"),
    [
        pytest.param(BUSY, Conflict, "item of table jobs, visits changed", 6, id="busy"),
        pytest.param(cancelled("None", "ThrottlingError", "None"), AWSCallFailed, "refused", 6, id="throttled"),
        pytest.param(failed("TransactionInProgressException"), AWSCallFailed, "refused", 6, id="running"),
        pytest.param(
            cancelled("ConditionalCheckFailed", "None"), LeaseLost, "another attempt took over", 1, id="lease"
        ),
        pytest.param(
            cancelled("None", "None", "ConditionalCheckFailed"), Conflict, "of table visits changed", 1, id="changed"
        ),
        pytest.param(
            cancelled("None", "TransactionConflict", "ConditionalCheckFailed"),
            Conflict,
            "of table visits changed",
            1,
            id="changed and busy",
        ),
        pytest.param(cancelled("None", "ValidationError", "None"), AWSCallFailed, "refused", 1, id="not passing"),
        pytest.param(cancelled("None", "ThrottlingError", "ValidationError"), AWSCallFailed, "refused", 1, id="partly"),
        pytest.param(failed("ValidationException"), AWSCallFailed, "refused", 1, id="no transaction"),
    ],
)
def test_a_lasting_refusal_of_a_commit_is_raised(
    refusal: AWSCallFailed, error: type[Exception], message: str, tries: int
) -> None:
    dynamodb = Refusing([refusal] * 7)

    with pytest.raises(error, match=message):
        dynamodb.commit()

    assert len(dynamodb.calls) == tries
    assert dynamodb.pauses == PAUSES[: tries - 1]


def test_a_commit_without_writes_that_stays_busy_names_the_once_records() -> None:
    dynamodb = Refusing([HELD] * 6)

    with pytest.raises(Conflict, match="of table once-records changed"):
        dynamodb.store.commit(ONCE, LEASE, (), SEALED, None)

    assert dynamodb.pauses == PAUSES


def test_a_commit_without_writes_that_is_refused_is_an_error() -> None:
    dynamodb = Refusing([failed("ValidationException")])

    with pytest.raises(AWSCallFailed):
        dynamodb.store.commit(ONCE, LEASE, (), SEALED, None)


class LosingResponses(OneAtATime):
    """Makes each single write twice, as a client does that did not receive the first response."""

    def call(self, service: str, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        if operation == "UpdateItem":
            with suppress(AWSCallFailed):
                super().call(service, operation, request)
        return super().call(service, operation, request)


def test_a_single_write_whose_response_was_lost_takes_effect_once() -> None:
    with moto_with_once_table():
        store = dynamodb_store(VirtualClock(), lambda _: False, LosingResponses(BotoCaller(client)))

        attempts = [store.begin(ONCE, LEASE, NOW).attempt for _ in range(3)]
        store.release(ONCE, LEASE, counted=False)
        state = store.commit(ONCE, LEASE, (), SEALED, None)
        done = store.begin(ONCE, LEASE, NOW)
        store.mark_published(ONCE, SEALED)

        assert (attempts, state) == ([1, 2, 3], "done")
        assert (done.attempt, [event.event_id for event in done.sealed]) == (3, ["derived-0"])
        assert store.begin(ONCE, LEASE, NOW).published == published_events(SEALED)


def test_without_time_for_another_try_a_busy_item_is_a_conflict_at_once() -> None:
    dynamodb = Refusing([BUSY] * 2, seconds=0.54)

    with pytest.raises(Conflict):
        dynamodb.commit()

    assert (len(dynamodb.calls), dynamodb.pauses) == (1, [])


def test_a_once_record_in_a_transaction_is_changed_when_that_has_ended() -> None:
    dynamodb = Refusing([HELD] * 5)

    dynamodb.store.mark_published(ONCE, SEALED)

    assert len(dynamodb.calls) == 6
    assert dynamodb.pauses == PAUSES


@pytest.mark.parametrize(
    ("refusal", "seconds", "tries"),
    [(HELD, 900, 6), (HELD, 0.54, 1), (failed("ValidationException"), 900, 1)],
    ids=["held", "no time", "another error"],
)
def test_a_once_record_that_cannot_be_changed_is_an_error(refusal: AWSCallFailed, seconds: float, tries: int) -> None:
    dynamodb = Refusing([refusal] * 7, seconds)

    with pytest.raises(AWSCallFailed):
        dynamodb.store.mark_published(ONCE, SEALED)

    assert len(dynamodb.calls) == tries


def test_a_lease_that_is_not_held_any_more_is_released_without_effect() -> None:
    dynamodb = Refusing([failed("ConditionalCheckFailedException")])

    dynamodb.store.release(ONCE, LEASE)

    assert len(dynamodb.calls) == 1
