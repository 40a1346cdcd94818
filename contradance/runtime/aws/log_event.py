"""Masks the event of an invocation for the log, if POWERTOOLS_LOGGER_LOG_EVENT is true.

Powertools logs the event unchanged. This module masks data that contracts, request models and parameters mark as
personal, and data that they do not describe, such as a request's headers and addresses.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from contradance.envelope import Metadata, unseal
from contradance.errors import ContractViolation
from contradance.function import AnyFunction, Schedule
from contradance.pii import MASK, mask, mask_value
from contradance.subscription import Subscription

if TYPE_CHECKING:
    from contradance.httproute import Route
    from contradance.signature import Parameter

HARMLESS: Final = ("version", "routeKey")
"""Fields of a request that never contain client data."""


def masked_event(function: AnyFunction, event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event that Lambda passes to `function`, with personal data and unknown client data masked."""
    trigger = function.trigger
    if isinstance(trigger, Schedule):
        return dict(event)
    if not isinstance(trigger, Subscription):
        return _masked_request(trigger, event)
    if trigger.delivery == "direct":
        return _masked_delivery(trigger, event)
    return {"Records": [{**record, "body": _masked_message(trigger, record["body"])} for record in event["Records"]]}


def _masked_message(subscription: Subscription, body: str) -> object:
    """Return the masked event in a message's body; only the mask when the body is not a JSON object."""
    event = _parsed(body)
    return _masked_delivery(subscription, event) if isinstance(event, dict) else MASK


def _masked_delivery(subscription: Subscription, event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event with its data masked by its class; with all of it masked when the class is unknown."""
    foreign = subscription.foreign_of(event.get("source"), event.get("detail-type"))
    if foreign is not None:
        return {**event, "detail": mask(foreign, event.get("detail"))}
    try:
        delivered = unseal(event, "")
    except ContractViolation:
        return {**event, "detail": MASK}
    found = subscription.contract_of(delivered.identity)
    data = mask(found[0], delivered.data) if found else MASK
    return {**event, "detail": {"metadata": mask(Metadata, event["detail"]["metadata"]), "data": data}}


def _masked_request(route: "Route", request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request with body and parameters masked by the route's types, and other client data masked."""
    shown: dict[str, Any] = {name: value if name in HARMLESS else MASK for name, value in request.items()}
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
