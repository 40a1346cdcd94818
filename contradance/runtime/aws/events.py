"""Publishes to EventBridge and sends dead letters to SQS."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from contradance.errors import ContradanceError
from contradance.printable import printable_block
from contradance.runtime.aws import variable_names
from contradance.runtime.aws.caller import Caller

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
        """Publish up to 10 entries; the answer has one result per entry, in order."""
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
        """Put one message on the queue of `function`."""
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
