"""Finds the value of a field in an event: by a quick lookup for nearly every event, by a complete one for the rest.

The quick lookup returns ELSEWHERE, or a check returns None, when it meets an array on the way to the field, an array with
objects or arrays in it, or a name with dots that may spell the path in another way. The caller then does the complete
lookup.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from contradance.pattern.alternatives import Alternatives
from contradance.pattern.scalar import LEAVES


class _Mark:
    """A unique value that no JSON document holds."""

    __slots__ = ()


MISSING: Final = _Mark()
"""Returned when the event has no leaf at the path."""

ELSEWHERE: Final = _Mark()
"""Returned when the quick lookup cannot decide."""

_MOST_QUICK_STEPS = 8

FieldReader = Callable[[Mapping[str, object]], object]
FieldCheck = Callable[[Mapping[str, object]], bool | None]


def field_reader(path: str) -> FieldReader:
    """Return a function that takes an event and returns its value at `path`: a JSON value, MISSING or ELSEWHERE."""
    steps = path.split(".")
    if len(steps) == 1:
        return lambda event: event.get(path, MISSING)
    if len(steps) == 2:  # noqa: PLR2004 - the fields of `detail`, where most patterns look
        return _reader_of_two(path, *steps)
    if len(steps) > _MOST_QUICK_STEPS:
        return lambda _: ELSEWHERE
    return _reader_of_nested(steps)


def _reader_of_two(path: str, outer: str, inner: str) -> FieldReader:
    """Return a reader of `outer.inner`, faster than the one for more steps; `path` is both with a dot between."""

    def read(event: Mapping[str, object]) -> object:
        """Return the value, MISSING, or ELSEWHERE at an array or at a name with a dot."""
        value = event.get(outer, MISSING)
        if path in event:
            return ELSEWHERE
        if type(value) is dict:
            return value.get(inner, MISSING)
        return ELSEWHERE if isinstance(value, (list, tuple, Mapping)) else MISSING

    return read


def _reader_of_nested(steps: list[str]) -> FieldReader:
    """Return a reader that returns the value, MISSING, or ELSEWHERE at an array or a name with dots."""
    way = [(step, [".".join(steps[i:j]) for j in range(i + 2, len(steps) + 1)]) for i, step in enumerate(steps)]

    def read(event: Mapping[str, object]) -> object:
        """Return the value, MISSING, or ELSEWHERE at an array or at a name with dots."""
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


def field_check(path: str, alternatives: Alternatives) -> FieldCheck:
    """Return a function that takes an event and returns whether a field matches; None when it cannot decide.

    There are four variants of one function because matching spends most of its time here.
    """
    accepts, keys = alternatives.accepts, alternatives.keys
    if "." not in path:
        if alternatives.operators:

            def check_top_level(event: Mapping[str, object]) -> bool | None:
                """Return whether a field at the top matches; None when it cannot decide."""
                value = event.get(path, MISSING)
                return accepts(value) if type(value) in LEAVES else match_found(value, alternatives)

            return check_top_level

        def check_top_level_text(event: Mapping[str, object]) -> bool | None:
            """Return whether a field at the top without operators matches; None when it cannot decide."""
            value = event.get(path, MISSING)
            return value in keys if type(value) is str else match_found(value, alternatives)

        return check_top_level_text
    read = field_reader(path)
    if alternatives.operators:

        def check_deep(event: Mapping[str, object]) -> bool | None:
            """Return whether a field inside another matches; None when it cannot decide."""
            value = read(event)
            return accepts(value) if type(value) in LEAVES else match_found(value, alternatives)

        return check_deep

    def check_deep_text(event: Mapping[str, object]) -> bool | None:
        """Return whether a field inside another without operators matches; None when it cannot decide."""
        value = read(event)
        return value in keys if type(value) is str else match_found(value, alternatives)

    return check_deep_text


def match_found(value: object, alternatives: Alternatives) -> bool | None:
    """Return whether a value found by the quick lookup matches; None when only the complete one can decide."""
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


def dotted_names(value: Mapping[str, object]) -> Iterator[tuple[str, list[str]]]:
    """Yield each name of an object that has dots in it, and the steps that it stands for."""
    for name in value:
        if isinstance(name, str) and "." in name:  # type: ignore[redundant-expr]  # Python's mappings hold more
            yield name, name.split(".")


def leaves(event: Mapping[str, object], path: str) -> Iterator[object]:
    """Yield every leaf at `path`, through arrays and in any spelling of the path: the complete lookup of one field."""
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
            for name, spelled in dotted_names(value) if done + 1 < len(steps) else ():
                if steps[done : done + len(spelled)] == spelled:
                    stack.append((value[name], done + len(spelled)))
