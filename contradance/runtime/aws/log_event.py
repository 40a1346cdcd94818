"""Masks the event of an invocation for the log, if POWERTOOLS_LOGGER_LOG_EVENT is true.

Powertools logs the event unchanged. This module masks data that contracts, request models and parameters mark as
personal, and data that they do not describe, such as a request's headers and addresses.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from contradance.envelope import EVENTBRIDGE_FIELDS, SCHEDULE_FIELDS, Metadata, unseal
from contradance.errors import ContractViolation
from contradance.function import AnyFunction, Schedule
from contradance.pii import MASK, mask, mask_fields, mask_value
from contradance.runtime.batch import messages_in
from contradance.subscription import Subscription

if TYPE_CHECKING:
    from contradance.httproute import Route
    from contradance.signature import Parameter

HARMLESS: Final = ("version", "routeKey")
"""Fields of a request that never contain client data."""


def masked_event(function: AnyFunction, event: object) -> object:
    """Return what Lambda passes to `function`, by its shape, with personal data and unknown data masked."""
    trigger = function.trigger
    if not isinstance(event, Mapping):
        return MASK
    if isinstance(trigger, Schedule):
        return mask_fields(event, SCHEDULE_FIELDS)
    if not isinstance(trigger, Subscription):
        return _masked_request(trigger, event)
    messages = messages_in(event)
    if messages is None:
        return _masked_delivery(trigger, event)
    return {"Records": [{**message, "body": _masked_message(trigger, message["body"])} for message in messages]}


def _masked_message(subscription: Subscription, body: str) -> object:
    """Return the masked event in a message's body; only the mask when the body is not a JSON object."""
    event = _parsed(body)
    return _masked_delivery(subscription, event) if isinstance(event, dict) else MASK


def _masked_delivery(subscription: Subscription, event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event with its data masked by its class; with all of it masked when the class is unknown."""
    around = mask_fields(event, EVENTBRIDGE_FIELDS)
    foreign = subscription.foreign_of(event.get("source"), event.get("detail-type"))
    if foreign is not None:
        return {**around, "detail": mask(foreign, event.get("detail"))}
    try:
        delivered = unseal(event, "")
    except ContractViolation:
        return {**around, "detail": MASK}
    found = subscription.contract_of(delivered.identity)
    data = mask(found[0], delivered.data) if found else MASK
    return {**around, "detail": {"metadata": mask(Metadata, event["detail"]["metadata"]), "data": data}}


def _masked_request(route: "Route", request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request with body and parameters masked by the route's types, and other client data masked."""
    shown = mask_fields(request, HARMLESS)
    for name, parameters in (("pathParameters", route.in_path), ("queryStringParameters", route.in_query)):
        if request.get(name):
            shown[name] = _masked_parameters(parameters, request[name])
    if route.body is not None:
        shown["body"] = mask(route.body.annotation, _parsed(request.get("body") or ""))
    return shown


def _masked_parameters(parameters: "tuple[Parameter, ...]", texts: Mapping[str, str]) -> dict[str, object]:
    """Return the texts of parameters by name, masked by their types; undeclared ones are masked completely."""
    annotations = {parameter.name: parameter.annotation for parameter in parameters}
    return {name: mask_value(annotations[name], text) if name in annotations else MASK for name, text in texts.items()}


def _parsed(text: str) -> object:
    """Return the value of a JSON text; None when the text is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
