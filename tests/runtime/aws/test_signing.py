"""What the own client sends, beside what botocore sends."""

from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import boto3  # type: ignore[import-untyped]  # boto3 has no types
import hypothesis.strategies as st
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse  # type: ignore[import-untyped]  # the same
from botocore.config import Config  # type: ignore[import-untyped]  # the same
from botocore.credentials import Credentials as BotoCredentials  # type: ignore[import-untyped]  # the same
from hypothesis import given

from contradance.runtime.aws.boto import _METHODS
from contradance.runtime.aws.client import LeanClient
from contradance.runtime.aws.retry_budget import RetryBudget
from contradance.runtime.aws.signing import Credentials
from tests.examples import examples

NOW = datetime(2026, 1, 31, 18, 0, 7, tzinfo=UTC)
REGIONS = ["eu-central-1", "us-east-1", "cn-north-1", "us-gov-west-1", "ap-southeast-7"]

text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
key = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)
value = st.one_of(text.map(lambda one: {"S": one}), st.integers().map(lambda one: {"N": str(one)}))
item = st.dictionaries(text, value, min_size=1, max_size=4)
entry = st.fixed_dictionaries({"Source": text, "DetailType": text, "Detail": text, "EventBusName": text})
attributes = st.dictionaries(text, st.fixed_dictionaries({"DataType": st.just("String"), "StringValue": text}))
calls = st.one_of(
    st.tuples(
        st.just("dynamodb"),
        st.just("GetItem"),
        st.fixed_dictionaries({"TableName": text, "Key": item, "ConsistentRead": st.booleans()}),
    ),
    st.tuples(
        st.just("dynamodb"),
        st.just("TransactWriteItems"),
        st.fixed_dictionaries(
            {
                "TransactItems": st.lists(
                    st.fixed_dictionaries(
                        {"Put": st.fixed_dictionaries({"TableName": text, "Item": item, "ConditionExpression": text})}
                    ),
                    min_size=1,
                    max_size=3,
                ),
                "ClientRequestToken": text,
            }
        ),
    ),
    st.tuples(
        st.just("dynamodb"), st.just("Scan"), st.fixed_dictionaries({"TableName": text, "Limit": st.integers(1, 1000)})
    ),
    st.tuples(
        st.just("dynamodb"),
        st.just("Query"),
        st.fixed_dictionaries({"TableName": text, "KeyConditionExpression": text, "ExpressionAttributeValues": item}),
    ),
    st.tuples(
        st.just("dynamodb"),
        st.just("UpdateItem"),
        st.fixed_dictionaries(
            {"TableName": text, "Key": item, "ExpressionAttributeNames": st.dictionaries(text, text)}
        ),
    ),
    st.tuples(st.just("events"), st.just("PutEvents"), st.fixed_dictionaries({"Entries": st.lists(entry, max_size=3)})),
    st.tuples(
        st.just("sqs"),
        st.just("SendMessage"),
        st.fixed_dictionaries({"QueueUrl": text, "MessageBody": text, "MessageAttributes": attributes}),
    ),
    st.tuples(
        st.just("sqs"),
        st.just("ChangeMessageVisibility"),
        st.fixed_dictionaries({"QueueUrl": text, "ReceiptHandle": text, "VisibilityTimeout": st.integers(0, 43_200)}),
    ),
    st.tuples(
        st.just("ssm"),
        st.just("GetParameters"),
        st.fixed_dictionaries({"Names": st.lists(text, min_size=1, max_size=10), "WithDecryption": st.booleans()}),
    ),
)


class _Stopped:
    """An answer without content."""

    def stream(self, **_: object) -> list[bytes]:
        return [b"{}"]


_clients: dict[tuple[str, str], Any] = {}


def botocore_sends(credentials: Credentials, region: str, service: str, operation: str, request: Any) -> Any:
    """Return the request that botocore would send, at a moment that stands still."""
    if (service, region) not in _clients:
        _clients[service, region] = boto3.client(
            service,
            region_name=region,
            aws_access_key_id="replaced",
            aws_secret_access_key="replaced",  # noqa: S106 - it is replaced
            config=Config(parameter_validation=False),
        )
    client = _clients[service, region]
    client._request_signer._credentials = BotoCredentials(*credentials)
    sent: list[AWSPreparedRequest] = []

    def catch(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        sent.append(request)
        return AWSResponse(request.url, 200, {}, _Stopped())

    client.meta.events.register("before-send", catch, unique_id="catch")
    with patch("botocore.auth.get_current_datetime", lambda **_: NOW.replace(tzinfo=None)):
        getattr(client, _METHODS[operation])(**request)
    client.meta.events.unregister("before-send", unique_id="catch")
    return sent[0]


@examples(40)
@given(
    call=calls,
    region=st.sampled_from(REGIONS),
    credentials=st.builds(Credentials, access_key=key, secret_key=key, token=st.none() | key),
)
def test_requests_are_botocores_byte_for_byte(
    call: tuple[str, str, dict[str, Any]], region: str, credentials: Credentials
) -> None:
    service, operation, request = call
    environ = {
        "AWS_REGION": region,
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        **({"AWS_SESSION_TOKEN": credentials.token} if credentials.token else {}),
    }
    ours: list[tuple[str, dict[str, str], bytes]] = []
    lean = LeanClient(environ, RetryBudget(), now=NOW.timestamp)

    def catch(where: Any, headers: dict[str, str], body: bytes, _: float) -> Any:
        ours.append((f"{where.scheme}://{where.authority}/", headers, body))
        raise KeyboardInterrupt

    with patch.object(lean._connections, "post", catch), pytest.raises(KeyboardInterrupt):
        lean.call(service, operation, request)

    theirs = botocore_sends(credentials, region, service, operation, request)
    address, headers, body = ours[0]
    signed = {name.lower(): bytes(value).decode() for name, value in theirs.headers.items() if isinstance(value, bytes)}
    unsigned = {"user-agent", "amz-sdk-invocation-id", "amz-sdk-request", "accept-encoding", "host"}
    assert (address, body) == (theirs.url, theirs.body)
    assert {name: value for name, value in headers.items() if name not in unsigned} == {
        name: value for name, value in signed.items() if name not in unsigned
    }


def test_credentials_do_not_print() -> None:
    assert "secret" not in repr(Credentials("access", "secret", "token"))
