"""Exporting spans from `contradance run` to an OpenTelemetry collector, where the environment names one."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from contradance.errors import LaptopError

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""OpenTelemetry's variables: the address of a collector that takes OTLP over HTTP."""


@contextmanager
def exporting(name: str, environ: Mapping[str, str]) -> Iterator[str | None]:
    """Export spans in the block, and yield the collector's address, None without one; `LaptopError` if not installed.

    Without an address nothing of OpenTelemetry is loaded.

    Args:
        name: the service that the spans belong to, where OTEL_SERVICE_NAME names none.
        environ: the environment.

    Raises:
        LaptopError: there is an address, but OpenTelemetry is not installed.
    """
    endpoint = next((environ[variable] for variable in ENDPOINTS if environ.get(variable)), None)
    if endpoint is None:
        yield None
        return
    try:
        from opentelemetry import trace  # noqa: PLC0415 - an extra, for those who ask for it
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - the same
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - the same
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - the same
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - the same
    except ImportError as error:
        raise LaptopError(
            f"{ENDPOINTS[0]} is set, but OpenTelemetry is not installed: {error.name}.\n"
            "  Run: pip install 'contradance[tracing]'; or unset the variable."
        ) from error
    resource = Resource.create({"service.name": environ.get("OTEL_SERVICE_NAME") or name})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    try:
        yield endpoint
    finally:
        provider.shutdown()
