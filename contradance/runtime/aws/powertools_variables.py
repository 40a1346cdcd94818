"""Powertools' variables that stop an application when their value is unknown: Powertools raises a bare ValueError."""

import logging
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Final, NamedTuple

from contradance.bounds import MAX_PROBLEM, shortened

_LEVEL: Final = "POWERTOOLS_LOG_LEVEL"
_OLD_LEVEL: Final = "LOG_LEVEL"
"""Powertools reads it when `_LEVEL` is not set."""
_SAMPLE_RATE: Final = "POWERTOOLS_LOGGER_SAMPLE_RATE"
READ_AT_IMPORT: Final = "POWERTOOLS_DEBUG"
"""The variable that Powertools reads when it is imported."""
_SWITCHES: Final = (
    READ_AT_IMPORT,
    "POWERTOOLS_DEV",
    "POWERTOOLS_LOGGER_LOG_EVENT",
    "POWERTOOLS_LOG_DEDUPLICATION_DISABLED",
    "POWERTOOLS_METRICS_DISABLED",
)
_WORDS: Final = frozenset(["1", "y", "yes", "t", "true", "on", "0", "n", "no", "f", "false", "off"])


class OddVariable(NamedTuple):
    """A variable with a value that Powertools does not accept."""

    name: str
    value: str
    fix: str

    def __str__(self) -> str:
        return f"{self.name} is {shortened(self.value, MAX_PROBLEM)!r}, which Powertools does not accept.\n  {self.fix}"


def odd_variables(environ: Mapping[str, str]) -> Iterator[OddVariable]:
    """Yield each variable of Powertools that is set to a value that it does not accept."""
    checks: dict[str, tuple[Callable[[str], bool], str]] = {
        _LEVEL: (_is_level, "a level, like INFO"),
        _SAMPLE_RATE: (_is_number, "a number from 0 to 1"),
        **dict.fromkeys(_SWITCHES, (_is_switch, "true or false")),
    }
    if _LEVEL not in environ:
        checks[_OLD_LEVEL] = (lambda value: value != "" and _is_level(value), "a level, like INFO")
    for name, (is_known, wanted) in checks.items():
        value = environ.get(name)
        if value is not None and not is_known(value):
            yield OddVariable(name, value, f"Set it to {wanted}, or unset it.")


def unset_odd_variables(environ: MutableMapping[str, str], only: str | None = None) -> list[OddVariable]:
    """Unset each variable that `odd_variables` yields, or the one with the name `only`; return them."""
    found = [one for one in odd_variables(environ) if only in (None, one.name)]
    for one in found:
        del environ[one.name]
    return found


def _is_level(value: str) -> bool:
    """Whether a text is the name of a level in any case, or empty, which is INFO."""
    return value == "" or value.upper() in logging.getLevelNamesMapping()


def _is_number(value: str) -> bool:
    """Whether a text is a number, or empty, which is 0."""
    try:
        float(value or "0")
    except ValueError:
        return False
    return True


def _is_switch(value: str) -> bool:
    """Whether a text is one of Powertools' words for true and false."""
    return value.lower() in _WORDS
