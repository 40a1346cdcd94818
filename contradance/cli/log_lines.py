"""The functions' log lines in the terminal: what Powertools' Logger, the standard library and `print` write, as text."""

import json
import logging
import os
from typing import Final

from rich.text import Text

from contradance.choreography import Choreography
from contradance.cli.theme import Services
from contradance.local.captured import packages
from contradance.runtime.aws.logs import on_every_logger, use_attempt_formatter
from contradance.runtime.journal_record import LogEntry

_SILENT: Final = logging.CRITICAL + 1
STYLES: Final = {"CRITICAL": "bold red", "ERROR": "red", "WARNING": "yellow"}
"""The style of a line by its level; other levels have none."""


def listen_to_functions(choreography: Choreography, handler: logging.Handler) -> None:
    """Send what functions, contradance and OpenTelemetry log to `handler` alone, from POWERTOOLS_LOG_LEVEL on."""
    level = (os.environ.get("POWERTOOLS_LOG_LEVEL") or "INFO").upper()
    for package in (*packages(choreography), "contradance", "opentelemetry"):
        logger = logging.getLogger(package)
        logger.setLevel(level)
        logger.handlers = [handler]
        logger.propagate = False

    def listen_to(logger: logging.Logger) -> None:
        use_attempt_formatter(logger)
        for own in logger.handlers:
            if own is not handler:
                own.setLevel(_SILENT)  # it stays, because Powertools keeps the logger's keys in its formatter
        logger.addHandler(handler)
        logger.propagate = False

    on_every_logger(listen_to)


def entry_lines(entry: LogEntry, service: str, services: Services) -> list[Text]:
    """Return a log entry as lines: time, service, level, message and the author's own keys; below them an exception."""
    style = STYLES.get(entry.level, "")
    line = Text(f"{entry.at:%H:%M:%S}  ", "dim").append(f"{service:{services.width}}", services.style(service))
    line.append(f"    {entry.level:7}  ", style or "dim").append(_indented(entry.message), style)
    line.append(_indented("".join(f"  {name}={_text(value)}" for name, value in entry.fields.items())), "dim")
    return [line, *([Text(_indented(entry.exception), "dim")] if entry.exception else [])]


def _indented(text: str) -> str:
    """Return a text whose further lines are indented, so that none looks like a line of the laptop's own."""
    return "\n          ".join(text.splitlines())


def _text(value: object) -> str:
    """Return text unchanged, and any other value as JSON; what JSON cannot express becomes its `str`."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
