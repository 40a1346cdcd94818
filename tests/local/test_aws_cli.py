"""The real AWS CLI against the laptop, as `AWS_ENDPOINT_URL` sends it there."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contradance.local.laptop import Laptop
from contradance.local.web.server import Server
from tests.forking import ROOT, Ended, aws
from tests.local.desk import ROUTES, Desk, always_fails, ask, asked, opened

AWS = Path(sys.executable).with_name("aws")
pytestmark = pytest.mark.skipif(not AWS.exists(), reason="the AWS CLI is not installed beside Python")


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk()


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory, desk: Desk) -> Iterator[Laptop]:
    functions = (desk.clerk(does=always_fails), desk.clerk("queued", delivery="queue"), *ROUTES)
    with opened(tmp_path_factory.mktemp("state"), *functions) as running:
        yield running


@pytest.fixture(scope="module")
def url(laptop: Laptop) -> Iterator[str]:
    with Server(laptop, 0).serving() as served:
        yield served


def types(url: str, *words: str) -> Ended:
    """Type an `aws` command, with nothing of this machine's configuration."""
    variables = {
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1",
    }
    named = ["--endpoint-url", url] if words[0] == "sqs" else []  # version 1 of the CLI has its own endpoint of SQS
    return aws.run(AWS, "--output", "json", *named, *words, cwd=ROOT, env=variables)


def answer(url: str, *words: str) -> Any:
    """Return what a command printed."""
    done = types(url, *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else None


def test_an_event_is_put_consumed_and_its_dead_letter_received(url: str, laptop: Laptop) -> None:
    entries = json.dumps([asked("cli")])
    dead_letters = f"{url}/000000000000/clerk-listen-dead-letters"

    put = answer(url, "events", "put-events", "--entries", entries)
    laptop.drain()
    received = answer(
        url, "sqs", "receive-message", "--queue-url", dead_letters, "--message-attribute-names", "All",
        "--message-system-attribute-names", "All",
    )  # fmt: skip
    (message,) = received["Messages"]
    answer(url, "sqs", "delete-message", "--queue-url", dead_letters, "--receipt-handle", message["ReceiptHandle"])

    assert put["FailedEntryCount"] == 0
    assert json.loads(message["Body"])["requestPayload"]["id"] == put["Entries"][0]["EventId"]
    assert laptop.dead_letters.counts("clerk.listen") == (0, 0)


def test_queues_and_rules_are_listed(url: str) -> None:
    queues = answer(url, "sqs", "list-queues")["QueueUrls"]
    rules = answer(url, "events", "list-rules", "--event-bus-name", "shop")["Rules"]
    attributes = answer(
        url,
        "sqs",
        "get-queue-attributes",
        "--queue-url",
        f"{url}/000000000000/clerk-queued",
        "--attribute-names",
        "All",
    )["Attributes"]

    assert f"{url}/000000000000/clerk-queued" in queues
    assert [rule["Name"] for rule in rules] == ["clerk-listen", "clerk-queued"]
    assert "clerk-queued-dead-letters" in attributes["RedrivePolicy"]


def test_a_message_is_sent_and_consumed(url: str, laptop: Laptop, desk: Desk) -> None:
    ask(laptop, "sent")
    (envelope,) = laptop.database.read("SELECT envelope FROM event ORDER BY id DESC LIMIT 1")[0]
    laptop.drain()
    before = desk.items().count("sent")

    answer(url, "sqs", "send-message", "--queue-url", f"{url}/000000000000/clerk-queued", "--message-body", envelope)
    laptop.drain()

    assert desk.items().count("sent") == before  # it is known, by its id
    assert laptop.deliveries.count()[0] == 0


def test_a_function_is_invoked(url: str, tmp_path: Path) -> None:
    payload = json.dumps({"version": "2.0", "routeKey": "GET /search", "rawPath": "/search", "headers": {}})

    done = answer(
        url, "lambda", "invoke", "--function-name", "desk-search", "--payload", payload, str(tmp_path / "answer.json")
    )

    assert done["StatusCode"] == 200
    assert json.loads((tmp_path / "answer.json").read_text())["statusCode"] in (200, 500)


def test_a_replay_is_started_and_described(url: str, laptop: Laptop) -> None:
    arn = "arn:aws:events:us-east-1:000000000000"
    destination = json.dumps({"Arn": f"{arn}:event-bus/shop"})

    started = answer(
        url, "events", "start-replay", "--replay-name", "cli", "--event-source-arn", f"{arn}:archive/shop-archive",
        "--event-start-time", "2025-12-31T00:00:00Z", "--event-end-time", "2026-01-02T00:00:00Z", "--destination", destination,
    )  # fmt: skip
    laptop.drain()
    described = answer(url, "events", "describe-replay", "--replay-name", "cli")

    assert started["State"] == "STARTING"
    assert described["State"] == "COMPLETED"


@pytest.mark.parametrize(
    ("words", "code", "operation"),
    [  # of each of AWS's protocols, and of each service that the laptop has
        (("s3", "ls"), "UnknownOperationException", "ListBuckets"),
        (("s3api", "get-object", "--bucket", "b", "--key", "k", "/dev/null"), "UnknownOperationException", "GetObject"),
        (("sts", "get-caller-identity"), "UnknownOperationException", "GetCallerIdentity"),
        (("ec2", "describe-instances"), "UnknownOperationException", "DescribeInstances"),
        (("dynamodb", "list-tables"), "UnknownOperationException", "ListTables"),
        (("lambda", "list-functions"), "UnknownOperationException", "ListFunctions"),
        (("apigatewayv2", "get-apis"), "UnknownOperationException", "GetApis"),
        (("route53", "list-hosted-zones"), "UnknownOperationException", "ListHostedZones"),
        (("events", "put-rule", "--name", "a", "--schedule-expression", "rate(1 day)"), "UnknownOperationException", "PutRule"),
        (("events", "list-rules"), "ResourceNotFoundException", "ListRules"),
        (("sqs", "create-queue", "--queue-name", "a"), "UnknownOperationException", "CreateQueue"),
        (("sqs", "get-queue-url", "--queue-name", "a"), "AWS.SimpleQueueService.NonExistentQueue", "GetQueueUrl"),
    ],
    ids=lambda value: "-".join(value[:2]) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_what_the_laptop_does_not_have_is_refused_clearly(
    url: str, words: tuple[str, ...], code: str, operation: str
) -> None:
    done = types(url, *words)

    assert done.returncode != 0
    assert f"An error occurred ({code}) when calling the {operation} operation: " in done.stderr
    assert "Traceback" not in done.stderr
    assert code != "UnknownOperationException" or "The laptop does not answer" in done.stderr
