"""How often a handler that raised runs again, and for how long."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from typing import Final, Literal

from contradance.errors import InvalidFunction

DeliveryMode = Literal["direct", "queue"]
"""How a rule reaches its function: asynchronous invocation, or a queue in between."""

LAMBDA_RETRIES: Final = 2
"""Most retries of an asynchronous invocation. Lambda developer guide, invocation-async-error-handling."""
LAMBDA_MAX_AGE: Final = timedelta(hours=6)
"""Longest that Lambda keeps an asynchronous event. Lambda API reference, FunctionEventInvokeConfig."""
QUEUE_RETRIES: Final = 999
"""Most retries behind a queue: SQS's maxReceiveCount is at most 1,000."""
QUEUE_MAX_AGE: Final = timedelta(days=7)
"""Longest behind a queue: half of SQS's longest retention, so that what a dead letter queue gets still lasts."""
MIN_MAX_AGE: Final = timedelta(minutes=1)
"""Shortest maximum age that EventBridge and Lambda take."""
RULE_RETRIES: Final = 185
"""Retries of a rule's own delivery to its target: as many as EventBridge makes. EventBridge user guide, eb-rule-retry-policy."""
RULE_MAX_AGE: Final = timedelta(hours=24)
"""Longest that a rule tries to deliver. The same page."""
VISIBILITY_FACTOR: Final = 6
"""A queue's visibility timeout is this many function timeouts. Lambda developer guide, services-sqs-configure."""

_LAMBDA_DELAYS: Final = (timedelta(minutes=1), timedelta(minutes=2))
"""Lambda's pause before the second and the third attempt. Lambda developer guide, invocation-async-error-handling."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Attempts after the first, and the age at which an event is given up; what is given up is a dead letter.

    Args:
        times: attempts after the first: 0 to 2 directly, 0 to 999 behind a queue.
        max_age: a minute to 6 hours directly, to 7 days behind a queue.
    """

    times: int = LAMBDA_RETRIES
    max_age: timedelta = LAMBDA_MAX_AGE

    def delay(self, delivery: DeliveryMode, attempt: int, timeout: timedelta) -> timedelta:
        """Return the pause after failed attempt number `attempt`, which is 1 for the first."""
        if delivery == "queue":
            return VISIBILITY_FACTOR * timeout
        return _LAMBDA_DELAYS[min(attempt, len(_LAMBDA_DELAYS)) - 1]

    def attempts(self, delivery: DeliveryMode) -> int:
        """Return how many attempts there are at most: directly, those that begin within `max_age`."""
        begins = list(accumulate(_LAMBDA_DELAYS[: self.times], initial=timedelta(0)))
        return self.times + 1 if delivery == "queue" else sum(begin <= self.max_age for begin in begins)

    def check(self, function: str, delivery: DeliveryMode) -> None:
        """Refuse what the delivery cannot honour."""
        most, longest = (LAMBDA_RETRIES, LAMBDA_MAX_AGE) if delivery == "direct" else (QUEUE_RETRIES, QUEUE_MAX_AGE)
        if self.times < 0:
            raise InvalidFunction(
                f"{function} asks for Retry(times={self.times}), but a handler is not retried fewer than 0 times.\n"
                "  Ask for 0 or more."
            )
        if self.times > most:
            raise InvalidFunction(
                f"{function} asks for Retry(times={self.times}), but "
                + (
                    f"Lambda retries an asynchronous invocation at most {most} times.\n"
                    "  Say delivery='queue' for more attempts."
                    if delivery == "direct"
                    else f"a queue retries at most {most} times.\n  Ask for fewer."
                )
            )
        if not isinstance(self.max_age, timedelta):
            raise InvalidFunction(
                f"{function} asks for Retry(max_age={self.max_age!r}), which is no duration.\n  Say timedelta(hours=...)."
            )
        if not MIN_MAX_AGE <= self.max_age <= longest:
            raise InvalidFunction(
                f"{function} asks for Retry(max_age={_words(self.max_age)}), but with delivery={delivery!r} an event is "
                f"kept for {_words(MIN_MAX_AGE)} to {_words(longest)}.\n  "
                + (
                    "Choose a max_age in that range."
                    if delivery == "queue" or self.max_age < longest
                    else "Say delivery='queue' to keep it longer."
                    if self.max_age <= QUEUE_MAX_AGE
                    else f"Say delivery='queue' and at most {_words(QUEUE_MAX_AGE)}."
                )
            )

    def __str__(self) -> str:
        times = "no retry" if self.times == 0 else f"{self.times} {'retry' if self.times == 1 else 'retries'}"
        return f"{times} within {_words(self.max_age)}"


def _words(age: timedelta) -> str:
    """Say a duration in its largest whole unit: `6 hours`."""
    seconds = age.total_seconds()
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{seconds:g} seconds"
