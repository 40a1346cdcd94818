"""The own client against a server on loopback: what it does when AWS does not simply answer."""

import socket
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from contradance.errors import AWSCallFailed
from contradance.runtime.aws.boto import BotoCaller
from contradance.runtime.aws.client import LeanClient, caller
from contradance.runtime.aws.connections import IDLE_SECONDS, Connections
from contradance.runtime.aws.endpoint import Endpoint, UnsupportedConfig, endpoint, region_of
from contradance.runtime.aws.retry_budget import RetryBudget
from tests.runtime.aws.server import Said, Server, make_certificate, serving

KEYS = {"AWS_ACCESS_KEY_ID": "access", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-central-1", "HOME": "/none"}
REQUEST = {"TableName": "jobs"}
NOW = 1_767_225_600.0


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


class Pauses:
    """Counts pauses instead of making them."""

    def __init__(self, seconds: float = 30.0) -> None:
        self.made: list[float] = []
        self.now = 0.0
        self.retry_budget = RetryBudget(lambda: self.now, self._sleep, lambda: 0.5)
        self.retry_budget.begin(seconds)

    def _sleep(self, seconds: float) -> None:
        self.made.append(seconds)
        self.now += seconds


def client(server: Server, pauses: Pauses | None = None, **environ: str) -> LeanClient:
    address = f"http://127.0.0.1:{server.port}"
    environ = {**KEYS, "AWS_ENDPOINT_URL": address, **environ}
    lean = LeanClient(environ, (pauses or Pauses()).retry_budget, now=lambda: NOW)
    _made.append(lean)
    return lean


_made: list[LeanClient] = []


@pytest.fixture(autouse=True)
def _leave_nothing_open() -> Iterator[None]:
    yield
    while _made:
        _made.pop().close()


class TestAnswers:
    def test_an_answer_is_its_json(self, server: Server) -> None:
        server.will_answer(Said(body={"Item": {"pk": {"S": "Zoë"}}}))

        assert client(server).call("dynamodb", "GetItem", REQUEST) == {"Item": {"pk": {"S": "Zoë"}}}
        assert server.asked[0].body == REQUEST
        assert server.asked[0].headers["x-amz-target"] == "DynamoDB_20120810.GetItem"

    def test_a_refusal_has_its_code_and_its_whole_answer(self, server: Server) -> None:
        answer = {
            "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
            "Item": {"a": {"S": "b"}},
        }
        server.will_answer(Said(400, answer))

        with pytest.raises(AWSCallFailed, match="dynamodb refused UpdateItem: ConditionalChec") as refused:
            client(server).call("dynamodb", "UpdateItem", REQUEST)

        assert (refused.value.code, refused.value.answer) == ("ConditionalCheckFailedException", answer)
        assert len(server.asked) == 1

    def test_sqs_tells_its_older_code_in_a_header(self, server: Server) -> None:
        older = {"x-amzn-query-error": "AWS.SimpleQueueService.NonExistentQueue;Sender"}
        server.will_answer(Said(400, {"__type": "com.amazonaws.sqs#QueueDoesNotExist"}, older))

        with pytest.raises(AWSCallFailed) as refused:
            client(server).call("sqs", "SendMessage", {})

        assert refused.value.code == "AWS.SimpleQueueService.NonExistentQueue"

    def test_what_was_written_is_not_quoted(self, server: Server) -> None:
        server.will_answer(Said(400, {"__type": "x#ValidationException", "message": "jane@example.com is too long"}))

        with pytest.raises(AWSCallFailed) as refused:
            client(server).call("dynamodb", "PutItem", REQUEST)

        assert str(refused.value) == "dynamodb refused PutItem: ValidationException"

    def test_what_is_not_allowed_is_told_in_full(self, server: Server) -> None:
        server.will_answer(Said(400, {"__type": "x#AccessDeniedException", "Message": "role r may not PutEvents"}))

        with pytest.raises(AWSCallFailed, match="AccessDeniedException: role r may not PutEvents"):
            client(server).call("events", "PutEvents", {})

    def test_an_answer_that_is_no_json_is_told_by_its_status(self, server: Server) -> None:
        server.will_answer(Said(403, b"<html>a proxy's</html>"))

        with pytest.raises(AWSCallFailed) as refused:
            client(server).call("events", "PutEvents", {})

        assert refused.value.code == "403"


class TestTries:
    @pytest.mark.parametrize(
        "passing",
        [
            Said(400, {"__type": "x#ThrottlingException"}),
            Said(400, {"__type": "x#ProvisionedThroughputExceededException"}),
            Said(400, {"__type": "x#TransactionInProgressException"}),
            Said(429),
            Said(500, {"__type": "x#InternalServerError"}),
            Said(503, b"unavailable"),
            Said(hangs_up=True),
            Said(200, {"damaged": True}, {"x-amz-crc32": "1"}),
        ],
        ids=lambda said: f"{said.status} {said.body}" if not said.hangs_up else "hangs up",
    )
    def test_what_may_pass_is_tried_again(self, server: Server, passing: Said) -> None:
        pauses = Pauses()
        server.will_answer(passing, passing, Said(body={"ok": True}))

        assert client(server, pauses).call("dynamodb", "Query", REQUEST) == {"ok": True}
        assert pauses.made == [0.025, 0.05]

    def test_a_body_with_its_checksum_is_taken(self, server: Server) -> None:
        server.will_answer(Said(body=b"{}", headers={"x-amz-crc32": str(zlib.crc32(b"{}"))}))

        assert client(server).call("dynamodb", "Query", REQUEST) == {}

    def test_six_tries_are_enough(self, server: Server) -> None:
        server.will_answer(*[Said(500)] * 9)

        with pytest.raises(AWSCallFailed, match="dynamodb refused Query: 500"):
            client(server).call("dynamodb", "Query", REQUEST)

        assert len(server.asked) == 6

    def test_the_environment_may_ask_for_fewer(self, server: Server) -> None:
        server.will_answer(*[Said(500)] * 9)

        with pytest.raises(AWSCallFailed):
            client(server, AWS_MAX_ATTEMPTS="2").call("dynamodb", "Query", REQUEST)

        assert len(server.asked) == 2

    def test_nothing_is_tried_again_when_the_invocation_has_no_time(self, server: Server) -> None:
        pauses = Pauses(seconds=0.51)
        server.will_answer(*[Said(500)] * 9)

        with pytest.raises(AWSCallFailed):
            client(server, pauses).call("dynamodb", "Query", REQUEST)

        assert (len(server.asked), pauses.made) == (1, [])

    def test_a_server_that_is_not_there_is_named(self, server: Server) -> None:
        gone = client(server, AWS_ENDPOINT_URL="http://127.0.0.1:1", AWS_MAX_ATTEMPTS="1")

        with pytest.raises(AWSCallFailed, match="events did not answer PutEvents: ConnectionRefusedError"):
            gone.call("events", "PutEvents", {})


class TestClockSkew:
    SKEWED = Said(400, {"__type": "x#InvalidSignatureException"}, {"Date": "Thu, 01 Jan 2026 02:00:00 GMT"})

    def test_a_wrong_clock_is_corrected_and_stays_so(self, server: Server) -> None:
        server.will_answer(self.SKEWED)
        skewed = client(server)

        skewed.call("dynamodb", "Query", REQUEST)
        skewed.call("dynamodb", "Query", REQUEST)

        dates = [asked.headers["x-amz-date"] for asked in server.asked]
        assert dates == ["20260101T000000Z", "20260101T020000Z", "20260101T020000Z"]

    def test_a_signature_that_is_wrong_for_another_reason_is_refused(self, server: Server) -> None:
        server.will_answer(self.SKEWED._replace(headers={"Date": "Thu, 01 Jan 2026 00:00:30 GMT"}))

        with pytest.raises(AWSCallFailed, match="InvalidSignatureException"):
            client(server).call("dynamodb", "Query", REQUEST)

        assert len(server.asked) == 1

    def test_a_clock_is_corrected_once_in_a_call(self, server: Server) -> None:
        server.will_answer(self.SKEWED, self.SKEWED._replace(headers={"Date": "Thu, 01 Jan 2026 09:00:00 GMT"}))

        with pytest.raises(AWSCallFailed):
            client(server).call("dynamodb", "Query", REQUEST)


class TestConnections:
    def test_one_connection_serves_many_calls(self, server: Server) -> None:
        lean = client(server)

        for _ in range(5):
            lean.call("dynamodb", "Query", REQUEST)

        assert server.connections == 1

    def test_a_connection_that_was_closed_meanwhile_is_replaced_without_a_pause(self, server: Server) -> None:
        pauses = Pauses()
        server.will_answer(Said(closes_after=True))
        lean = client(server, pauses)

        for _ in range(3):
            lean.call("dynamodb", "Query", REQUEST)

        assert (server.connections, pauses.made) == (2, [])

    def test_a_connection_that_the_server_announces_to_close_is_not_kept(self, server: Server) -> None:
        server.will_answer(Said(headers={"Connection": "close"}))
        lean = client(server)

        lean.call("dynamodb", "Query", REQUEST)
        lean.call("dynamodb", "Query", REQUEST)

        assert server.connections == 2

    def test_a_connection_that_was_not_used_for_long_is_replaced(self, server: Server) -> None:
        moments = iter([0.0, IDLE_SECONDS, IDLE_SECONDS])
        connections = Connections({}, now=lambda: next(moments))
        where = Endpoint("http", "127.0.0.1", server.port)

        for _ in range(2):
            connections.post(where, {}, b"{}", 5)
        connections.close()

        assert server.connections == 2

    def test_a_hung_server_is_not_waited_for_longer_than_there_is_time(self, server: Server) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"http://127.0.0.1:{silent.getsockname()[1]}"
            hung = client(server, Pauses(seconds=0.0), AWS_ENDPOINT_URL=address)

            with pytest.raises(AWSCallFailed, match="did not answer GetItem: TimeoutError"):
                hung.call("dynamodb", "GetItem", {})


class TestTLS:
    @pytest.fixture
    def certificate(self, tmp_path: Path) -> Path:
        return make_certificate(tmp_path / "loopback.pem")

    def test_a_server_that_the_bundle_knows_is_trusted(self, certificate: Path) -> None:
        with serving(certificate) as server:
            environ = {"AWS_CA_BUNDLE": str(certificate), "AWS_ENDPOINT_URL": f"https://127.0.0.1:{server.port}"}

            assert client(server, None, **environ).call("dynamodb", "Query", REQUEST) == {}

    def test_a_server_that_nobody_vouches_for_is_not(self, certificate: Path) -> None:
        with serving(certificate) as server:
            environ = {"AWS_ENDPOINT_URL": f"https://127.0.0.1:{server.port}", "AWS_MAX_ATTEMPTS": "1"}

            with pytest.raises(AWSCallFailed, match="SSLCertVerificationError"):
                client(server, None, **environ).call("dynamodb", "Query", REQUEST)

            assert server.asked == []

    def test_nor_is_one_of_another_name(self, certificate: Path) -> None:
        with serving(certificate) as server:
            environ = {
                "AWS_CA_BUNDLE": str(certificate),
                "AWS_ENDPOINT_URL": f"https://localhost:{server.port}",
                "AWS_MAX_ATTEMPTS": "1",
            }

            with pytest.raises(AWSCallFailed, match="SSLCertVerificationError"):
                client(server, None, **environ).call("dynamodb", "Query", REQUEST)


def test_a_line_break_in_a_credential_is_no_header(server: Server) -> None:
    with pytest.raises(ValueError, match="holds a line break"):
        client(server, None, AWS_SESSION_TOKEN="a\r\nx-other: 1").call("sqs", "SendMessage", {})  # noqa: S106 - it is none

    assert server.asked == []


class TestProxy:
    @pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
    def test_requests_go_through_a_tunnel(self, server: Server, name: str) -> None:
        environ = {**KEYS, name: f"http://user:p%40ss@127.0.0.1:{server.port}", "AWS_MAX_ATTEMPTS": "1"}

        with pytest.raises(AWSCallFailed):
            LeanClient(environ, Pauses().retry_budget).call("dynamodb", "Query", REQUEST)

        assert server.tunnels == [("dynamodb.eu-central-1.amazonaws.com:443", "Basic dXNlcjpwQHNz")]

    def test_what_needs_no_proxy_gets_none(self, server: Server) -> None:
        environ = {"HTTP_PROXY": "http://192.0.2.1:3128", "NO_PROXY": "10.0.0.1,127.0.0.1"}

        assert client(server, None, **environ).call("dynamodb", "Query", REQUEST) == {}


class TestEndpoints:
    @pytest.mark.parametrize(
        ("environ", "address"),
        [
            ({}, ("https", "sqs.eu-central-1.amazonaws.com", 443)),
            ({"AWS_DEFAULT_REGION": "cn-north-1"}, ("https", "sqs.cn-north-1.amazonaws.com.cn", 443)),
            ({"AWS_ENDPOINT_URL": "http://127.0.0.1:8000"}, ("http", "127.0.0.1", 8000)),
            ({"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_SQS": "http://b/"}, ("http", "b", 80)),
            ({"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_SSM": "http://b"}, ("http", "a", 80)),
            (
                {"AWS_ENDPOINT_URL": "http://a", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
                ("https", "sqs.eu-central-1.amazonaws.com", 443),
            ),
        ],
    )
    def test_the_environment_says_where_a_service_is(
        self, environ: dict[str, str], address: tuple[str, str, int]
    ) -> None:
        environ = {**KEYS, **environ}

        assert endpoint(environ, "sqs", region_of(environ)) == address

    @pytest.mark.parametrize(
        "environ",
        [
            {"CONTRADANCE_AWS_CLIENT": "boto3"},
            {"AWS_ACCESS_KEY_ID": ""},
            {"AWS_PROFILE": "desk"},
            {"AWS_CONFIG_FILE": "/somewhere"},
            {"AWS_REGION": ""},
            {"AWS_REGION": "us-iso-east-1"},
            {"AWS_USE_FIPS_ENDPOINT": "true"},
            {"AWS_USE_DUALSTACK_ENDPOINT": "True"},
            {"AWS_RETRY_MODE": "adaptive"},
            {"AWS_ENDPOINT_URL": "http://127.0.0.1/path"},
            {"AWS_ENDPOINT_URL_DYNAMODB": "ftp://127.0.0.1"},
            {"HTTPS_PROXY": "https://proxy"},
            {"HTTPS_PROXY": "socks5://proxy"},
        ],
        ids=str,
    )
    def test_what_the_own_client_cannot_honour_is_left_to_boto3(self, environ: dict[str, str]) -> None:
        environ = {**KEYS, **environ}

        with pytest.raises(UnsupportedConfig):
            LeanClient(environ, RetryBudget())
        assert isinstance(caller(environ, RetryBudget()), BotoCaller)

    def test_a_configuration_file_is_left_to_boto3(self, tmp_path: Path) -> None:
        (tmp_path / ".aws").mkdir()
        (tmp_path / ".aws" / "config").touch()

        assert isinstance(caller({**KEYS, "HOME": str(tmp_path)}, RetryBudget()), BotoCaller)

    def test_otherwise_it_is_the_own_client(self) -> None:
        assert isinstance(caller(KEYS, RetryBudget()), LeanClient)
