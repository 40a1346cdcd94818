"""Logs what fails in the server's event loop outside of any request."""

import asyncio
import logging
from time import monotonic
from typing import Any, Final

from contradance.runtime.error_description import describe_error

_LOG = logging.getLogger("contradance.server")
_REPEATED_SECONDS: Final = 60.0
"""Each kind of failure is logged once in this time: without a free file the loop fails thousands of times a second."""


class LoopFailures:
    """An exception handler for `asyncio` loops."""

    def __init__(self) -> None:
        self._logged: dict[str, float] = {}

    def __call__(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log a failure, unless one of its kind was logged a moment ago."""
        kind = str(context["message"]).partition("(<")[0]  # what follows names objects, different ones each time
        error, now = context.get("exception"), monotonic()
        if self._logged.get(kind, -_REPEATED_SECONDS) <= now - _REPEATED_SECONDS:
            self._logged[kind] = now
            _LOG.error("the server failed: %s%s", kind, f": {describe_error(error)}" if error else "")
