"""Captures what handlers log on the laptop, and keeps it with the running attempt.

A line of the standard library and one of Powertools' Logger become the same `LogEntry`: message, the author's own keys, a
traceback; models and exceptions without personal data.
"""

import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from contradance.choreography import Choreography
from contradance.local.invocation.in_flight import note_logged
from contradance.printable import encodable
from contradance.runtime.attempt import running_attempt
from contradance.runtime.attempt_log import STANDARD_KEYS, bounded_entry, cut
from contradance.runtime.aws.log_values import as_json_data, formatting_failure, masked, masked_argument
from contradance.runtime.error_description import exception_text
from contradance.runtime.journal_record import LogEntry

_LOG: Final = logging.getLogger("contradance.threads")
_OWN: Final = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime"})
"""Attributes of every log record; what else it has comes from `extra=`."""


class CapturedLogs(logging.Handler):
    """Keeps each log record with the running attempt.

    Args:
        when_logged: called with each line, and the service that logged it.
    """

    def __init__(self, when_logged: Callable[[LogEntry, str], None] = lambda _, __: None) -> None:
        super().__init__()
        self._when_logged = when_logged

    def handle(self, record: logging.LogRecord) -> bool:
        """Emit a record without a handler's lock: attempts in other threads would wait, and each line is one write."""
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record with the running attempt, if any, and call `when_logged`.

        For one that cannot be formatted the line has its place and the error.
        """
        attempt = running_attempt()
        at = attempt.now() if attempt else datetime.now(UTC)
        try:
            entry = bounded_entry(entry_of(record, at if attempt else None))
        except Exception as error:  # noqa: BLE001 - like logging: a line that cannot be formatted must not fail a delivery
            message = formatting_failure(record, error)
            entry = bounded_entry(LogEntry(at=at, level=record.levelname, logger=record.name, message=message))
        if attempt is not None:
            attempt.keep(entry)
            note_logged(attempt)
        self._when_logged(entry, attempt.service if attempt else _service_named(record.name))

    def addFilter(self, filter: Any) -> None:  # noqa: N802, A002 - logging's names
        """Ignore the filter: Powertools' own would drop the lines of its Loggers."""


@contextmanager
def root_logged(handler: logging.Handler) -> Iterator[None]:
    """Send to `handler` alone what reaches the root logger inside the block: warnings and errors of other packages."""
    root = logging.getLogger()
    before = root.handlers
    root.handlers = [handler]
    try:
        yield
    finally:
        root.handlers = before


@contextmanager
def thread_errors_logged() -> Iterator[None]:
    """Log an exception that ends a thread inside the block; Python would write it to standard error with its values."""
    before = threading.excepthook

    def log(ended: threading.ExceptHookArgs) -> None:
        """Log the exception and the thread's name; SystemExit ends a thread silently, as in Python."""
        if ended.exc_value is not None and not isinstance(ended.exc_value, SystemExit):
            name = ended.thread.name if ended.thread else "a thread"
            _LOG.error("%s ended with an exception", name, exc_info=ended.exc_value)

    threading.excepthook = log
    try:
        yield
    finally:
        threading.excepthook = before


@contextmanager
def logging_kept(choreography: Choreography) -> Iterator[None]:
    """Keep what functions log inside the block with their attempts; a package without a level gets INFO meanwhile."""
    root, handler = logging.getLogger(), CapturedLogs()
    loggers = [logging.getLogger(package) for package in packages(choreography)]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.INFO)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def packages(choreography: Choreography) -> set[str]:
    """Return the names of the top-level packages that define a choreography's functions."""
    return {function.handler.__module__.partition(".")[0] for function in choreography.functions.values()}


def entry_of(record: logging.LogRecord, at: datetime | None = None) -> LogEntry:
    """Return a log record as the `LogEntry` of the line that a function would write on AWS; `at` replaces its time."""
    fields = _powertools_fields(record) or _fields(record)
    own = {encodable(name): as_json_data(value) for name, value in fields.items() if name not in STANDARD_KEYS}
    exception = fields.get("exception")
    return LogEntry(
        at=at or datetime.fromtimestamp(record.created, UTC),
        level=record.levelname,
        logger=record.name,
        message=cut(_text(fields.get("message", ""))),  # before it is made printable, which is slow for a long text
        fields=own,
        exception=None if exception is None else cut(str(exception)),
    )


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """Return the message, the `extra=` keys and the traceback, if any, of a standard library's record."""
    fields = {name: masked(value) for name, value in vars(record).items() if name not in _OWN}
    fields["message"] = _message(record)
    if record.exc_info and record.exc_info[1] is not None:
        fields["exception"] = exception_text(record.exc_info[1])
    return fields


def _message(record: logging.LogRecord) -> object:
    """Return a record's text with its arguments masked; a message that is not text is returned masked, as a value."""
    if not isinstance(record.msg, str):
        return masked(record.msg)
    if not record.args:
        return record.msg
    shown = logging.makeLogRecord(vars(record))
    if isinstance(record.args, Mapping):
        shown.args = {name: masked_argument(value) for name, value in record.args.items()}
    else:
        shown.args = tuple(map(masked_argument, record.args))
    return shown.getMessage()


def _powertools_fields(record: logging.LogRecord) -> dict[str, Any] | None:
    """Return the keys of a Powertools Logger's JSON line (`message` alone if not JSON); None for another logger.

    Its formatter holds the keys that were appended to it. Powertools is not loaded here: its Loggers are recognised.
    """
    for logger in _with_parents(logging.getLogger(record.name)):
        formatter = getattr(getattr(logger, "powertools_handler", None), "formatter", None)
        if formatter is not None:
            line = formatter.format(record)
            try:
                fields = json.loads(line)
            except ValueError:
                fields = None
            return fields if isinstance(fields, dict) else {"message": line}
    return None


def _with_parents(logger: logging.Logger | None) -> Iterable[logging.Logger]:
    """Yield a logger, then its parents up to the root; nothing for None."""
    while logger is not None:
        yield logger
        logger = logger.parent


def _service_named(logger: str) -> str:
    """Return the last part but one of a logger's name, which names its service; the name if it has one part."""
    return logger.split(".")[-2] if "." in logger else logger


def _text(value: object) -> str:
    """Return text unchanged, and any other value as JSON; what JSON cannot express becomes its `str`."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
