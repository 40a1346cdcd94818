"""One dead letter: a message on a function's dead letter queue, in one of the shapes in which AWS and the runtime write it.

undelivered   EventBridge did not reach the function or its queue: the body is the event, the attributes hold the error
              (EventBridge user guide, eb-rule-dlq); EventBridge Scheduler's are alike (configuring-schedule-dlq)
failed        the function raised on every attempt: Lambda's on-failure record (Lambda developer guide,
              invocation-async-retain-records); or, behind a queue, ours, or the message that SQS moved
invalid       the data breaks the contract; `expired`: it waited too long
Ours: the body is the event, the attributes hold reason and error (runtime/attempt.py)
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final, Literal, NamedTuple

from contradance.bounds import MAX_ID, MAX_REASON_BYTES, shortened
from contradance.strictjson import read_json

Reason = Literal["undelivered", "failed", "invalid", "expired", "unreadable"]
"""Why an event is a dead letter; `unreadable` is a message of an unknown shape."""
REASONS: Final[tuple[Reason, ...]] = ("undelivered", "failed", "invalid", "expired", "unreadable")
_OURS: Final[dict[str, Reason]] = {"invalid": "invalid", "expired": "expired", "failed": "failed"}
_VARIABLE: Final = re.compile(
    r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b|\d{4}-\d\d-\d\dT[0-9:.]+Z?|\b[0-9a-fA-F]{16,}\b"
)
"""The parts of an error that differ between failures of the same kind: ids and times."""
_PYDANTIC: Final = "ValidationError"
_FRAME: Final = re.compile(r'\s*File "(?:/var/task/)?(?P<file>[^"\n]{1,500})", line (?P<line>[0-9]{1,9})')
"""The place of one frame in Lambda's stack trace; functions are in /var/task."""
_LIBRARY: Final = re.compile(
    r"^/(?:opt|var/lang|var/runtime)/|-packages/|(?:^|/)contradance/|(?:^|/)python3\.[0-9]+/|^<"
)
"""Places of code that is not the author's."""
_MOST_FRAMES: Final = 100
"""Most frames of a stack trace that are looked at, from its end."""
_SHOWN_PARTS: Final = 3
"""Parts of a path that name a place."""
_ENDLESS: Final = 1_000_000
"""More attempts than any function makes."""


class QueueMessage(NamedTuple):
    """The SQS message that holds a dead letter."""

    id: str
    body: str
    attributes: Mapping[str, str]
    """The message's own attributes, as text."""
    sent: datetime
    receives: int
    """How often the message was received on its queues before it was read here."""
    moved: bool
    """Whether SQS moved it from the function's queue."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that a function did not consume, and why."""

    subscriber: str
    """The function that did not consume it."""
    reason: Reason
    """Why it is a dead letter."""
    event: Mapping[str, Any] | None
    """The event as EventBridge delivered it, or the input of a scheduled run; None where the message does not hold it."""
    error: str
    """The last error; for `undelivered`, the one of EventBridge."""
    attempts: int | None
    """Attempts to consume it; for `undelivered`, to deliver it. None where the message does not contain the number."""
    first_seen: datetime
    """The event's own time; without one, when the message was sent."""
    last_seen: datetime
    """When it became a dead letter. The time that SQS moved a message is unknown: then the time it was sent."""
    message: QueueMessage = field(repr=False)
    """The message on the dead letter queue."""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The event's metadata; empty when the event has none."""
        detail = (self.event or {}).get("detail")
        found = detail.get("metadata") if isinstance(detail, Mapping) else None
        return found if isinstance(found, Mapping) else {}

    @property
    def event_id(self) -> str:
        """The event's own id, else EventBridge's, else the message's."""
        return _text(self.metadata.get("event_id")) or _text((self.event or {}).get("id")) or self.message.id

    @property
    def what(self) -> str:
        """The event's detail-type, or the schedule; `unknown` when the message has neither."""
        event = self.event or {}
        return _text(event.get("detail-type")) or _text(event.get("schedule")) or "unknown"

    @property
    def cause(self) -> str:
        """The error with `…` for ids and times: equal for dead letters with the same cause."""
        return _VARIABLE.sub("…", _without(self.event_id, self.error))


class LetterOutcome(NamedTuple):
    """The result for one dead letter, or the expected result in a dry run."""

    letter: DeadLetter
    outcome: Literal["redriven", "redrivable", "deleted", "deletable", "kept"]
    why: str = ""
    """Why it was kept, or what remains to do."""


