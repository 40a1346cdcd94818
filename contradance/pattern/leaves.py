"""Finding the value of a field in an event: quickly where no array of objects is in the way, completely elsewhere.

The quick way covers nearly every event. It gives up, by answering ELSEWHERE, where it meets an array on the way to the
field, an array that holds more than leaves, or a name with dots that may be another spelling of the path; the callers
then take the complete way.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from contradance.pattern.alternatives import Alternatives


class _Mark:
    __slots__ = ()


MISSING: Final = _Mark()
"""The event has no leaf there."""

ELSEWHERE: Final = _Mark()
"""The quick way does not know."""

_MOST_QUICK_STEPS = 8

Reader = Callable[[Mapping[str, object]], object]
Check = Callable[[Mapping[str, object]], bool | None]


def reader(path: str) -> Reader:
    """A function from an event to what stands at `path`: any JSON value, MISSING or ELSEWHERE."""
    steps = path.split(".")
    if len(steps) == 1:
        return lambda event: event.get(path, MISSING)
    if len(steps) == 2:  # noqa: PLR2004 - the fields of `detail`, which is where most patterns look
        outer, inner = steps

        def read_two(event: Mapping[str, object]) -> object:
            value = event.get(outer, MISSING)
            if path in event:
                return ELSEWHERE
            if type(value) is dict:
                return value.get(inner, MISSING)
            return ELSEWHERE if isinstance(value, list | tuple | Mapping) else MISSING

        return read_two
    if len(steps) > _MOST_QUICK_STEPS:
        return lambda _: ELSEWHERE
    way = [(step, [".".join(steps[i:j]) for j in range(i + 2, len(steps) + 1)]) for i, step in enumerate(steps)]

    def read(event: Mapping[str, object]) -> object:
        value: object = event
        for step, other_spellings in way:
            if not isinstance(value, Mapping):
                return ELSEWHERE if isinstance(value, list | tuple) else MISSING
            for spelling in other_spellings:
                if spelling in value:
                    return ELSEWHERE
            value = value.get(step, MISSING)
        return value

    return read


def check(path: str, alternatives: Alternatives) -> Check:
    """A function from an event to whether a field is as it should be; None where the quick way does not know."""
    accepts = alternatives.accepts
    if "." in path:
        read = reader(path)

        def check_deep(event: Mapping[str, object]) -> bool | None:
            value = read(event)
            return accepts(value) if type(value) is str else settle(value, alternatives)

        return check_deep
    if alternatives.operators:

        def check_top(event: Mapping[str, object]) -> bool | None:
            value = event.get(path, MISSING)
            return accepts(value) if type(value) is str else settle(value, alternatives)

        return check_top
    keys = alternatives.keys

    def check_exact(event: Mapping[str, object]) -> bool | None:
        value = event.get(path, MISSING)
        return value in keys if type(value) is str else settle(value, alternatives)

    return check_exact


def settle(value: object, alternatives: Alternatives) -> bool | None:
    """Whether a value is as it should be; None where the quick way does not know."""
    if value is ELSEWHERE:
        return None
    if value is MISSING or isinstance(value, Mapping):
        return alternatives.absent
    if not isinstance(value, list | tuple):
        return alternatives.accepts(value)
    if not value:
        return alternatives.absent
    if not are_leaves(value):
        return None
    return any(alternatives.accepts(element) for element in value)


def are_leaves(values: list[object] | tuple[object, ...]) -> bool:
    """Whether no element of an array is an array or an object."""
    return not any(isinstance(value, list | tuple | Mapping) for value in values)


def spellings(value: Mapping[str, object]) -> Iterator[tuple[str, list[str]]]:
    """The names of an object that have dots in them, and the steps that they stand for."""
    for name in value:
        if "." in name:
            yield name, name.split(".")


def leaves(event: Mapping[str, object], path: str) -> Iterator[object]:
    """Every leaf at `path`, through arrays and in any spelling: the complete way, for one field."""
    steps = path.split(".")
    stack: list[tuple[object, int]] = [(event, 0)]
    while stack:
        value, done = stack.pop()
        if isinstance(value, list | tuple):
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
