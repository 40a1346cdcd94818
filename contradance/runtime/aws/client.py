"""The runtime's own AWS client: the ten operations that a function needs, over connections that stay open.

The import of boto3 takes longer than that of everything else that a function loads (`benchmarks/cold_start.py`),
because boto3 reads the descriptions of its services. This client sends the same body and the same signed headers as
botocore. It uses the endpoints, credentials, certificates, proxies and number of attempts that the environment sets.
"""

import json
import logging
import sys
import time
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from contradance.errors import AWSCallFailed
from contradance.runtime.aws import endpoint
from contradance.runtime.aws.answer import Answered
from contradance.runtime.aws.caller import Caller, refused
from contradance.runtime.aws.connections import Connections, proxy_for
from contradance.runtime.aws.retry_budget import RetryBudget
from contradance.runtime.aws.signing import Credentials, authorization
from contradance.runtime.aws.variable_value import read_variable

_LOG: Final = logging.getLogger("contradance.aws")
_AGENT: Final = f"contradance lang/python#{sys.version_info.major}.{sys.version_info.minor}"
_TARGETS: Final = {
    "dynamodb": ("DynamoDB_20120810", "1.0"),
    "events": ("AWSEvents", "1.1"),
    "sqs": ("AmazonSQS", "1.0"),
    "ssm": ("AmazonSSM", "1.1"),
}
"""Each service's prefix of `x-amz-target`, and its version of the JSON protocol."""
_THROTTLED: Final = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
"""Error codes of throttling; a later try may succeed. The same as in botocore's standard retry mode."""
_PASSING: Final = frozenset({"RequestTimeout", "RequestTimeoutException", "PriorRequestNotComplete"})
_SKEWED: Final = frozenset(
    {
        "AuthFailure",
        "InvalidSignatureException",
        "RequestExpired",
        "RequestInTheFuture",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
    }
)
"""Error codes that a wrong local clock can cause."""
_SKEW_SECONDS: Final = 240.0
"""Smallest difference between the clocks, in seconds, at which this client corrects its time; AWS accepts 300."""
_ATTEMPTS: Final = 6
"""Maximum number of tries of one call when `AWS_MAX_ATTEMPTS` is not set. A call also ends when no time is left."""
_TOO_MANY: Final = 429
_OK: Final = 200
_SERVER_ERROR: Final = 500


