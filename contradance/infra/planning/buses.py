"""The buses of events of others: resolved by the stack's configuration, and with an archive where it asks for one."""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from contradance.errors import InvalidStack
from contradance.foreign import DEFAULT_BUS
from contradance.function import AnyFunction
from contradance.infra.config import StackConfig
from contradance.infra.planning.naming import Names
from contradance.infra.planning.site import BusPlan, Site
from contradance.infra.planning.statement import canonical
from contradance.subscription import Subscription

LONGEST_PATTERN: Final = 4096
"""Most characters of an archive's pattern. EventBridge API reference, CreateArchive."""
_NAME: Final = re.compile(r"[/.\-_A-Za-z0-9]{1,256}")
"""A bus's name; a partner's has slashes. EventBridge API reference, PutRule."""


@dataclass(frozen=True, slots=True)
class ArchivePlan:
    """An archive of the events that a stack's rules on one bus match."""

    name: str
    arn: str
    pattern: str
    days: int


@dataclass(frozen=True, slots=True)
class ForeignBusPlan:
    """One bus of events of others. The stack creates rules on it, and neither creates nor deletes the bus."""

    bus: BusPlan
    archive: ArchivePlan | None


def plan_buses(
    functions: Iterable[AnyFunction], config: StackConfig, site: Site, names: Names, own: BusPlan
) -> Mapping[str, ForeignBusPlan]:
    """Return the buses of events of others that these functions use, by their names in the declarations.

    Raises:
        InvalidStack: the configuration does not name a bus, names one that no function uses, or gives the name of the
            stack's own bus, `own`; the message has the fix.
    """
    patterns: dict[str, list[Any]] = {}
    for function in functions:
        if isinstance(function.trigger, Subscription) and function.trigger.bus is not None:
            patterns.setdefault(function.trigger.bus, []).append(json.loads(function.trigger.pattern.canonical))
    found = [f"  {problem}" for problem in _problems(patterns, config, site.stack, own)]
    if found:
        raise InvalidStack(f"stack {site.stack!r} does not fit the buses of {site.app!r}:\n" + "\n".join(found))
    return {
        name: ForeignBusPlan(
            _configured_bus(name, config.buses.get(name, name), site),
            _plan_archive(name, patterns[name], config, site, names),
        )
        for name in sorted(patterns)
    }


def parse_bus(arn: str, where: str, site: Site, key: str = "bus", archive_arn: str | None = None) -> BusPlan:
    """Return the bus with this ARN, which another stack or team owns; raise `InvalidStack` if rules cannot be on it.

    Args:
        arn: of the bus.
        where: how a message names the place of the ARN.
        site: of the stack.
        key: of the configuration, for the fix.
        archive_arn: of the bus's archive; None where it is not known.

    Raises:
        InvalidStack: it is not the ARN of a bus in the stack's account and region.
    """
    parts = arn.split(":")
    kind, _, name = parts[-1].partition("/")
    if len(parts) != 6 or (parts[2], kind) != ("events", "event-bus") or not _NAME.fullmatch(name):  # noqa: PLR2004 - an ARN has six
        raise InvalidStack(
            f"stack {site.stack!r} has {where}, which is not the ARN of an event bus: {arn!r}.\n"
            f"  Fix: pulumi config set --stack {site.stack} {key} {site.arn('events', 'event-bus/NAME')}"
        )
    for what, theirs, ours in (("region", parts[3], site.region), ("account", parts[4], site.account)):
        if theirs != ours:
            raise InvalidStack(
                f"stack {site.stack!r} has {where}, which names a bus in another {what}, {theirs}; the stack is deployed to "
                f"{ours}. A rule is in the {what} of its bus, and events are not forwarded from one to another yet.\n"
                f"  Fix: deploy this stack to {theirs}."
            )
    if archive_arn and archive_arn.split(":")[:5] != parts[:5]:
        raise InvalidStack(
            f"stack {site.stack!r} has an archive in another account or region than {where}: {archive_arn!r}.\n"
            f"  Fix: pulumi config set --stack {site.stack} busArchive {site.arn('events', 'archive/NAME')}"
        )
    return BusPlan(name, arn, owned=False, archive_arn=archive_arn)


