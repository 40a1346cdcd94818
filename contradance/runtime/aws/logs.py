"""Log lines on Lambda: Powertools' JSON, with the keys of the running invocation and attempt, and no personal data.

`install` puts one formatter on the root handler, for the standard library's loggers and the runtime's own, and on the
handler of every Powertools Logger, whichever service it names and whenever it is made. The keys come from context
variables. Powertools' `append_keys` alone would not do: it changes a dictionary that all threads of a process share.
"""

import itertools
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import cache, wraps
from typing import Any, Final
from weakref import WeakValueDictionary

from contradance.runtime.aws.unset_variables import unset_early

# isort: split
from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.filters import SuppressFilter
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from contradance.printable import encodable
from contradance.runtime.attempt import running_attempt
from contradance.runtime.aws.log_values import as_json_data, formatting_failure, masked, masked_argument
from contradance.runtime.aws.powertools_variables import unset_odd_variables
from contradance.runtime.error_description import exception_text

_LOG = logging.getLogger("contradance.logs")
SERVICE: Final = "POWERTOOLS_SERVICE_NAME"
_LEVEL: Final = "POWERTOOLS_LOG_LEVEL"
_LAMBDA_LEVEL: Final = "AWS_LAMBDA_LOG_LEVEL"
_ROOT: Final = "root"
"""The name under which `logging.getLogger` returns the root logger."""

invocation_keys: Final[ContextVar[Mapping[str, object] | None]] = ContextVar("contradance_invocation", default=None)
"""Keys of the running invocation, on each of its lines."""

_loggers: Final[WeakValueDictionary[int, Logger]] = WeakValueDictionary()
"""Powertools Loggers made since `install` or `on_every_logger` was first called; only these can be sampled anew."""
_numbers: Final = itertools.count()
_root_logger: Final[list[Logger]] = []
"""Holds the root logger's, which nothing else does."""
_configured: Final[list[Callable[[logging.Logger], None]]] = []


class AttemptFormatter(LambdaPowertoolsFormatter):
    """Powertools' formatter, with the keys of the running attempt, and models and exceptions without personal data.

    Keys that are appended while an attempt runs are the attempt's: no other attempt's lines carry them, not those of
    another thread and not those of the next invocation.
    """

    @property
    def log_format(self) -> dict[str, Any]:
        """The keys of each line and their values: the running attempt's, else those of the process."""
        permanent: dict[str, Any] = vars(self)["log_format"]
        attempt = running_attempt()
        if attempt is None:
            return permanent
        if self not in attempt.log_keys:
            attempt.log_keys[self] = {**permanent}
        return attempt.log_keys[self]

    @log_format.setter
    def log_format(self, keys: dict[str, Any]) -> None:
        """Set the keys of the running attempt's lines; without an attempt, those of the process."""
        attempt = running_attempt()
        if attempt is None:
            vars(self)["log_format"] = keys
        else:
            attempt.log_keys[self] = keys

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line of JSON, with personal data in its arguments masked; its place if that fails."""
        try:
            return super().format(_masked_record(record))
        except Exception as error:  # noqa: BLE001 - an argument may raise anything, and must not fail an attempt
            attempt = running_attempt()
            line = {"level": record.levelname, "message": formatting_failure(record, error)}
            return json.dumps(
                {**line, **(invocation_keys.get() or {}), **(attempt.about if attempt else {})}, default=str
            )

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """Return the traceback of (type, exception, traceback), without values that Pydantic quotes."""
        return exception_text(ei[1])

    def serialize(self, log: Any) -> str:
        """Return a line as JSON with personal data masked; the keys of invocation and attempt replace equal ones."""
        attempt = running_attempt()
        about = attempt.about if attempt else {}
        shown = {encodable(str(name)): as_json_data(masked(value), self.json_default) for name, value in log.items()}
        return super().serialize({**shown, **(invocation_keys.get() or {}), **about})


def _masked_record(record: logging.LogRecord) -> logging.LogRecord:
    """Return a record with personal data in its arguments masked; the same object if it has none."""
    arguments = record.args
    if not arguments:
        return record
    record = logging.makeLogRecord(vars(record))
    if isinstance(arguments, Mapping):
        record.args = {name: masked_argument(value) for name, value in arguments.items()}
    else:
        record.args = tuple(map(masked_argument, arguments))
    return record


def install() -> None:
    """Make every logger of this process write by `AttemptFormatter`, at the level in Powertools' variables.

    A variable with an unknown value is unset, with a warning: no function fails because of what it logs.
    """
    odd = [*unset_early, *unset_odd_variables(os.environ)]
    unset_early.clear()
    _let_the_stack_decide()
    _watch_new_loggers()
    root = logging.getLogger()
    handlers = [*root.handlers] or [logging.StreamHandler(sys.stdout)]  # on Lambda there is one
    logger = Logger(service=_ROOT, logger_handler=handlers[0], logger_formatter=AttemptFormatter())
    logger.append_keys(service=service_name())
    for handler in handlers:
        handler.setFormatter(handlers[0].formatter)
    _root_logger[:] = [logger]
    on_every_logger(use_attempt_formatter)
    for variable in odd:
        _LOG.warning("%s", str(variable))


def service_name() -> str:
    """Return the service's name from POWERTOOLS_SERVICE_NAME; `service_undefined` when it is not set."""
    return os.environ.get(SERVICE) or "service_undefined"


