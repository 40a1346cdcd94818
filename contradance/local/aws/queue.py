"""One of the laptop's queues: a function's dead letter queue, or the source queue before it; and its settings."""

import json
from collections.abc import Mapping
from typing import NamedTuple

from contradance.bounds import MAX_MESSAGE_BYTES
from contradance.choreography import AnyFunction, Choreography
from contradance.function import Schedule
from contradance.local.dead_letter_queues import VISIBILITY_SECONDS
from contradance.local.names import aws_name, dead_letter_queue, queue_arn
from contradance.retry import QUEUE_RETENTION, VISIBILITY_FACTOR
from contradance.subscription import Subscription


class LaptopQueue(NamedTuple):
    """A queue that the laptop has for a function."""

    name: str
    function: AnyFunction
    source: bool
    """Whether it is the queue before its function; else it is the dead letter queue."""

    def settings(self) -> Mapping[str, str]:
        """Return the attributes, as text, that never change; `RedrivePolicy` only of a source queue.

        The laptop deletes no message by its age.
        """
        timeout = VISIBILITY_FACTOR * int(self.function.limits.timeout.total_seconds())
        settings = {
            "ApproximateNumberOfMessagesDelayed": "0",
            "DelaySeconds": "0",
            "MaximumMessageSize": str(MAX_MESSAGE_BYTES),
            "MessageRetentionPeriod": str(int(QUEUE_RETENTION.total_seconds())),
            "QueueArn": queue_arn(self.name),
            "ReceiveMessageWaitTimeSeconds": "0",
            "SqsManagedSseEnabled": "true",
            "VisibilityTimeout": str(timeout if self.source else VISIBILITY_SECONDS),
        }
        if self.source:
            target = queue_arn(dead_letter_queue(self.function.name))
            redrive = {"deadLetterTargetArn": target, "maxReceiveCount": self.function.retry.times + 1}
            settings["RedrivePolicy"] = json.dumps(redrive, separators=(",", ":"))
        return settings


def queues_of(choreography: Choreography) -> dict[str, LaptopQueue]:
    """Return the queues by name: each function's dead letter queue, none of a route, and source queue if any."""
    found = []
    for name, function in choreography.functions.items():
        if isinstance(function.trigger, Subscription | Schedule):
            found.append(LaptopQueue(dead_letter_queue(name), function, source=False))
        if function.delivery == "queue":
            found.append(LaptopQueue(aws_name(name), function, source=True))
    return {queue.name: queue for queue in found}
