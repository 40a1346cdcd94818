"""SQS on the laptop: every function's dead letter queue, and the source queues of functions behind one.

Only its function reads a source queue: a client may send to it and read its counts.
"""

import time
from typing import Final

from contradance.bounds import MAX_MESSAGE_BYTES
from contradance.choreography import Choreography
from contradance.local.aws.batch import MAX_ENTRIES, each_entry
from contradance.local.aws.message import (
    SYSTEM_ATTRIBUTES,
    attributes_digest,
    check_system_attributes,
    check_text,
    md5_digest,
    message_attributes,
    received_message,
)
from contradance.local.aws.protocol import AwsRequest, ResponseBody
from contradance.local.aws.queue import LaptopQueue, queues_of
from contradance.local.aws.queue_parameters import (
    check_attribute_names,
    check_group,
    number_in,
    queue_address,
    queue_name,
    required,
)
from contradance.local.dead_letter_queues import VISIBILITY_SECONDS, DeadLetterQueues
from contradance.local.events.bus import Bus
from contradance.local.events.deliveries import Deliveries
from contradance.local.names import ACCOUNT, queue_url
from contradance.local.refusal import Refused
from contradance.retry import QUEUE_DELAY, QUEUE_VISIBILITY
from contradance.runtime.ports import Clock

_LONGEST_VISIBILITY: Final = int(QUEUE_VISIBILITY.total_seconds())
_LONGEST_WAIT_SECONDS: Final = 1.0
"""Longest wait of ReceiveMessage here: a laptop that stops waits for its open requests."""
_LONGEST_POLL: Final = 20
"""Longest wait for a message, in seconds. SQS API reference, ReceiveMessage."""
_LOOK_SECONDS: Final = 0.05
_LONGEST_DELAY: Final = int(QUEUE_DELAY.total_seconds())
_PURGE_SECONDS: Final = 60.0
"""Least time between two purges of a queue, in seconds. SQS API reference, PurgeQueue."""
_MOST_ON_A_PAGE: Final = 1_000
"""Most queues of one answer. SQS API reference, ListQueues."""
_ATTRIBUTES: Final = frozenset(
    {
        *("ContentBasedDeduplication", "DeduplicationScope", "FifoQueue", "FifoThroughputLimit"),
        *("KmsDataKeyReusePeriodSeconds", "KmsMasterKeyId", "Policy", "RedriveAllowPolicy", "RedrivePolicy"),
    }
)
"""Attributes that a queue here may not have: a request for them is valid. SQS API reference, GetQueueAttributes."""


