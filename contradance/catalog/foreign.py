"""The events of others in an AsyncAPI document: what a choreography relies on, marked `x-foreign` and apart from contracts."""

import re
from collections.abc import Collection, Iterable
from typing import Any

from contradance.catalog.draft7 import definitions, to_draft7
from contradance.choreography import Choreography, Relied

Part = dict[str, Any]


def events_consumed_by(choreography: Choreography | None, functions: Collection[str]) -> tuple[Relied, ...]:
    """Return the events of others that some of `functions` consume, with only these as consumers."""
    found = [
        one._replace(consumers=tuple(name for name in one.consumers if name in functions))
        for one in (choreography.foreign if choreography else ())
    ]
    return tuple(one for one in found if one.consumers)


def channels(relied: Iterable[Relied]) -> Part:
    """Return a channel for each event, by key: its address is its bus, or null for the application's own."""
    return {
        _event_key_of(one): {
            "address": one.models[0].origin.bus,
            "title": one.identity.detail_type,
            "description": one.summary,
            "messages": {_event_key_of(one): {"$ref": f"#/components/messages/{_event_key_of(one)}"}},
            "x-eventbridge": {"source": one.identity.source, "detail-type": one.identity.detail_type},
            "x-foreign": True,
        }
        for one in relied
    }


def operations(relied: Iterable[Relied], choreography: Choreography | None) -> Part:
    """Return an operation for each event and consumer, by key; its consumer's pattern is in `x-event-pattern`."""
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
            "channel": {"$ref": f"#/channels/{_event_key_of(one)}"},
            "messages": [{"$ref": f"#/channels/{_event_key_of(one)}/messages/{_event_key_of(one)}"}],
            "tags": [{"name": consumer.partition(".")[0]}],
            "x-application": consumer,
            "x-event-pattern": patterns[consumer],
        }
        for one in relied
        for consumer in one.consumers
    }


def messages(relied: Iterable[Relied]) -> Part:
    """Return a message for each event, by key; where functions have own classes of it, its payload is any of them."""
    return {
        _event_key_of(one): {
            "name": one.identity.detail_type,
            "title": str(one.identity),
            "summary": one.summary,
            "payload": _payload(one),
            "x-foreign": True,
        }
        for one in relied
    }


def schemas(relied: Iterable[Relied]) -> Part:
    """Return the draft 7 schemas of all classes and their definitions, by key."""
    found: Part = {}
    for one in relied:
        for key, model in zip(_model_keys(one), one.models, strict=True):
            schema = model.model_json_schema()

            def locate(name: str, key: str = key) -> str:
                """Return the reference to a definition of this class, by its name."""
                return f"#/components/schemas/{key}.{_in_key_alphabet(name)}"

            found[key] = to_draft7(schema, locate)
            found |= {f"{key}.{_in_key_alphabet(name)}": inner for name, inner in definitions(schema, locate).items()}
    return found


def operation_key(one: Relied, consumer: str) -> str:
    """Return the key of one consumer's operation: `files.thumbnail.consumes.foreign.aws.s3.Object_Created`."""
    return f"{consumer}.consumes.{_event_key_of(one)}"


def _payload(one: Relied) -> Part:
    """Return a reference to the schema of an event's class; of several classes, any of them."""
    references = [{"$ref": f"#/components/schemas/{key}"} for key in _model_keys(one)]
    return references[0] if len(references) == 1 else {"anyOf": references}


def _event_key_of(one: Relied) -> str:
    """Return an event's key in the document: `foreign.aws.s3.Object_Created`."""
    return f"foreign.{_in_key_alphabet(one.identity.source)}.{_in_key_alphabet(one.identity.detail_type)}"


def _model_keys(one: Relied) -> list[str]:
    """Return the keys of the schemas of an event's classes: the event's key, and with `.1` for the second."""
    return [f"{_event_key_of(one)}.{number}" if number else _event_key_of(one) for number in range(len(one.models))]


def _in_key_alphabet(name: str) -> str:
    """Return a name in the alphabet of AsyncAPI's keys: `_` for a space, the code of another character."""
    return re.sub(r"[^A-Za-z0-9._-]", lambda found: f"_{ord(found.group()):x}_" if found.group() != " " else "_", name)
