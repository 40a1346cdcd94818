"""What the runtime records of its work as spans: nothing, unless the process has loaded OpenTelemetry.

Whatever sets up an OpenTelemetry SDK has loaded its API; without an SDK no span is recorded. So the API is never loaded
from here: a function that is not traced pays for one look-up in `sys.modules`, and nothing on its cold start.
"""

import sys
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from contradance.function import AnyFunction
from contradance.identity import Identity


class Tracing:
    """Records nothing; `contradance.runtime.spans.Spans` records spans."""

    def delivering(self, function: AnyFunction, event: Mapping[str, Any]) -> AbstractContextManager[None]:  # noqa: ARG002
        """Record the delivery of `event` to `function`, as a child of the span that published it."""
        return nullcontext()

    def answering(self, function: str, route_key: str, traceparent: str | None) -> AbstractContextManager[None]:  # noqa: ARG002
        """Record the answer to a request, as a child of the client's span."""
        return nullcontext()

    def running(self, function: AnyFunction, expression: str) -> AbstractContextManager[None]:  # noqa: ARG002
        """Record a run of a scheduled function."""
        return nullcontext()

    def sealing(self, identity: Identity, event_id: str, correlation_id: str, traceparent: str | None) -> str | None:  # noqa: ARG002
        """Begin to record that an event is published; return the `traceparent` for its metadata.

        Without spans that is the `traceparent` of what caused the event.
        """
        return traceparent

    def publishing(self, event_ids: Iterable[str]) -> AbstractContextManager[None]:  # noqa: ARG002
        """Record that events were published. Of an event that was sealed and is not published nothing is recorded."""
        return nullcontext()

    def record_outcome(self, outcome: str) -> None:
        """Record what came of the running attempt."""

    def record_status(self, status: int) -> None:
        """Record the status of the answer to the running request."""

    def record_error(self, error: BaseException) -> None:
        """Record an exception that is handled inside the running attempt."""


_NOTHING: Final = Tracing()


def tracing() -> Tracing:
    """Return what records spans in this process."""
    if "opentelemetry.trace" not in sys.modules:
        return _NOTHING
    from contradance.runtime.spans import SPANS  # noqa: PLC0415 - it loads OpenTelemetry, which is loaded by now

    return SPANS
