"""Describes an exception for journal and logs: enough to find the fault, without personal data."""

import re
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Final

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

from contradance.bounds import MAX_PROBLEMS, MAX_REASON_BYTES, MAX_TRACEBACK_BYTES, shortened
from contradance.errors import ContradanceError, HandlerExited, error_message
from contradance.printable import encodable
from contradance.runtime.containment import raised_by
from contradance.runtime.frames import author_frames, format_frames, last_place
from contradance.violation import problems

_LONGEST: Final = 300
_SHORTEST_PROBLEM: Final = 20
"""Least characters of one problem in the text of Pydantic's error."""
_LONGEST_CHAIN: Final = 20
"""Most causes of one exception that are looked at; a chain of exceptions may be a circle."""
_MOST_EXCEPTIONS: Final = 100
"""Most exceptions in one text; a group may hold any number, and one exception many times."""
LONGEST_TRACEBACK: Final = 6_000
"""Most characters of a traceback in the journal; the middle of a longer one is left out."""
_MOST_NOTES: Final = 20
"""Most notes of one exception in its text."""
_SERIALIZING: Final = re.compile(
    r"(Error serializing to JSON: )?(PydanticSerializationError: )?"
    r"(Error calling function `[^`]*`: \w+|Unable to serialize unknown type|(?<=JSON: )\w+)"
)
"""How Pydantic's serializer begins a message about an author's function or type."""
_QUOTED: Final = "input_value="
"""What Pydantic writes before a value that it quotes."""


def _total(describe: Callable[[BaseException], str]) -> Callable[[BaseException], str]:
    """Return `describe` with a fallback for an exception that raises when it is read: a sentence with its class."""

    @wraps(describe)
    def described(error: BaseException) -> str:
        try:
            return describe(error)
        except BaseException as failure:  # noqa: BLE001 - an author's class may raise anything, for each attribute
            kind = shortened(type.__repr__(type(error)), _LONGEST)
            return f"{kind} cannot be described: reading it raised {type.__repr__(type(failure))}"

    return described


@_total
def describe_error(error: BaseException) -> str:
    """Return an exception's type, message without values that Pydantic quotes, and the author's last line."""
    error = raised_by(error)
    place = last_place(error)
    return encodable(_titled(error)[:_LONGEST] + (f" ({place})" if place else ""))


@_total
def message_of(error: BaseException) -> str:
    """Return the message of an exception, cut to its bound, without values that Pydantic quotes in it or its causes."""
    return shortened(_message(error), MAX_REASON_BYTES)


def _message(error: BaseException) -> str:
    """Return an exception's message, in which Pydantic's errors, also quoted ones, are described without the value."""
    if isinstance(error, ValidationError):
        found = problems(error, names=_field_names(BaseModel))
        return f"{error.title}: " + "; ".join(f"{path}: {problem}" if path else problem for path, problem in found)
    if isinstance(error, PydanticSerializationError):
        return _serialization_message(error_message(error))
    message = error_message(error)
    if isinstance(error, HandlerExited):  # it quotes nothing, and its context may raise when it is read
        return message
    return _without_quotes(message, _before(error))


def _serialization_message(text: str) -> str:
    """Return the message of Pydantic's serializer without the values that it quotes: which function raised what."""
    called = _SERIALIZING.match(text)
    if called is None:
        return "A model holds what its fields do not allow"
    return called[0] if _QUOTED in text else text


def _titled(error: BaseException) -> str:
    """Return an exception's type and message, as Python prints them: the type alone when the message is empty."""
    message = message_of(error)
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _notes(error: BaseException) -> str:
    """Return the notes that `add_note` gave an exception, each on lines of its own; empty without one."""
    notes = getattr(error, "__notes__", ())
    texts = [note for note in notes if isinstance(note, str)][:_MOST_NOTES] if isinstance(notes, list | tuple) else []
    return shortened("".join(f"\n{_without_quotes(text, error)}" for text in texts), MAX_REASON_BYTES)


