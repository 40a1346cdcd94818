"""Checks names before a file is written, and converts between forms of a name."""

import builtins
import keyword
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import contradance
from contradance.errors import CannotCreate
from contradance.identity import MAX_DETAIL_TYPE

_SNAKE: Final = re.compile(r"[a-z][a-z0-9_]*")
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")
_LONGEST: Final = 64
"""Largest number of characters in a name: AWS's limit for rules and functions."""
_TAKEN: Final = frozenset({*contradance.__all__, "Annotated", "AwareDatetime", "BaseModel", "Decimal", "Field", "UUID"})


@dataclass(frozen=True, slots=True)
class _NamingRule:
    """Which names one kind of thing may have."""

    kind: str
    shape: re.Pattern[str]
    allowed: str
    example: str
    longest: int = _LONGEST

    def check_name(self, name: str, taken: Iterable[str]) -> str:
        """Return `name`; raise `CannotCreate` with the reason if it is not allowed."""
        if len(name) > self.longest:
            raise CannotCreate(
                f"the name of {self.kind} may have {self.longest} characters; this one has {len(name)}.\n  Choose a shorter name."
            )
        if not self.shape.fullmatch(name):
            raise CannotCreate(
                f"{name!r} cannot name {self.kind}: such a name has {self.allowed}, and begins with a letter.\n"
                f"  Choose a name like {self.example!r}."
            )
        if name in set(taken):
            raise CannotCreate(
                f"{name!r} cannot name {self.kind}: the name is reserved.\n  Choose a name like {self.example!r}."
            )
        return name


_LOWER: Final = "lower-case letters, digits and '_'"
_APP: Final = _NamingRule(
    "a project", re.compile(r"[a-z][a-z0-9_-]*"), "lower-case letters, digits, '-' and '_'", "my-library", 32
)
_SERVICE: Final = _NamingRule("a service", _SNAKE, _LOWER, "loans")
_FUNCTION: Final = _NamingRule("a function", _SNAKE, _LOWER, "remind_reader")
_FIELD: Final = _NamingRule("a field", _SNAKE, _LOWER, "loan_id")
_EVENT: Final = _NamingRule(
    "an event", re.compile(r"[A-Z][A-Za-z0-9]*"), "letters and digits", "BookLent", MAX_DETAIL_TYPE
)


def app_name(name: str) -> str:
    """Return `name`, which becomes a bus, a folder and the first part of sources; raise `CannotCreate` if invalid."""
    return _APP.check_name(name, ("aws", "contradance"))


def service_name(name: str) -> str:
    """Return `name`, which becomes a folder and the second part of sources; raise `CannotCreate` if invalid."""
    return _SERVICE.check_name(name, keyword.kwlist)


def function_name(name: str) -> str:
    """Return `name`, which becomes a module and its handler; raise `CannotCreate` if invalid."""
    return _FUNCTION.check_name(name, [*keyword.kwlist, *vars(builtins), "subscriber", "route", "schedule", "log"])


def field_name(name: str) -> str:
    """Return `name`, which becomes a field of a contract; raise `CannotCreate` if invalid."""
    return _FIELD.check_name(
        name, [*keyword.kwlist, "failure", "identity", "subject_field", *dir(contradance.Contract)]
    )


def event_name(name: str) -> str:
    """Return an event's class name: `BookLent` for `BookLent` and for `book_lent`; raise `CannotCreate` if invalid."""
    return _EVENT.check_name(pascal(name) if _SNAKE.fullmatch(name) else name, [*_TAKEN, *vars(builtins)])


def pascal(name: str) -> str:
    """Return `BookLent` for `book_lent`."""
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))


def snake(name: str) -> str:
    """Return `book_lent` for `BookLent`."""
    return "_".join(_WORD.findall(name)).lower()


def words(name: str) -> str:
    """Return `book lent` for `BookLent` and for `book_lent`."""
    return snake(name).replace("_", " ") if name[:1].isupper() else name.replace("_", " ")


def find_service(services: Iterable[str], word: str) -> str | None:
    """Return the service that `word` names, in the singular or plural: `loans` for `loan`; None if there is none."""
    known = set(services)
    plurals = (word, f"{word}s", f"{word}es", f"{word.removesuffix('y')}ies")
    return next((name for name in plurals if name in known), None)
