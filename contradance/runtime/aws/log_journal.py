"""The journal on AWS: one JSON line per record in the function's own log group, and its metrics."""

import logging
import sys
from collections.abc import Callable

from contradance.runtime.aws.logs import AttemptFormatter, service_name
from contradance.runtime.aws.metrics import count
from contradance.runtime.journal_record import COMPLETED, JournalRecord


def to_stdout(text: str) -> None:
    """Write a line to standard output by one call, which Lambda stores as one log event; no log level applies."""
    sys.stdout.write(f"{text}\n")


class LoggedJournal:
    """`contradance.runtime.ports.JournalWriter` over the log.

    Args:
        write: writes one line, without a line break at its end. It is not a logger: the journal is complete at every log level.
    """

    def __init__(self, write: Callable[[str], None] = to_stdout) -> None:
        self._formatter = AttemptFormatter(service=service_name(), location=None)
        self._write = write

    def write(self, record: JournalRecord) -> None:
        """Write one record as a JSON line, and count its metrics."""
        level = logging.INFO if record.outcome in COMPLETED else logging.ERROR
        fields = {
            "name": "contradance.journal",
            "levelno": level,
            "levelname": logging.getLevelName(level),
            "msg": f"{record.function}: {record.trigger}: {record.outcome}",
            "created": record.started_at.timestamp() + record.duration_ms / 1000,
            "correlation_id": record.correlation_id,
            "subject": record.subject,
            "event_id": record.event_id,
            "subscriber": record.function,
            "journal": record.model_dump(mode="json"),
        }
        self._write(self._formatter.format(logging.makeLogRecord(fields)))
        count(record)
