"""The AWS operations that the laptop answers, so that any AWS client can publish to it: PutEvents."""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from contradance.errors import LaptopError
from contradance.local.bus import Bus
from contradance.local.gateway import said
from contradance.runtime.publish import MAX_CALL_BYTES, MAX_ENTRIES

CONTENT_TYPE: Final = "application/x-amz-json-1.1"
TARGET_HEADER: Final = "x-amz-target"
MAX_REQUEST_BYTES: Final = 4 * MAX_CALL_BYTES
"""Largest request, in bytes: what counts as `MAX_CALL_BYTES` travels as JSON inside JSON, up to three times as long."""
_LOG = logging.getLogger("contradance.aws")


class AwsEndpoint:
    """Answers requests in AWS's JSON protocol; what it does not know it refuses loudly."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._operations: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "AWSEvents.PutEvents": self._put_events
        }

    def answer(self, target: str, body: bytes) -> tuple[int, str]:
        """Return (status, JSON) for the operation that the `X-Amz-Target` header names."""
        operation = self._operations.get(target)
        if operation is None:
            return _refused("UnknownOperationException", f"The laptop does not answer {target}.")
        try:
            asked = json.loads(body)
        except (ValueError, RecursionError):
            return _refused("SerializationException", "The request is not JSON.")
        if not isinstance(asked, dict):
            return _refused("SerializationException", "The request is not a JSON object.")
        try:
            return 200, json.dumps(operation(asked))
        except _RefusedError as refusal:
            return _refused(*refusal.args)
        except LaptopError as error:
            _LOG.error("%s was not answered: %s", target, error)
            return 503, json.dumps({"__type": "ServiceUnavailableException", "message": said(error)})

    def _put_events(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        entries = asked.get("Entries")
        if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_ENTRIES:
            raise _RefusedError("ValidationException", f"Entries takes 1 to {MAX_ENTRIES} entries.")
        if sum(map(_size, entries)) > MAX_CALL_BYTES:
            raise _RefusedError("ValidationException", "Total size of the entries in the request is over the limit.")
        for entry in entries:
            bus = str(entry.get("EventBusName", "default")).rpartition("/")[2]
            if bus != self._bus.name:
                raise _RefusedError(
                    "ResourceNotFoundException",
                    f"There is no bus {bus!r} here; this laptop runs {self._bus.name!r}. "
                    "(AWS would have accepted the event, and dropped it.)",
                )
        return self._bus.put_events(Entries=entries)


def _size(entry: object) -> int:
    """Return the UTF-8 bytes that PutEvents counts of one entry; refuse what is no entry."""
    if not isinstance(entry, dict):
        raise _RefusedError("SerializationException", "An entry is not a JSON object.")
    texts = [entry.get(name) for name in ("Source", "DetailType", "Detail")]
    if not all(text is None or isinstance(text, str) for text in texts):
        raise _RefusedError("SerializationException", "Source, DetailType and Detail are strings.")
    try:
        return sum(len((text or "").encode()) for text in texts)
    except UnicodeEncodeError as error:
        raise _RefusedError("SerializationException", "The request is not UTF-8.") from error


class _RefusedError(Exception):
    """(AWS error code, message)."""


def _refused(code: str, message: str) -> tuple[int, str]:
    return 400, json.dumps({"__type": code, "message": message})
