"""One SQS message on the wire: its attributes, and the digests that some clients check."""

import re
from collections.abc import Mapping
from decimal import Decimal
from hashlib import md5
from typing import Any, Final

from contradance.local.aws.protocol import AwsRequest, ResponseBody
from contradance.local.dead_letter_queues import DeadLetterMessage, MessageAttributes
from contradance.local.refusal import Refused
from contradance.local.state.stored import stored_time
from contradance.printable import printable

_MOST_ATTRIBUTES: Final = 10
"""Most attributes of a message. SQS developer guide, message metadata."""
_NAME: Final = re.compile(r"(?!(?i:aws\.|amazon\.))(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)")
"""The same."""
_LONGEST_TYPE: Final = 256
"""Longest type of an attribute, in characters. The same."""
_NUMBER: Final = re.compile(r"[+-]?(\d{1,128}(\.\d{0,128})?|\.\d{1,128})([eE][+-]?\d{1,4})?", re.ASCII)
_DIGITS: Final = 38
_EXPONENTS: Final = range(-128, 127)
"""Most digits of a number, and the powers of ten of its first one. SQS developer guide, message metadata."""
SYSTEM_ATTRIBUTES: Final = frozenset(
    {
        *("AWSTraceHeader", "ApproximateFirstReceiveTimestamp", "ApproximateReceiveCount", "DeadLetterQueueSourceArn"),
        *("MessageDeduplicationId", "MessageGroupId", "SenderId", "SentTimestamp", "SequenceNumber"),
    }
)
"""SQS's own attributes of a message. SQS API reference, ReceiveMessage."""
_TRACE: Final = "AWSTraceHeader"
_OTHER_VALUES: Final = ("BinaryValue", "StringListValues", "BinaryListValues")
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


def check_system_attributes(request: AwsRequest) -> None:
    """Raise `Refused` for a system attribute other than X-Ray's trace, the only one that SQS takes."""
    given = request.object("MessageSystemAttributes")
    for name in given.all:
        if name != _TRACE:
            raise _invalid(f"The message system attribute name '{printable(name)}' is invalid.")
        if _attribute(name, given.object(name))["DataType"] != "String":
            raise _invalid(f"The message system attribute '{name}' must be of type String.")


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
    if base not in ("String", "Number") or len(kind) > _LONGEST_TYPE:
        raise _invalid(f"The message attribute '{name}' has an invalid message attribute type.")
    check_text(kind, "InvalidParameterValue")
    for other in _OTHER_VALUES:
        if other in given:
            raise _invalid(
                f"The message attribute '{name}' with type '{base}' must use field 'StringValue', not {other}."
            )
    if not value:
        raise _invalid(f"Message (user) attribute '{name}' must contain a non-empty value of type '{base}'.")
    check_text(value, "InvalidParameterValue")
    if base == "Number" and not _is_number(value):
        raise _invalid(f"Can't cast the value of message (user) attribute '{name}' to a number.")
    return {"DataType": kind, "StringValue": value}


def _is_number(text: str) -> bool:
    """Whether SQS takes a text as a number: of at most 38 digits, from 10^-128 to below 10^127."""
    if not _NUMBER.fullmatch(text):
        return False
    number = Decimal(text)
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    return not digits or (len(digits) <= _DIGITS and number.adjusted() in _EXPONENTS)


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
    """Return a time in seconds of the epoch as a text of whole milliseconds, rounded down."""
    return str(int(stored_time(seconds).timestamp() * 1000))


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
