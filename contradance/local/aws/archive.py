"""EventBridge's archives and replays: one archive for each bus, without replayed events."""

import re
from datetime import datetime
from typing import Final

from contradance.choreography import Choreography
from contradance.local.aws.protocol import AwsRequest, ResponseBody, invalid
from contradance.local.events.replay import Replay
from contradance.local.events.replays import Replays
from contradance.local.names import archive_arn, archive_name, bus_arn, replay_arn, rule_arn
from contradance.local.refusal import Refused
from contradance.local.state.schema import OWN_BUS

_STATES: Final = ("CANCELLED", "CANCELLING", "COMPLETED", "FAILED", "RUNNING", "STARTING")
_ARCHIVE_STATES: Final = ("ENABLED", "DISABLED", "CREATING", "UPDATING", "CREATE_FAILED", "UPDATE_FAILED")
_BUS_ARN: Final = re.compile(r"arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:event-bus/[^/]+")
_ARCHIVE_ARN: Final = re.compile(r"arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:archive/[^/]+")


class ArchiveOperations:
    """The operations on the archive and its replays.

    Args:
        choreography: has the rules that a replay may name.
        replays: starts, lists and cancels them.
        created: when the laptop created its archives: when it was started.
    """

    def __init__(self, choreography: Choreography, replays: Replays, created: datetime) -> None:
        self._created = created.timestamp()
        self._own = choreography.name
        self._replays = replays
        self._buses = {archive_name(bus): bus for bus in (choreography.name, *choreography.buses)}
        self._functions = {
            rule_arn(one.subscription.bus or self._own, one.function.name): one.function.name
            for one in choreography.subscriptions
        }
        self._bus_of = {one.function.name: one.subscription.bus or self._own for one in choreography.subscriptions}

    def describe_archive(self, request: AwsRequest) -> ResponseBody:
        """Return the archive that `ArchiveName` names; raise `Refused` for an unknown name."""
        name = request.text("ArchiveName")
        if name not in self._buses:
            raise Refused("ResourceNotFoundException", f"Archive {name} does not exist.")
        return {"ArchiveArn": archive_arn(self._buses[name]), **self._listed_archive(self._buses[name])}

    def list_archives(self, request: AwsRequest) -> ResponseBody:
        """Return a page of archives, the own bus's first, by at most one filter; raise `Refused` for a bad filter."""
        given = [request.maybe_text(name) for name in ("NamePrefix", "EventSourceArn", "State")]
        if sum(one is not None for one in given) > 1:
            raise _one_filter("ListArchives")
        prefix, source, state = given
        if source is not None and source not in map(bus_arn, self._buses.values()):
            raise _unknown_bus(source)
        if state is not None and state not in _ARCHIVE_STATES:
            raise invalid("State", state, f"Member must satisfy enum value set: [{', '.join(_ARCHIVE_STATES)}]")
        found = [
            self._listed_archive(bus)
            for name, bus in self._buses.items()
            if name.startswith(prefix or "") and source in (None, bus_arn(bus)) and state in (None, "ENABLED")
        ]
        archives, following = request.page(found)
        return {"Archives": [*archives], **following}

    def start_replay(self, request: AwsRequest) -> ResponseBody:
        """Start a replay of an archive's window to the named rules, or all; raise `Refused` for a bad parameter."""
        name, source = request.text("ReplayName"), request.text("EventSourceArn")
        first, last = request.moment("EventStartTime"), request.moment("EventEndTime")
        destination = request.object("Destination")
        if not _ARCHIVE_ARN.fullmatch(source):
            raise _invalid_parameter("EventSourceArn", "Must contain an archive ARN.")
        if not _BUS_ARN.fullmatch(destination.text("Arn")):
            raise _invalid_parameter("Destination.Arn", "Must contain an event bus ARN.")
        bus = next((one for one in self._buses.values() if archive_arn(one) == source), None)
        if bus is None:
            raise _invalid_parameter("EventSourceArn", f"Archive {source.rpartition('/')[2]} does not exist.")
        if destination.text("Arn") not in map(bus_arn, self._buses.values()):
            raise _unknown_bus(destination.text("Arn"))
        if destination.text("Arn") != bus_arn(bus):
            raise _invalid_parameter("Destination.Arn", "Cross event bus replay is not permitted.")
        if last <= first:
            raise _invalid_parameter("EventEndTime", "EventStartTime must be before EventEndTime.")
        description = request.maybe_text("Description")
        functions = self._filtered(destination.texts("FilterArns"), bus) if "FilterArns" in destination else None
        row = OWN_BUS if bus == self._own else bus
        replay = self._replays.begin(name, first, last, functions, description, bus=row)
        return {"ReplayArn": replay_arn(name), "State": replay.state, "ReplayStartTime": replay.started}

    def describe_replay(self, request: AwsRequest) -> ResponseBody:
        """Return one replay's window, rules and progress; raise `Refused` for an unknown name."""
        replay = self._replays.named(request.text("ReplayName"))
        bus = replay.bus or self._own
        destination: ResponseBody = {"Arn": bus_arn(bus)}
        if replay.functions is not None:
            destination["FilterArns"] = [rule_arn(bus, function) for function in replay.functions]
        found: ResponseBody = {
            "ReplayArn": replay_arn(replay.name),
            "Destination": destination,
            **self._listed_replay(replay),
        }
        return found | ({"Description": replay.description} if replay.description else {})

    def list_replays(self, request: AwsRequest) -> ResponseBody:
        """Return a page of replays, the latest first, by at most one filter; raise `Refused` for an invalid one."""
        given = [request.maybe_text(name) for name in ("NamePrefix", "EventSourceArn", "State")]
        if sum(one is not None for one in given) > 1:
            raise _one_filter("ListReplays")
        prefix, source, state = given
        if state is not None and state not in _STATES:
            raise invalid("State", state, f"Member must satisfy enum value set: [{', '.join(_STATES)}]")
        found = [
            replay
            for replay in self._replays.all()
            if replay.name.startswith(prefix or "")
            and source in (None, archive_arn(replay.bus or self._own))
            and state in (None, replay.state)
        ]
        replays, following = request.page(found)
        return {"Replays": [self._listed_replay(replay) for replay in replays], **following}

    def cancel_replay(self, request: AwsRequest) -> ResponseBody:
        """Request that a replay ends at its position; raise `Refused` for one that is unknown, ended or cancelled."""
        replay = self._replays.cancel(request.text("ReplayName"))
        return {"ReplayArn": replay_arn(replay.name), "State": replay.state}

    def _listed_archive(self, bus: str) -> ResponseBody:
        """Return a bus's archive as in ListArchives, with the count and bytes of its events."""
        count, size = self._replays.archive_size(OWN_BUS if bus == self._own else bus)
        return {
            "ArchiveName": archive_name(bus),
            "EventSourceArn": bus_arn(bus),
            "State": "ENABLED",
            "RetentionDays": 0,
            "EventCount": count,
            "SizeBytes": size,
            "CreationTime": self._created,
        }

    def _listed_replay(self, replay: Replay) -> ResponseBody:
        """Return a replay as in ListReplays; times that are still None are left out."""
        found: ResponseBody = {
            "ReplayName": replay.name,
            "EventSourceArn": archive_arn(replay.bus or self._own),
            "State": replay.state,
            "EventStartTime": replay.first,
            "EventEndTime": replay.last,
            "ReplayStartTime": replay.started,
        }
        for name, seconds in (("EventLastReplayedTime", replay.replayed), ("ReplayEndTime", replay.ended)):
            if seconds is not None:
                found[name] = seconds
        return found

    def _filtered(self, arns: list[str], bus: str) -> set[str]:
        """Return the functions of the rules with these ARNs; raise `Refused` for an ARN of no rule on `bus`."""
        unknown = [arn for arn in arns if arn not in self._functions or self._bus_of[self._functions[arn]] != bus]
        if unknown:
            raise _invalid_parameter("Destination.FilterArns", f"Rule {unknown[0].rpartition('/')[2]} does not exist.")
        return {self._functions[arn] for arn in arns}


def _invalid_parameter(name: str, reason: str) -> Refused:
    """Return the `ValidationException` of one parameter; the caller raises it."""
    return Refused("ValidationException", f"Parameter {name} is not valid. Reason: {reason}")


def _unknown_bus(arn: str) -> Refused:
    """Return the `ResourceNotFoundException` of the bus with this ARN; the caller raises it."""
    return Refused("ResourceNotFoundException", f"Event bus {arn.partition('event-bus/')[2]} does not exist.")


def _one_filter(operation: str) -> Refused:
    """Return the `ValidationException` of a request with several filters; the caller raises it."""
    return Refused(
        "ValidationException",
        f"At most one filter is allowed for {operation}. Use either : State, EventSourceArn, or NamePrefix.",
    )
