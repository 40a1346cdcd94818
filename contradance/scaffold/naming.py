"""What things may be called, checked before any file is written, and how one name is made from another."""

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
"""Longest name, in characters: what AWS gives a rule or a function."""
_TAKEN: Final = frozenset({*contradance.__all__, "Annotated", "AwareDatetime", "BaseModel", "Decimal", "Field", "UUID"})


@dataclass(frozen=True, slots=True)
class _Rule:
    """What one kind of thing may be called."""

    kind: str
    shape: re.Pattern[str]
    allowed: str
    example: str
    longest: int = _LONGEST

    def checked(self, name: str, taken: Iterable[str]) -> str:
        """Return `name`, or say why it cannot be one."""
        if len(name) > self.longest:
            raise CannotCreate(
                f"the name of {self.kind} may have {self.longest} characters, and this has {len(name)}.\n  Choose a shorter one."
            )
        if not self.shape.fullmatch(name):
            raise CannotCreate(
                f"{name!r} cannot name {self.kind}: it may hold {self.allowed}, and begins with a letter.\n"
                f"  Name it like {self.example!r}."
            )
        if name in set(taken):
            raise CannotCreate(
                f"{name!r} cannot name {self.kind}: it already means something.\n  Name it like {self.example!r}."
            )
        return name


_LOWER: Final = "lower-case letters, digits and '_'"
_APP: Final = _Rule(
    "a project", re.compile(r"[a-z][a-z0-9_-]*"), "lower-case letters, digits, '-' and '_'", "my-library", 32
)
_SERVICE: Final = _Rule("a service", _SNAKE, _LOWER, "loans")
_FUNCTION: Final = _Rule("a function", _SNAKE, _LOWER, "remind_reader")
_FIELD: Final = _Rule("a field", _SNAKE, _LOWER, "loan_id")
_EVENT: Final = _Rule("an event", re.compile(r"[A-Z][A-Za-z0-9]*"), "letters and digits", "BookLent", MAX_DETAIL_TYPE)


def app_name(name: str) -> str:
    """Return `name` if a new project may have it: it becomes a bus, a folder and the first half of each source."""
    return _APP.checked(name, ("aws", "contradance"))


def service_name(name: str) -> str:
    """Return `name` if a service may have it: it becomes a folder of functions and the second half of a source."""
    return _SERVICE.checked(name, keyword.kwlist)


def function_name(name: str) -> str:
    """Return `name` if a function may have it: it becomes a module and the handler in it."""
    return _FUNCTION.checked(name, [*keyword.kwlist, *vars(builtins), "subscriber", "route", "schedule", "log"])


def field_name(name: str) -> str:
    """Return `name` if a field may have it."""
    return _FIELD.checked(name, [*keyword.kwlist, "failure", "identity", "subject_field", *dir(contradance.Contract)])


def event_name(name: str) -> str:
    """Return the class of an event; the article's `book_lent` and our `BookLent` are the same event."""
    return _EVENT.checked(pascal(name) if _SNAKE.fullmatch(name) else name, [*_TAKEN, *vars(builtins)])


def pascal(name: str) -> str:
    """Return `BookLent` for `book_lent`."""
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))


def snake(name: str) -> str:
    """Return `book_lent` for `BookLent`."""
    return "_".join(_WORD.findall(name)).lower()


def words(name: str) -> str:
    """Return `book lent` for `BookLent` and for `book_lent`."""
    return snake(name).replace("_", " ") if name[:1].isupper() else name.replace("_", " ")


def one_of(services: Iterable[str], word: str) -> str | None:
    """Return the service that `word` names, in the singular or the plural: `loan` is the service `loans`."""
    known = set(services)
    plurals = (word, f"{word}s", f"{word}es", f"{word.removesuffix('y')}ies")
    return next((name for name in plurals if name in known), None)
