"""A program that knows nothing of contradance: boto3 as it is, told by its environment alone where AWS is.

Run as `python -m tests.local.any_program`; it prints what it saw as JSON.
"""

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3  # type: ignore[import-untyped]  # it carries no types
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # the same

from tests.patience import LONG

GOOD: dict[str, Any] = {
    "metadata": {
        "event_id": "event-a",
        "version": 1,
        "occurred_at": "2026-01-01T00:00:00Z",
        "subject": "a",
        "correlation_id": "flow-a",
        "publisher": "any.program",
    },
    "data": {"item": "a"},
}
BAD = {**GOOD, "metadata": {**GOOD["metadata"], "event_id": "event-b"}, "data": {"item": 5}}
"""No working machine needs them."""


def entry(detail: object, **changes: object) -> dict[str, Any]:
    """Return a PutEvents entry."""
    text = detail if isinstance(detail, str) else json.dumps(detail)
    return {"Source": "shop.desk", "DetailType": "Asked", "Detail": text, "EventBusName": "shop", **changes}


def refused(call: Any, **parameters: object) -> list[str]:
    """Return the code and message with which a call is refused."""
    try:
        call(**parameters)
    except ClientError as error:
        return [error.response["Error"]["Code"], error.response["Error"]["Message"]]
    return []


def received(sqs: Any, url: str) -> dict[str, Any]:
    """Return the first message on a queue, and delete it."""
    deadline = time.monotonic() + LONG
    while time.monotonic() < deadline:
        answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, MessageAttributeNames=["All"])
        for message in answer.get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found: dict[str, Any] = message
            return found
    raise TimeoutError


def main() -> dict[str, Any]:
    """Do what any operator's script might, and return what came of it."""
    events, sqs = boto3.client("events"), boto3.client("sqs")
    saw: dict[str, Any] = {"buses": [bus["Name"] for bus in events.list_event_buses()["EventBuses"]]}
    saw["rules"] = [rule["Name"] for rule in events.list_rules(EventBusName="shop")["Rules"]]
    pattern = events.describe_rule(Name="clerk-listen", EventBusName="shop")["EventPattern"]

    mixed = [entry(GOOD), entry("no json"), entry(GOOD, Source=""), entry(BAD)]
    answer = events.put_events(Entries=mixed)
    saw["put"] = [answer["FailedEntryCount"], [one.get("ErrorCode") for one in answer["Entries"]]]
    saw["eleven"] = refused(events.put_events, Entries=[entry(GOOD)] * 11)
    saw["too large"] = refused(events.put_events, Entries=[entry({"text": "x" * 1_000_000})])
    saw["unknown bus"] = refused(events.put_events, Entries=[entry(GOOD, EventBusName="nowhere")])

    (url,) = sqs.list_queues(QueueNamePrefix="clerk-listen")["QueueUrls"]
    message = received(sqs, url)
    event = json.loads(message["Body"])
    saw["dead letter"] = [message["MessageAttributes"]["REASON"]["StringValue"], event["detail"]["data"]]
    saw["matches"] = events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))["Result"]

    now = datetime.now(UTC)
    rule = events.describe_rule(Name="clerk-other", EventBusName="shop")["Arn"]
    bus = events.describe_event_bus(Name="shop")["Arn"]
    (archive,) = events.list_archives(EventSourceArn=bus)["Archives"]
    events.start_replay(
        ReplayName="again.the-hour",
        EventSourceArn=events.describe_archive(ArchiveName=archive["ArchiveName"])["ArchiveArn"],
        EventStartTime=now - timedelta(hours=1),
        EventEndTime=now + timedelta(minutes=1),
        Destination={"Arn": bus, "FilterArns": [rule]},
    )
    deadline = time.monotonic() + LONG
    while (state := events.describe_replay(ReplayName="again.the-hour")["State"]) != "COMPLETED":
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    saw["replay"] = state
    return saw


if __name__ == "__main__":
    json.dump(main(), sys.stdout)
