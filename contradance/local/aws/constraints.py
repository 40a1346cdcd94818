"""The lengths and patterns of EventBridge's parameters, which AWS checks before an operation runs.

Source: the service model of botocore 1.44. SQS's model has none; SQS's operations check their own parameters, each with its
own error.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from contradance.local.refusal import Refused
from contradance.printable import printable

_MOST_NAMED: Final = 20
_LONGEST_VALUE: Final = 100
"""Most characters of a value that an error shows."""
_NAME: Final = r"[\.\-_A-Za-z0-9]+"
_ARN_OF_BUS: Final = r"(arn:aws[\w-]*:events:[a-z]+-[a-z]+-[\w-]+:[0-9]{12}:event-bus\/)?"


class Constraint(NamedTuple):
    """What a text has to satisfy."""

    longest: int
    pattern: str = "(?s:.*)"
    shortest: int = 1


_BUS: Final = Constraint(1_600, _ARN_OF_BUS + r"[/\.\-_A-Za-z0-9]+")
_SOURCE_ARN: Final = Constraint(1_600, r"arn:aws([a-z]|\-)*:events:([a-z]|\d|\-)*:([0-9]{12})?:.+\/.+")
_ANY_ARN: Final = Constraint(1_600)
_RULE: Final = Constraint(64, _NAME)
_REPLAY: Final = Constraint(64, _NAME)
_PAGE: Final = {"NextToken": Constraint(2_048)}
_CONSTRAINTS: Final[Mapping[str, Mapping[str, Constraint]]] = {
    "AWSEvents.CancelReplay": {"ReplayName": _REPLAY},
    "AWSEvents.DescribeArchive": {"ArchiveName": Constraint(48, _NAME)},
    "AWSEvents.DescribeEventBus": {"Name": _BUS},
    "AWSEvents.DescribeReplay": {"ReplayName": _REPLAY},
    "AWSEvents.DescribeRule": {"Name": _RULE, "EventBusName": _BUS},
    "AWSEvents.ListArchives": {"NamePrefix": Constraint(48, _NAME), "EventSourceArn": _SOURCE_ARN, **_PAGE},
    "AWSEvents.ListEventBuses": {"NamePrefix": Constraint(256, r"[/\.\-_A-Za-z0-9]+"), **_PAGE},
    "AWSEvents.ListReplays": {"NamePrefix": _REPLAY, "EventSourceArn": _SOURCE_ARN, **_PAGE},
    "AWSEvents.ListRuleNamesByTarget": {"TargetArn": _ANY_ARN, "EventBusName": _BUS, **_PAGE},
    "AWSEvents.ListRules": {"NamePrefix": _RULE, "EventBusName": _BUS, **_PAGE},
    "AWSEvents.ListTargetsByRule": {"Rule": _RULE, "EventBusName": _BUS, **_PAGE},
    "AWSEvents.PutEvents": {
        "Entries[].EventBusName": Constraint(1_600, _ARN_OF_BUS + _NAME),
        "Entries[].Resources[]": Constraint(2_048, shortest=0),
        "Entries[].TraceHeader": Constraint(500),
    },
    "AWSEvents.StartReplay": {
        "ReplayName": _REPLAY,
        "Description": Constraint(512, ".*", shortest=0),
        "EventSourceArn": _SOURCE_ARN,
        "Destination.Arn": _ANY_ARN,
        "Destination.FilterArns[]": _ANY_ARN,
    },
}
"""By operation and path of the parameter, with `[]` after a list."""


def check_constraints(operation: str, parameters: Mapping[str, Any]) -> None:
    """Raise `Refused` if a text of the operation's parameters has a wrong length, or does not match its pattern.

    The operation itself refuses a parameter that is missing or of another type.
    """
    found = [
        f"Value '{printable(text[:_LONGEST_VALUE])}' at '{member}' failed to satisfy constraint: {broken}"
        for path, constraint in _CONSTRAINTS.get(operation, {}).items()
        for member, text in _texts(parameters, path.split("."))
        if (broken := _broken(text, constraint))
    ]
    if found:
        plural = "" if len(found) == 1 else "s"
        listed = "; ".join(found[:_MOST_NAMED])
        raise Refused("ValidationException", f"{len(found)} validation error{plural} detected: {listed}")


def _broken(text: str, constraint: Constraint) -> str:
    """Return what a text does not satisfy, in AWS's words; an empty text if it is valid."""
    if len(text) < constraint.shortest:
        return f"Member must have length greater than or equal to {constraint.shortest}"
    if len(text) > constraint.longest:
        return f"Member must have length less than or equal to {constraint.longest}"
    if not re.fullmatch(constraint.pattern, text, re.ASCII):
        return f"Member must satisfy regular expression pattern: {constraint.pattern}"
    return ""


def _texts(value: Any, path: list[str], member: str = "") -> Iterator[tuple[str, str]]:
    """Yield (name as in AWS's errors, text) of each text that the path leads to: `entries.1.member.traceHeader`."""
    if not path:
        if isinstance(value, str):
            yield member, value
        return
    name, *rest = path
    found = value.get(name.removesuffix("[]")) if isinstance(value, dict) else None
    inner = f"{member}.{name[:1].lower()}{name[1:]}".removeprefix(".")
    if not name.endswith("[]"):
        yield from _texts(found, rest, inner)
    elif isinstance(found, list):
        for number, item in enumerate(found, 1):
            yield from _texts(item, rest, f"{inner.removesuffix('[]')}.{number}.member")
