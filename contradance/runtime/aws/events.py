"""EventBridge and SQS, as the runtime needs them."""

from collections.abc import Mapping, Sequence
from typing import Any

from contradance.errors import ContradanceError
from contradance.runtime.aws import variable_names
from contradance.runtime.aws.caller import Caller


class EventBridge:
    """`contradance.runtime.ports.Events` over AWS."""

    def __init__(self, aws: Caller) -> None:
        self._aws = aws

    def put_events(self, *, Entries: Sequence[Mapping[str, str]]) -> Mapping[str, Any]:  # noqa: N803 - boto3's name
        """Publish up to 10 entries; the answer has one result per entry, in order."""
        return self._aws.call("events", "PutEvents", {"Entries": Entries})


class OwnQueue:
    """`contradance.runtime.ports.DeadLetters`: the one queue that the function's role may send to.

    Args:
        aws: calls SQS.
        url: the queue's; None for a function that has none.
    """

    def __init__(self, aws: Caller, url: str | None) -> None:
        self._aws = aws
        self._url = url

    def send(self, function: str, body: str, attributes: Mapping[str, str]) -> None:
        """Put one message on the queue of `function`."""
        if self._url is None:
            raise ContradanceError(
                f"{function} has no dead letter queue: {variable_names.DEAD_LETTERS} is not set.\n"
                "  Deploy the function anew."
            )
        said = {name: {"DataType": "String", "StringValue": text} for name, text in attributes.items() if text}
        self._aws.call("sqs", "SendMessage", {"QueueUrl": self._url, "MessageBody": body, "MessageAttributes": said})
