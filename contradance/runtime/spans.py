"""Spans of OpenTelemetry: one per route or schedule (SERVER), delivery (CONSUMER) and published event (PRODUCER).

A published event carries its PRODUCER span in the `traceparent` of its metadata; each delivery of it is a child of that
span. Names follow the semantic conventions for messaging, HTTP and FaaS; a delivery is named by its function, because
several functions process one event. Errors are recorded by their type and by the lines of code that led to them, and
without their messages: those may quote personal data.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from opentelemetry.context import Context, get_current
from opentelemetry.trace import (
    Link,
    Span,
    SpanKind,
    Status,
    StatusCode,
    get_current_span,
    get_tracer,
    set_span_in_context,
    use_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from contradance.function import AnyFunction
from contradance.identity import Identity
from contradance.runtime.frames import format_frames
from contradance.runtime.journal_record import COMPLETED
from contradance.runtime.tracing import Tracing

_SCOPE: Final = "contradance"
_SYSTEM: Final = "aws_eventbridge"
"""The value of `messaging.system`, on AWS and on the laptop; the conventions name none for EventBridge."""
_SERVER_ERROR: Final = 500
_W3C: Final = TraceContextTextMapPropagator()
_sealed: Final[ContextVar[dict[str, Span] | None]] = ContextVar("contradance_sealed_spans", default=None)
"""The spans of the events that the running attempt has sealed and not yet published, by event id."""


class Spans(Tracing):
    """Records spans by whichever SDK the process has set up."""

    @contextmanager
    def delivering(self, function: AnyFunction, event: Mapping[str, Any]) -> Iterator[None]:
        """Record the block as the delivery of `event` to `function`, as a child of the span that published it."""
        metadata = _metadata(event)
        attributes = {
            "messaging.system": _SYSTEM,
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": f"{event.get('source')}/{event.get('detail-type')}",
            "messaging.destination.subscription.name": function.name,
            "messaging.message.id": metadata.get("event_id"),
            "messaging.message.conversation_id": metadata.get("correlation_id"),
            "faas.name": function.name,
            "faas.trigger": "pubsub",
        }
        parent = _remote(metadata.get("traceparent"))
        with _span(f"process {function.name}", SpanKind.CONSUMER, attributes, parent):
            yield

    @contextmanager
    def answering(self, function: str, route_key: str, traceparent: str | None) -> Iterator[None]:
        """Record the block as the answer to a request, a child of the invocation's span, else of the client's."""
        method, _, path = route_key.partition(" ")
        attributes = {"http.request.method": method, "http.route": path, "faas.name": function, "faas.trigger": "http"}
        inside = get_current_span().get_span_context().is_valid
        parent = get_current() if inside else _remote(traceparent)
        with _span(route_key, SpanKind.SERVER, attributes, parent):
            yield

    @contextmanager
    def running(self, function: AnyFunction, expression: str) -> Iterator[None]:
        """Record the block as a run of a scheduled function; `expression` is its schedule."""
        attributes = {"faas.name": function.name, "faas.trigger": "timer", "faas.cron": expression}
        with _span(function.name, SpanKind.SERVER, attributes, get_current()):
            yield

    def sealing(self, identity: Identity, event_id: str, correlation_id: str, traceparent: str | None) -> str | None:
        """Begin the span of an event and return its `traceparent`; the given one when no span is recorded."""
        attributes = {
            "messaging.system": _SYSTEM,
            "messaging.operation.name": "publish",
            "messaging.operation.type": "send",
            "messaging.destination.name": f"{identity.source}/{identity.detail_type}",
            "messaging.message.id": event_id,
            "messaging.message.conversation_id": correlation_id,
        }
        span = get_tracer(_SCOPE).start_span(
            f"publish {identity.detail_type}", kind=SpanKind.PRODUCER, attributes=attributes
        )
        spans = _sealed.get()
        if spans is None:
            _sealed.set(spans := {})
        spans[event_id] = span  # a handler that runs again seals under the same id: the span of the last run counts
        carrier: dict[str, str] = {}
        _W3C.inject(carrier, set_span_in_context(span))
        return carrier.get("traceparent", traceparent)

    @contextmanager
    def publishing(self, event_ids: Iterable[str]) -> Iterator[None]:
        """End the spans of these events after the block publishes them; when it raises, the spans have the error."""
        spans = _sealed.get() or {}
        ending = [span for event_id in dict.fromkeys(event_ids) if (span := spans.pop(event_id, None)) is not None]
        try:
            yield
        except Exception as error:
            for span in ending:
                _fail(span, error)
            raise
        finally:
            for span in ending:
                span.end()

    def record_outcome(self, outcome: str) -> None:
        """Record the outcome of the running attempt; any but `done` and `duplicate` is an error."""
        span = get_current_span()
        span.set_attribute("contradance.outcome", outcome)
        if outcome not in COMPLETED:
            span.set_attribute("error.type", outcome)
            span.set_status(Status(StatusCode.ERROR, outcome))

    def record_status(self, status: int) -> None:
        """Record the status of the answer to the running request; 500 and more is an error."""
        span = get_current_span()
        span.set_attribute("http.response.status_code", status)
        if status >= _SERVER_ERROR:
            span.set_status(Status(StatusCode.ERROR))

    def record_error(self, error: BaseException) -> None:
        """Record an exception, handled inside the running attempt, by its type and code lines."""
        _fail(get_current_span(), error)


SPANS: Final = Spans()


@contextmanager
def _span(name: str, kind: SpanKind, attributes: Mapping[str, object], parent: Context) -> Iterator[None]:
    """Record the block as a span below `parent`, with its error if it raises; link it to another span around it."""
    around = get_current_span().get_span_context()
    linked = around.is_valid and get_current_span(parent).get_span_context() != around
    span = get_tracer(_SCOPE).start_span(
        name,
        parent,
        kind,
        {key: str(value) for key, value in attributes.items() if value is not None},
        [Link(around)] if linked else None,
    )
    with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except BaseException as error:
            _fail(span, error)
            raise


def _remote(traceparent: object) -> Context:
    """Return the context of a `traceparent`; the running context when it is missing or not valid."""
    carrier = {"traceparent": traceparent} if isinstance(traceparent, str) else {}
    return _W3C.extract(carrier, get_current())


def _metadata(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an event's metadata before it is validated; empty when it has none."""
    detail = event.get("detail")
    metadata = detail.get("metadata") if isinstance(detail, Mapping) else None
    return metadata if isinstance(metadata, Mapping) else {}


def _fail(span: Span, error: BaseException) -> None:
    """Mark a span as failed, with the error's type and code lines and without its message."""
    module = type(error).__module__
    kind = type(error).__qualname__ if module == "builtins" else f"{module}.{type(error).__qualname__}"
    span.set_attribute("error.type", kind)
    span.add_event("exception", {"exception.type": kind, "exception.stacktrace": format_frames(error)})
    span.set_status(Status(StatusCode.ERROR, kind))
