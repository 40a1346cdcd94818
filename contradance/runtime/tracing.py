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
        """Return a context in which an event is delivered; `Spans` records it as a child of the publisher's span."""
        return nullcontext()

    def answering(self, function: str, route_key: str, traceparent: str | None) -> AbstractContextManager[None]:  # noqa: ARG002
        """Return a context in which a request is answered; `Spans` records it as a child of the client's span."""
        return nullcontext()

    def running(self, function: AnyFunction, expression: str) -> AbstractContextManager[None]:  # noqa: ARG002
        """Return a context in which a scheduled function runs; `Spans` records it."""
        return nullcontext()

    def sealing(self, identity: Identity, event_id: str, correlation_id: str, traceparent: str | None) -> str | None:  # noqa: ARG002
        """Return the `traceparent` for an event's metadata; `Spans` begins to record that the event is published.

        Without spans that is the `traceparent` of what caused the event.
        """
        return traceparent

    def publishing(self, event_ids: Iterable[str]) -> AbstractContextManager[None]:  # noqa: ARG002
        """Return a context in which events are published; `Spans` ends the spans that `sealing` began for them."""
        return nullcontext()

    def record_outcome(self, outcome: str) -> None:
        """Do nothing; `Spans` records the outcome of the running attempt."""

    def record_status(self, status: int) -> None:
        """Do nothing; `Spans` records the status of the answer to the running request."""

    def record_error(self, error: BaseException) -> None:
        """Do nothing; `Spans` records an exception that is handled inside the running attempt."""


_NOTHING: Final = Tracing()


def tracing() -> Tracing:
    """Return the object that records spans in this process; it records nothing when OpenTelemetry is not loaded."""
    if "opentelemetry.trace" not in sys.modules:
        return _NOTHING
    from contradance.runtime.spans import SPANS  # noqa: PLC0415 - it loads OpenTelemetry, which is loaded by now

    return SPANS
