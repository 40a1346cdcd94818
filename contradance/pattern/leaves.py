"""Finding the value of a field in an event: quickly where no array of objects is in the way, completely elsewhere.

The quick way covers nearly every event. It gives up, by answering ELSEWHERE, where it meets an array on the way to the
field, an array that holds more than leaves, or a name with dots that may be another spelling of the path; the callers
then take the complete way.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from contradance.pattern.alternatives import Alternatives
from contradance.pattern.scalar import LEAVES


class _Mark:
    __slots__ = ()


MISSING: Final = _Mark()
"""The event has no leaf there."""

ELSEWHERE: Final = _Mark()
"""The quick way does not know."""

_MOST_QUICK_STEPS = 8

FieldReader = Callable[[Mapping[str, object]], object]
FieldCheck = Callable[[Mapping[str, object]], bool | None]


def reader(path: str) -> FieldReader:
    """Make a function from an event to what stands at `path`: any JSON value, MISSING or ELSEWHERE."""
    steps = path.split(".")
    if len(steps) == 1:
        return lambda event: event.get(path, MISSING)
    if len(steps) == 2:  # noqa: PLR2004 - the fields of `detail`, where most patterns look
        return _reader_of_two(path, *steps)
    if len(steps) > _MOST_QUICK_STEPS:
        return lambda _: ELSEWHERE
    return _reader_of_many(steps)


def _reader_of_two(path: str, outer: str, inner: str) -> FieldReader:
    def read(event: Mapping[str, object]) -> object:
        value = event.get(outer, MISSING)
        if path in event:
            return ELSEWHERE
        if type(value) is dict:
            return value.get(inner, MISSING)
        return ELSEWHERE if isinstance(value, (list, tuple, Mapping)) else MISSING

    return read


def _reader_of_many(steps: list[str]) -> FieldReader:
    way = [(step, [".".join(steps[i:j]) for j in range(i + 2, len(steps) + 1)]) for i, step in enumerate(steps)]

    def read(event: Mapping[str, object]) -> object:
        value: object = event
        for step, other_spellings in way:
            if not isinstance(value, Mapping):
                return ELSEWHERE if isinstance(value, (list, tuple)) else MISSING
            for spelling in other_spellings:
                if spelling in value:
                    return ELSEWHERE
            value = value.get(step, MISSING)
        return value

    return read


def check(path: str, alternatives: Alternatives) -> FieldCheck:
    """Make a function from an event to whether a field is right; None where the quick way does not know.

    Four of a kind, because this is where the time goes.
    """
    accepts, keys = alternatives.accepts, alternatives.keys
    if "." not in path:
        if alternatives.operators:

            def check_top(event: Mapping[str, object]) -> bool | None:
                value = event.get(path, MISSING)
                return accepts(value) if type(value) in LEAVES else settle(value, alternatives)

            return check_top

        def check_top_text(event: Mapping[str, object]) -> bool | None:
            value = event.get(path, MISSING)
            return value in keys if type(value) is str else settle(value, alternatives)

        return check_top_text
    read = reader(path)
    if alternatives.operators:

        def check_deep(event: Mapping[str, object]) -> bool | None:
            value = read(event)
            return accepts(value) if type(value) in LEAVES else settle(value, alternatives)

        return check_deep

    def check_deep_text(event: Mapping[str, object]) -> bool | None:
        value = read(event)
        return value in keys if type(value) is str else settle(value, alternatives)

    return check_deep_text


def settle(value: object, alternatives: Alternatives) -> bool | None:
    """Say whether a value is right; None where the quick way does not know."""
    if value is ELSEWHERE:
        return None
    if value is MISSING or isinstance(value, Mapping):
        return alternatives.absent
    if not isinstance(value, (list, tuple)):
        return alternatives.accepts(value)
    if not value:
        return alternatives.absent
    if any(isinstance(element, (list, tuple, Mapping)) for element in value):
        return None
    return any(alternatives.accepts(element) for element in value)


def spellings(value: Mapping[str, object]) -> Iterator[tuple[str, list[str]]]:
    """Go through the names of an object that have dots in them, and the steps that they stand for."""
    for name in value:
        if isinstance(name, str) and "." in name:  # type: ignore[redundant-expr]  # Python's mappings hold more
            yield name, name.split(".")


def leaves(event: Mapping[str, object], path: str) -> Iterator[object]:
    """Go through every leaf at `path`, through arrays and in any spelling: the complete way, for one field."""
    steps = path.split(".")
    stack: list[tuple[object, int]] = [(event, 0)]
    while stack:
        value, done = stack.pop()
        if isinstance(value, (list, tuple)):
            stack.extend((element, done) for element in reversed(value))
        elif not isinstance(value, Mapping):
            if done == len(steps):
                yield value
        elif done < len(steps):
            if steps[done] in value:
                stack.append((value[steps[done]], done + 1))
            for name, spelled in spellings(value) if done + 1 < len(steps) else ():
                if steps[done : done + len(spelled)] == spelled:
                    stack.append((value[name], done + len(spelled)))