def read_dead_letter(subscriber: str, message: QueueMessage) -> DeadLetter:
    """Return the dead letter that a message holds; its reason is `unreadable` for a message of an unknown shape."""
    own, body = message.attributes, _json(message.body)

    def letter(
        reason: Reason, event: object, error: str, attempts: int | None = None, last: datetime = message.sent
    ) -> DeadLetter:
        """Return the dead letter of the message; `event` counts only if it is an object; `last`: when it became one."""
        held = event if isinstance(event, dict) else None
        first = _time((held or {}).get("time") or (held or {}).get("scheduled_time")) or message.sent
        return DeadLetter(
            subscriber, reason, held, shortened(error, MAX_REASON_BYTES), attempts, first, max(first, last), message
        )

    if "ERROR_CODE" in own:
        return letter("undelivered", _scheduled(body), _delivery_error(own), _attempts(own.get("RETRY_ATTEMPTS")))
    if own.get("REASON") in _OURS:
        attempts = _number(own.get("ATTEMPTS")) if own["REASON"] == "failed" else None
        return letter(_OURS[own["REASON"]], body, own.get("ERROR_MESSAGE", ""), attempts)
    if isinstance(body, dict) and isinstance(body.get("requestContext"), dict):
        count = _count(body["requestContext"].get("approximateInvokeCount"))
        last = _time(body.get("timestamp")) or message.sent
        return letter("failed", body.get("requestPayload"), _handler_error(body), count, last)
    if isinstance(body, dict) and (message.moved or "detail-type" in body):
        return letter(
            "failed", body, "the function failed on every attempt; the journal has each error", message.receives
        )
    return letter("unreadable", None, "the message has no shape that EventBridge, Lambda, SQS or contradance writes")


def _text(value: object) -> str:
    """Return text, cut to the longest id; empty for a value that is not text."""
    return value[:MAX_ID] if isinstance(value, str) else ""


def _count(value: object) -> int | None:
    """Return an integer from 0 to below a million; None for any other value."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _ENDLESS else None


def _delivery_error(own: Mapping[str, str]) -> str:
    """Return EventBridge's error code and message, with the condition that ended its retries, if any."""
    exhausted = own.get("EXHAUSTED_RETRY_CONDITION")
    return f"{own['ERROR_CODE']}: {own.get('ERROR_MESSAGE', '')}" + (f" ({exhausted})" if exhausted else "")


def _handler_error(record: Mapping[str, Any]) -> str:
    """Return `Type: message` from Lambda's record, of Pydantic's errors the first line; else the record's condition."""
    raised = record.get("responsePayload")
    if not isinstance(raised, Mapping):
        return _text(record["requestContext"].get("condition")) or "Lambda's record has no error"
    kind, message = _text(raised.get("errorType")), raised.get("errorMessage")
    if not isinstance(message, str):
        message = ""
    if kind == _PYDANTIC:
        message = message.partition("\n")[0]
    place = _author_place(raised.get("stackTrace"))
    return (f"{kind}: {message}" if kind and message else kind or message) + (f" ({place})" if place else "")


def _author_place(frames: object) -> str:
    """Return the author's last line in Lambda's stack trace, `functions/loans/lend.py:12`; empty without one."""
    for frame in reversed(frames[-_MOST_FRAMES:] if isinstance(frames, list) else []):
        found = _FRAME.match(frame) if isinstance(frame, str) else None
        if found and not _LIBRARY.search(found["file"]):
            return f"{'/'.join(found['file'].split('/')[-_SHOWN_PARTS:])}:{found['line']}"
    return ""


def _scheduled(body: object) -> object:
    """Return the input of a scheduled run from EventBridge Scheduler's request to Lambda; any other body unchanged."""
    payload = body.get("Payload") if isinstance(body, dict) else None
    return _json(payload) if isinstance(payload, str) else payload if isinstance(payload, dict) else body


def _json(text: str) -> object:
    """Return the value of a JSON text; None for a text that is not JSON, such as one with NaN."""
    try:
        return read_json(text, any_integer=True)
    except ValueError:
        return None


def _time(text: object) -> datetime | None:
    """Return the time in ISO 8601 text in UTC, which it is without a zone; None for any other value."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
        return found and (found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def _attempts(retries: str | None) -> int | None:
    """Return one more than the number of retries in a text; None when the text is missing or not a number."""
    number = _number(retries)
    return None if number is None else number + 1


def _number(text: str | None) -> int | None:
    """Return the number in a text of decimal digits; None without a text, and for any other or too long text."""
    return int(text) if text and text.isdecimal() and len(text) < len(str(_ENDLESS)) else None


def _without(word: str, text: str) -> str:
    """Return a text with `…` for each whole `word`; inside a longer word it stays.

    This is not a regular expression, because compiling one for each letter is slow.
    """
    first, *others = text.split(word)
    pieces = [first]
    for before, after in pairwise((first, *others)):
        whole = not (before[-1:].isalnum() or after[:1].isalnum())
        pieces += ["…" if whole else word, after]
    return "".join(pieces)
