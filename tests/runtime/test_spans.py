"""Spans: one tree for one order, on the laptop and on Lambda, and nothing personal in them."""

import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from contradance import Delivery, Reply, route, schedule, subscriber
from contradance.runtime.tracing import Tracing, tracing
from contradance.subscription import Subscription
from functions.choreography import food_delivery
from tests.food import HAPPY, REFUSED, food
from tests.runtime.desk import NewTicket, RepairPlanned, TicketOpened, TicketView, opened
from tests.runtime.fakes import Outage, World, delivered, queued, recorded

CLIENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
Tree = dict[str, Any]
HAPPY_TREE: Tree = {
    "POST /orders": {
        "publish OrderPlaced": {
            "process payments.process_payment": {
                "publish PaymentSuccess": {
                    "process restaurants.confirm_order": {
                        "publish RestaurantConfirmedOrder": {
                            "process deliveries.assign_delivery_partner": {
                                "publish DeliveryPartnerAssigned": {
                                    "process notifications.notify_customer": {},
                                    "process orders.update_order_status": {},
                                }
                            },
                            "process loyalty.add_loyalty_points": {},
                            "process notifications.notify_customer": {},
                            "process orders.update_order_status": {},
                        }
                    }
                }
            }
        }
    }
}


class Recorded:
    """The spans that were recorded."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    def __iter__(self) -> Iterator[ReadableSpan]:
        return iter(self._exporter.get_finished_spans())

    def __getitem__(self, name: str) -> ReadableSpan:
        (span,) = [span for span in self if span.name == name]
        return span

    @property
    def trees(self) -> Tree:
        """The spans by name, each with its children: those without a recorded parent are roots."""
        known = {span.context.span_id for span in self if span.context}
        roots = [span for span in self if span.parent is None or span.parent.span_id not in known]
        return {span.name: self._children(span) for span in roots}

    def _children(self, parent: ReadableSpan) -> Tree:
        children = [
            span for span in self if parent.context and span.parent and span.parent.span_id == parent.context.span_id
        ]
        return {span.name: self._children(span) for span in children}

    @property
    def text(self) -> str:
        """Everything that an exporter would send."""
        return "".join(span.to_json() for span in self)


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """What an SDK records that is set up for one test: OpenTelemetry itself lets a process set up one."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    return Recorded(exporter)


@subscriber(service="repairs")
def plan(event: TicketOpened) -> RepairPlanned:
    return RepairPlanned(ticket_id=event.ticket_id, note=f"for {event.owner}")


class TestOneTree:
    def test_of_an_order_on_the_laptop(self, spans: Recorded, tmp_path: Path) -> None:
        with food(tmp_path) as system:
            system.order(HAPPY)

        assert spans.trees == HAPPY_TREE
        assert len({span.context.trace_id for span in spans if span.context}) == 1
        assert {span.name.partition(" ")[0]: span.kind for span in spans} == {
            "POST": SpanKind.SERVER,
            "publish": SpanKind.PRODUCER,
            "process": SpanKind.CONSUMER,
        }

    def test_of_two_orders_on_the_laptop_that_have_nothing_to_do_with_each_other(
        self, spans: Recorded, tmp_path: Path
    ) -> None:
        with food(tmp_path) as system:
            orders = {system.order(body) for body in (HAPPY, REFUSED)}

        assert len(orders) == len({span.context.trace_id for span in spans if span.context}) == 2

    def test_of_an_order_from_recorded_lambda_payloads(self, spans: Recorded, world: World) -> None:
        request = {**recorded("http_post"), "routeKey": "POST /orders", "rawPath": "/orders", "body": json.dumps(HAPPY)}
        request["headers"]["traceparent"] = CLIENT

        assert world.ask(food_delivery.functions["orders.place_order"], request)[0] == 201
        for entry in world.events.accepted:  # it grows while events are delivered
            deliver_to_all(world, entry)

        assert spans.trees == HAPPY_TREE
        assert {span.context.trace_id for span in spans if span.context} == {int(CLIENT.split("-")[1], 16)}
        root = spans["POST /orders"]
        assert root.parent is not None
        assert (root.parent.span_id, root.parent.is_remote) == (int(CLIENT.split("-")[2], 16), True)


