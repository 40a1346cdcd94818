"""Failed attempts as text for a test's output: what was raised, in which of the author's lines, at which delivery."""

from collections.abc import Iterable, Sequence

from contradance.runtime.journal_record import JournalRecord


def failures_text(records: Iterable[JournalRecord]) -> str:
    """Return the text of each delivery and request whose last attempt failed; empty without one.

    A delivery that was completed in a later attempt is left out.
    """
    deliveries: dict[tuple[str, str | None, str], list[JournalRecord]] = {}
    for record in records:
        deliveries.setdefault((record.function, record.event_id, record.correlation_id), []).append(record)
    failed = [attempts for attempts in deliveries.values() if attempts[-1].error is not None]
    return "\n\n".join(map(failure_text, failed))


def failure_text(attempts: Sequence[JournalRecord]) -> str:
    """Return the text of a failed delivery, from its last attempt: function, event, log, traceback, else the error."""
    last = attempts[-1]
    event = last.trigger.rpartition("/")[2].removesuffix(" v1") if last.event_id else last.trigger
    about = f" (event {last.event_id})" if last.event_id else ""
    lines = [f"{last.function} {last.outcome} at {event}{about}, {_ending(last)}"]
    lines += [f"    {entry.level}  {entry.message}" for entry in last.logs]
    lines.append(last.traceback or last.error or "")
    return "\n".join(lines)


def _ending(record: JournalRecord) -> str:
    """Return `answered with 500:`, or the attempt's number with `a dead letter:` or `to be retried:`."""
    if record.is_request:
        return "answered with 500:"
    return f"attempt {record.attempt}, {'a dead letter' if record.dead else 'to be retried'}:"
