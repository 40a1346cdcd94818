"""SQS on the laptop: every function's dead letter queue, and the source queues of functions behind one.

Only its function reads a source queue: a client may send to it and read its counts.
"""

import re
import time
from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from contradance.choreography import AnyFunction, Choreography
from contradance.function import Schedule
from contradance.local.aws.message import attributes_digest, digest, message_attributes, received
from contradance.local.aws.protocol import AwsRequest, ResponseBody
from contradance.local.dead_letter_queues import VISIBILITY_SECONDS, DeadLetterQueues
from contradance.local.events.bus import Bus
from contradance.local.names import aws_name, dead_letter_queue, queue_arn, queue_url
from contradance.local.refusal import Refused
from contradance.retry import VISIBILITY_FACTOR
from contradance.subscription import Subscription

_LONGEST_VISIBILITY: Final = 43_200
"""Longest visibility timeout, in seconds. SQS API reference, ChangeMessageVisibility."""
_MOST_BYTES: Final = 1_048_576
"""Largest message. SQS developer guide, quotas."""
_RETENTION: Final = 1_209_600
"""SQS's longest retention, in seconds: two weeks. The laptop deletes no message by age."""
_LONGEST_WAIT_SECONDS: Final = 1.0
"""Longest wait of ReceiveMessage here: a laptop that stops waits for its open requests."""
_LOOK_SECONDS: Final = 0.05
_BATCH: Final = 10
_BATCH_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")


class _Queue(NamedTuple):
    """One queue."""

    name: str
    function: AnyFunction
    source: bool
    """Whether it is the queue before its function; else it is the dead letter queue."""


