"""EventBridge's bus, its rules and their targets: the choreography as AWS would describe it."""

from datetime import datetime
from typing import Final

from contradance.choreography import Choreography, Subscribed
from contradance.errors import InvalidPattern
from contradance.foreign import DEFAULT_BUS
from contradance.local.aws.protocol import AwsRequest, ResponseBody
from contradance.local.events.bus import Bus
from contradance.local.names import (
    aws_name,
    bus_arn,
    dead_letter_queue,
    function_arn,
    queue_arn,
    rule_arn,
)
from contradance.local.refusal import Refused
from contradance.pattern import EventPattern
from contradance.retry import RULE_MAX_AGE, RULE_RETRIES
from contradance.runtime.publish import MAX_CALL_BYTES, MAX_ENTRIES
from contradance.strictjson import read_json

_TIME_BYTES: Final = 14
"""Size of an entry's Time, in bytes. EventBridge API reference, PutEvents."""
_IN_AN_EVENT: Final = ("id", "account", "source", "time", "region", "detail-type")
"""Fields that TestEventPattern requires of an event. EventBridge API reference."""


class EventBus:
    """The operations on the bus and its rules.

    Args:
        choreography: has the rules.
        bus: accepts the events.
        created: when the laptop created its bus: when it was started.
    """

    def __init__(self, choreography: Choreography, bus: Bus, created: datetime) -> None:
        self._bus = bus
        self._created = created.timestamp()
        self._rules = {aws_name(one.function.name): one for one in choreography.subscriptions}

    def put_events(self, request: AwsRequest) -> ResponseBody:
        """Accept 1 to 10 entries, each with its result; raise `Refused` for an unknown bus or a request too large."""
        request.refuse("EndpointId", "it has no global endpoints")
        entries = request.objects("Entries")
        if not entries:
            raise _wrong_length("greater than or equal to 1")
        if len(entries) > MAX_ENTRIES:
            raise _wrong_length(f"less than or equal to {MAX_ENTRIES}")
        if sum(map(_size, entries)) > MAX_CALL_BYTES:
            raise Refused("ValidationException", "Total size of the entries in the request is over the limit.")
        buses = [entry.maybe_text("EventBusName") or DEFAULT_BUS for entry in entries]
        for entry, bus in zip(entries, buses, strict=True):
            entry.maybe_text("TraceHeader")  # of X-Ray, which the laptop does not have
            if self._bus.bus_named(bus) is None:
                raise Refused(
                    "ResourceNotFoundException",
                    f"There is no bus {bus!r} here; this laptop runs {', '.join(map(repr, self._bus.names))}. "
                    "(AWS would have accepted the event, and dropped it.)",
                )
        return self._bus.put_events(
            Entries=[{**entry.all, "EventBusName": bus} for entry, bus in zip(entries, buses, strict=True)]
        )

    def test_event_pattern(self, request: AwsRequest) -> ResponseBody:
        """Return whether a pattern matches an event, as the rules do; raise `Refused` if one is invalid."""
        try:
            pattern = EventPattern(request.text("EventPattern"))
        except InvalidPattern as error:
            raise Refused("InvalidEventPatternException", str(error)) from error
        try:
            event = read_json(request.text("Event"))
        except ValueError as error:
            raise _invalid_event("The event is not valid JSON") from error
        if not isinstance(event, dict):
            raise _invalid_event("The event is not a JSON object")
        missing = [name for name in _IN_AN_EVENT if name not in event]
        if missing:
            raise _invalid_event(f"The field {missing[0]} is missing")
        return {"Result": pattern.matches(event)}

    def describe_event_bus(self, request: AwsRequest) -> ResponseBody:
        """Return a bus's name, ARN and times, the default bus's without `Name`; raise `Refused` for an unknown bus."""
        return self._described(self._named_bus(request.maybe_text("Name")))

    def list_event_buses(self, request: AwsRequest) -> ResponseBody:
        """Return a page of the buses, the application's own first, whose names begin with `NamePrefix`."""
        prefix = request.maybe_text("NamePrefix") or ""
        buses, following = request.page([self._described(name) for name in self._bus.names if name.startswith(prefix)])
        return {"EventBuses": [*buses], **following}

    def list_rules(self, request: AwsRequest) -> ResponseBody:
        """Return a page of a bus's rules, by name, that begin with `NamePrefix`; raise `Refused` for an unknown bus."""
        rules = self._rules_on(request)
        prefix = request.maybe_text("NamePrefix") or ""
        names, following = request.page([name for name in sorted(rules) if name.startswith(prefix)])
        return {"Rules": [self._rule(name) for name in names], **following}

    def describe_rule(self, request: AwsRequest) -> ResponseBody:
        """Return one rule; raise `Refused` for a rule that is not on the request's bus."""
        return self._rule(self._rule_name(request, "Name"))

    def list_targets_by_rule(self, request: AwsRequest) -> ResponseBody:
        """Return a rule's one target, the function or the queue before it; raise `Refused` for an unknown rule."""
        rule = self._rules[self._rule_name(request, "Rule")]
        name = rule.function.name
        age = int(min(rule.function.retry.max_age, RULE_MAX_AGE).total_seconds())
        target = {
            "Id": aws_name(name),
            "Arn": _target(rule),
            "DeadLetterConfig": {"Arn": queue_arn(dead_letter_queue(name))},
            "RetryPolicy": {"MaximumRetryAttempts": RULE_RETRIES, "MaximumEventAgeInSeconds": age},
        }
        targets, following = request.page([target])
        return {"Targets": [*targets], **following}

    def list_rule_names_by_target(self, request: AwsRequest) -> ResponseBody:
        """Return a page of the names of a bus's rules with the target `TargetArn`; `Refused` for an unknown bus."""
        rules = self._rules_on(request)
        arn = request.text("TargetArn")
        names, following = request.page([name for name, rule in sorted(rules.items()) if _target(rule) == arn])
        return {"RuleNames": [*names], **following}

    def _described(self, bus: str) -> ResponseBody:
        """Return a bus as in AWS's responses: its name, its ARN and the time of the laptop's start."""
        times = {"CreationTime": self._created, "LastModifiedTime": self._created}
        return {"Name": bus, "Arn": bus_arn(bus), **times}

    def _rule(self, name: str) -> ResponseBody:
        """Return a known rule as in AWS's responses: name, ARN, pattern, state and bus."""
        rule = self._rules[name]
        bus = rule.subscription.bus or self._bus.name
        return {
            "Name": name,
            "Arn": rule_arn(bus, rule.function.name),
            "EventPattern": rule.subscription.pattern.canonical,
            "State": "ENABLED",
            "EventBusName": bus,
        }

    def _rule_name(self, request: AwsRequest, field: str) -> str:
        """Return the rule's name in parameter `field`; raise `Refused` for a rule that is not on the request's bus."""
        rule = request.text(field)
        if rule not in self._rules_on(request):
            bus = self._named_bus(request.maybe_text("EventBusName"))
            raise Refused("ResourceNotFoundException", f"Rule {rule} does not exist on EventBus {bus}.")
        return rule

    def _rules_on(self, request: AwsRequest) -> dict[str, Subscribed]:
        """Return the rules of the request's bus by name, of the default bus without one; `Refused` if it is unknown."""
        bus = self._named_bus(request.maybe_text("EventBusName"))
        return {name: rule for name, rule in self._rules.items() if (rule.subscription.bus or self._bus.name) == bus}

    def _named_bus(self, given: str | None) -> str:
        """Return the name of a bus by its name or ARN, `default` for None; raise `Refused` for an unknown bus."""
        found = self._bus.bus_named(given or DEFAULT_BUS)
        if found is None:
            name = (given or DEFAULT_BUS).rpartition("event-bus/")[2]
            raise Refused("ResourceNotFoundException", f"Event bus {name} does not exist.")
        return found or self._bus.name


def _target(rule: Subscribed) -> str:
    """Return the ARN of a rule's target: the function's source queue, if it is behind one, else the function."""
    name = rule.function.name
    return queue_arn(aws_name(name)) if rule.subscription.delivery == "queue" else function_arn(name)


def _wrong_length(constraint: str) -> Refused:
    """Return the `ValidationException` of a wrong number of entries; the caller raises it."""
    return Refused(
        "ValidationException",
        "1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length "
        f"{constraint}",
    )


def _invalid_event(reason: str) -> Refused:
    """Return the `ValidationException` of an event that is not valid; the caller raises it."""
    return Refused("ValidationException", f"Parameter Event is not valid. Reason: {reason}.")


def _size(entry: AwsRequest) -> int:
    """Return the UTF-8 bytes that PutEvents counts of one entry; raise `Refused` for text that UTF-8 cannot encode."""
    texts = [entry.maybe_text(name) or "" for name in ("Source", "DetailType", "Detail")]
    try:
        size = sum(len(text.encode()) for text in (*texts, *entry.texts("Resources")))
    except UnicodeEncodeError as error:
        raise Refused("SerializationException", "The request is not UTF-8.") from error
    return size + (_TIME_BYTES if "Time" in entry else 0)
