"""The floor: Pydantic validates, and two requests are signed by hand. It logs nothing, counts nothing, repeats itself."""

import hashlib
import hmac
import http.client
import json
import os
import ssl
import time
from urllib.parse import urlsplit
from uuid import uuid4

from lambdas.models import Detail, ReminderPlanned

_connections: dict[str, http.client.HTTPConnection] = {}


def call(service: str, target: str, version: str, request: object) -> bytes:
    """Send one signed request."""
    endpoint = urlsplit(os.environ["AWS_ENDPOINT_URL"])
    if service not in _connections:
        _connections[service] = (
            http.client.HTTPSConnection(
                endpoint.netloc, context=ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
            )
            if endpoint.scheme == "https"
            else http.client.HTTPConnection(endpoint.netloc)
        )
    body = json.dumps(request).encode()
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    headers = {
        "content-type": f"application/x-amz-json-{version}",
        "host": endpoint.netloc,
        "x-amz-date": now,
        "x-amz-target": target,
    }
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    signed = ";".join(headers)
    canonical = f"POST\n/\n\n{lines}\n{signed}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{now[:8]}/eu-central-1/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{os.environ['AWS_SECRET_ACCESS_KEY']}".encode()
    for part in (now[:8], "eu-central-1", service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"{os.environ['AWS_ACCESS_KEY_ID']}/{scope}"
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed}, Signature={signature}"
    )
    connection = _connections[service]
    connection.request("POST", "/", body, headers)
    return connection.getresponse().read()


def invoke(event: dict[str, object], context: object) -> None:  # noqa: ARG001 - Lambda gives it
    """Validate, write a row, publish an event."""
    detail = Detail.model_validate(event["detail"])
    lent = detail.data
    row = {"loan_id": {"S": str(lent.loan_id)}, "reader": {"S": lent.reader.name}, "fee": {"N": str(lent.fee)}}
    call("dynamodb", "DynamoDB_20120810.PutItem", "1.0", {"TableName": "reminders", "Item": row})
    planned = ReminderPlanned(loan_id=lent.loan_id, reader=lent.reader, fee=lent.fee, lent_at=lent.lent_at)
    published = {"metadata": {"event_id": str(uuid4())}, "data": planned.model_dump(mode="json")}
    entry = {"Source": "library.reminders", "DetailType": "ReminderPlanned", "Detail": json.dumps(published)}
    call("events", "AWSEvents.PutEvents", "1.1", {"Entries": [entry | {"EventBusName": os.environ["CONTRADANCE_BUS"]}]})
