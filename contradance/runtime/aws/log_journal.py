"""The journal on AWS: one JSON line per record in the function's own log group, and its metrics beside it."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

from contradance.runtime.aws.logs import line, service_of, timestamp
from contradance.runtime.aws.metrics import Metrics
from contradance.runtime.journal_record import JournalRecord


def to_stdout(text: str) -> None:
    """Write one line where Lambda takes it for one log event: in one write, whatever the log level."""
    sys.stdout.write(f"{text}\n")


class LoggedJournal:
    """`contradance.runtime.ports.Journal` over the log.

    Args:
        environ: the environment: names the service.
        write: takes one line without its end.
    """

    def __init__(self, environ: Mapping[str, str], write: Callable[[str], None] = to_stdout) -> None:
        self._service = service_of(environ)
        self._metrics = Metrics(environ)
        self._write = write

    def write(self, record: JournalRecord) -> None:
        """Keep one record."""
        said: dict[str, Any] = {
            "level": "INFO" if record.outcome in ("done", "duplicate") else "ERROR",
            "message": f"{record.function}: {record.trigger}: {record.outcome}",
            "timestamp": timestamp(record.started_at.timestamp() + record.duration_ms / 1000),
            "service": self._service,
            "correlation_id": record.correlation_id,
            "subject": record.subject,
            "event_id": record.event_id,
            "subscriber": record.function,
            "journal": record.model_dump(mode="json"),
        }
        self._write(line({name: value for name, value in said.items() if value is not None}))
        for text in self._metrics.lines(record):
            self._write(text)