def deliver_to_all(world: World, entry: Any) -> None:
    """Deliver a published event in the recorded payloads, to every function whose rule matches."""
    event = {
        **recorded("eventbridge"),
        "source": entry["Source"],
        "detail-type": entry["DetailType"],
        "detail": json.loads(entry["Detail"]),
    }
    for function in food_delivery.functions.values():
        trigger = function.trigger
        if isinstance(trigger, Subscription) and trigger.pattern.matches(event):
            world.deliver(function, event if function.delivery == "direct" else queued(event))


class TestDeliveries:
    def test_a_span_is_named_as_the_conventions_have_it(self, spans: Recorded, world: World) -> None:
        world.deliver(plan, delivered(opened(), "event-1"))

        (published,) = world.published
        consumer, producer = spans["process repairs.plan"], spans["publish RepairPlanned"]
        assert consumer.attributes == {
            "messaging.system": "aws_eventbridge",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": "desk.tickets/TicketOpened",
            "messaging.destination.subscription.name": "repairs.plan",
            "messaging.message.id": "event-1",
            "messaging.message.conversation_id": "chain-1",
            "faas.name": "repairs.plan",
            "faas.trigger": "pubsub",
            "contradance.outcome": "done",
        }
        assert producer.attributes == {
            "messaging.system": "aws_eventbridge",
            "messaging.operation.name": "publish",
            "messaging.operation.type": "send",
            "messaging.destination.name": "desk.repairs/RepairPlanned",
            "messaging.message.id": published["metadata"]["event_id"],
            "messaging.message.conversation_id": "chain-1",
        }
        assert producer.context is not None
        assert published["metadata"]["traceparent"].split("-")[2] == f"{producer.context.span_id:016x}"
        assert consumer.status.status_code is StatusCode.UNSET

    def test_each_message_of_a_batch_has_its_own_parent(self, spans: Recorded, world: World) -> None:
        @subscriber(service="repairs", delivery="queue")
        def later(event: TicketOpened) -> None: ...

        parents = [f"00-{'0' * 31}{number}-{'0' * 15}{number}-01" for number in (1, 2)]
        events = [delivered(opened(), str(number)) for number in (1, 2)]
        for event, parent in zip(events, parents, strict=True):
            event["detail"]["metadata"]["traceparent"] = parent

        world.deliver(later, queued(*events))

        assert [span.parent.span_id for span in spans if span.parent] == [1, 2]

    def test_inside_a_span_of_the_invocation_it_is_linked_to_that_span(self, spans: Recorded, world: World) -> None:
        event = delivered(opened(), "event-1")
        event["detail"]["metadata"]["traceparent"] = CLIENT

        with trace.get_tracer("layer").start_as_current_span("invocation") as around:
            world.deliver(plan, event)

        consumer = spans["process repairs.plan"]
        assert consumer.parent is not None
        assert consumer.parent.trace_id == int(CLIENT.split("-")[1], 16)
        assert [link.context for link in consumer.links] == [around.get_span_context()]

    def test_without_a_traceparent_the_span_of_the_invocation_is_the_parent(
        self, spans: Recorded, world: World
    ) -> None:
        with trace.get_tracer("layer").start_as_current_span("invocation"):
            world.deliver(plan, delivered(opened(), "event-1"))

        assert spans.trees == {"invocation": {"process repairs.plan": {"publish RepairPlanned": {}}}}
        assert [*spans["process repairs.plan"].links] == []

    @pytest.mark.parametrize("detail", [None, "text", {"metadata": None}, {"metadata": {"traceparent": 5}}])
    def test_what_is_no_event_has_a_span_of_its_own(self, spans: Recorded, world: World, detail: object) -> None:
        world.deliver(plan, {**recorded("eventbridge"), "detail": detail})

        span = spans["process repairs.plan"]
        assert (span.parent, span.status.status_code) == (None, StatusCode.ERROR)
        assert dict(span.attributes or {})["contradance.outcome"] == "invalid"

    def test_what_was_sealed_and_not_published_leaves_no_span(self, spans: Recorded, world: World) -> None:
        world.events.outage = True

        with pytest.raises(Outage):
            world.deliver(plan, delivered(opened(), "event-1"))
        failed = spans["publish RepairPlanned"]
        world.events.outage = False
        world.deliver(plan, delivered(opened(), "event-1"))

        assert failed.status.status_code is StatusCode.ERROR
        assert failed.context is not None
        (published,) = world.published
        assert published["metadata"]["traceparent"].split("-")[2] == f"{failed.context.span_id:016x}"

    def test_a_scheduled_run(self, spans: Recorded, world: World) -> None:
        @schedule("rate(1 day)", service="repairs")
        def remind(delivery: Delivery) -> None: ...

        world.deliver(remind, recorded("scheduler"))

        span = spans["repairs.remind"]
        assert span.kind is SpanKind.SERVER
        assert dict(span.attributes or {})["faas.cron"] == "rate(1 day)"


