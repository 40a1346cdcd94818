"""The ingress: `POST /events/{detail_type}` publishes its body as an event, for clients outside the choreography.

The body is the event's `data` and is validated like any other event: against the newest version of its contract, or the
one in `?version=`. Only the listed detail-types may be published. A repeated request with the same
Idempotency-Key publishes the event under the same id again, which every subscriber recognises. The id depends on the whole
request: another body, detail-type or version under the same key is another event, so that none is ever dropped as a
duplicate of another. (The IETF's draft of the header asks for a 422 there. That would need a record of every key.)
"""

import json
import logging
import os
from collections.abc import Mapping
from contextvars import copy_context
from functools import cache
from hashlib import sha256
from typing import Any, Final, NamedTuple
from uuid import uuid4

from pydantic import ValidationError

from contradance.bounds import MAX_PATH, shortened
from contradance.contract import Contract
from contradance.envelope import SealedEvent, derived_id, seal_initial
from contradance.errors import AWSCallFailed, ContractViolation, DeclarationError, PublishFailed, TooMuchWork
from contradance.pii import MASK, mask, mask_fields
from contradance.proof import IntegerTooLarge
from contradance.registry import Registry
from contradance.reply import HttpError
from contradance.runtime.aws import variable_names
from contradance.runtime.aws.log_event import HARMLESS
from contradance.runtime.aws.machine import LambdaContext, Machine, create_machine, imported, log_received, observe
from contradance.runtime.aws.variable_value import needed, read_variable
from contradance.runtime.error_description import describe_error, log_keys
from contradance.runtime.journal_record import JournalRecord, published_events
from contradance.runtime.ports import Environment
from contradance.runtime.publish import publish
from contradance.runtime.request import (
    BadRequest,
    Response,
    idempotency_key,
    json_of,
    problem,
    refuse_ambiguous_json,
    response,
    traceparent_of,
)
from contradance.runtime.tracing import tracing
from contradance.violation import problems
from contradance.wire import read_closed

PUBLISHER: Final = "contradance.ingress"
ROUTE: Final = "POST /events/{detail_type}"
_LOG: Final = logging.getLogger("contradance.ingress")
_RESERVE_SECONDS: Final = 0.5
_TOO_LARGE: Final = "Input should be an integer of at most 64 bits"


