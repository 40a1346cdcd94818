"""The events with which the laptop invokes a function, beside those that AWS has recorded."""

import json
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contradance.local.events.pending_delivery import PendingDelivery
from contradance.local.invocation.record import failure_record, http_request, moved_message, sqs_batch
from tests.runtime.fakes import recorded

START = datetime(2026, 1, 1, tzinfo=UTC)
ELSEWHERE = {"123456789012": "000000000000", "eu-central-1": "us-east-1", "repairs-plan-repair": "repairs-plan_repair"}


def at_home(value: Any) -> Any:
    """Return recorded JSON with the laptop's account, region and name of the function."""
    text = json.dumps(value)
    for theirs, ours in ELSEWHERE.items():
        text = text.replace(theirs, ours)
    return json.loads(text)


def pending(body: str, attempt: int = 1) -> PendingDelivery:
    sent = START.timestamp()
    return PendingDelivery("message", "repairs.plan_repair", attempt, sent, sent + 60, "flow", body)


def test_a_batch_is_as_the_recorded_one() -> None:
    (theirs,) = at_home(recorded("sqs_batch"))["Records"]
    own = pending(theirs["body"])

    (ours,) = sqs_batch(own, START + timedelta(milliseconds=12))["Records"]
    (again,) = sqs_batch(own, START)["Records"]

    digest = {"md5OfBody": ours["md5OfBody"]}  # the recorded body names another account
    generated = {"messageId": "message", "receiptHandle": ours["receiptHandle"]}
    sender = {**theirs["attributes"], "SenderId": ours["attributes"]["SenderId"]}
    assert ours == {**theirs, **generated, **digest, "attributes": sender}
    assert again["receiptHandle"] != ours["receiptHandle"]
    assert sqs_batch(pending("a"), START)["Records"][0]["md5OfBody"] == "0cc175b9c0f1b6a831c399e269772661"
    assert sqs_batch(pending("a", 3), START)["Records"][0]["attributes"]["ApproximateReceiveCount"] == "3"


@pytest.mark.parametrize("name", ["http_get", "http_post", "http_post_base64"])
def test_a_request_is_as_the_recorded_one(name: str) -> None:
    theirs = at_home(recorded(name))
    body = theirs.get("body", "")
    content = b64decode(body) if theirs["isBase64Encoded"] else body.encode()

    ours = http_request(
        theirs["routeKey"],
        theirs["rawPath"],
        path_parameters=theirs.get("pathParameters", {}),
        query=theirs["rawQueryString"],
        headers={key.title(): value for key, value in theirs["headers"].items()},
        body=content,
        now=START,
    )

    context = {key: ours["requestContext"][key] for key in ("apiId", "domainName", "requestId")}
    http = {**theirs["requestContext"]["http"], "sourceIp": "127.0.0.1", "userAgent": ""}
    of_client: dict[str, Any] = {"requestContext": {**theirs["requestContext"], **context, "http": http}}
    del of_client["requestContext"]["domainPrefix"]
    if name == "http_post_base64":  # API Gateway encodes by the content type, the laptop what is not text
        of_client |= {"body": content.decode(), "isBase64Encoded": False}
    assert ours == {**theirs, **of_client}


def test_a_body_that_is_not_text_is_in_base64() -> None:
    request = http_request("POST /a", "/a", path_parameters={}, query="", headers={}, body=b"\xff\x00", now=START)

    assert (request["body"], request["isBase64Encoded"]) == ("/wA=", True)
    assert not {"queryStringParameters", "pathParameters"} & request.keys()


def test_a_failure_is_as_the_recorded_one() -> None:
    theirs = at_home(recorded("lambda_on_failure"))
    error = ConnectionError("the workshop does not answer")
    own = pending(json.dumps(theirs["requestPayload"]), attempt=3)

    letter = failure_record(
        own, START + timedelta(minutes=3, seconds=12, microseconds=345_999), "RetriesExhausted", error
    )

    ours = json.loads(letter.body)
    context = {**theirs["requestContext"], "requestId": "message"}
    response = {**theirs["responsePayload"], "stackTrace": []}
    del response["requestId"]
    assert ours == {**theirs, "requestContext": context, "responsePayload": response}
    assert letter.sent == START.timestamp() + 192.345999
    assert ": " not in letter.body.partition("requestPayload")[0]


def test_a_moved_message_keeps_its_id_its_time_and_its_receives() -> None:
    letter = moved_message(pending("body", attempt=6))

    assert (letter.id, letter.sent, letter.body, letter.receives) == ("message", START.timestamp(), "body", 6)
    assert letter.source_arn == "arn:aws:sqs:us-east-1:000000000000:repairs-plan_repair"
