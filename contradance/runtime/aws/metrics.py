"""Metrics, written by Powertools in CloudWatch's embedded metric format: log lines that CloudWatch turns into metrics.

| metric    | unit         | contract                 | counts                                                |
|-----------|--------------|--------------------------|-------------------------------------------------------|
| consumed  | Count        | of the consumed event    | deliveries that were handled                          |
| duplicate | Count        | of the consumed event    | deliveries that had been handled before               |
| failed    | Count        | of the consumed event    | attempts that raised                                  |
| invalid   | Count        | of the consumed event    | dead letters because of a broken contract             |
| expired   | Count        | of the consumed event    | dead letters that waited too long                     |
| duration  | Milliseconds | of the consumed event    | the time of an attempt                                |
| published | Count        | of the published event   | events that EventBridge took                          |

Dimensions: `service`, `contract` (`library.loans/BookLent v1`; a route's key or a schedule's expression where nothing
was consumed) and `subscriber` (the function's name).
"""

import itertools
import logging
from collections import Counter
from contextvars import ContextVar
from functools import cache, wraps
from typing import Any, Final
from weakref import WeakValueDictionary

from aws_lambda_powertools.metrics import EphemeralMetrics
from aws_lambda_powertools.metrics.base import SingleMetric

from contradance.runtime.aws.logs import service_name
from contradance.runtime.journal_record import JournalRecord, Outcome

_LOG: Final = logging.getLogger("contradance.metrics")
DEFAULT_NAMESPACE: Final = "contradance"
"""The namespace where neither POWERTOOLS_METRICS_NAMESPACE nor the author names one."""
_NAMES: Final[dict[Outcome, str]] = {
    "done": "consumed",
    "duplicate": "duplicate",
    "failed": "failed",
    "invalid": "invalid",
    "expired": "expired",
}


class OwnMetrics(EphemeralMetrics):
    """Metrics of one contract and one subscriber, in one invocation."""

    def __init__(self, contract: str, subscriber: str) -> None:
        super().__init__(service=service_name())
        self.add_dimension("service", service_name())
        self.add_dimension("contract", contract)
        self.add_dimension("subscriber", subscriber)


Collected = dict[tuple[str, str], OwnMetrics]
"""The metrics of one invocation, by contract and subscriber."""

collected: Final[ContextVar[Collected | None]] = ContextVar("contradance_metrics", default=None)
"""What the running invocation has counted. It is no store of the process: invocations may be interleaved."""

_authors: Final[WeakValueDictionary[int, EphemeralMetrics]] = WeakValueDictionary()
"""What is behind each `Metrics()` of an author, in the order in which they were made. All `Metrics()` share one store."""
_numbers: Final = itertools.count()


def count(record: JournalRecord) -> None:
    """Count an attempt's outcome and duration, and each event that it published; outside an invocation do nothing."""
    metrics = collected.get()
    if metrics is None:
        return
    consumed = _of(metrics, record.trigger, record.function)
    consumed.add_metric("duration", "Milliseconds", record.duration_ms)
    if record.event_id is not None or record.outcome != "done":
        consumed.add_metric(_NAMES[record.outcome], "Count", 1)
    if record.outcome == "done":
        for contract, times in Counter(event.contract for event in record.published).items():
            _of(metrics, contract, record.function).add_metric("published", "Count", times)


def flush() -> None:
    """Write and clear the metrics of the running invocation and of authors' `Metrics()`; errors are only logged.

    A metric that cannot be written is logged: what was delivered is committed already, and stays so.
    """
    metrics = collected.get() or {}
    for provider in (*metrics.values(), *_made_by_authors()):
        if not provider.metric_set:
            continue
        try:
            provider.namespace = provider.namespace or DEFAULT_NAMESPACE
            provider.flush_metrics()
        except Exception:  # noqa: BLE001 - no metric is worth a delivery
            _LOG.exception("Metrics could not be written.")
        finally:
            provider.clear_metrics()  # Powertools keeps what it cannot write, and what it may not where they are disabled
    metrics.clear()


@cache
def watch_authors_metrics() -> None:
    """Make `flush` also write each `Metrics()` and `EphemeralMetrics()` that is created from now on."""
    initialise = EphemeralMetrics.__init__

    @wraps(initialise)
    def __init__(self: EphemeralMetrics, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - it stands for one
        initialise(self, *args, **kwargs)
        if not isinstance(self, OwnMetrics | SingleMetric):  # a single metric writes itself
            _authors[next(_numbers)] = self

    EphemeralMetrics.__init__ = __init__  # type: ignore[method-assign]


def drop() -> None:
    """Clear what authors' `Metrics()` hold without writing it: on the laptop there is no CloudWatch to read it."""
    for provider in _made_by_authors():
        provider.clear_metrics()


def _made_by_authors() -> list[EphemeralMetrics]:
    """Return the authors' `Metrics()` that exist, as a copy: another thread may create more meanwhile."""
    return [provider for reference in _authors.valuerefs() if (provider := reference()) is not None]


def _of(metrics: Collected, contract: str, subscriber: str) -> OwnMetrics:
    """Return the metrics of a contract and a subscriber in `metrics`; add them when they are missing."""
    key = contract, subscriber
    if key not in metrics:
        metrics[key] = OwnMetrics(contract, subscriber)
    return metrics[key]
