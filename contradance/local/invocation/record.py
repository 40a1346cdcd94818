"""The events with which AWS invokes a function, and its records of failures, in AWS's exact shapes.

Asynchronous invocation: Lambda developer guide, invocation-async-retain-records. Queue: services-sqs-parameters.
HTTP: API Gateway developer guide, http-api-develop-integrations-lambda (payload format 2.0).
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import md5
from math import ceil, inf
from time import monotonic
from typing import Any, Final, Literal
from urllib.parse import parse_qsl
from uuid import uuid4

from contradance.bounds import MAX_PROBLEM, shortened
from contradance.local.dead_letter_queues import DeadLetterMessage
from contradance.local.events.pending_delivery import PendingDelivery
from contradance.local.names import ACCOUNT, REGION, aws_name, function_arn, queue_arn
from contradance.runtime.containment import raised_by
from contradance.runtime.error_description import message_of
from contradance.runtime.frames import stack_trace

Exhausted = Literal["RetriesExhausted", "EventAgeExceeded"]


_UNMEASURED: Final = 24 * 60 * 60 * 1000
"""Milliseconds that are always left where time is not measured; more than any timeout."""


@dataclass(frozen=True, slots=True)
class LaptopContext:
    """Lambda's context, with the fields that the runtime reads."""

    aws_request_id: str
    deadline: float
    """In seconds of the monotonic clock; infinite without a timeout."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds left before the function's timeout; 0 only after it, when the attempt is late."""
        if self.deadline == inf:
            return _UNMEASURED
        return max(ceil((self.deadline - monotonic()) * 1000), 0)


def sqs_batch(pending: PendingDelivery, received: datetime) -> dict[str, Any]:
    """Return the event with which SQS's event source mapping invokes a function: a batch of one message."""
    return {
        "Records": [
            {
                "messageId": pending.id,
                "receiptHandle": str(uuid4()),
                "body": pending.envelope,
                "attributes": {
                    "ApproximateReceiveCount": str(pending.attempt),
                    "SentTimestamp": str(int(pending.sent * 1000)),
                    "SenderId": "AIDAIT2UOQQY3AUEKVGXU",
                    "ApproximateFirstReceiveTimestamp": str(int(received.timestamp() * 1000)),
                },
                "messageAttributes": {},
                "md5OfBody": md5(pending.envelope.encode(), usedforsecurity=False).hexdigest(),
                "eventSource": "aws:sqs",
                "eventSourceARN": queue_arn(aws_name(pending.function)),
                "awsRegion": REGION,
            }
        ]
    }


def event_in(pending: PendingDelivery) -> dict[str, Any]:
    """Return the event of a delivery; a text that is not a JSON object becomes the detail of an event with its id."""
    return read_event(pending.id, pending.envelope)


def read_event(identifier: str, envelope: str) -> dict[str, Any]:
    """Return the event in the text `envelope`; if it is no JSON object, it becomes the detail of one with this id."""
    payload = _read_payload(identifier, envelope)
    return payload if isinstance(payload, dict) else {"id": identifier, "detail": envelope}


def payload_in(pending: PendingDelivery) -> Any:
    """Return the JSON of a delivery; a text that is not JSON becomes the detail of an event with the delivery's id."""
    return _read_payload(pending.id, pending.envelope)


def _read_payload(identifier: str, envelope: str) -> Any:
    try:
        return json.loads(envelope)
    except (ValueError, RecursionError):
        return {"id": identifier, "detail": envelope}


def failure_record(
    pending: PendingDelivery, now: datetime, condition: Exhausted, error: BaseException
) -> DeadLetterMessage:
    """Return the message that Lambda sends to the on-failure destination of an asynchronous invocation."""
    body = json.dumps(
        {
            "version": "1.0",
            "timestamp": now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03}Z",
            "requestContext": {
                "requestId": pending.id,
                "functionArn": f"{function_arn(pending.function)}:$LATEST",
                "condition": condition,
                "approximateInvokeCount": pending.attempt,
            },
            "requestPayload": payload_in(pending),
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "responsePayload": error_document(error),
        },
        separators=(",", ":"),
    )
    return DeadLetterMessage(str(uuid4()), now.timestamp(), body)


def error_document(error: BaseException) -> dict[str, object]:
    """Return the JSON object with which Lambda describes an exception, within the bound of a dead letter's reason."""
    raised = raised_by(error)
    return {
        "errorMessage": message_of(raised),
        "errorType": shortened(type(raised).__name__, MAX_PROBLEM),
        "stackTrace": stack_trace(raised),
    }


def moved_message(pending: PendingDelivery) -> DeadLetterMessage:
    """Return the message that SQS moves to the dead letter queue: a delivery's id, time and receives, and its event."""
    source = queue_arn(aws_name(pending.function))
    return DeadLetterMessage(pending.id, pending.sent, pending.envelope, source_arn=source, receives=pending.attempt)


def http_request(
    key: str,
    path: str,
    *,
    path_parameters: Mapping[str, str],
    query: str,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
) -> dict[str, Any]:
    """Return API Gateway's event for a route `key`, format 2.0; a body that is not UTF-8 is in base64."""
    method = key.partition(" ")[0]
    parameters = _joined(parse_qsl(query, keep_blank_values=True))
    try:
        text, is_base64 = body.decode(), False
    except UnicodeDecodeError:
        text, is_base64 = b64encode(body).decode(), True
    return {
        "version": "2.0",
        "routeKey": key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": _joined((name.lower(), value) for name, value in headers.items()),
        **({"queryStringParameters": parameters} if parameters else {}),
        **({"pathParameters": dict(path_parameters)} if path_parameters else {}),
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "laptop",
            "domainName": "127.0.0.1",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": ""},
            "requestId": str(uuid4()),
            "routeKey": key,
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(now.timestamp() * 1000),
        },
        **({"body": text} if text else {}),
        "isBase64Encoded": is_base64,
    }


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return values by name; values of a repeated name are joined by commas, as API Gateway does."""
    values: dict[str, str] = {}
    for name, value in pairs:
        values[name] = f"{values[name]},{value}" if name in values else value
    return values
