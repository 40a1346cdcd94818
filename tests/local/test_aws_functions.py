import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # it carries no types

from contradance import Retry
from contradance.local.laptop import Laptop
from tests.local.aws import Clients, served
from tests.local.desk import ROUTES, Desk, always_fails, asked, dead_letters, opened

ARN = "arn:aws:lambda:us-east-1:000000000000:function:clerk-listen"


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def laptop(tmp_path: Path, desk: Desk) -> Iterator[Laptop]:
    functions = (
        desk.clerk(),
        desk.clerk("broken", always_fails, retry=Retry(times=1)),
        desk.clerk("queued", delivery="queue"),
        desk.watchman("rate(1 day)"),
        *ROUTES,
    )
    with opened(tmp_path, *functions) as running:
        yield running


@pytest.fixture
def aws(laptop: Laptop) -> Iterator[Clients]:
    with served(laptop) as clients:
        yield clients


def event(item: str = "a") -> bytes:
    """Return an event as EventBridge delivers it."""
    detail = json.loads(asked(item)["Detail"])
    return json.dumps({"id": "1", "source": "shop.desk", "detail-type": "Asked", "detail": detail}).encode()


def invoke(aws: Clients, name: str, payload: bytes = b"{}", **changes: Any) -> Any:
    return aws.lambda_.invoke(FunctionName=name, Payload=payload, **changes)


@pytest.mark.parametrize(
    "name",
    [
        *("clerk-listen", ARN, f"{ARN}:$LATEST", "function:clerk-listen", "000000000000:clerk-listen"),
        *("000000000000:function:clerk-listen:$LATEST", "us-east-1:000000000000:function:clerk-listen"),
    ],
)
def test_a_function_is_invoked_at_once_and_its_answer_returned(aws: Clients, desk: Desk, name: str) -> None:
    answer = invoke(aws, name, event())

    assert (answer["StatusCode"], answer["Payload"].read()) == (200, b"null")
    assert "FunctionError" not in answer
    assert desk.items() == ["a"]


def test_what_a_function_raises_is_an_answer(aws: Clients) -> None:
    answer = invoke(aws, "clerk-broken", event())

    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    raised = json.loads(answer["Payload"].read())
    assert (raised["errorMessage"], raised["errorType"]) == ("the clerk is out", "Broken")
    assert raised["stackTrace"][-1].startswith('  File "tests/local/')


def test_a_route_is_invoked_with_a_request_of_api_gateway(aws: Clients) -> None:
    request = {"version": "2.0", "routeKey": "GET /items", "rawPath": "/items", "queryStringParameters": {"q": "x"}}

    answer = json.loads(invoke(aws, "desk-search", json.dumps(request).encode())["Payload"].read())

    assert (answer["statusCode"], json.loads(answer["body"])["q"]) == (200, "x")


def test_an_asynchronous_invocation_is_a_delivery_to_that_function_alone(
    laptop: Laptop, aws: Clients, desk: Desk
) -> None:
    answer = invoke(aws, "clerk-listen", event(), InvocationType="Event")
    before = [*desk.calls]
    laptop.drain()

    assert (answer["StatusCode"], before) == (202, [])
    assert [(call.function, call.item) for call in desk.calls] == [("listen", "a")]


def test_an_asynchronous_invocation_is_on_disk_when_it_is_acknowledged(tmp_path: Path, desk: Desk) -> None:
    with opened(tmp_path, desk.clerk()) as laptop, served(laptop) as aws:
        invoke(aws, "clerk-listen", event(), InvocationType="Event")

    with opened(tmp_path, desk.clerk()) as restarted:
        restarted.drain()

    assert desk.items() == ["a"]


def test_an_asynchronous_invocation_is_retried_and_then_a_dead_letter(laptop: Laptop, aws: Clients, desk: Desk) -> None:
    invoke(aws, "clerk-broken", event(), InvocationType="Event")
    laptop.drain()

    (dead,) = dead_letters(laptop)
    assert desk.times("broken") == [0, 60]
    assert dead.json["requestPayload"]["detail"]["data"] == {"item": "a"}


def test_the_moment_of_a_schedule_can_be_invoked_too(laptop: Laptop, aws: Clients, desk: Desk) -> None:
    moment = {"schedule": "arn:aws:scheduler:::schedule/x", "scheduled_time": "2026-01-01T00:00:00Z"}

    invoke(aws, "clerk-watch", json.dumps(moment).encode(), InvocationType="Event")
    laptop.drain()

    assert [call.function for call in desk.calls] == ["watch"]