def on_every_logger(configure: Callable[[logging.Logger], None]) -> None:
    """Call `configure` with the standard logger of each Powertools Logger, existing ones and those made later."""
    _watch_new_loggers()
    if configure not in _configured:
        _configured.append(configure)
    for logger in [*logging.root.manager.loggerDict.values()]:
        if isinstance(logger, logging.Logger) and hasattr(logger, "powertools_handler"):
            configure(logger)
    _suppress_own_lines_only()


def use_attempt_formatter(logger: logging.Logger) -> None:
    """Make a Powertools Logger's own handlers use `AttemptFormatter`; its options and keys stay.

    A formatter of an author's own class stays too: that choice is explicit.
    """
    for handler in logger.handlers:
        if type(handler.formatter) is LambdaPowertoolsFormatter:
            handler.formatter.__class__ = AttemptFormatter


def sample_again() -> None:
    """Decide again, for each sampled Powertools Logger, whether it logs at DEBUG, as for each invocation."""
    for reference in _loggers.valuerefs():  # a copy: another thread may make a Logger meanwhile
        logger = reference()
        if logger is not None and logger.sampling_rate:
            logger.refresh_sample_rate_calculation()


@cache
def _watch_new_loggers() -> None:
    """Make Powertools register and configure each Logger that is created from now on, as `on_every_logger` requests.

    `Logger` takes no default formatter, and its constructor finds its caller by counting frames, so that it cannot be
    wrapped: `_init_logger` is what it calls last.
    """
    initialise = Logger._init_logger  # noqa: SLF001 - there is no public hook

    @wraps(initialise)
    def _init_logger(self: Logger, *args: Any, **kwargs: Any) -> None:
        """Initialise a Powertools Logger, then register and configure it."""
        initialise(self, *args, **kwargs)
        _loggers[next(_numbers)] = self
        for configure in _configured:
            configure(self._logger)
        _suppress_own_lines_only()

    Logger._init_logger = _init_logger  # type: ignore[method-assign]  # noqa: SLF001 - the same


class _OwnLines(SuppressFilter):
    """Keeps the root handler from writing again what a Powertools Logger has written."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write `record`: True when it came through another logger than Powertools' and its children."""
        return record.name != self.logger and not record.name.startswith(f"{self.logger}.")


def _suppress_own_lines_only() -> None:
    """Replace the filters that Powertools puts on root handlers by narrower ones, which drop only its own lines.

    Powertools' filters drop every record whose logger's name contains the service's: with a service `loans` those of
    `functions.loans`, a standard library's logger whose lines nothing else writes.
    """
    for handler in logging.root.handlers:
        for suppress in [*handler.filters]:
            if isinstance(suppress, SuppressFilter) and not isinstance(suppress, _OwnLines):
                handler.removeFilter(suppress)
                if suppress.logger != _ROOT:
                    handler.addFilter(_OwnLines(suppress.logger))


def _let_the_stack_decide() -> None:
    """Remove Lambda's log level INFO from the environment when POWERTOOLS_LOG_LEVEL is set, which then applies.

    The stack sets Lambda's level to INFO for the journal, which Lambda would drop otherwise; but for Powertools
    Lambda's level comes first.
    """
    if os.environ.get(_LEVEL) and os.environ.get(_LAMBDA_LEVEL) == "INFO":
        del os.environ[_LAMBDA_LEVEL]
