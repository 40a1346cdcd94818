"""The AWS operations that the laptop answers, by name; any other is refused."""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Final
from uuid import uuid4

from contradance.choreography import Choreography
from contradance.errors import LaptopError
from contradance.local.aws.archive import ArchiveOperations
from contradance.local.aws.constraints import check_constraints
from contradance.local.aws.event_bus import EventBus
from contradance.local.aws.functions import MAX_PAYLOAD_BYTES, PREFIX, Functions
from contradance.local.aws.other_services import signed_service, unknown_service_response
from contradance.local.aws.protocol import AwsRequest, ResponseBody
from contradance.local.aws.queues import Queues
from contradance.local.dead_letter_queues import DeadLetterQueues
from contradance.local.events.bus import Bus
from contradance.local.events.deliveries import Deliveries
from contradance.local.events.replays import Replays
from contradance.local.invocation.gateway import HttpResponse, public_message
from contradance.local.invocation.threads import RequestThreads
from contradance.local.names import HOST
from contradance.local.refusal import Refused
from contradance.runtime.ports import Environment
from contradance.runtime.publish import MAX_CALL_BYTES
from contradance.strictjson import read_json

CONTENT_TYPE: Final = "application/x-amz-json-1.1"
TARGET_HEADER: Final = "x-amz-target"
MAX_REQUEST_BYTES: Final = 4 * MAX_CALL_BYTES
"""Largest request, in bytes. An event is JSON inside JSON: up to three times as long as `MAX_CALL_BYTES` counts it."""
_SERVICES: Final = ("events", "sqs")
"""Services whose operations are named in a header, as requests are signed for them."""
_LOG = logging.getLogger("contradance.aws")
_QUEUE_CONTENT_TYPE: Final = "application/x-amz-json-1.0"
_QUERY_CODES: Final = {
    "QueueDoesNotExist": "NonExistentQueue",
    **{
        name: name
        for name in (
            "BatchEntryIdsNotDistinct",
            "EmptyBatchRequest",
            "InvalidBatchEntryId",
            "MessageNotInflight",
            "PurgeQueueInProgress",
            "TooManyEntriesInBatchRequest",
            "UnsupportedOperation",
        )
    },
}
"""Names of SQS's errors in its older protocol, which a response has beside the new name, with this prefix."""
_QUERY_PREFIX: Final = "AWS.SimpleQueueService."


def is_for_aws(path: str, headers: Mapping[str, str]) -> bool:
    """Whether a request uses AWS's protocols, by its path, target header or signature; False for one to a route."""
    return (path == "/" and TARGET_HEADER in headers) or path.startswith(PREFIX) or signed_service(headers) is not None


def max_request_bytes(path: str) -> int:
    """Return the size of the largest request to a path of AWS's protocols, in bytes."""
    return MAX_PAYLOAD_BYTES if path.startswith(PREFIX) else MAX_REQUEST_BYTES


def too_large_response(most: int) -> HttpResponse:
    """Return the response to a request of more than `most` bytes, as Lambda's clients read it."""
    return _aws_error("", Refused("RequestTooLargeException", f"Request must be smaller than {most} bytes.", 413))