class Queues:
    """The operations on queues.

    Args:
        choreography: has the functions, each with its queues.
        bus: accepts messages for source queues.
        deliveries: hold the messages of source queues.
        dead_letters: holds the dead letters.
        clock: gives the current time; the laptop created its queues when it was started.
    """

    def __init__(
        self,
        choreography: Choreography,
        bus: Bus,
        deliveries: Deliveries,
        dead_letters: DeadLetterQueues,
        clock: Clock,
    ) -> None:
        self._bus = bus
        self._deliveries = deliveries
        self._clock = clock
        self._created = str(int(clock.now().timestamp()))
        self._purged: dict[str, float] = {}
        self._dead_letters = dead_letters
        self._queues = queues_of(choreography)

    def list_queues(self, request: AwsRequest) -> ResponseBody:
        """Return a page of the queues' URLs, by name, whose names begin with `QueueNamePrefix`."""
        prefix = request.maybe_text("QueueNamePrefix") or ""
        most = number_in(request, "MaxResults", 1, _MOST_ON_A_PAGE, "Must be an integer between 1 and 1000.")
        names, following = request.page_of(
            [name for name in sorted(self._queues) if name.startswith(prefix)], most or _MOST_ON_A_PAGE
        )
        return {"QueueUrls": [queue_url(request.url, name) for name in names], **following}

    def get_queue_url(self, request: AwsRequest) -> ResponseBody:
        """Return the URL of a queue by its name; raise `Refused` for an unknown or invalid one, and another account."""
        name, account = queue_name(request), request.maybe_text("QueueOwnerAWSAccountId")
        return {"QueueUrl": queue_url(request.url, self._named(name, account).name)}

    def get_queue_attributes(self, request: AwsRequest) -> ResponseBody:
        """Return the requested attributes of a queue: counts, ARN and settings; raise `Refused` for an unknown one."""
        queue = self._queue(request)
        known = self._attributes(queue)
        names = request.texts("AttributeNames")
        check_attribute_names(names, {*known, *_ATTRIBUTES})
        return {"Attributes": {name: text for name, text in known.items() if "All" in names or name in names}}

    def send_message(self, request: AwsRequest) -> ResponseBody:
        """Put a message on a source queue, for its function, or a dead letter queue; raise `Refused` if invalid."""
        queue, body = self._queue(request), required(request, "MessageBody")
        check_text(body)
        request.refuse("MessageDeduplicationId", "its queues are standard queues")
        check_group(request.maybe_text("MessageGroupId"))  # of no effect, because one function reads a queue
        check_system_attributes(request)
        delay = number_in(request, "DelaySeconds", 0, _LONGEST_DELAY, "DelaySeconds must be >= 0 and <= 900.") or 0
        attributes = message_attributes(request)
        content = body.encode()
        texts = (text for name, value in attributes.items() for text in (name, *value.values()))
        if len(content) + sum(len(text.encode()) for text in texts) > MAX_MESSAGE_BYTES:
            raise Refused(
                "InvalidParameterValue",
                f"One or more parameters are invalid. Reason: Message must be shorter than {MAX_MESSAGE_BYTES} bytes.",
            )
        if queue.source:
            message_id = self._bus.enqueue_direct(queue.function.name, body, delay)
        else:
            message_id = self._dead_letters.put(queue.function.name, body, attributes, delay)
        answer = {"MessageId": message_id, "MD5OfMessageBody": md5_digest(content)}
        return answer | ({"MD5OfMessageAttributes": attributes_digest(attributes)} if attributes else {})

    def receive_message(self, request: AwsRequest) -> ResponseBody:
        """Return dead letters, and hide them for a time; none after a short wait. `Refused` for a source queue."""
        queue = self._dead_letter_queue(request, "ReceiveMessage")
        request.refuse("ReceiveRequestAttemptId", "its queues are standard queues")
        limit = number_in(request, "MaxNumberOfMessages", 1, MAX_ENTRIES, "Must be between 1 and 10, if provided.") or 1
        given = number_in(
            request, "VisibilityTimeout", 0, _LONGEST_VISIBILITY, "Must be between 0 and 43200, if provided."
        )
        seconds = VISIBILITY_SECONDS if given is None else given
        wait = number_in(request, "WaitTimeSeconds", 0, _LONGEST_POLL, "Must be >= 0 and <= 20, if provided.") or 0
        older = request.texts("AttributeNames")
        system = {*older, *request.texts("MessageSystemAttributeNames")}
        check_attribute_names([*system.difference(older)], SYSTEM_ATTRIBUTES)
        if older:  # their names are those of the queue's attributes, too, in the service model
            check_attribute_names(older, {*SYSTEM_ATTRIBUTES, *self._attributes(queue), *_ATTRIBUTES})
        own = request.texts("MessageAttributeNames")
        deadline = time.monotonic() + min(wait, _LONGEST_WAIT_SECONDS)
        while not (found := self._dead_letters.receive(queue.function.name, limit, seconds)):
            if time.monotonic() >= deadline:
                return {}
            time.sleep(_LOOK_SECONDS)
        return {"Messages": [received_message(message, system, own) for message in found]}

    def delete_message(self, request: AwsRequest) -> ResponseBody:
        """Delete a received dead letter; an old receipt deletes nothing. Raise `Refused` for a source queue."""
        queue = self._dead_letter_queue(request, "DeleteMessage")
        self._dead_letters.delete(queue.function.name, required(request, "ReceiptHandle"))
        return {}

    def delete_message_batch(self, request: AwsRequest) -> ResponseBody:
        """Delete received dead letters; each may fail alone. Raise `Refused` for a source queue."""
        queue = self._dead_letter_queue(request, "DeleteMessageBatch")
        return each_entry(
            request,
            "DeleteMessageBatchRequestEntry",
            lambda entry: self._dead_letters.delete(queue.function.name, entry.text("ReceiptHandle")),
        )

    def change_message_visibility(self, request: AwsRequest) -> ResponseBody:
        """Hide a received dead letter for a time from now; raise `Refused` if not hidden, or on a source queue."""
        self._change_visibility(self._dead_letter_queue(request, "ChangeMessageVisibility"), request)
        return {}

    def change_message_visibility_batch(self, request: AwsRequest) -> ResponseBody:
        """Hide received dead letters for a time from now; each may fail alone. Raise `Refused` for a source queue."""
        queue = self._dead_letter_queue(request, "ChangeMessageVisibilityBatch")
        return each_entry(
            request,
            "ChangeMessageVisibilityBatchRequestEntry",
            lambda entry: self._change_visibility(queue, entry),
        )

    def purge_queue(self, request: AwsRequest) -> ResponseBody:
        """Delete a dead letter queue's messages; raise `Refused` for a source queue, or a second purge within 60 s."""
        queue, now = self._dead_letter_queue(request, "PurgeQueue"), self._clock.now().timestamp()
        if 0 <= now - self._purged.get(queue.name, -_PURGE_SECONDS) < _PURGE_SECONDS:
            raise Refused(
                "PurgeQueueInProgress",
                f"Only one PurgeQueue operation on {queue.name} is allowed every 60 seconds.",
                403,
            )
        self._purged[queue.name] = now
        self._dead_letters.purge(queue.function.name)
        return {}

    def _change_visibility(self, queue: LaptopQueue, request: AwsRequest) -> None:
        """Hide a dead letter for `VisibilityTimeout` from now; raise `Refused` for a missing or invalid parameter."""
        if "VisibilityTimeout" not in request:
            raise Refused("MissingParameter", "The request must contain the parameter VisibilityTimeout.")
        seconds = number_in(request, "VisibilityTimeout", 0, _LONGEST_VISIBILITY, "Must be between 0 and 43200.") or 0
        self._dead_letters.change_visibility(queue.function.name, required(request, "ReceiptHandle"), seconds)

    def _attributes(self, queue: LaptopQueue) -> dict[str, str]:
        """Return every attribute of a queue as text: its settings, its counts, and when the laptop was started."""
        name = queue.function.name
        visible, hidden = self._deliveries.backlog(name) if queue.source else self._dead_letters.counts(name)
        return {
            **queue.settings(),
            "ApproximateNumberOfMessages": str(visible),
            "ApproximateNumberOfMessagesNotVisible": str(hidden),
            "CreatedTimestamp": self._created,
            "LastModifiedTimestamp": self._created,
        }

    def _queue(self, request: AwsRequest) -> LaptopQueue:
        """Return the queue in the request's `QueueUrl`; raise `Refused` for a missing or invalid URL, or an unknown queue."""
        return self._named(*queue_address(request))

    def _named(self, name: str, account: str | None) -> LaptopQueue:
        """Return the queue with this name; raise `Refused` for an unknown one, and for another account's."""
        if name not in self._queues or account not in (None, ACCOUNT):
            raise Refused("QueueDoesNotExist", "The specified queue does not exist.")
        return self._queues[name]

    def _dead_letter_queue(self, request: AwsRequest, operation: str) -> LaptopQueue:
        """Return the dead letter queue in `QueueUrl`; raise `Refused` for a source queue, and an unknown one."""
        queue = self._queue(request)
        if queue.source:
            raise Refused(
                "UnsupportedOperation",
                f"The laptop does not answer {operation} for {queue.name}: only its function reads a source queue.",
            )
        return queue
