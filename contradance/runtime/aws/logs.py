"""Log lines as JSON, with the keys that Powertools' Logger writes and what the running attempt is about.

They are Powertools' lines without Powertools: importing its Logger costs a third of what a whole function may take on a
cold start (`benchmarks/cold_start.py` prints it). Its environment variables mean here what they mean there, and an
author's own `Logger` writes beside ours. Models are logged masked; exceptions without the values that a traceback quotes.
"""

import json
import logging
import sys
import time
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from contradance.pii import MASK, mask
from contradance.runtime.attempt import running_attempt
from contradance.runtime.error_description import describe_error, format_frames

SERVICE: Final = "POWERTOOLS_SERVICE_NAME"
LEVELS: Final = ("POWERTOOLS_LOG_LEVEL", "AWS_LAMBDA_LOG_LEVEL", "LOG_LEVEL")
"""Environment variables that name the level; the first that is set counts."""
TRACE: Final = "_X_AMZN_TRACE_ID"
_NAMED: Final = {"TRACE": "NOTSET", "WARN": "WARNING", "FATAL": "CRITICAL"}
"""Lambda's names of levels that Python calls otherwise."""
_OWN: Final = frozenset({*vars(logging.LogRecord("", 0, "", 0, "", (), None)), "message", "asctime", "taskName"})


class JsonFormatter(logging.Formatter):
    """One log record as one line of JSON."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__()
        self._environ = environ
        self._service = service_of(environ)
        self.invocation: dict[str, Any] = {}
        """What every line says of the running invocation."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        said: dict[str, Any] = {
            "level": record.levelname,
            "location": f"{record.funcName}:{record.lineno}",
            "message": _message(record),
            "timestamp": timestamp(record.created),
            "service": self._service,
            **self.invocation,
        }
        attempt = running_attempt()
        if attempt:
            said |= attempt.about
        said |= {name: masked(value) for name, value in vars(record).items() if name not in _OWN}
        error = record.exc_info[1] if record.exc_info else None
        if error:
            said |= {"exception": _exception(error), "exception_name": type(error).__name__}
        if trace := self._environ.get(TRACE):
            said["xray_trace_id"] = trace.partition(";")[0].removeprefix("Root=")
        return line(said)


def set_up(environ: Mapping[str, str]) -> JsonFormatter:
    """Have everything that is logged written as JSON; return what formats it."""
    root, formatter = logging.getLogger(), JsonFormatter(environ)
    if not root.handlers:  # on Lambda there is one
        root.addHandler(logging.StreamHandler(sys.stdout))
    for handler in root.handlers:
        handler.setFormatter(formatter)
    named = next((environ[name].upper() for name in LEVELS if environ.get(name)), "INFO")
    level = logging.getLevelNamesMapping().get(_NAMED.get(named, named))
    root.setLevel(logging.INFO if level is None else level)
    if level is None:
        logging.getLogger("contradance").warning("There is no log level %s; INFO it is.", named)
    return formatter


def service_of(environ: Mapping[str, str]) -> str:
    """Return the service's name, as Powertools finds it."""
    return environ.get(SERVICE) or "service_undefined"


def timestamp(seconds: float) -> str:
    """Return a moment as Powertools writes it."""
    whole = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))
    return f"{whole},{int(seconds * 1000) % 1000:03}+0000"


def line(said: Mapping[str, Any]) -> str:
    """Return a line of JSON; what has no JSON is written as its text."""
    return json.dumps(said, default=str, separators=(",", ":"), ensure_ascii=False)


def masked(value: object) -> object:
    """Return a value as a log may show it: models without personal data, however deeply they are nested."""
    if isinstance(value, BaseModel):
        return mask(type(value), value.model_dump(mode="json", by_alias=True, warnings=False, fallback=lambda _: MASK))
    if isinstance(value, Mapping):
        return {name: masked(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [masked(item) for item in value]
    return value


def _message(record: logging.LogRecord) -> object:
    """Return what is said: an object where an object was logged, as Powertools does."""
    said = masked(record.msg)
    if not record.args:
        return said if isinstance(said, dict) else str(said)
    arguments = record.args
    shown = masked(arguments) if isinstance(arguments, Mapping) else tuple(masked(item) for item in arguments)
    return str(said) % shown


def _exception(error: BaseException) -> str:
    """Return where an exception came from, and what caused it, without the values in between."""
    text = f"{format_frames(error)}{describe_error(error)}"
    return f"{_exception(error.__cause__)}\nwhich caused\n{text}" if error.__cause__ else text
