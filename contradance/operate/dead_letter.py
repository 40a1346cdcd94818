"""One dead letter: a message on a function's dead letter queue, whichever of the three deaths its event died.

undelivered   EventBridge could not reach the function or its queue: the body is the event, the attributes say why
              (EventBridge user guide, eb-rule-dlq); EventBridge Scheduler's are alike (configuring-schedule-dlq)
failed        the function raised on every attempt: Lambda's on-failure record (Lambda developer guide,
              invocation-async-retain-records), or, behind a queue, the message that SQS moved
invalid       the data breaks the contract; `expired`: it waited too long. Ours: the body is the event (runtime/attempt.py)
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple

Reason = Literal["undelivered", "failed", "invalid", "expired", "unreadable"]
"""Why an event is a dead letter; `unreadable` is a message that is none of ours."""
REASONS: Final[tuple[Reason, ...]] = ("undelivered", "failed", "invalid", "expired", "unreadable")
_OURS: Final[dict[str, Reason]] = {"invalid": "invalid", "expired": "expired"}
_PARTICULAR: Final = (
    r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b|\d{4}-\d\d-\d\dT[0-9:.]+Z?|\b[0-9a-fA-F]{16,}\b"
)
"""What differs from one failure to the next, of the same kind: ids and moments."""
_PYDANTIC: Final = "ValidationError"


class QueueMessage(NamedTuple):
    """The SQS message that holds a dead letter."""

    id: str
    receipt: str
    queue_url: str
    body: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that a function could not be brought to consume, and why."""

    subscriber: str
    reason: Reason
    event: Mapping[str, Any] | None
    """As EventBridge delivered it, or a schedule's moment; None where the message does not hold it."""
    error: str
    attempts: int | None
    """At consuming it; for `undelivered`, at delivering it. None where the message does not say."""
    first_seen: datetime
    """When the event happened, as its envelope says; else when the message was sent."""
    last_seen: datetime
    """When it was given up, as far as the message says: SQS does not say when it moved one."""
    message: QueueMessage = field(repr=False)

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The event's metadata, as far as it has any."""
        detail = (self.event or {}).get("detail")
        found = detail.get("metadata") if isinstance(detail, Mapping) else None
        return found if isinstance(found, Mapping) else {}

    @property
    def event_id(self) -> str:
        """The event's own id, else EventBridge's, else the message's."""
        return str(self.metadata.get("event_id") or (self.event or {}).get("id") or self.message.id)

    @property
    def what(self) -> str:
        """What it is about: the event's detail-type, or the schedule."""
        event = self.event or {}
        return str(event.get("detail-type") or event.get("schedule") or "unknown")

    @property
    def cause(self) -> str:
        """The error without what is particular to this event: equal for dead letters that died of the same."""
        particular = re.compile(rf"\b{re.escape(self.event_id)}\b|{_PARTICULAR}")
        return particular.sub("…", self.error)


def read_dead_letter(subscriber: str, queue_url: str, received: Mapping[str, Any], most: int | None) -> DeadLetter:
    """Read one message as SQS's ReceiveMessage returns it; `most` is how often the function is tried, where known."""
    own = {name: str(value.get("StringValue", "")) for name, value in received.get("MessageAttributes", {}).items()}
    system: Mapping[str, str] = received.get("Attributes", {})
    message = QueueMessage(received["MessageId"], received["ReceiptHandle"], queue_url, received["Body"])
    body = _json(message.body)
    sent = datetime.fromtimestamp(int(system.get("SentTimestamp", 0)) / 1000, UTC)

    def letter(reason: Reason, event: object, error: str, attempts: int | None, last: datetime = sent) -> DeadLetter:
        held = event if isinstance(event, dict) else None
        first = _moment((held or {}).get("time") or (held or {}).get("scheduled_time")) or sent
        return DeadLetter(subscriber, reason, held, error, attempts, first, max(first, last), message)

    if "ERROR_CODE" in own:
        return letter("undelivered", _scheduled(body), _delivery_error(own), _tries(own.get("RETRY_ATTEMPTS")))
    if own.get("REASON") in _OURS:
        return letter(_OURS[own["REASON"]], body, own.get("ERROR_MESSAGE", ""), None)
    if isinstance(body, dict) and isinstance(body.get("requestContext"), dict):
        context = body["requestContext"]
        attempts = context.get("approximateInvokeCount")
        last = _moment(body.get("timestamp")) or sent
        return letter("failed", body.get("requestPayload"), _handler_error(body), attempts, last)
    if isinstance(body, dict) and ("DeadLetterQueueSourceArn" in system or "detail-type" in body):
        receives = int(system.get("ApproximateReceiveCount", 1)) - 1
        attempts = min(receives, most) if most is not None else receives
        return letter("failed", body, "the function failed on every attempt; its journal says how", attempts)
    return letter("unreadable", None, "the message is none that EventBridge, Lambda, SQS or contradance writes", None)


def _delivery_error(own: Mapping[str, str]) -> str:
    exhausted = own.get("EXHAUSTED_RETRY_CONDITION")
    return f"{own['ERROR_CODE']}: {own.get('ERROR_MESSAGE', '')}" + (f" ({exhausted})" if exhausted else "")


def _handler_error(record: Mapping[str, Any]) -> str:
    """Return what a handler raised; of what Pydantic refused only its first line, since the others hold the input."""
    raised, condition = record.get("responsePayload"), record["requestContext"].get("condition", "")
    if not isinstance(raised, Mapping):
        return str(condition) or "Lambda does not say"
    kind, message = raised.get("errorType"), str(raised.get("errorMessage", ""))
    if kind == _PYDANTIC:
        message = message.partition("\n")[0]
    return f"{kind}: {message}" if kind else message


def _scheduled(body: object) -> object:
    """Return a schedule's moment from what EventBridge Scheduler would have invoked Lambda with; an event as it is."""
    payload = body.get("Payload") if isinstance(body, dict) else None
    return _json(payload) if isinstance(payload, str) else payload if isinstance(payload, dict) else body


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _tries(retries: str | None) -> int | None:
    return int(retries) + 1 if retries and retries.isdecimal() else None
