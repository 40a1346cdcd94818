"""Compares numbers and strings."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from contradance.compatibility.branch import Bound, Numbers, SchemaBranch, Strings
from contradance.compatibility.change import BACKWARD, BOTH, FORWARD, RelativeChange, breaking
from contradance.compatibility.patterns import search_pattern
from contradance.compatibility.values import format_values, to_fraction

_NARROWER = {
    "uuid": frozenset(f"uuid{version}" for version in (1, 3, 4, 5, 6, 7, 8)),
    "ipvanyaddress": frozenset({"ipv4", "ipv6"}),
}
"""Formats of Pydantic, and the narrower formats whose texts all match them."""


def compare_numbers(old: Numbers, new: Numbers) -> Iterator[RelativeChange]:
    """Yield the differences between the constraints on two numbers, except listed values."""
    yield from _compare_bounds("minimum", "at least", old.least, new.least, sign=1)
    yield from _compare_bounds("maximum", "at most", old.most, new.most, sign=-1)
    if new.whole and not old.whole:
        yield RelativeChange("", "type-narrowed", BACKWARD, "must now be a whole number")
    if old.whole and not new.whole:
        yield RelativeChange("", "type-widened", FORWARD, "may now have a fraction")
    narrowed = [one for one in new.multiples if one != 1 and not _implies_multiple(old, one)]
    widened = [one for one in old.multiples if one != 1 and not _implies_multiple(new, one)]
    if narrowed or widened:
        now = (
            f"must now be a multiple of {float(narrowed[0]):g}"
            if narrowed
            else f"no longer has to be a multiple of {float(widened[0]):g}"
        )
        yield RelativeChange("", "multiple-of", breaking(backward=bool(narrowed), forward=bool(widened)), now)


def compare_strings(old: Strings, new: Strings) -> Iterator[RelativeChange]:
    """Yield the differences between the constraints on two strings, except listed values."""
    yield from compare_lower_limits("min-length", "characters", old.least, new.least)
    yield from compare_upper_limits("max-length", "characters", old.most, new.most)
    if old.patterns != new.patterns:
        breaks = breaking(backward=not new.patterns <= old.patterns, forward=not old.patterns <= new.patterns)
        verbs = {
            BACKWARD: "must now match",
            FORWARD: "no longer has to match",
            BOTH: "must match another pattern than",
        }
        shown = (new.patterns - old.patterns) if breaks == BACKWARD else (old.patterns - new.patterns)
        yield RelativeChange("", "pattern", breaks, f"{verbs[breaks]} {format_values(sorted(shown))}")
    if old.formats != new.formats:
        backward = not all(_implies_format(old, one) for one in new.formats)
        forward = not all(_implies_format(new, one) for one in old.formats)
        was, now = (", ".join(sorted(formats)) or "any text" for formats in (old.formats, new.formats))
        yield RelativeChange(
            "", "format", breaking(backward=backward, forward=forward), f"is now of format {now}, was {was}"
        )


def compare_lower_limits(rule: str, unit: str, old: int, new: int) -> Iterator[RelativeChange]:
    """Yield the change of a smallest count of `unit`, such as characters; nothing when it is equal."""
    if old != new:
        breaks = breaking(backward=new > old, forward=new < old)
        text = f"must now have at least {new} {unit}" if new > old else f"may now have as few as {new} {unit}"
        yield RelativeChange("", rule, breaks, f"{text}, not {old}")


def compare_upper_limits(rule: str, unit: str, old: int | None, new: int | None) -> Iterator[RelativeChange]:
    """Yield the change of a largest count of `unit`, such as characters; None means unlimited."""
    if old != new:
        narrower = old is None or (new is not None and new < old)
        now = "any number of" if new is None else f"at most {new}"
        was = "not limited before" if old is None else f"was {old}"
        text = f"may now have {now} {unit}, {was}"
        yield RelativeChange("", rule, breaking(backward=narrower, forward=not narrower), text)


def permits(branch: SchemaBranch, value: Any) -> bool:
    """Whether a value certainly fits a branch of numbers, or of strings without `format`; True for other branches."""
    if isinstance(branch, Numbers):
        number = to_fraction(value)
        above = branch.least is None or branch.least.admits_from_below(number)
        below = branch.most is None or branch.most.admits_from_above(number)
        return above and below and all(number % one == 0 for one in branch.multiples)
    if isinstance(branch, Strings):
        fits = branch.least <= len(value) and (branch.most is None or len(value) <= branch.most)
        return fits and not branch.formats and all(search_pattern(pattern, value) for pattern in branch.patterns)
    return True


def _compare_bounds(
    rule: str, words: str, old: Bound | None, new: Bound | None, *, sign: int
) -> Iterator[RelativeChange]:
    """Yield the change of a bound on numbers; `sign` is 1 for lower bounds, -1 for upper ones."""
    if old == new:
        return
    narrower = old is None or (new is not None and _tightness(new, sign) > _tightness(old, sign))
    now = f"must now be {_bound_text(words, new)}" if new else "is no longer bounded"
    text = f"{now}, was {_bound_text(words, old) if old else 'not bounded'}"
    yield RelativeChange("", rule, breaking(backward=narrower, forward=not narrower), text)


def _tightness(bound: Bound, sign: int) -> tuple[Fraction, bool]:
    """Return a sort key of bounds: the greater, the fewer numbers one allows; `sign` is 1 for lower bounds, else -1."""
    return sign * bound.at, not bound.included


def _bound_text(words: str, bound: Bound) -> str:
    """Return a bound as `at least 3`, or as `more than 3` when it is not included."""
    if bound.included:
        return f"{words} {bound}"
    return f"{'more' if words == 'at least' else 'less'} than {bound}"


def _implies_multiple(branch: Numbers, one: Fraction) -> bool:
    """Whether each number of a branch is certainly a multiple of `one`."""
    return any(multiple % one == 0 for multiple in branch.multiples)


def _implies_format(branch: Strings, wanted: str) -> bool:
    """Whether each text of a branch certainly has the format `wanted`, or a narrower one."""
    return wanted in branch.formats or bool(_NARROWER.get(wanted, frozenset()) & branch.formats)
