"""A slow matcher to compare with, written from the documentation and sharing nothing with the fast one.

It lists every leaf of the event with the elements of arrays that it is inside of, and tries every way to give each field
one of them. "Any two fields within objects that are in different elements of the same array" are no match: that sentence
is `_agree`. Fields are gone through in the order of their paths, as Event Ruler does, which decides what the absence of
a field is judged by.
"""

import fnmatch
import re
from collections.abc import Iterator
from decimal import Decimal
from ipaddress import ip_address, ip_network
from typing import Any

Elements = dict[int, int]
"""Which element of which array: the number of the array in the event, and the position in it."""

Leaf = tuple[str, Any, Elements]


def matches(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    leaves = list(_leaves(event, "", {}, [0]))
    return any(_match_fields(sorted(branch.items()), {}, leaves) for branch in _branches(pattern, ""))


def _branches(pattern: dict[str, Any], prefix: str) -> list[dict[str, list[Any]]]:
    branches: list[dict[str, list[Any]]] = [{}]
    for name, value in pattern.items():
        if name == "$or" and isinstance(value, list):
            choices = [branch for member in value for branch in _branches(member, prefix)]
        elif isinstance(value, dict):
            choices = _branches(value, f"{prefix}{name}.")
        else:
            choices = [{f"{prefix}{name}": value}]
        branches = [{**branch, **choice} for branch in branches for choice in choices]
    return branches


def _leaves(value: Any, path: str, elements: Elements, arrays: list[int]) -> Iterator[Leaf]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else name, elements, arrays)
    elif isinstance(value, list):
        arrays[0] += 1
        array = arrays[0]
        for position, element in enumerate(value):
            inside = {**elements, array: position} if isinstance(element, dict | list) else elements
            yield from _leaves(element, path, inside, arrays)
    else:
        yield path, value, elements


def _match_fields(fields: list[tuple[str, list[Any]]], so_far: Elements, leaves: list[Leaf]) -> bool:
    if not fields:
        return True
    (path, alternatives), *rest = fields
    here = [(value, elements) for at, value, elements in leaves if at == path and _agree(so_far, elements)]
    if {"exists": False} in alternatives and not here and _match_fields(rest, so_far, leaves):
        return True
    return any(
        _match_fields(rest, {**so_far, **elements}, leaves)
        for value, elements in here
        if any(accepts(alternative, value) for alternative in alternatives)
    )


def _agree(one: Elements, other: Elements) -> bool:
    return all(one.get(array, position) == position for array, position in other.items())


def accepts(alternative: Any, value: Any) -> bool:
    if not isinstance(alternative, dict):
        return _equal(alternative, value) or _same_address(alternative, value)
    ((operator, argument),) = alternative.items()
    match operator:
        case "exists":
            return bool(argument)
        case "anything-but":
            return not any(_accepts_but(each, value) for each in _spread(argument))
        case "numeric":
            return _is_a_double(value) and all(
                _compare(value, *pair) for pair in zip(argument[::2], argument[1::2], strict=True)
            )
        case "cidr":
            return _is_address(value) and ip_address(value) in ip_network(argument, strict=False)
    return isinstance(value, str) and _accepts_text(operator, argument, value)


def _accepts_but(each: Any, value: Any) -> bool:
    return accepts(each, value) if isinstance(each, dict) else _equal(each, value)


def _spread(argument: Any) -> list[Any]:
    if isinstance(argument, dict):
        ((operator, nested),) = argument.items()
        return [{operator: each} for each in (nested if isinstance(nested, list) else [nested])]
    return argument if isinstance(argument, list) else [argument]


def _accepts_text(operator: str, argument: Any, text: str) -> bool:
    ignoring_case = isinstance(argument, dict) or operator == "equals-ignore-case"
    wanted: str = argument["equals-ignore-case"] if isinstance(argument, dict) else argument
    if operator == "wildcard":
        return re.fullmatch(fnmatch.translate(wanted.replace("[", "[[]").replace("?", "[?]")), text) is not None
    if ignoring_case:
        wanted = "".join(f"(?:{re.escape(each.lower())}|{re.escape(each.upper())})" for each in wanted)
    else:
        wanted = re.escape(wanted)
    before = ".*" if operator == "suffix" else ""
    after = ".*" if operator == "prefix" else ""
    return re.fullmatch(before + wanted + after, text, re.DOTALL) is not None


def _equal(one: Any, other: Any) -> bool:
    if _is_number(one) and _is_number(other):
        return Decimal(str(one)) == Decimal(str(other))
    return type(one) is type(other) and bool(one == other)


def _compare(value: Any, operator: str, bound: Any) -> bool:
    left, right = Decimal(str(value)), Decimal(str(bound))
    return {"<": left < right, "<=": left <= right, "=": left == right, ">=": left >= right, ">": left > right}[
        operator
    ]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_a_double(value: Any) -> bool:
    """Whether `numeric` can order a number. Event Ruler: with more digits than a double holds, it cannot."""
    return _is_number(value) and Decimal(str(value)) == Decimal(str(float(value)))


def _is_address(value: Any) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return isinstance(value, str)


def _same_address(one: Any, other: Any) -> bool:
    return _is_address(one) and _is_address(other) and ip_address(one) == ip_address(other)
