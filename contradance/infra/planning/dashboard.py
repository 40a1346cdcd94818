"""The CloudWatch dashboard of a stack: metrics of the functions of each service, and counts of each event.

CloudWatch limits a dashboard to 500 widgets, so one widget shows all subscribers of a service.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from contradance.function import AnyFunction
from contradance.infra.planning.alarm import Metric, lambda_metric, rule_metric, waiting_metric
from contradance.infra.planning.site import Site
from contradance.infra.planning.statement import canonical
from contradance.infra.planning.trigger import SubscriberPlan

_COLUMNS: Final = 24
_WIDTH: Final = 6
_HEIGHT: Final = 6
_PERIOD: Final = 300

MetricLine = tuple[str, Metric]
"""(label, metric) of one line in a widget."""


def dashboard(site: Site, subscribers: Sequence[SubscriberPlan], functions: Iterable[AnyFunction]) -> str:
    """Return the body of the dashboard as JSON: widgets of each service with subscribers, and of each event."""
    widgets = [*_service_widgets(subscribers), *_event_widgets(site, subscribers, functions)]
    return canonical({"widgets": list(_position_widgets(site, widgets))})


def _service_widgets(subscribers: Sequence[SubscriberPlan]) -> Iterator[tuple[str, list[MetricLine]]]:
    """Yield (title, lines) of each service's widgets: invocations, errors, age of events and dead letters."""
    by_service: dict[str, list[SubscriberPlan]] = defaultdict(list)
    for subscriber in subscribers:
        by_service[subscriber.function.service].append(subscriber)
    for service, members in by_service.items():
        yield f"{service}: invocations", [_metric_line("Invocations", member) for member in members]
        yield f"{service}: errors", [_metric_line("Errors", member) for member in members]
        yield f"{service}: age of events", [_age_line(member) for member in members]
        yield (
            f"{service}: dead letters",
            [(member.function.name, waiting_metric(member.dead_letters.name)) for member in members],
        )


def _metric_line(metric: str, subscriber: SubscriberPlan) -> MetricLine:
    """Return the line of one Lambda metric of a subscriber, with the function's name as label."""
    return subscriber.function.name, lambda_metric(metric, subscriber.function.lambda_name)


def _age_line(subscriber: SubscriberPlan) -> MetricLine:
    """Return the line of the waiting time of events: in the function's queue (seconds), else in Lambda's (ms)."""
    if subscriber.queue:
        age = Metric("AWS/SQS", "ApproximateAgeOfOldestMessage", (("QueueName", subscriber.queue.name),), "Maximum")
        return f"{subscriber.function.name} (seconds)", age
    dimensions = (("FunctionName", subscriber.function.lambda_name),)
    return f"{subscriber.function.name} (ms)", Metric("AWS/Lambda", "AsyncEventAge", dimensions, "Maximum")


def _event_widgets(
    site: Site, subscribers: Sequence[SubscriberPlan], functions: Iterable[AnyFunction]
) -> Iterator[tuple[str, list[MetricLine]]]:
    """Yield (identity, lines) of a widget for each event that the stack's functions publish or consume, sorted."""
    rules = {subscriber.function.name: subscriber.rule for subscriber in subscribers}
    lines: Mapping[str, list[MetricLine]] = defaultdict(list)
    for function in functions:
        for contract in function.publishes:
            identity = str(contract.identity)
            dimensions = (("service", function.service), ("contract", identity), ("subscriber", function.name))
            lines[identity].append((f"published by {function.name}", Metric(site.app, "published", dimensions)))
    for function in functions:
        for event in getattr(function.trigger, "events", ()):
            rule = rules[function.name]
            matched = rule_metric("MatchedEvents", rule.bus.name, rule.name)
            lines[str(event.identity)].append((f"matched for {function.name}", matched))
    for identity, found in sorted(lines.items()):
        yield identity, found


def _position_widgets(site: Site, widgets: Iterable[tuple[str, list[MetricLine]]]) -> Iterator[Mapping[str, object]]:
    """Yield the widgets as CloudWatch's JSON, in rows from left to right."""
    per_row = _COLUMNS // _WIDTH
    for position, (title, lines) in enumerate(widgets):
        row, column = divmod(position, per_row)
        yield {
            "type": "metric",
            "x": column * _WIDTH,
            "y": row * _HEIGHT,
            "width": _WIDTH,
            "height": _HEIGHT,
            "properties": {
                "title": title,
                "region": site.region,
                "view": "timeSeries",
                "period": _PERIOD,
                "metrics": [_metric_json(label, metric) for label, metric in lines],
            },
        }


def _metric_json(label: str, metric: Metric) -> list[object]:
    """Return the line of a metric as CloudWatch's list: namespace, name, dimensions, then label and statistic."""
    names = [part for dimension in metric.dimensions for part in dimension]
    return [metric.namespace, metric.name, *names, {"label": label, "stat": metric.statistic}]