class TestErrors:
    @pytest.mark.parametrize(
        "error",
        [ValueError("Jane Doe"), KeyError("Jane Doe"), partial(opened, channel=["Jane Doe"])],
        ids=["a", "b", "c"],
    )
    def test_an_error_of_a_handler_is_recorded_without_its_values(
        self, spans: Recorded, world: World, error: Any
    ) -> None:
        @subscriber(service="repairs")
        def fail(event: TicketOpened) -> None:
            raise error if isinstance(error, Exception) else error()

        with pytest.raises(ValueError if callable(error) else type(error)):
            world.deliver(fail, delivered(opened()))

        span = spans["process repairs.fail"]
        (event,) = span.events
        attributes = dict(event.attributes or {})
        assert span.status.status_code is StatusCode.ERROR
        assert "test_spans.py" in str(attributes["exception.stacktrace"])
        assert attributes["exception.type"] == dict(span.attributes or {})["error.type"]
        assert "Jane" not in spans.text

    def test_an_error_of_a_route_is_recorded_with_its_status(self, spans: Recorded, world: World) -> None:
        @route("POST /tickets", status=201, service="tickets")
        def open_ticket(ticket: NewTicket) -> Reply[TicketView, TicketOpened]:
            raise Outage(ticket.owner)

        world.ask(open_ticket, recorded("http_post"))

        span = spans["POST /tickets"]
        attributes = dict(span.attributes or {})
        assert (attributes["http.route"], attributes["http.request.method"]) == ("/tickets", "POST")
        assert attributes["error.type"] == "tests.runtime.fakes.Outage"
        assert attributes["http.response.status_code"] == 500
        assert span.status.status_code is StatusCode.ERROR
        assert "Jane" not in spans.text

    def test_a_bad_request_is_not_an_error_of_ours(self, spans: Recorded, world: World) -> None:
        @route("POST /tickets", status=201, service="tickets")
        def open_ticket(ticket: NewTicket) -> TicketView:
            raise AssertionError

        world.ask(open_ticket, {**recorded("http_post"), "body": "{"})

        span = spans["POST /tickets"]
        assert dict(span.attributes or {})["http.response.status_code"] == 422
        assert span.status.status_code is StatusCode.UNSET


def test_where_nothing_has_loaded_opentelemetry_nothing_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "opentelemetry.trace")

    assert type(tracing()) is Tracing


def test_with_the_api_alone_a_trace_is_carried_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", trace.NoOpTracerProvider())
    event = delivered(opened(), "event-1")
    event["detail"]["metadata"]["traceparent"] = CLIENT

    world.deliver(plan, event)

    (published,) = world.published
    assert published["metadata"]["traceparent"] == CLIENT