class Queues:
    """The operations on queues."""

    def __init__(self, choreography: Choreography, bus: Bus, dead_letters: DeadLetterQueues) -> None:
        self._bus = bus
        self._dead_letters = dead_letters
        found = []
        for name, function in choreography.functions.items():
            if isinstance(function.trigger, Subscription | Schedule):
                found.append(_Queue(dead_letter_queue(name), function, source=False))
            if function.delivery == "queue":
                found.append(_Queue(aws_name(name), function, source=True))
        self._queues = {queue.name: queue for queue in found}

    def list_queues(self, request: AwsRequest, url: str) -> ResponseBody:
        """List the queues' URLs, by name."""
        prefix = request.maybe_text("QueueNamePrefix") or ""
        names, following = request.page(
            [name for name in sorted(self._queues) if name.startswith(prefix)], "MaxResults"
        )
        return {"QueueUrls": [queue_url(url, name) for name in names], **following}

    def get_queue_url(self, request: AwsRequest, url: str) -> ResponseBody:
        """Return the URL of a queue."""
        return {"QueueUrl": queue_url(url, self._named(_required(request, "QueueName")).name)}

    def get_queue_attributes(self, request: AwsRequest, url: str) -> ResponseBody:  # noqa: ARG002 - every operation's shape
        """Return the requested attributes of a queue: counts, ARN and settings."""
        queue = self._queue(request)
        known = self._attributes(queue)
        names = request.texts("AttributeNames")
        unknown = [name for name in names if name != "All" and name not in known]
        if unknown:
            raise Refused("InvalidAttributeName", f"Unknown Attribute {unknown[0]}.")
        return {"Attributes": {name: text for name, text in known.items() if "All" in names or name in names}}

    def send_message(self, request: AwsRequest, url: str) -> ResponseBody:  # noqa: ARG002 - the same
        """Put a message on a queue; the function consumes those on its source queue."""
        queue, body = self._queue(request), _required(request, "MessageBody")
        try:
            content = body.encode()
        except UnicodeEncodeError as error:
            raise Refused("InvalidMessageContents", "Invalid characters found.") from error
        if len(content) > _MOST_BYTES:
            raise Refused(
                "InvalidParameterValue",
                f"One or more parameters are invalid. Reason: Message must be shorter than {_MOST_BYTES} bytes.",
            )
        attributes = message_attributes(request)
        if queue.source:
            message_id = self._bus.enqueue_direct(queue.function.name, body)
        else:
            message_id = self._dead_letters.put(queue.function.name, body, attributes)
        answer = {"MessageId": message_id, "MD5OfMessageBody": digest(content)}
        return answer | ({"MD5OfMessageAttributes": attributes_digest(attributes)} if attributes else {})

    def receive_message(self, request: AwsRequest, url: str) -> ResponseBody:  # noqa: ARG002 - the same
        """Receive messages, and hide them for their visibility timeout."""
        queue = self._dead_letter_queue(request, "ReceiveMessage")
        limit = request.whole("MaxNumberOfMessages", 1, _BATCH, 1)
        seconds = request.whole("VisibilityTimeout", 0, _LONGEST_VISIBILITY, VISIBILITY_SECONDS)
        deadline = time.monotonic() + min(request.whole("WaitTimeSeconds", 0, 20, 0), _LONGEST_WAIT_SECONDS)
        while not (found := self._dead_letters.receive(queue.function.name, limit, seconds)):
            if time.monotonic() >= deadline:
                return {}
            time.sleep(_LOOK_SECONDS)
        system = {*request.texts("AttributeNames"), *request.texts("MessageSystemAttributeNames")}
        wanted = request.texts("MessageAttributeNames")
        return {"Messages": [received(message, system, wanted) for message in found]}

    def delete_message(self, request: AwsRequest, url: str) -> ResponseBody:  # noqa: ARG002 - the same
        """Delete a message that was received."""
        queue = self._dead_letter_queue(request, "DeleteMessage")
        self._dead_letters.delete(queue.function.name, _required(request, "ReceiptHandle"))
        return {}

    def delete_message_batch(self, request: AwsRequest, url: str) -> ResponseBody:  # noqa: ARG002 - the same
        """Delete several messages; each may fail alone."""
        queue = self._dead_letter_queue(request, "DeleteMessageBatch")
        return _each(
            request, lambda entry: self._dead_letters.delete(queue.function.name, _required(entry, "ReceiptHandle"))
        )

    def change_message_visibility(self, request: AwsRequest, url: str) -> ResponseBody:  # noqa: ARG002 - the same
        """Hide a received message for longer, or show it again."""
        self._change(self._dead_letter_queue(request, "ChangeMessageVisibility"), request)
        return {}

    def change_message_visibility_batch(self, request: AwsRequest, url: str) -> ResponseBody:  # noqa: ARG002 - the same
        """Hide or show several messages; each may fail alone."""
        queue = self._dead_letter_queue(request, "ChangeMessageVisibilityBatch")
        return _each(request, lambda entry: self._change(queue, entry))

    def purge_queue(self, request: AwsRequest, url: str) -> ResponseBody:  # noqa: ARG002 - the same
        """Delete every message of a queue."""
        self._dead_letters.purge(self._dead_letter_queue(request, "PurgeQueue").function.name)
        return {}

    def _change(self, queue: _Queue, request: AwsRequest) -> None:
        seconds = request.whole("VisibilityTimeout", 0, _LONGEST_VISIBILITY, 0)
        self._dead_letters.change_visibility(queue.function.name, _required(request, "ReceiptHandle"), seconds)

    def _attributes(self, queue: _Queue) -> dict[str, str]:
        name = queue.function.name
        visible, hidden = self._bus.backlog(name) if queue.source else self._dead_letters.counts(name)
        timeout = VISIBILITY_FACTOR * int(queue.function.limits.timeout.total_seconds())
        return {
            "ApproximateNumberOfMessages": str(visible),
            "ApproximateNumberOfMessagesNotVisible": str(hidden),
            "ApproximateNumberOfMessagesDelayed": "0",
            "MessageRetentionPeriod": str(_RETENTION),
            "QueueArn": queue_arn(queue.name),
            "VisibilityTimeout": str(timeout if queue.source else VISIBILITY_SECONDS),
        }

    def _queue(self, request: AwsRequest) -> _Queue:
        return self._named(urlsplit(_required(request, "QueueUrl")).path.rpartition("/")[2])

    def _named(self, name: str) -> _Queue:
        if name not in self._queues:
            raise Refused("QueueDoesNotExist", "The specified queue does not exist.")
        return self._queues[name]

    def _dead_letter_queue(self, request: AwsRequest, operation: str) -> _Queue:
        queue = self._queue(request)
        if queue.source:
            raise Refused(
                "UnsupportedOperation",
                f"The laptop does not answer {operation} for {queue.name}: only its function reads a source queue.",
            )
        return queue


def _required(request: AwsRequest, name: str) -> str:
    found = request.maybe_text(name)
    if not found:
        raise Refused("MissingParameter", f"The request must contain the parameter {name}.")
    return found


def _each(request: AwsRequest, act: Callable[[AwsRequest], object]) -> ResponseBody:
    """Call `act` for each entry of a batch, and return the result of each."""
    entries = request.objects("Entries")
    ids = [entry.maybe_text("Id") or "" for entry in entries]
    if not entries:
        raise Refused("EmptyBatchRequest", "There should be at least one entry in the request.")
    if len(entries) > _BATCH:
        raise Refused(
            "TooManyEntriesInBatchRequest",
            f"Maximum number of entries per request are {_BATCH}. You have sent {len(entries)}.",
        )
    if not all(map(_BATCH_ID.fullmatch, ids)):
        raise Refused(
            "InvalidBatchEntryId",
            "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
            "It can be at most 80 letters long.",
        )
    if len(set(ids)) < len(ids):
        raise Refused("BatchEntryIdsNotDistinct", f"Id {max(ids, key=ids.count)} repeated.")
    successful: list[ResponseBody] = []
    failed: list[ResponseBody] = []
    for identifier, entry in zip(ids, entries, strict=True):
        try:
            act(entry)
        except Refused as refusal:
            failed.append({"Id": identifier, "SenderFault": True, "Code": refusal.code, "Message": refusal.message})
        else:
            successful.append({"Id": identifier})
    return {"Successful": successful, "Failed": failed}