class AwsEndpoint:
    """Answers requests in AWS's protocols."""

    def __init__(
        self,
        choreography: Choreography,
        bus: Bus,
        deliveries: Deliveries,
        dead_letters: DeadLetterQueues,
        replays: Replays,
        *,
        environment: Environment,
        threads: RequestThreads,
    ) -> None:
        clock = environment.clock
        events = EventBus(choreography, bus, clock.now())
        archive = ArchiveOperations(choreography, replays, clock.now())
        queues = Queues(choreography, bus, deliveries, dead_letters, clock)
        self._functions = Functions(choreography, bus, environment, threads)
        self._operations: dict[str, Callable[[AwsRequest], ResponseBody]] = {
            "AWSEvents.CancelReplay": archive.cancel_replay,
            "AWSEvents.DescribeArchive": archive.describe_archive,
            "AWSEvents.DescribeEventBus": events.describe_event_bus,
            "AWSEvents.DescribeReplay": archive.describe_replay,
            "AWSEvents.DescribeRule": events.describe_rule,
            "AWSEvents.ListArchives": archive.list_archives,
            "AWSEvents.ListEventBuses": events.list_event_buses,
            "AWSEvents.ListReplays": archive.list_replays,
            "AWSEvents.ListRuleNamesByTarget": events.list_rule_names_by_target,
            "AWSEvents.ListRules": events.list_rules,
            "AWSEvents.ListTargetsByRule": events.list_targets_by_rule,
            "AWSEvents.PutEvents": events.put_events,
            "AWSEvents.StartReplay": archive.start_replay,
            "AWSEvents.TestEventPattern": events.test_event_pattern,
            "AmazonSQS.ChangeMessageVisibility": queues.change_message_visibility,
            "AmazonSQS.ChangeMessageVisibilityBatch": queues.change_message_visibility_batch,
            "AmazonSQS.DeleteMessage": queues.delete_message,
            "AmazonSQS.DeleteMessageBatch": queues.delete_message_batch,
            "AmazonSQS.GetQueueAttributes": queues.get_queue_attributes,
            "AmazonSQS.GetQueueUrl": queues.get_queue_url,
            "AmazonSQS.ListQueues": queues.list_queues,
            "AmazonSQS.PurgeQueue": queues.purge_queue,
            "AmazonSQS.ReceiveMessage": queues.receive_message,
            "AmazonSQS.SendMessage": queues.send_message,
        }

    def answer_request(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, url: str
    ) -> HttpResponse:
        """Answer an AWS request, an unknown service or protocol with a 400; `target` is the path with its query."""
        path, _, _ = target.partition("?")
        operation, service = headers.get(TARGET_HEADER), signed_service(headers)
        if path.startswith(PREFIX):
            return self.answer_path(method, target, headers, body)
        if operation is not None and path == "/" and service in (None, *_SERVICES):
            return self.answer(operation, body, url)
        return unknown_service_response(service or "AWS", method, path, headers, body)

    def answer(self, target: str, body: bytes, url: str = f"http://{HOST}") -> HttpResponse:
        """Answer the operation in `X-Amz-Target`, or with AWS's error; `url` is the laptop's, as the client has it."""
        return self._guarded(target, lambda: self._operate(target, body, url))

    def answer_path(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Answer a request with its operation in the path, as Lambda's, or with AWS's error."""
        return self._guarded(f"{method} {target}", lambda: self._functions.answer(method, target, headers, body))

    def _operate(self, target: str, body: bytes, url: str) -> HttpResponse:
        """Return the operation's response; raise `Refused` if it is unknown, refused, or its body no JSON object."""
        operation = self._operations.get(target)
        if operation is None:
            raise Refused("UnknownOperationException", f"The laptop does not answer {target}.")
        try:
            parameters = read_json(body.decode())
        except ValueError as error:
            raise Refused("SerializationException", "The request is not JSON.") from error
        if not isinstance(parameters, dict):
            raise Refused("SerializationException", "The request is not a JSON object.")
        check_constraints(target, parameters)
        answer = operation(AwsRequest(parameters, url))
        return HttpResponse(200, {"content-type": _content_type(target)}, json.dumps(answer))

    def _guarded(self, operation: str, answer: Callable[[], HttpResponse]) -> HttpResponse:
        """Return the response of `answer`, with a request id; AWS's error for `Refused`, a 503 for `LaptopError`."""
        try:
            given = answer()
        except Refused as refusal:
            given = _aws_error(operation, refusal)
        except LaptopError as error:
            _LOG.error("%s was not answered: %s", operation, error)
            given = _aws_error(operation, Refused("ServiceUnavailableException", public_message(error), 503))
        return given._replace(headers={"x-amzn-requestid": str(uuid4()), **given.headers})


def _aws_error(operation: str, refusal: Refused) -> HttpResponse:
    """Return a refusal as an error response: SQS adds the error's older name, Lambda has its name in a header."""
    headers = {"content-type": _content_type(operation), "x-amzn-errortype": refusal.code}
    if operation.startswith("AmazonSQS."):
        older = _QUERY_CODES.get(refusal.code)
        headers["x-amzn-query-error"] = f"{_QUERY_PREFIX + older if older else refusal.code};Sender"
    return HttpResponse(refusal.status, headers, json.dumps({"__type": refusal.code, "message": refusal.message}))


def _content_type(operation: str) -> str:
    """Return the content type of an operation's response: JSON 1.0 for SQS, else JSON 1.1."""
    return _QUEUE_CONTENT_TYPE if operation.startswith("AmazonSQS.") else CONTENT_TYPE
