"""EventBridge's archive and replays: one archive, of every accepted event, but not of replayed ones."""

import re
from datetime import datetime
from typing import Final

from contradance.choreography import Choreography
from contradance.local.aws.protocol import AwsRequest, ResponseBody, invalid
from contradance.local.events.replay import Replay
from contradance.local.events.replays import Replays
from contradance.local.names import archive_arn, archive_name, bus_arn, replay_arn, rule_arn
from contradance.local.refusal import Refused

_NAME: Final = re.compile(r"[.\-_A-Za-z0-9]{1,64}")
_LONGEST_DESCRIPTION: Final = 512
"""In characters. EventBridge API reference, StartReplay."""
_STATES: Final = ("CANCELLED", "CANCELLING", "COMPLETED", "FAILED", "RUNNING", "STARTING")
_ARCHIVE_STATES: Final = ("ENABLED", "DISABLED", "CREATING", "UPDATING", "CREATE_FAILED", "UPDATE_FAILED")
_BUS_ARN: Final = re.compile(r"arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:event-bus/[^/]+")
_ARCHIVE_ARN: Final = re.compile(r"arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:archive/[^/]+")


class ArchiveOperations:
    """The operations on the archive and its replays.

    Args:
        choreography: has the rules that a replay may name.
        replays: starts, lists and cancels them.
        created: when the laptop created its archive: when it was started.
    """

    def __init__(self, choreography: Choreography, replays: Replays, created: datetime) -> None:
        self._created = created.timestamp()
        self._bus = choreography.name
        self._replays = replays
        self._functions = {
            rule_arn(self._bus, one.function.name): one.function.name for one in choreography.subscriptions
        }

    def describe_archive(self, request: AwsRequest) -> ResponseBody:
        """Describe the archive."""
        name = request.text("ArchiveName")
        if name != archive_name(self._bus):
            raise Refused("ResourceNotFoundException", f"Archive {name} does not exist.")
        return {"ArchiveArn": archive_arn(self._bus), **self._described()}

    def list_archives(self, request: AwsRequest) -> ResponseBody:
        """List the one archive."""
        given = [request.maybe_text(name) for name in ("NamePrefix", "EventSourceArn", "State")]
        if sum(one is not None for one in given) > 1:
            raise _one_filter("ListArchives")
        prefix, source, state = given
        if source is not None:
            self._check_bus(source)
        if state is not None and state not in _ARCHIVE_STATES:
            raise invalid("State", state, f"Member must satisfy enum value set: [{', '.join(_ARCHIVE_STATES)}]")
        found = archive_name(self._bus).startswith(prefix or "")
        archives, following = request.page([self._described()] if found and state in (None, "ENABLED") else [])
        return {"Archives": [*archives], **following}

    def start_replay(self, request: AwsRequest) -> ResponseBody:
        """Start a replay of a window of the archive, to the named rules, or to all."""
        name, source = request.text("ReplayName"), request.text("EventSourceArn")
        first, last = request.moment("EventStartTime"), request.moment("EventEndTime")
        destination = request.object("Destination")
        if not _NAME.fullmatch(name):
            raise invalid("ReplayName", name, r"Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+")
        if not _ARCHIVE_ARN.fullmatch(source):
            raise _parameter("EventSourceArn", "Must contain an archive ARN.")
        if not _BUS_ARN.fullmatch(destination.text("Arn")):
            raise _parameter("Destination.Arn", "Must contain an event bus ARN.")
        if source != archive_arn(self._bus):
            raise _parameter("EventSourceArn", f"Archive {source.rpartition('/')[2]} does not exist.")
        self._check_bus(destination.text("Arn"))
        if last <= first:
            raise _parameter("EventEndTime", "EventStartTime must be before EventEndTime.")
        description = request.maybe_text("Description")
        if len(description or "") > _LONGEST_DESCRIPTION:
            raise invalid("Description", "", f"Member must have length less than or equal to {_LONGEST_DESCRIPTION}")
        functions = self._filtered(destination.texts("FilterArns")) if "FilterArns" in destination else None
        replay = self._replays.begin(name, first, last, functions, description)
        return {"ReplayArn": replay_arn(name), "State": replay.state, "ReplayStartTime": replay.started}

    def describe_replay(self, request: AwsRequest) -> ResponseBody:
        """Describe one replay and its progress."""
        replay = self._replays.named(request.text("ReplayName"))
        destination: ResponseBody = {"Arn": bus_arn(self._bus)}
        if replay.functions is not None:
            destination["FilterArns"] = [rule_arn(self._bus, function) for function in replay.functions]
        found: ResponseBody = {"ReplayArn": replay_arn(replay.name), "Destination": destination, **self._replay(replay)}
        return found | ({"Description": replay.description} if replay.description else {})

    def list_replays(self, request: AwsRequest) -> ResponseBody:
        """List the replays, the latest first."""
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
            and source in (None, archive_arn(self._bus))
            and state in (None, replay.state)
        ]
        replays, following = request.page(found)
        return {"Replays": [self._replay(replay) for replay in replays], **following}

    def cancel_replay(self, request: AwsRequest) -> ResponseBody:
        """Stop a replay at its present position."""
        replay = self._replays.cancel(request.text("ReplayName"))
        return {"ReplayArn": replay_arn(replay.name), "State": replay.state}

    def _check_bus(self, arn: str) -> None:
        """Refuse another bus than the laptop's one."""
        if arn != bus_arn(self._bus):
            raise Refused("ResourceNotFoundException", f"Event bus {arn.rpartition('/')[2]} does not exist.")

    def _described(self) -> ResponseBody:
        count, size = self._replays.archived()
        return {
            "ArchiveName": archive_name(self._bus),
            "EventSourceArn": bus_arn(self._bus),
            "State": "ENABLED",
            "RetentionDays": 0,
            "EventCount": count,
            "SizeBytes": size,
            "CreationTime": self._created,
        }

    def _replay(self, replay: Replay) -> ResponseBody:
        found: ResponseBody = {
            "ReplayName": replay.name,
            "EventSourceArn": archive_arn(self._bus),
            "State": replay.state,
            "EventStartTime": replay.first,
            "EventEndTime": replay.last,
            "ReplayStartTime": replay.started,
        }
        for name, seconds in (("EventLastReplayedTime", replay.replayed), ("ReplayEndTime", replay.ended)):
            if seconds is not None:
                found[name] = seconds
        return found

    def _filtered(self, arns: list[str]) -> set[str]:
        """Return the functions whose rules are named."""
        unknown = [arn for arn in arns if arn not in self._functions]
        if unknown:
            raise _parameter("Destination.FilterArns", f"Rule {unknown[0].rpartition('/')[2]} does not exist.")
        return {self._functions[arn] for arn in arns}


def _parameter(name: str, reason: str) -> Refused:
    return Refused("ValidationException", f"Parameter {name} is not valid. Reason: {reason}")


def _one_filter(operation: str) -> Refused:
    return Refused(
        "ValidationException",
        f"At most one filter is allowed for {operation}. Use either : State, EventSourceArn, or NamePrefix.",
    )
