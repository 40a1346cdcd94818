"""The events of others in an AsyncAPI document: what a choreography relies on, marked `x-foreign` and apart from contracts."""

import re
from collections.abc import Collection, Iterable
from typing import Any

from contradance.catalog.draft7 import definitions, to_draft7
from contradance.choreography import Choreography, Relied

Part = dict[str, Any]


def relied_by(choreography: Choreography | None, functions: Collection[str]) -> tuple[Relied, ...]:
    """Return the events of others that some of `functions` consume, with only these as consumers."""
    found = [
        one._replace(consumers=tuple(name for name in one.consumers if name in functions))
        for one in (choreography.foreign if choreography else ())
    ]
    return tuple(one for one in found if one.consumers)


def channels(relied: Iterable[Relied]) -> Part:
    """Return a channel for each event: its address is the name of its bus, or null for the application's own."""
    return {
        _key(one): {
            "address": one.models[0].origin.bus,
            "title": one.identity.detail_type,
            "description": one.summary,
            "messages": {_key(one): {"$ref": f"#/components/messages/{_key(one)}"}},
            "x-eventbridge": {"source": one.identity.source, "detail-type": one.identity.detail_type},
            "x-foreign": True,
        }
        for one in relied
    }


def operations(relied: Iterable[Relied], choreography: Choreography | None) -> Part:
    """Return an operation for each event and consumer."""
    patterns = (
        {one.function.name: one.subscription.pattern.canonical for one in choreography.subscriptions}
        if choreography
        else {}
    )
    return {
        operation_key(one, consumer): {
            "action": "receive",
            "title": f"{consumer} consumes {one.identity}",
            "summary": one.summary,
            "channel": {"$ref": f"#/channels/{_key(one)}"},
            "messages": [{"$ref": f"#/channels/{_key(one)}/messages/{_key(one)}"}],
            "tags": [{"name": consumer.partition(".")[0]}],
            "x-application": consumer,
            "x-event-pattern": patterns[consumer],
        }
        for one in relied
        for consumer in one.consumers
    }


def messages(relied: Iterable[Relied]) -> Part:
    """Return a message for each event; where functions have their own classes of it, its payload is any of them."""
    return {
        _key(one): {
            "name": one.identity.detail_type,
            "title": str(one.identity),
            "summary": one.summary,
            "payload": _payload(one),
            "x-foreign": True,
        }
        for one in relied
    }


def schemas(relied: Iterable[Relied]) -> Part:
    """Return the schemas of all classes and their definitions."""
    found: Part = {}
    for one in relied:
        for key, model in zip(_model_keys(one), one.models, strict=True):
            schema = model.model_json_schema()

            def locate(name: str, key: str = key) -> str:
                return f"#/components/schemas/{key}.{_plain(name)}"

            found[key] = to_draft7(schema, locate)
            found |= {f"{key}.{_plain(name)}": inner for name, inner in definitions(schema, locate).items()}
    return found


def operation_key(one: Relied, consumer: str) -> str:
    """Return the key of one consumer's operation."""
    return f"{consumer}.consumes.{_key(one)}"


def _payload(one: Relied) -> Part:
    references = [{"$ref": f"#/components/schemas/{key}"} for key in _model_keys(one)]
    return references[0] if len(references) == 1 else {"anyOf": references}


def _key(one: Relied) -> str:
    return f"foreign.{_plain(one.identity.source)}.{_plain(one.identity.detail_type)}"


def _model_keys(one: Relied) -> list[str]:
    return [f"{_key(one)}.{number}" if number else _key(one) for number in range(len(one.models))]


def _plain(name: str) -> str:
    """Return a name in the alphabet of AsyncAPI's keys."""
    return re.sub(r"[^A-Za-z0-9._-]", lambda found: f"_{ord(found.group()):x}_" if found.group() != " " else "_", name)
