"""One SQS message on the wire: its attributes, and the digests that some clients check."""

from collections.abc import Mapping
from hashlib import md5
from typing import Any

from contradance.local.aws.protocol import AwsRequest, ResponseBody
from contradance.local.dead_letter_queues import DeadLetterMessage, MessageAttributes
from contradance.local.refusal import Refused


def message_attributes(request: AwsRequest) -> MessageAttributes:
    """Return a message's attributes; the laptop keeps text and numbers."""
    attributes: dict[str, dict[str, str]] = {}
    for name in request.object("MessageAttributes").all:
        given = request.object("MessageAttributes").object(name)
        kind, value = given.maybe_text("DataType") or "", given.maybe_text("StringValue")
        if value is None or kind.partition(".")[0] not in ("String", "Number"):
            raise Refused(
                "UnsupportedOperation", f"The laptop takes only message attributes of text; {name} is not text."
            )
        attributes[name] = {"DataType": kind, "StringValue": value}
    return attributes


def received(message: DeadLetterMessage, system: set[str], wanted: list[str]) -> ResponseBody:
    """Return a message as ReceiveMessage does, with the requested attributes."""
    values = {
        "SenderId": "AIDAIT2UOQQY3AUEKVGXU",
        "SentTimestamp": _milliseconds(message.sent),
        "ApproximateReceiveCount": str(message.receives),
        "ApproximateFirstReceiveTimestamp": _milliseconds(message.first_received or message.sent),
    }
    if message.source_arn is not None:
        values["DeadLetterQueueSourceArn"] = message.source_arn
    answer: dict[str, Any] = {
        "MessageId": message.id,
        "ReceiptHandle": message.receipt,
        "MD5OfBody": digest(message.body.encode()),
        "Body": message.body,
    }
    attributes = {name: text for name, text in values.items() if "All" in system or name in system}
    own = {name: value for name, value in message.attributes.items() if _is_wanted(name, wanted)}
    if attributes:
        answer["Attributes"] = attributes
    if own:
        answer |= {"MessageAttributes": own, "MD5OfMessageAttributes": attributes_digest(own)}
    return answer


def _is_wanted(name: str, wanted: list[str]) -> bool:
    return any(one in ("All", ".*", name) or (one.endswith(".*") and name.startswith(one[:-2])) for one in wanted)


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))


def digest(content: bytes) -> str:
    """Return the digest of a message's body, as SQS gives it."""
    return md5(content, usedforsecurity=False).hexdigest()


def attributes_digest(attributes: Mapping[str, Mapping[str, str]]) -> str:
    """Return the digest of message attributes, which some clients check. SQS developer guide, message attributes."""

    def part(text: str) -> bytes:
        content = text.encode()
        return len(content).to_bytes(4, "big") + content

    parts = [
        part(name) + part(value["DataType"]) + b"\x01" + part(value["StringValue"])
        for name, value in sorted(attributes.items())
    ]
    return digest(b"".join(parts))