def _without_quotes(text: str, before: BaseException | None) -> str:
    """Return a text in which Pydantic's errors among `before` and its causes are described without their values."""
    for _ in range(_LONGEST_CHAIN):
        if before is None:
            break
        if isinstance(before, ValidationError | PydanticSerializationError) and _may_quote(text, before):
            text = text.replace(str(before), _message(before))
        before = _before(before)
    return text


def _before(error: BaseException) -> BaseException | None:
    """Return the cause of an exception, or else its context; an author's exception may be false, or raise when asked."""
    return error.__context__ if error.__cause__ is None else error.__cause__


def with_bounded_message(error: Exception) -> Exception:
    """Return `error`, or, when its message is long, a `ContradanceError` of the same name with a short message.

    Lambda writes the message into its record.
    """
    large = isinstance(error, ValidationError) and error.error_count() > MAX_PROBLEMS
    if not large and len(error_message(error).encode(errors="replace")) <= MAX_REASON_BYTES:
        return error
    bounded: Exception = type(type(error).__name__, (ContradanceError,), {})(message_of(error))
    return bounded


def _may_quote(message: str, before: ValidationError | PydanticSerializationError) -> bool:
    """Whether `message` is long enough to quote `before`: the text of thousands of problems is slow to build."""
    return not isinstance(before, ValidationError) or len(message) > before.error_count() * _SHORTEST_PROBLEM


@_total
def author_traceback(error: BaseException) -> str:
    """Return the traceback from the author's first frame on, with causes and cut to its limit, for the journal.

    It has no value that Pydantic quotes and no folder of the machine, and at most `LONGEST_TRACEBACK` characters.
    """
    text = "".join(_lines(error, set(), author_frames))
    if len(text) <= LONGEST_TRACEBACK:
        return text
    half = LONGEST_TRACEBACK // 2
    return f"{text[:half]}\n  ... {len(text) - 2 * half} characters are left out ...\n{text[-half:]}"


def log_keys(error: BaseException) -> dict[str, str]:
    """Return an exception as text for the `extra=` of a log call; another logger would print it with values."""
    return {"exception": exception_text(error), "exception_name": type(error).__name__}


@_total
def exception_text(error: BaseException) -> str:
    """Return a traceback with its causes as Python prints it, without values that Pydantic quotes, and cut."""
    text = ""
    for line in _lines(error, set(), format_frames):
        text += line
        if len(text) > MAX_TRACEBACK_BYTES:
            break
    return shortened(text, MAX_TRACEBACK_BYTES)


def _lines(error: BaseException, seen: set[int], format_: Callable[[BaseException], str]) -> Iterator[str]:
    """Yield the parts of an exception's text: causes first, then frames and message, then members of a group."""
    seen.add(id(error))
    cause = error.__cause__
    before = cause if cause is not None or error.__suppress_context__ else error.__context__
    if before is not None and id(before) not in seen and len(seen) < _LONGEST_CHAIN:
        yield from _lines(before, seen, format_)
        yield (
            "\n\nThe above exception was the direct cause of the following exception:\n\n"
            if cause is not None
            else "\n\nDuring handling of the above exception, another exception occurred:\n\n"
        )
    if frames := format_(error):
        yield f"Traceback (most recent call last):\n{frames}"
    yield _titled(error) + _notes(error)
    if isinstance(error, BaseExceptionGroup):
        for number, member in enumerate(error.exceptions, 1):
            if max(number, len(seen)) >= _MOST_EXCEPTIONS:
                yield "\n\nFurther exceptions of the group are left out.\n"
                return
            yield f"\n\nException {number} of the group:\n\n"
            if id(member) in seen:  # its causes and frames are above
                yield _titled(member)
            else:
                yield from _lines(member, seen, format_)


def _field_names(model: type[BaseModel]) -> set[str]:
    """Return the field names of a model and all its subclasses: other steps of an error's path may be data."""
    return {*model.model_fields}.union(*map(_field_names, model.__subclasses__()))
