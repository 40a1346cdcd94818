"""Metrics in CloudWatch's embedded metric format: log lines that CloudWatch turns into metrics, at the price of a line.

Their shape is that of Powertools' Metrics, whose environment variables count; importing it costs more than all of them.

| metric    | unit         | contract                 | says                                                  |
|-----------|--------------|--------------------------|-------------------------------------------------------|
| consumed  | Count        | of the consumed event    | a delivery was handled                                |
| duplicate | Count        | of the consumed event    | it had been handled before                            |
| failed    | Count        | of the consumed event    | an attempt raised                                     |
| invalid   | Count        | of the consumed event    | it breaks its contract, and is a dead letter          |
| expired   | Count        | of the consumed event    | it waited too long, and is a dead letter              |
| duration  | Milliseconds | of the consumed event    | how long an attempt took                              |
| published | Count        | of the published event   | events that EventBridge took                          |

Dimensions: `service`, `contract` (`library.loans/BookLent v1`; a route's key or a schedule's expression where nothing
was consumed) and `subscriber` (the function's name).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from contradance.runtime.aws.logs import line, service_of
from contradance.runtime.journal_record import JournalRecord, Outcome

NAMESPACE: Final = "POWERTOOLS_METRICS_NAMESPACE"
DISABLED: Final = "POWERTOOLS_METRICS_DISABLED"
DEFAULT_NAMESPACE: Final = "contradance"
_TRUE: Final = ("1", "true", "t", "yes", "y", "on")
DIMENSIONS: Final = ("service", "contract", "subscriber")
_NAMES: Final[dict[Outcome, str]] = {
    "done": "consumed",
    "duplicate": "duplicate",
    "failed": "failed",
    "invalid": "invalid",
    "expired": "expired",
}


class Metrics:
    """Turns journal records into lines of metrics."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._namespace = environ.get(NAMESPACE) or DEFAULT_NAMESPACE
        self._service = service_of(environ)
        self._disabled = environ.get(DISABLED, "").lower() in _TRUE

    def lines(self, record: JournalRecord) -> Iterator[str]:
        """Yield a line for what was consumed, and one for each contract of which events were published."""
        if self._disabled:
            return
        milliseconds = int(record.started_at.timestamp() * 1000 + record.duration_ms)
        consumed = {"duration": record.duration_ms}
        if record.event_id is not None or record.outcome != "done":
            consumed[_NAMES[record.outcome]] = 1.0
        yield self._line(milliseconds, record.trigger, record.function, consumed)
        if record.outcome == "done":
            for contract, times in Counter(event.contract for event in record.published).items():
                yield self._line(milliseconds, contract, record.function, {"published": float(times)})

    def _line(self, milliseconds: int, contract: str, subscriber: str, values: Mapping[str, float]) -> str:
        units = [{"Name": name, "Unit": "Milliseconds" if name == "duration" else "Count"} for name in values]
        described: dict[str, Any] = {
            "Namespace": self._namespace,
            "Dimensions": [DIMENSIONS],
            "Metrics": units,
        }
        dimensions = {"service": self._service, "contract": contract, "subscriber": subscriber}
        about = {"Timestamp": milliseconds, "CloudWatchMetrics": [described]}
        return line({"_aws": about, **dimensions, **{name: [value] for name, value in values.items()}})
