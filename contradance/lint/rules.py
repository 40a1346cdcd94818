"""Every rule, run over one choreography; findings that the project accepts are left out."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Final

from contradance.choreography import Choreography
from contradance.lint.compensation import uncompensated
from contradance.lint.filters import filtered_out
from contradance.lint.finding import Finding
from contradance.lint.path import cycles
from contradance.lint.reach import unheard, unpublished, unreachable, unspoken

RULES: Final[tuple[Callable[[Choreography], Iterable[Finding]], ...]] = (
    unspoken,
    unpublished,
    unheard,
    cycles,
    uncompensated,
    unreachable,
    filtered_out,
)


def findings(
    choreography: Choreography,
    archives: Mapping[str, int] | None = None,
    accepted: Mapping[str, str] | None = None,
) -> list[Finding]:
    """Return what is found and not accepted.

    Args:
        choreography: what to look at.
        archives: days that each stack's archive keeps events, by the stack's name.
        accepted: why a finding is fine, by its name; one that is not found any more is a finding itself.
    """
    known = dict(accepted or {})
    found = [one for rule in RULES for one in rule(choreography)]
    found += outlived(choreography, archives or {})
    names = {one.name for one in found}
    return [one for one in found if one.name not in known] + [_stale(name) for name in known if name not in names]


def outlived(choreography: Choreography, archives: Mapping[str, int]) -> Iterator[Finding]:
    """Find functions that may still try an event which the archive no longer has."""
    for stack, days in archives.items():
        for function, _ in choreography.subscriptions:
            if function.retry.max_age > timedelta(days=days):
                yield Finding(
                    "outlived",
                    f"{function.name} {stack}",
                    f"{function.name} has {function.retry}, and the archive of the stack {stack} keeps an event for "
                    f"{days} {'day' if days == 1 else 'days'}.",
                    "What fails at the end of its retries cannot be replayed: the archive has forgotten it.",
                    f"Raise archiveDays in Pulumi.{stack}.yaml, or lower the function's Retry(max_age=...).",
                )


def _stale(name: str) -> Finding:
    return Finding(
        "stale",
        name,
        f"pyproject.toml accepts {name!r}, which is not found.",
        "An acceptance that outlives what it accepted would hide the next mistake of that name.",
        "Remove it from [tool.contradance.accepted].",
    )