def test_a_dry_run_invokes_nothing(aws: Clients, desk: Desk) -> None:
    answer = invoke(aws, "clerk-listen", event(), InvocationType="DryRun")

    assert (answer["StatusCode"], desk.calls) == (204, [])


@pytest.mark.parametrize(
    ("name", "said"), [("clerk-queued", "by messages on its queue."), ("desk-search", "by nothing: it is a route.")]
)
def test_what_lambda_would_invoke_in_another_shape_is_refused_loudly(aws: Clients, name: str, said: str) -> None:
    with pytest.raises(ClientError) as caught:
        invoke(aws, name, event(), InvocationType="Event")

    assert caught.value.response["Error"]["Code"] == "UnsupportedOperation"
    assert caught.value.response["Error"]["Message"].endswith(said)


def test_a_function_that_does_not_exist_is_refused_as_boto3_knows_it(aws: Clients) -> None:
    with pytest.raises(aws.lambda_.exceptions.ResourceNotFoundException) as caught:
        invoke(aws, "clerk-nobody")

    assert caught.value.response["Error"]["Message"] == f"Function not found: {ARN.replace('listen', 'nobody')}"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        (ARN.replace("000000000000", "111111111111"), 403, "AccessDeniedException"),
        ("111111111111:clerk-listen", 403, "AccessDeniedException"),
        (ARN.replace("us-east-1", "eu-west-1"), 404, "ResourceNotFoundException"),
        (ARN.replace("arn:aws:", "arn:aws-cn:"), 404, "ResourceNotFoundException"),
        ("clerk.listen", 404, "ResourceNotFoundException"),
        *(
            (odd, 400, "ValidationException")
            for odd in ("clerk-listen:", "a b", "a\x00", "\u202e", "/", "..:", ARN.replace(":lambda:", ":sqs:"), "arn:xfunction:clerk-listen")
        ),
        *((odd, 400, "ValidationException") for odd in (f"{ARN}:$LATEST:x", "clerk-listen:$LATEST.x", "x" * 257, "<a>", "%", "\ufffd")),
    ],
    ids=ascii,
)  # fmt: skip
def test_a_name_of_a_function_is_read_as_lambda_reads_it(laptop: Laptop, name: str, status: int, code: str) -> None:
    answer = laptop.aws.answer_path("POST", f"/2015-03-31/functions/{quote(name, safe='')}/invocations", {}, b"{}")

    assert (answer.status, json.loads(answer.body)["__type"]) == (status, code)


@pytest.mark.parametrize("qualifier", ["", "a b", "x" * 129, "<a>", "$LATEST.x"])
def test_an_invalid_version_is_refused(laptop: Laptop, qualifier: str) -> None:
    target = f"/2015-03-31/functions/clerk-listen/invocations?Qualifier={quote(qualifier)}"

    answer = laptop.aws.answer_path("POST", target, {}, b"{}")

    assert (answer.status, json.loads(answer.body)["__type"]) == (400, "ValidationException")


def test_a_payload_of_six_megabytes_is_taken_and_a_larger_one_refused(aws: Clients) -> None:
    largest = b'"' + b"x" * (6 * 1024 * 1024 - 2) + b'"'
    invoke(aws, "clerk-listen", largest)

    with pytest.raises(aws.lambda_.exceptions.RequestTooLargeException) as caught:
        invoke(aws, "clerk-listen", largest + b" ")

    assert caught.value.response["Error"]["Message"] == "Request must be smaller than 6291456 bytes."


@pytest.mark.parametrize("payload", [b"no json", b"\xff\xfe", b"[" * 1001 + b"]" * 1001, b"NaN", b"1e999"])
def test_a_payload_that_is_no_json_or_nested_without_end_is_refused(aws: Clients, payload: bytes) -> None:
    with pytest.raises(aws.lambda_.exceptions.InvalidRequestContentException):
        invoke(aws, "clerk-listen", payload, InvocationType="Event")


def test_an_asynchronous_payload_has_a_size(aws: Clients) -> None:
    with pytest.raises(aws.lambda_.exceptions.RequestTooLargeException):
        invoke(aws, "clerk-listen", json.dumps("x" * 1_048_576).encode(), InvocationType="Event")
