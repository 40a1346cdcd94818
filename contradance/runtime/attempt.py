"""One attempt at one delivery, from its start to its record in the journal."""

import json
import re
from collections.abc import Mapping, Sequence
from contextvars import ContextVar, Token
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any, Final, Self

from contradance.bounds import MAX_MESSAGE_BYTES, MAX_REASON_BYTES, shortened
from contradance.function import AnyFunction
from contradance.retry import DeliveryMode
from contradance.runtime.attempt_log import LONGEST_TEXT, AttemptLog, bounded_entry, cut
from contradance.runtime.error_description import author_traceback, describe_error
from contradance.runtime.journal_record import JournalRecord, LogEntry, Outcome, PublishedEvent
from contradance.runtime.ports import Environment
from contradance.runtime.tracing import tracing

_NOT_SQS: Final = re.compile("[\ud800-\udfff\ufffe\uffff]")
"""Characters that JSON may hold and SQS refuses. SQS API reference, SendMessage."""
_ATTRIBUTE_BYTES: Final = 100
"""Bytes of a dead letter's attributes without the message of the error: their names, types and REASON."""
_MOST_PRINTED: Final = 1_000
"""Most lines of one write to standard output that are shown: the first and the last half of more."""
_running: ContextVar["Attempt | None"] = ContextVar("contradance_attempt", default=None)


def running_attempt() -> "Attempt | None":
    """Return the attempt that runs in this context, for log lines; None outside of one."""
    return _running.get()


def message_body(event: Mapping[str, Any]) -> str:
    """Return an event as compact JSON for an SQS message, with an escape for each character that SQS refuses."""
    text = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
    return _NOT_SQS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class Attempt:
    """One attempt at a delivery. It starts when it is created, and ends when `record` writes its outcome.

    The ids are set as they become known. Inside its `with` block, `running_attempt` returns it.
    """

    def __init__(
        self, function: AnyFunction, trigger: str, environment: Environment, delivery: DeliveryMode = "direct"
    ) -> None:
        self.trigger = trigger
        self.event_id: str | None = None
        self.subject: str | None = None
        self.correlation_id = ""
        self.causation_id: str | None = None
        self.log_keys: dict[object, dict[str, Any]] = {}
        """Keys that each log formatter writes on the attempt's lines."""
        self.raised: BaseException | None = None
        """What the handler raised."""
        self.recorded = False
        """Whether its outcome is in the journal."""
        self._log = AttemptLog()
        self._unfinished = ""
        """What was printed since the last line break."""
        self._function = function
        self._environment = environment
        self._attempts = function.retry.attempts(delivery)
        self._started_at = environment.clock.now()
        self._clock = perf_counter()
        self._token: Token[Attempt | None]

    def __enter__(self) -> Self:
        self._token = _running.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _running.reset(self._token)

    @property
    def service(self) -> str:
        """The service of the function."""
        return self._function.name.partition(".")[0]

    @property
    def about(self) -> dict[str, str]:
        """The fields of every log line: the ids that are known, and the subscriber."""
        ids = {"correlation_id": self.correlation_id, "subject": self.subject, "event_id": self.event_id}
        return {**{name: text for name, text in ids.items() if text}, "subscriber": self._function.name}

    def now(self) -> datetime:
        """Return the current time by the environment's clock."""
        return self._environment.clock.now()

    def keep(self, entry: LogEntry) -> None:
        """Store a line that was logged during the attempt, for its journal record."""
        self._log.add(entry)

    def keep_printed(self, text: str) -> list[LogEntry]:
        """Store what was printed during the attempt; return the lines that it completes, without blank ones."""
        if "\n" not in text:  # it may be a gigabyte, of which no copy is made
            self._unfinished = f"{self._unfinished}{text[:LONGEST_TEXT]}"[:LONGEST_TEXT]
            return []
        *lines, self._unfinished = f"{self._unfinished}{text}".split("\n")
        self._unfinished = self._unfinished[:LONGEST_TEXT]
        if len(lines) > _MOST_PRINTED:
            left_out = f"left out here: {len(lines) - _MOST_PRINTED} lines"
            lines = [*lines[: _MOST_PRINTED // 2], left_out, *lines[-_MOST_PRINTED // 2 :]]
        return [self._keep_line(line) for line in lines if line.strip()]

    def _keep_line(self, line: str) -> LogEntry:
        """Store one printed line, cut to its bounds, and return it."""
        entry = bounded_entry(LogEntry(at=self.now(), level="INFO", logger="print", message=cut(line)))
        self.keep(entry)
        return entry

    def take_log(self, other: "Attempt") -> None:
        """Share the log of another attempt, which did not end in time: its lines go into this one's record."""
        self._log, self._unfinished = other._log, other._unfinished  # noqa: SLF001 - of the same class

    def began(self, seconds_ago: float) -> None:
        """Move the start back by `seconds_ago`, for an attempt that is created after it ended."""
        self._started_at -= timedelta(seconds=seconds_ago)
        self._clock -= seconds_ago

    def dead_letter(
        self,
        outcome: Outcome,
        number: int,
        error: str,
        event: Mapping[str, Any],
        *,
        raised: BaseException | None = None,
    ) -> None:
        """Send the event to the function's dead letter queue without a retry, and record the outcome.

        Args:
            outcome: of the attempt.
            number: 1 for the first attempt.
            error: describes the failure.
            event: as it was delivered.
            raised: what the handler raised, if it ran.
        """
        body = message_body(event)
        room = MAX_MESSAGE_BYTES - len(body.encode()) - _ATTRIBUTE_BYTES
        error = shortened(error, MAX_REASON_BYTES)
        attributes = {
            "REASON": outcome,
            "ERROR_MESSAGE": shortened(error, max(room, 0)),
            "ATTEMPTS": str(number),
        }
        self._environment.dead_letters.send(self._function.name, body, attributes)
        self.raised = raised
        self.record(outcome, number, error=error, traceback=None if raised is None else author_traceback(raised))

    def failed(self, number: int, raised: BaseException) -> None:
        """Write the journal record of an attempt that raised; `number` is 1 for the first attempt."""
        self.raised = raised
        self.record("failed", number, error=describe_error(raised), traceback=author_traceback(raised))

    def record(
        self,
        outcome: Outcome,
        number: int,
        *,
        published: Sequence[PublishedEvent] = (),
        error: str | None = None,
        traceback: str | None = None,
        counts: bool = True,
    ) -> None:
        """Write the journal record of the attempt: its outcome, published events, error and log lines.

        Args:
            outcome: of the attempt.
            number: 1 for the first attempt.
            published: the published events.
            error: describes the failure.
            counts: whether it is one of the function's attempts; False for one that is repeated under its number.
        """
        self.recorded = True
        tracing().record_outcome(outcome)
        self.keep_printed("\n")
        self._environment.journal.write(
            JournalRecord(
                function=self._function.name,
                trigger=self.trigger,
                event_id=self.event_id,
                subject=self.subject,
                correlation_id=self.correlation_id,
                causation_id=self.causation_id,
                attempt=number,
                outcome=outcome,
                retries_left=max(self._attempts - number + (not counts), 0),
                published=tuple(published),
                started_at=self._started_at,
                duration_ms=round((perf_counter() - self._clock) * 1000, 3),
                error=error,
                traceback=traceback,
                logs=self._log.entries(),
            )
        )
