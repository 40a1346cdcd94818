from datetime import timedelta
from typing import Any

import pytest

from contradance import Contract, Retry, subscriber
from contradance.errors import InvalidFunction
from contradance.retry import DeliveryMode


class OrderPlaced(Contract, source="shop.orders", subject="order_id"):
    order_id: str


def pay(placed: OrderPlaced) -> None: ...


PAY = f"payments.pay (tests/test_retry.py, line {pay.__code__.co_firstlineno})"


@pytest.mark.parametrize(
    ("delivery", "retry"),
    [
        ("direct", None),
        ("queue", None),
        ("direct", Retry(times=0, max_age=timedelta(minutes=1))),
        ("direct", Retry(times=2, max_age=timedelta(hours=6))),
        ("queue", Retry(times=999, max_age=timedelta(days=7))),
    ],
)
def test_what_a_delivery_can_honour_is_taken(delivery: DeliveryMode, retry: Retry | None) -> None:
    function = subscriber(retry=retry, delivery=delivery, service="payments")(pay)

    assert function.retry == (retry or Retry(times=2, max_age=timedelta(hours=6)))
    assert function.delivery == delivery


@pytest.mark.parametrize(
    ("delivery", "retry", "why"),
    [
        (
            "direct",
            Retry(times=3),
            (
                "has Retry(times=3), but Lambda retries an asynchronous invocation at most 2 times.\n"
                "  Write delivery='queue' for more attempts."
            ),
        ),
        (
            "queue",
            Retry(times=1000),
            "has Retry(times=1000), but a queue retries at most 999 times.\n  Use fewer.",
        ),
        (
            "direct",
            Retry(times=-1),
            "has Retry(times=-1), but a handler is not retried fewer than 0 times.\n  Use 0 or more.",
        ),
        (
            "queue",
            Retry(times=-1),
            "has Retry(times=-1), but a handler is not retried fewer than 0 times.\n  Use 0 or more.",
        ),
        (
            "direct",
            Retry(max_age=timedelta(hours=7)),
            (
                "has Retry(max_age=7 hours), but with delivery='direct' max_age is 1 minute to 6 hours.\n"
                "  Write delivery='queue' to keep it longer."
            ),
        ),
        (
            "direct",
            Retry(max_age=timedelta(days=8)),
            (
                "has Retry(max_age=8 days), but with delivery='direct' max_age is 1 minute to 6 hours.\n"
                "  Write delivery='queue' and at most 7 days."
            ),
        ),
        (
            "queue",
            Retry(max_age=timedelta(days=8)),
            (
                "has Retry(max_age=8 days), but with delivery='queue' max_age is 1 minute to 7 days.\n"
                "  Choose a max_age in that range."
            ),
        ),
        (
            "direct",
            Retry(max_age=timedelta(seconds=59)),
            (
                "has Retry(max_age=59 seconds), but with delivery='direct' max_age is 1 minute to 6 hours.\n"
                "  Choose a max_age in that range."
            ),
        ),
        (
            "queue",
            Retry(max_age=timedelta(0)),
            (
                "has Retry(max_age=0 seconds), but with delivery='queue' max_age is 1 minute to 7 days.\n"
                "  Choose a max_age in that range."
            ),
        ),
    ],
    ids=str,
)
def test_a_retry_that_its_delivery_cannot_honour_is_refused(delivery: DeliveryMode, retry: Retry, why: str) -> None:
    with pytest.raises(InvalidFunction) as refused:
        subscriber(retry=retry, delivery=delivery, service="payments")(pay)

    assert str(refused.value) == f"{PAY} {why}"


def test_a_maximum_age_is_a_duration() -> None:
    seconds: Any = 60

    with pytest.raises(InvalidFunction) as refused:
        subscriber(retry=Retry(max_age=seconds), service="payments")(pay)

    assert str(refused.value) == (
        f"{PAY} has Retry(max_age=60), which is not a timedelta.\n  Write timedelta(hours=...)."
    )


def test_lambda_waits_one_minute_and_then_two() -> None:
    retry = Retry()

    waits = [retry.delay("direct", attempt, timedelta(seconds=30)) for attempt in (1, 2, 3)]

    assert waits == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=2)]


@pytest.mark.parametrize("attempt", [1, 2, 50])
def test_a_queue_waits_six_timeouts(attempt: int) -> None:
    assert Retry().delay("queue", attempt, timedelta(seconds=30)) == timedelta(minutes=3)


@pytest.mark.parametrize(
    ("retry", "said"),
    [
        (Retry(), "2 retries within 6 hours"),
        (Retry(times=1, max_age=timedelta(days=1)), "1 retry within 1 day"),
        (Retry(times=0, max_age=timedelta(minutes=90)), "no retry within 90 minutes"),
        (Retry(times=5, max_age=timedelta(seconds=61)), "5 retries within 61 seconds"),
    ],
    ids=str,
)
def test_a_retry_is_said_in_words(retry: Retry, said: str) -> None:
    assert str(retry) == said


@pytest.mark.parametrize(
    ("retry", "delivery", "attempts"),
    [
        (Retry(), "direct", 3),
        (Retry(times=0), "direct", 1),
        (Retry(times=2, max_age=timedelta(minutes=3)), "direct", 3),
        (Retry(times=2, max_age=timedelta(minutes=2)), "direct", 2),
        (Retry(times=5, max_age=timedelta(minutes=1)), "queue", 6),
    ],
)
def test_attempts_are_those_that_begin_before_the_event_is_too_old(
    retry: Retry, delivery: DeliveryMode, attempts: int
) -> None:
    assert retry.attempts(delivery) == attempts
