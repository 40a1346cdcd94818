from collections.abc import Mapping
from typing import Any

import pytest

from contradance.runtime.aws.events import EventBridge, ReceivedMessages

ENTRY = {"Source": "desk.tickets", "DetailType": "TicketClosed", "Detail": "{}", "EventBusName": "desk"}
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


class Requests:
    """Keeps the requests that are made."""

    def __init__(self) -> None:
        self.made: list[tuple[str, str, Mapping[str, Any]]] = []

    def call(self, service: str, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        self.made.append((service, operation, request))
        return {}


def test_an_entry_carries_the_trace_of_the_invocation_that_publishes_it() -> None:
    aws, environ = Requests(), {"_X_AMZN_TRACE_ID": TRACE}
    events = EventBridge(aws, environ)

    events.put_events(Entries=[ENTRY, ENTRY])
    environ["_X_AMZN_TRACE_ID"] = TRACE.replace("Sampled=1", "Sampled=0")  # Lambda sets it anew for each invocation
    events.put_events(Entries=[ENTRY])

    headers = [[entry["TraceHeader"] for entry in request["Entries"]] for _, _, request in aws.made]
    assert headers == [[TRACE, TRACE], [TRACE.replace("Sampled=1", "Sampled=0")]]
    assert "TraceHeader" not in ENTRY


@pytest.mark.parametrize(
    "environ", [{}, {"_X_AMZN_TRACE_ID": ""}, {"_X_AMZN_TRACE_ID": "x" * 501}], ids=["no", "empty", "long"]
)
def test_without_a_trace_that_eventbridge_takes_there_is_none(environ: dict[str, str]) -> None:
    aws = Requests()

    EventBridge(aws, environ).put_events(Entries=[ENTRY])

    assert aws.made == [("events", "PutEvents", {"Entries": [ENTRY]})]


@pytest.mark.parametrize(("seconds", "visible_after"), [(180.0, 180), (4.9, 4), (0.0, 0)])
def test_a_message_is_hidden_and_given_back_by_its_visibility_timeout(seconds: float, visible_after: int) -> None:
    aws = Requests()
    messages = ReceivedMessages(aws, "https://sqs.eu-central-1.amazonaws.com/123456789012/desk-dead-letters")
    message = {"eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:desk-repairs", "receiptHandle": "receipt"}

    messages.hide(message, seconds)
    messages.give_back(message, seconds)

    queue = "https://sqs.eu-central-1.amazonaws.com/123456789012/desk-repairs"
    request = {"QueueUrl": queue, "ReceiptHandle": "receipt", "VisibilityTimeout": visible_after}
    assert aws.made == [("sqs", "ChangeMessageVisibility", request)] * 2
