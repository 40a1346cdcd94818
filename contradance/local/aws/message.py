"""One SQS message on the wire: its attributes, and the digests that some clients check."""

import re
from collections.abc import Mapping
from hashlib import md5
from typing import Any, Final

from contradance.local.aws.protocol import AwsRequest, ResponseBody
from contradance.local.dead_letter_queues import DeadLetterMessage, MessageAttributes
from contradance.local.refusal import Refused
from contradance.printable import printable

_MOST_ATTRIBUTES: Final = 10
"""Most attributes of a message. SQS developer guide, message metadata."""
_NAME: Final = re.compile(r"(?!(?i:aws\.|amazon\.))(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)")
"""The same."""
_NUMBER: Final = re.compile(r"[+-]?(\d{1,128}(\.\d{0,128})?|\.\d{1,128})([eE][+-]?\d{1,4})?", re.ASCII)
_REFUSED: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that a message must not hold. SQS API reference, SendMessage."""


def message_attributes(request: AwsRequest) -> MessageAttributes:
    """Return a message's attributes, text or numbers; raise `Refused` for over 10, and for a binary or invalid one."""
    given = request.object("MessageAttributes")
    if len(given.all) > _MOST_ATTRIBUTES:
        raise _invalid(
            f"Number of message attributes [{len(given.all)}] exceeds the allowed maximum [{_MOST_ATTRIBUTES}]."
        )
    return {name: _attribute(name, given.object(name)) for name in given.all}


def _attribute(name: str, given: AwsRequest) -> dict[str, str]:
    """Return one attribute in SQS's shape; raise `Refused` for an invalid name, type or value, and binary data."""
    kind, value = given.maybe_text("DataType") or "", given.maybe_text("StringValue")
    base = kind.partition(".")[0]
    if not _NAME.fullmatch(name):
        raise _invalid(f"The message attribute name '{printable(name)}' is invalid.")
    if not kind:
        raise _invalid(f"The message attribute '{name}' must contain non-empty message attribute type.")
    if base == "Binary":
        raise Refused("UnsupportedOperation", f"The laptop takes only message attributes of text; {name} is not text.")
    if base not in ("String", "Number"):
        raise _invalid(f"The message attribute '{name}' has an invalid message attribute type.")
    if not value:
        raise _invalid(f"Message (user) attribute '{name}' must contain a non-empty value of type '{base}'.")
    check_text(value, "InvalidParameterValue")
    if base == "Number" and not _NUMBER.fullmatch(value):
        raise _invalid(f"Can't cast the value of message (user) attribute '{name}' to a number.")
    return {"DataType": kind, "StringValue": value}


def check_text(text: str, code: str = "InvalidMessageContents") -> None:
    """Raise `Refused`, with the error `code`, for a text with characters that SQS does not accept."""
    if _REFUSED.search(text):
        raise Refused(
            code,
            "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | "
            "#x10000 to #x10FFFF",
        )


def _invalid(message: str) -> Refused:
    """Return an `InvalidParameterValue` with this message; the caller raises it."""
    return Refused("InvalidParameterValue", message)


def received_message(
    message: DeadLetterMessage, system_attributes: set[str], own_attributes: list[str]
) -> ResponseBody:
    """Return a message as ReceiveMessage does, with those of SQS's and its own attributes that are requested."""
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
        "MD5OfBody": md5_digest(message.body.encode()),
        "Body": message.body,
    }
    attributes = {name: text for name, text in values.items() if {"All", name} & system_attributes}
    own = {name: value for name, value in message.attributes.items() if _is_requested(name, own_attributes)}
    if attributes:
        answer["Attributes"] = attributes
    if own:
        answer |= {"MessageAttributes": own, "MD5OfMessageAttributes": attributes_digest(own)}
    return answer


def _is_requested(name: str, requested: list[str]) -> bool:
    """Whether an attribute was requested: by its name, by `prefix.*`, or by `All` or `.*`."""
    return any(one in ("All", ".*", name) or (one.endswith(".*") and name.startswith(one[:-2])) for one in requested)


def _milliseconds(seconds: float) -> str:
    """Return seconds as a text of whole milliseconds, rounded down."""
    return str(int(seconds * 1000))


def md5_digest(content: bytes) -> str:
    """Return the MD5 digest of bytes in hexadecimal, as SQS does of a message's body."""
    return md5(content, usedforsecurity=False).hexdigest()


def attributes_digest(attributes: Mapping[str, Mapping[str, str]]) -> str:
    """Return SQS's MD5 digest of message attributes, in hexadecimal. SQS developer guide, message attributes."""

    def part(text: str) -> bytes:
        """Return the UTF-8 bytes of a text behind their count in four bytes."""
        content = text.encode()
        return len(content).to_bytes(4, "big") + content

    parts = [
        part(name) + part(value["DataType"]) + b"\x01" + part(value["StringValue"])
        for name, value in sorted(attributes.items())
    ]
    return md5_digest(b"".join(parts))