def _problems(used: Collection[str], config: StackConfig, stack: str, own: BusPlan) -> list[str]:
    """Return the problems of the keys `buses` and `archives`, each with its fix; `used`: declared names of buses."""
    found = [
        f"bus {name!r} is used by functions, but not named.\n"
        f"  Fix: pulumi config set --stack {stack} --path 'buses.{name}' NAME_OR_ARN"
        for name in sorted(used)
        if name != DEFAULT_BUS and name not in config.buses
    ]
    listed = [(key, name) for key, names in (("buses", config.buses), ("archives", config.archives)) for name in names]
    found += [
        f"{key}.{name}: no function of this stack consumes from the bus {name!r}.\n"
        f"  Fix: pulumi config rm --stack {stack} --path '{key}.{name}'"
        for key, name in listed
        if name not in used
    ]
    wrong = (_wrong_entry(name, value, stack, own) for name, value in config.buses.items() if name in used)
    return found + [problem for problem in wrong if problem]


def _wrong_entry(name: str, value: str, stack: str, own: BusPlan) -> str | None:
    """Return the problem of the key `buses.{name}`, with its fix; None when its value may name a bus of others."""
    remove = f"pulumi config rm --stack {stack} --path 'buses.{name}'"
    change = f"pulumi config set --stack {stack} --path 'buses.{name}' NAME_OR_ARN"
    if name == DEFAULT_BUS:
        return f"buses.default: the account's default bus has one name.\n  Fix: {remove}"
    if not value.startswith("arn:") and not _NAME.fullmatch(value):
        return f"buses.{name} is not the name or the ARN of a bus.\n  Fix: {change}"
    if value in (own.name, own.arn):
        return (
            f"buses.{name} names {own.name!r}, the stack's own bus.\n"
            f"  Fix: declare its events without bus={name!r}, and {remove}; or name another bus: {change}"
        )
    return None


def _configured_bus(name: str, value: str, site: Site) -> BusPlan:
    """Return the bus of the key `buses.{name}`, whose value is its name or its ARN, which `parse_bus` checks."""
    if value.startswith("arn:"):
        return parse_bus(value, f"the key buses.{name}", site, f"--path 'buses.{name}'")
    return BusPlan(value, site.arn("events", f"event-bus/{value}"), owned=False)


def _plan_archive(bus: str, patterns: list[Any], config: StackConfig, site: Site, names: Names) -> ArchivePlan | None:
    """Return the plan of an archive of the events that these patterns match; None when the stack configures none."""
    days = config.archives.get(bus)
    if days is None:
        return None
    name = names.name("archive", bus)
    return ArchivePlan(name, site.arn("events", f"archive/{name}"), _archive_pattern(bus, patterns, site), days)


def _archive_pattern(bus: str, patterns: list[Any], site: Site) -> str:
    """Return one pattern of what any pattern matches, without filters if too long; raise `InvalidStack` if still so."""
    parts = [part for pattern in patterns for part in pattern.get("$or", [pattern])]
    whole = [{name: part[name] for name in ("source", "detail-type", "detail") if name in part} for part in parts]
    wider = [{name: part[name] for name in ("source", "detail-type")} for part in parts]
    text = min(_either(whole), _either(wider), key=lambda one: len(one) > LONGEST_PATTERN)
    if len(text) <= LONGEST_PATTERN:
        return text
    raise InvalidStack(
        f"stack {site.stack!r} needs an archive on the bus {bus!r} with a pattern of {len(text)} characters; it may have "
        f"{LONGEST_PATTERN}.\n  Fix: pulumi config rm --stack {site.stack} --path 'archives.{bus}', or deploy fewer functions "
        "with this stack."
    )


def _either(parts: list[dict[str, Any]]) -> str:
    """Return the JSON text of one pattern that matches what any of `parts` matches."""
    distinct = [json.loads(text) for text in dict.fromkeys(map(canonical, parts))]
    return canonical(distinct[0] if len(distinct) == 1 else {"$or": distinct})
