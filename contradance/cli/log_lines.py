"""The functions' log lines in the terminal: what Powertools' Logger and the standard library log, as text."""

import json
import logging
import os
from typing import Any, Final

from rich.text import Text

from contradance.choreography import Choreography
from contradance.cli.theme import Services
from contradance.runtime.attempt import running_attempt
from contradance.runtime.aws.logs import AttemptFormatter, on_every_logger, use_attempt_formatter

_SILENT: Final = logging.CRITICAL + 1
_STANDARD: Final = frozenset(
    {
        *("level", "location", "message", "timestamp", "service", "sampling_rate", "xray_trace_id"),
        *("correlation_id", "subject", "event_id", "subscriber"),
        *("exception", "exception_name", "exception_notes", "stack_trace"),
    }
)
"""Keys that are not the author's: the line shows them otherwise, or the flow does."""
_plain: Final = AttemptFormatter()


def listen_to_functions(choreography: Choreography, handler: logging.Handler) -> None:
    """Have `handler` take what the functions log, and the warnings of what runs them."""
    packages = {function.handler.__module__.partition(".")[0] for function in choreography.functions.values()}
    level = os.environ.get("POWERTOOLS_LOG_LEVEL", "INFO").upper()
    for package in (*packages, "contradance", "opentelemetry"):
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


def log_lines(record: logging.LogRecord, services: Services) -> list[Text]:
    """Return a log record as lines: the service, the message and the author's own keys; below them an exception."""
    fields = _fields(record)
    attempt = running_attempt()
    service = attempt.about["subscriber"].partition(".")[0] if attempt else _named(record)
    style = "dim" if record.levelno < logging.WARNING else "yellow"
    keys = "".join(f"  {name}={_text(value)}" for name, value in fields.items() if name not in _STANDARD)
    line = Text(f"{'':8}  ").append(f"{service:{services.width}}", services.style(service))
    level = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
    line.append(f"  {level}{_indented(_text(fields.get('message', '')))}", style).append(_indented(keys), "dim")
    return [line, *([Text(_indented(_text(fields["exception"])), "dim")] if "exception" in fields else [])]


def _indented(text: str) -> str:
    """Return a text whose further lines are indented, so that none looks like a line of the laptop's own."""
    return "\n          ".join(text.splitlines())


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """Return what a line of JSON on Lambda would hold; the text alone, where an author's formatter writes no JSON."""
    line = _formatter(record).format(record)
    try:
        fields = json.loads(line)
    except ValueError:
        fields = None
    return fields if isinstance(fields, dict) else {"message": line}


def _formatter(record: logging.LogRecord) -> logging.Formatter:
    """Return the formatter of the Powertools Logger that made `record`: it holds the keys that were appended to it."""
    logger: logging.Logger | None = logging.getLogger(record.name)
    while logger is not None:
        own = getattr(logger, "powertools_handler", None)
        if own is not None and own.formatter is not None:
            formatter: logging.Formatter = own.formatter
            return formatter
        logger = logger.parent
    return _plain


def _named(record: logging.LogRecord) -> str:
    """Return the part of a logger's name that names a service, where no function runs."""
    return record.name.split(".")[-2] if "." in record.name else record.name


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