class Ingress:
    """Publishes the events that clients send.

    Args:
        registry: the contracts.
        open_: the detail-types that may be published over HTTP.

    Raises:
        DeclarationError: a detail-type is not in the registry, or two services publish it.
    """

    def __init__(self, registry: Registry, open_: list[str]) -> None:
        self._versions: dict[str, tuple[type[Contract], ...]] = {}
        for detail_type in open_:
            contracts = registry.named(detail_type)
            sources = sorted({contract.identity.source for contract in contracts})
            if len(sources) != 1:
                known = f"is published by {' and '.join(sources)}" if sources else "is not in it"
                raise DeclarationError(
                    f"the ingress is open to {detail_type!r}, but in the registry {registry.name!r} it {known}.\n"
                    "  Open it to detail-types that one service publishes."
                )
            self._versions[detail_type] = contracts

    def answer(self, request: Mapping[str, Any], environment: Environment, seconds: float) -> Response:
        """Publish the event of one request; return 202 with the event's id, or an error response."""
        spans = tracing()
        with spans.answering(PUBLISHER, ROUTE, traceparent_of(request)):
            answered = self._answer(request, environment, seconds)
            spans.record_status(answered["statusCode"])
            return answered

    def _answer(self, request: Mapping[str, Any], environment: Environment, seconds: float) -> Response:
        """Publish the event in a request; return 202 with the event's id, or an error response for what was raised."""
        try:
            sealed = self._seal(request, environment)
            with tracing().publishing([sealed[-1].event_id]):
                publish(sealed, environment.events, environment.bus, environment.clock, seconds - _RESERVE_SECONDS)
        except BadRequest as error:
            return problem(422, str(error), error.found)
        except HttpError as error:
            return problem(error.status, str(error))
        except TooMuchWork:
            return problem(413, "The event is too large.")
        except (PublishFailed, AWSCallFailed) as error:
            _LOG.error("The event was not published: %s", error)
            return problem(503, "The event was not published. Try again.")
        except Exception as error:  # noqa: BLE001 - logged here; the client gets no details
            _LOG.error("%s failed: %s", PUBLISHER, describe_error(error), extra=log_keys(error))
            tracing().record_error(error)
            return problem(500, "Internal Server Error")
        _journal(sealed, environment)
        return response(202, json.dumps({"event_id": sealed[-1].event_id}))

    def shown(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return a request without personal data, for a log line; a body that cannot be read is masked completely."""
        try:
            body = mask(self._contract(request), json.loads(json_of(request)))
        except (HttpError, BadRequest, ValueError, RecursionError):
            body = MASK
        return {**mask_fields(request, HARMLESS), "body": body}

    def _seal(self, request: Mapping[str, Any], environment: Environment) -> tuple[SealedEvent, ...]:
        """Return a request's event, sealed in every published version; raise `BadRequest` or `HttpError` if invalid."""
        contract = self._contract(request)
        body = json_of(request)
        key = idempotency_key(request)
        event_id = str(uuid4()) if key is None else derived_id(PUBLISHER, *_fingerprint(request, body), key)
        try:
            event = read_closed(contract, body)
        except ValidationError as error:
            raise BadRequest(problems(error, "body")) from error
        refuse_ambiguous_json(body)
        correlation_id = derived_id(event_id, "correlation")
        traceparent = tracing().sealing(contract.identity, event_id, correlation_id, traceparent_of(request))
        try:
            return seal_initial(
                event,
                publisher=PUBLISHER,
                occurred_at=environment.clock.now(),
                event_id=event_id,
                correlation_id=correlation_id,
                traceparent=traceparent,
            )
        except ContractViolation as error:
            if isinstance(error.__cause__, IntegerTooLarge):  # the contract's own faults stay errors of the server
                path = ".".join(("body", *map(str, error.__cause__.path)))
                raise BadRequest([(shortened(path, MAX_PATH), _TOO_LARGE)]) from error
            raise

    def _contract(self, request: Mapping[str, Any]) -> type[Contract]:
        """Return a request's contract, by default its newest version; raise `HttpError` or `BadRequest` without one."""
        detail_type, asked = _wanted(request)
        versions = self._versions.get(detail_type)
        if versions is None:
            raise HttpError(404, "There is no such event.")
        if asked is None:
            return versions[0]
        if not (asked.isascii() and asked.isdigit()):
            raise BadRequest([("query.version", "Input should be a whole number")])
        for contract in versions:
            if str(contract.identity.version) == asked:
                return contract
        raise HttpError(404, "There is no such version of the event.")


def _wanted(request: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return (detail-type, version) from a request's path and query; the version is None when it is missing."""
    detail_type: str = (request.get("pathParameters") or {}).get("detail_type", "")
    version: str | None = (request.get("queryStringParameters") or {}).get("version")
    return detail_type, version


def _fingerprint(request: Mapping[str, Any], body: bytes) -> tuple[str, str, str]:
    """Return (detail-type, version, digest of the body): they distinguish requests with one Idempotency-Key."""
    detail_type, version = _wanted(request)
    return detail_type, version or "", sha256(body).hexdigest()


def _journal(sealed: tuple[SealedEvent, ...], environment: Environment) -> None:
    """Write the journal record of a request whose event was published."""
    environment.journal.write(
        JournalRecord(
            function=PUBLISHER,
            trigger=ROUTE,
            event_id=None,
            subject=sealed[-1].subject,
            correlation_id=sealed[-1].correlation_id,
            causation_id=None,
            attempt=1,
            outcome="done",
            retries_left=0,
            published=published_events(sealed),
            started_at=environment.clock.now(),
            duration_ms=0.0,
        )
    )


class _Deployed(NamedTuple):
    ingress: Ingress
    machine: Machine


@cache
def _deployed() -> _Deployed:
    """Return the ingress that the variables describe and what its invocations share, made once per process."""
    observe()
    registry = imported(needed(os.environ, variable_names.REGISTRY), variable_names.REGISTRY)
    if not isinstance(registry, Registry):
        raise DeclarationError(f"{variable_names.REGISTRY} names {registry!r}, which is not a Registry.")
    open_: list[object] = read_variable(os.environ, variable_names.INGRESS, json.loads, [])
    return _Deployed(Ingress(registry, [str(name) for name in open_]), create_machine(os.environ))


def handler(event: Mapping[str, Any], context: LambdaContext) -> Response:
    """Return the response to one request: 202 with the event's id, or an error response."""
    ingress, here = _deployed()
    with here.invocation(context):
        log_received(os.environ, lambda: ingress.shown(event))
        seconds = context.get_remaining_time_in_millis() / 1000
        return copy_context().run(ingress.answer, event, here.environment, seconds)


if variable_names.REGISTRY in os.environ:
    _deployed()
