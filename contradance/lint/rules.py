"""All lint rules, and the findings of one choreography without those that the project accepts."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

from contradance.choreography import Choreography
from contradance.lint.compensation import uncompensated
from contradance.lint.filters import impossible_filters
from contradance.lint.finding import LintFinding
from contradance.lint.links import unlinked
from contradance.lint.listed import unlisted
from contradance.lint.path import cycles
from contradance.lint.reach import unconsumed, unpublished, unreachable, unused
from contradance.quantity import counted

RULES: Final[tuple[Callable[[Choreography], Iterable[LintFinding]], ...]] = (
    unused,
    unpublished,
    unconsumed,
    cycles,
    uncompensated,
    unreachable,
    impossible_filters,
    unlinked,
)


def findings(
    choreography: Choreography,
    archives: Mapping[str, int] | None = None,
    accepted: Mapping[str, str] | None = None,
    code: tuple[Path, str] | None = None,
) -> list[LintFinding]:
    """Return the findings that are not accepted, and one for each accepted finding that no longer exists.

    Args:
        choreography: the choreography to check.
        archives: how many days each stack's archive keeps events, by stack.
        accepted: the reason by accepted finding; an accepted finding that no longer exists is a finding too.
        code: the project's folder and the choreography's module, to find handlers that are not listed.
    """
    known = dict(accepted or {})
    found = [one for rule in RULES for one in rule(choreography)]
    found += outlived(choreography, archives or {})
    found += unlisted(choreography, *code) if code else ()
    names = {one.name for one in found}
    return [one for one in found if one.name not in known] + [_stale(name) for name in known if name not in names]


def outlived(choreography: Choreography, archives: Mapping[str, int]) -> Iterator[LintFinding]:
    """Yield a finding for each function that retries longer than a stack's archive, given in days, keeps events."""
    for stack, days in archives.items():
        for function, _ in choreography.subscriptions:
            if function.retry.max_age > timedelta(days=days):
                yield LintFinding(
                    "outlived",
                    f"{function.name} {stack}",
                    f"{function.name} has {function.retry}, and the archive of the stack {stack} keeps an event for "
                    f"{counted(days, 'day')}.",
                    "An event that fails after its last retry cannot be replayed, because the archive no longer holds it.",
                    f"Raise archiveDays in Pulumi.{stack}.yaml, or lower the function's Retry(max_age=...).",
                )


def _stale(name: str) -> LintFinding:
    """Return the finding that an accepted finding with this name no longer exists."""
    return LintFinding(
        "stale",
        name,
        f"pyproject.toml accepts {name!r}, which no rule finds.",
        "It would hide a later mistake of the same name.",
        "Remove it from [tool.contradance.accepted].",
    )
