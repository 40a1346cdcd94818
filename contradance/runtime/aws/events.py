"""Publishes to EventBridge, sends dead letters to SQS, and hides messages of the function's queue."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from contradance.errors import AWSCallFailed, ContradanceError
from contradance.printable import printable_block
from contradance.runtime.aws import variable_names
from contradance.runtime.aws.caller import Caller

_LOG: Final = logging.getLogger("contradance.events")
_TRACE: Final = "_X_AMZN_TRACE_ID"
"""Lambda's variable: the X-Ray trace of the running invocation."""
_LONGEST_TRACE: Final = 500
"""Maximum length of a trace header, in characters. EventBridge API reference, PutEventsRequestEntry."""


class EventBridge:
    """`contradance.runtime.ports.Events` over AWS.

    Args:
        aws: calls EventBridge.
        environ: the environment, which contains the X-Ray trace. EventBridge passes the trace to its targets; without
            it each delivery starts a new trace.
    """

    def __init__(self, aws: Caller, environ: Mapping[str, str]) -> None:
        self._aws = aws
        self._environ = environ

    def put_events(self, *, Entries: Sequence[Mapping[str, str]]) -> Mapping[str, Any]:  # noqa: N803 - boto3's name
        """Publish up to 10 entries with the running X-Ray trace; the response has one result per entry, in order."""
        trace = self._environ.get(_TRACE)
        if trace and len(trace) <= _LONGEST_TRACE:
            Entries = [{**entry, "TraceHeader": trace} for entry in Entries]  # noqa: N806 - boto3's name
        return self._aws.call("events", "PutEvents", {"Entries": Entries})


class OwnQueue:
    """`contradance.runtime.ports.DeadLetters`: the function's own queue, the only one to which its role may send.

    Args:
        aws: calls SQS.
        url: the queue's URL; None if the function has no queue.
    """

    def __init__(self, aws: Caller, url: str | None) -> None:
        self._aws = aws
        self._url = url

    def send(self, function: str, body: str, attributes: Mapping[str, str]) -> None:
        """Send a message to the function's dead letter queue, without empty attributes; or `ContradanceError`."""
        if self._url is None:
            raise ContradanceError(
                f"{function} has no dead letter queue: {variable_names.DEAD_LETTERS} is not set.\n"
                "  Deploy the function again."
            )
        texts = {
            name: {"DataType": "String", "StringValue": printable_block(text)}
            for name, text in attributes.items()
            if text
        }
        self._aws.call("sqs", "SendMessage", {"QueueUrl": self._url, "MessageBody": body, "MessageAttributes": texts})


class ReceivedMessages:
    """`contradance.runtime.ports.Messages`: the messages that Lambda received from the function's queue.

    Args:
        aws: calls SQS.
        dead_letters: URL of the function's dead letter queue; its queue is in the same account and region.
    """

    def __init__(self, aws: Caller, dead_letters: str | None) -> None:
        self._aws = aws
        self._base = (dead_letters or "").rpartition("/")[0]

    def hide(self, message: Mapping[str, Any], seconds: float) -> None:
        """Set the visibility timeout of a message; if SQS refuses, nothing is raised and the queue's own applies."""
        self._call("ChangeMessageVisibility", message, {"VisibilityTimeout": int(seconds)})

    def give_back(self, message: Mapping[str, Any], seconds: float) -> None:
        """Set the visibility timeout, as `hide` does: SQS counts each receive, also one without an attempt."""
        self.hide(message, seconds)

    def delete(self, message: Mapping[str, Any]) -> None:
        """Delete a message; if SQS refuses, nothing is raised: Lambda deletes it at the invocation's end."""
        self._call("DeleteMessage", message, {})

    def _call(self, operation: str, message: Mapping[str, Any], request: Mapping[str, Any]) -> None:
        """Call an SQS operation for a message; a refusal is logged and not raised."""
        queue = str(message.get("eventSourceARN")).rpartition(":")[2]
        named = {"QueueUrl": f"{self._base}/{queue}", "ReceiptHandle": message.get("receiptHandle")}
        try:
            self._aws.call("sqs", operation, {**named, **request})
        except AWSCallFailed as error:
            _LOG.warning("%s, and its queue's own rules apply to the message: %s", queue, error)
