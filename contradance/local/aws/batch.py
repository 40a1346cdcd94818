"""The entries of an SQS batch, each of which may fail alone."""

import re
from collections.abc import Callable
from typing import Final

from contradance.local.aws.protocol import AwsRequest, ResponseBody
from contradance.local.refusal import Refused

MAX_ENTRIES: Final = 10
"""Most messages of one batch. SQS API reference."""
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")


def each_entry(request: AwsRequest, entry_type: str, act: Callable[[AwsRequest], object]) -> ResponseBody:
    """Call `act` with each entry; return `Successful` and `Failed`, where it raised `Refused`; raise it for bad ids.

    Args:
        request: has the entries, of messages that were received.
        entry_type: the name of the entries' type in SQS's API.
        act: called with each entry.

    Raises:
        Refused: not 1 to 10 entries, an id that is missing, invalid or repeated, or a receipt that is missing.
    """
    entries = request.objects("Entries")
    ids = [entry.maybe_text("Id") or "" for entry in entries]
    if not entries:
        raise Refused("EmptyBatchRequest", "There should be at least one entry in the request.")
    if len(entries) > MAX_ENTRIES:
        raise Refused(
            "TooManyEntriesInBatchRequest",
            f"Maximum number of entries per request are {MAX_ENTRIES}. You have sent {len(entries)}.",
        )
    if not all(map(_ID.fullmatch, ids)):
        raise Refused(
            "InvalidBatchEntryId",
            "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
            "It can be at most 80 letters long.",
        )
    if len(set(ids)) < len(ids):
        raise Refused("BatchEntryIdsNotDistinct", f"Id {max(ids, key=ids.count)} repeated.")
    for number, entry in enumerate(entries, 1):
        entry.maybe_whole("VisibilityTimeout")
        if not entry.maybe_text("ReceiptHandle"):
            message = f"The request must contain the parameter {entry_type}.{number}.ReceiptHandle."
            raise Refused("MissingParameter", message)
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