class LeanClient:
    """Implements `contradance.runtime.aws.caller.Caller` with the standard library.

    Args:
        environ: the environment variables. They are read once, because Lambda's credentials are valid for the
            lifetime of the process.
        retry_budget: the time that the running invocation may still spend on AWS calls.
        now: the current time, in seconds of the epoch.

    Raises:
        UnsupportedConfig: the environment requires something that this client does not support.
    """

    def __init__(
        self, environ: Mapping[str, str], retry_budget: RetryBudget, now: Callable[[], float] = time.time
    ) -> None:
        endpoint.check(environ)
        token = environ.get("AWS_SESSION_TOKEN") or environ.get("AWS_SECURITY_TOKEN")
        self._credentials = Credentials(environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"], token)
        self._retry_budget = retry_budget
        self._now = now
        self._region = endpoint.region_of(environ)
        self._endpoints = {service: endpoint.endpoint(environ, service, self._region) for service in endpoint.SERVICES}
        self._fixed_headers = {service: self._fixed(service) for service in self._endpoints}
        for where in self._endpoints.values():
            proxy_for(environ, where)
        self._connections = Connections(environ)
        self._attempts = read_variable(environ, "AWS_MAX_ATTEMPTS", int, _ATTEMPTS, "Set it to a number.")
        self._skew = 0.0

    def call(self, service: str, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the response of an operation; after retries of transient failures, raise `AWSCallFailed`."""
        body = json.dumps(request).encode()
        tries, corrected = 0, False
        while True:
            tries += 1
            try:
                answered = self._send(service, operation, body)
            except OSError as error:
                cause: Exception | None = error
                failure = AWSCallFailed(f"{service} did not answer {operation}: {type(error).__name__}", "", {})
                passing = True
            else:
                if answered.status == _OK and _is_whole(answered):
                    answer: dict[str, Any] = json.loads(answered.body or b"{}")
                    return answer
                cause, failure = None, _failure(service, operation, answered)
                passing = _may_succeed_later(answered.status, failure.code)
                if failure.code in _SKEWED and not corrected and self._correct(answered):
                    corrected = True
                    continue
            if not passing or tries >= self._attempts or not self._retry_budget.pause(tries):
                raise failure from cause

    def close(self) -> None:
        """Close idle connections; the next call opens a new one."""
        self._connections.close()

    def _send(self, service: str, operation: str, body: bytes) -> Answered:
        """Send one signed request and return its response, of any status; raise OSError without a response."""
        where = self._endpoints[service]
        headers = self.headers(service, operation, body)
        headers["user-agent"] = _AGENT
        return self._connections.post(where, headers, body, self._retry_budget.seconds_left())

    def headers(self, service: str, operation: str, body: bytes) -> dict[str, str]:
        """Return the headers of a request, with its signature, except `user-agent`."""
        credentials = self._credentials
        signed = {
            **self._fixed_headers[service],
            "x-amz-date": _moment(int(self._now() + self._skew)),
            "x-amz-target": f"{_TARGETS[service][0]}.{operation}",
        }
        if credentials.token:
            signed["x-amz-security-token"] = credentials.token
        signature = authorization(credentials, self._region, service, signed, body)
        signed["authorization"] = signature
        return signed

    def _fixed(self, service: str) -> dict[str, str]:
        """Return the signed headers that are the same in every request to a service."""
        headers = {
            "content-type": f"application/x-amz-json-{_TARGETS[service][1]}",
            "host": self._endpoints[service].authority,
        }
        return {**headers, "x-amzn-query-mode": "true"} if service == "sqs" else headers

    def _correct(self, answered: Answered) -> bool:
        """Use the server's time from now on if it differs by `_SKEW_SECONDS` or more; return whether this was done."""
        from email.utils import parsedate_to_datetime  # noqa: PLC0415 - rarely needed

        try:
            theirs = parsedate_to_datetime(answered.headers["date"]).timestamp()
        except (KeyError, ValueError):
            return False
        skew = theirs - self._now()
        if abs(skew - self._skew) < _SKEW_SECONDS:
            return False
        self._skew = skew
        return True


def caller(environ: Mapping[str, str], retry_budget: RetryBudget) -> Caller:
    """Return the client for an environment: the runtime's own, or boto3 when the environment needs or requests it."""
    try:
        return LeanClient(environ, retry_budget)
    except endpoint.UnsupportedConfig as reason:
        from contradance.runtime.aws.boto import BotoCaller  # noqa: PLC0415 - slow, and rarely needed

        _LOG.debug("Calling AWS through boto3: %s.", reason)
        return BotoCaller()


@lru_cache(maxsize=2)
def _moment(seconds: int) -> str:
    """Return a time, given in seconds since the epoch, in the format of `x-amz-date`: `20260131T180007Z`."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))


def _is_whole(answered: Answered) -> bool:
    """Whether the body matches the checksum in the response's headers; True when there is none.

    Only DynamoDB sends a checksum.
    """
    checksum = answered.headers.get("x-amz-crc32")
    return checksum is None or int(checksum) == zlib.crc32(answered.body)


def _may_succeed_later(status: int, code: str) -> bool:
    """Whether another try may succeed; here status 200 means that the body did not match its checksum."""
    return status >= _SERVER_ERROR or status in (_OK, _TOO_MANY) or code in _THROTTLED or code in _PASSING


def _failure(service: str, operation: str, answered: Answered) -> AWSCallFailed:
    """Return the error in a response, with its code: SQS's older one in a header, else the body's, else the status.

    The body is `{"__type": "namespace#Code", "message": ...}`. SQS also sends its older code in `x-amzn-query-error`.
    """
    try:
        answer = json.loads(answered.body)
    except ValueError:
        answer = {}
    if not isinstance(answer, dict):
        answer = {}
    older = answered.headers.get("x-amzn-query-error", "").partition(";")[0]
    code = older or str(answer.get("__type") or "").rpartition("#")[2] or str(answered.status)
    return refused(service, operation, code, str(answer.get("message") or answer.get("Message") or ""), answer)
