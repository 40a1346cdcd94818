"""A row of a Logs Insights search as a log line."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from contradance.operate.journal import LogLine, attempt_level, read_record
from contradance.runtime.attempt_log import STANDARD_KEYS

METRICS: Final = "_aws"
"""Key of a line from which CloudWatch makes metrics: it has numbers for dashboards and is not a log line."""
_OF_INVOCATION: Final = frozenset(
    {
        *("cold_start", "function_name", "function_memory_size", "function_arn", "function_request_id"),
        *("journal", "tenant_id"),
    }
)
"""Keys of a line that the runtime adds on AWS."""


def log_line(row: Mapping[str, str], functions: Mapping[str, str]) -> LogLine:
    """Return a row of a search as a log line: of its journal record, else its JSON fields, else its text."""
    message = row.get("@message", "")  # Insights leaves out an empty field
    at = datetime.strptime(row["@timestamp"], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
    group = row.get("@log", "").partition(":")[2]
    fields = _json(message)
    record = (
        read_record(fields["journal"]) if "journal" in fields else None
    )  # of another version: shown as a plain line
    own = {name: value for name, value in fields.items() if name not in STANDARD_KEYS | _OF_INVOCATION}
    return LogLine(
        id=row.get("@ptr") or f"{row['@timestamp']} {message}",
        at=at,
        function=str(record.function if record else functions.get(group, group)),
        level=attempt_level(record) if record else str(fields.get("level", "INFO")),
        text=str((record.error or "") if record else fields.get("message", message)).rstrip("\n"),
        subject=record.subject if record else _text(fields.get("subject")),
        event_id=record.event_id if record else _text(fields.get("event_id")),
        record=record,
        logger=str(fields.get("location", "")),
        fields=own,
        exception=record.traceback if record else _text(fields.get("exception")),
        correlation_id=record.correlation_id if record else _text(fields.get("correlation_id")),
    )


def _text(value: object) -> str | None:
    """Return a text unchanged; None for any other value."""
    return value if isinstance(value, str) else None


def _json(text: str) -> dict[str, Any]:
    """Return the JSON object in a text; empty for any other text."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
