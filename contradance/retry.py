"""Retries of a handler that raised: how often, and for how long.

Several layers retry, and `Retry` configures only the handler's. EventBridge retries when it cannot reach the target. Then
Lambda (direct delivery) or SQS (delivery by queue) retries when the handler raises. See docs/maintain/architecture.md.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import accumulate
from typing import Final, Literal

from contradance.errors import InvalidFunction
from contradance.quantity import counted
from contradance.signature import check_whole_number

DeliveryMode = Literal["direct", "queue"]
"""How a rule reaches its function: by asynchronous invocation, or through a queue."""

LAMBDA_RETRIES: Final = 2
"""Most retries of an asynchronous invocation. Lambda developer guide, invocation-async-error-handling."""
LAMBDA_MAX_AGE: Final = timedelta(hours=6)
"""Longest time that Lambda keeps an asynchronous event. Lambda API reference, FunctionEventInvokeConfig."""
QUEUE_RETRIES: Final = 999
"""Most retries behind a queue: SQS's maxReceiveCount is at most 1,000."""
QUEUE_RETENTION: Final = timedelta(days=14)
"""Longest time that SQS keeps a message. Dead letter queues keep it for so long, and an event can come back from them. SQS's quota."""
QUEUE_DELAY: Final = timedelta(minutes=15)
"""Longest delay of a message. SQS API reference, SendMessage."""
QUEUE_VISIBILITY: Final = timedelta(hours=12)
"""Longest visibility timeout. SQS API reference, ChangeMessageVisibility."""
QUEUE_MAX_AGE: Final = QUEUE_RETENTION / 2
"""Longest max_age behind a queue: half of SQS's longest retention, since a dead letter's retention counts from its first queue."""
MIN_MAX_AGE: Final = timedelta(minutes=1)
"""Shortest maximum age that EventBridge and Lambda accept."""
RULE_RETRIES: Final = 185
"""Retries of a rule's delivery to its target: EventBridge's maximum. EventBridge user guide, eb-rule-retry-policy."""
RULE_MAX_AGE: Final = timedelta(hours=24)
"""Longest that a rule tries to deliver. The same page."""
VISIBILITY_FACTOR: Final = 6
"""A queue's visibility timeout is this many function timeouts. Lambda developer guide, services-sqs-configure."""
MIN_RECEIVES: Final = 5
"""Fewest receives before SQS moves a message to the dead letter queue. Lambda developer guide, services-sqs-configure."""
RECEIVES_PER_ATTEMPT: Final = 3

_LAMBDA_DELAYS: Final = (timedelta(minutes=1), timedelta(minutes=2))
"""Lambda's pause before the second and the third attempt. Lambda developer guide, invocation-async-error-handling."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a handler that raised runs again, and the age at which the event becomes a dead letter.

    Args:
        times: attempts after the first: 0 to 2 for direct delivery, 0 to 999 behind a queue.
        max_age: 1 minute to 6 hours for direct delivery, to 7 days behind a queue.
    """

    times: int = LAMBDA_RETRIES
    max_age: timedelta = LAMBDA_MAX_AGE

    def delay(self, delivery: DeliveryMode, attempt: int, timeout: timedelta) -> timedelta:
        """Return the pause after failed attempt `attempt`, from 1: six timeouts behind a queue, else 1 or 2 minutes."""
        if delivery == "queue":
            return self.queue_pause(timeout)
        return _LAMBDA_DELAYS[min(attempt, len(_LAMBDA_DELAYS)) - 1]

    @staticmethod
    def queue_pause(timeout: timedelta) -> timedelta:
        """Return the pause after a failed attempt behind a queue; `timeout` is that of one attempt."""
        return VISIBILITY_FACTOR * timeout

    @property
    def receives(self) -> int:
        """Most receives of a message behind a queue, after which SQS moves it to the dead letter queue.

        Attempts are counted by the once-record. This is the net for messages that Lambda received and did not attempt,
        because it was throttled or its process died: without it such a message would return for ever.
        """
        return min(max(MIN_RECEIVES, RECEIVES_PER_ATTEMPT * (self.times + 1)), QUEUE_RETRIES + 1)

    @cache  # noqa: B019 - few values exist, and each is asked for with every delivery
    def attempts(self, delivery: DeliveryMode) -> int:
        """Return the most attempts, with the first. Direct delivery makes only those that begin within `max_age`."""
        begins = list(accumulate(_LAMBDA_DELAYS[: self.times], initial=timedelta(0)))
        return self.times + 1 if delivery == "queue" else sum(begin <= self.max_age for begin in begins)

    def check(self, function: str, delivery: DeliveryMode) -> None:
        """Raise `InvalidFunction` for values that the delivery mode does not support."""
        most, longest = (LAMBDA_RETRIES, LAMBDA_MAX_AGE) if delivery == "direct" else (QUEUE_RETRIES, QUEUE_MAX_AGE)
        check_whole_number(function, "Retry.times", self.times)
        if self.times < 0:
            raise InvalidFunction(
                f"{function} has Retry(times={self.times}), but a handler is not retried fewer than 0 times.\n"
                "  Use 0 or more."
            )
        if self.times > most:
            raise InvalidFunction(
                f"{function} has Retry(times={self.times}), but "
                + (
                    f"Lambda retries an asynchronous invocation at most {most} times.\n"
                    "  Write delivery='queue' for more attempts."
                    if delivery == "direct"
                    else f"a queue retries at most {most} times.\n  Use fewer."
                )
            )
        if not isinstance(self.max_age, timedelta):
            raise InvalidFunction(
                f"{function} has Retry(max_age={self.max_age!r}), which is not a timedelta.\n  Write timedelta(hours=...)."
            )
        if not MIN_MAX_AGE <= self.max_age <= longest:
            raise InvalidFunction(
                f"{function} has Retry(max_age={_in_words(self.max_age)}), but with delivery={delivery!r} max_age is "
                f"{_in_words(MIN_MAX_AGE)} to {_in_words(longest)}.\n  "
                + (
                    "Choose a max_age in that range."
                    if delivery == "queue" or self.max_age < longest
                    else "Write delivery='queue' to keep it longer."
                    if self.max_age <= QUEUE_MAX_AGE
                    else f"Write delivery='queue' and at most {_in_words(QUEUE_MAX_AGE)}."
                )
            )

    def __str__(self) -> str:
        times = "no retry" if self.times == 0 else counted(self.times, "retry")
        return f"{times} within {_in_words(self.max_age)}"


def _in_words(age: timedelta) -> str:
    """Return a duration in its largest whole unit: `6 hours`."""
    seconds = age.total_seconds()
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            return counted(int(seconds // size), unit)
    return f"{seconds:g} seconds"
