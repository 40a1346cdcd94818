"""The parameters of SQS's operations, each refused with SQS's own error."""

import re
from collections.abc import Collection, Iterable
from typing import Final

from contradance.local.aws.protocol import AwsRequest
from contradance.local.refusal import Refused
from contradance.printable import printable

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,80}(\.fifo)?")
_URL: Final = re.compile(r"(?:https?://[^/?#]*/|/)?(?:(?P<account>[^/?#]*)/)?(?P<name>[^/?#]+)")
_GROUP: Final = re.compile(r"[!-~]{1,128}")
"""Alphanumeric characters and punctuation. SQS API reference, SendMessage."""


def queue_address(request: AwsRequest) -> tuple[str, str | None]:
    """Return (name, account) in `QueueUrl`, None for an account that it does not name; raise `Refused` for no URL."""
    given = required(request, "QueueUrl")
    found = _URL.fullmatch(given)
    if found is None:
        raise Refused("InvalidAddress", f"The address {printable(given)} is not valid for this endpoint.")
    return found["name"], found["account"]


def queue_name(request: AwsRequest) -> str:
    """Return `QueueName`; raise `Refused` for a missing or an invalid one."""
    name = required(request, "QueueName")
    if not _NAME.fullmatch(name):
        raise Refused(
            "InvalidParameterValue",
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        )
    return name


def required(request: AwsRequest, name: str) -> str:
    """Return a text parameter; raise `Refused`, with SQS's message, for one that is missing or empty."""
    found = request.maybe_text(name)
    if not found:
        raise Refused("MissingParameter", f"The request must contain the parameter {name}.")
    return found


def check_attribute_names(names: Iterable[str], known: Collection[str]) -> None:
    """Raise `Refused`, with SQS's message, for the first name that is not `All` or known."""
    unknown = next((name for name in names if name != "All" and name not in known), None)
    if unknown is not None:
        raise Refused("InvalidAttributeName", f"Unknown Attribute {printable(unknown)}.")


def check_group(group: str | None) -> None:
    """Raise `Refused`, with SQS's message, for an invalid group of a message."""
    if group is not None and not _GROUP.fullmatch(group):
        raise Refused(
            "InvalidParameterValue",
            f"Value {printable(group)} for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include "
            "alphanumeric and punctuation characters. 1 to 128 in length.",
        )


def number_in(request: AwsRequest, name: str, least: int, most: int, reason: str) -> int | None:
    """Return a whole number, None when it is missing; raise `Refused`, with `reason`, unless from `least` to `most`."""
    found = request.maybe_whole(name)
    if found is not None and not least <= found <= most:
        raise Refused("InvalidParameterValue", f"Value {found} for parameter {name} is invalid. Reason: {reason}")
    return found
