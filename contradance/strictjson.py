"""Reads JSON as AWS does: numbers that JSON or a 64-bit integer does not have are refused, and so is deep nesting.

Python reads `NaN`, reads `1e999` as infinity, and keeps integers of any size.
"""

import json
import sys
from functools import partial
from math import isinf
from typing import Final, NoReturn

from contradance.bounds import INTEGERS

MOST_LEVELS: Final = 1_000
"""Deepest nesting of an event's JSON. EventBridge API reference, PutEvents."""
_CALLS_FOR_A_LEVEL: Final = 10
"""Most calls that one level takes, where JSON is read, matched, masked or shown."""


def allow_deep_json() -> None:
    """Raise Python's recursion limit, so that this process can handle every event that AWS accepts."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), _CALLS_FOR_A_LEVEL * MOST_LEVELS))


def read_json(text: str, *, any_integer: bool = False) -> object:
    """Return a JSON text's value; raise ValueError if AWS refuses it; `any_integer` allows more than 64 bits.

    Raises:
        ValueError: the text is not JSON, or AWS does not accept it.
    """
    try:
        value: object = (_ANY_INTEGER if any_integer else _STRICT).decode(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    # Counting brackets is cheap and rules out almost every text; only the rest is walked.
    if text.count("{") + text.count("[") > MOST_LEVELS and _depth(value) > MOST_LEVELS:
        raise ValueError(f"it is nested more than {MOST_LEVELS} levels deep")
    if "\\u" in text or not text.isascii():
        # A lone surrogate cannot be encoded, and UnicodeEncodeError is a ValueError.
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _depth(value: object) -> int:
    """Return the nesting depth of a JSON value, without recursion, which a deep value would exhaust."""
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return depth


def refuse_nan_and_infinity(name: str) -> NoReturn:
    """Raise ValueError for `NaN` and `Infinity`, which Python's JSON reader accepts."""
    raise ValueError(f"{name} is not JSON")


def _parse_integer(text: str) -> int:
    """Return an integer; raise ValueError for one that does not fit into 64 bits."""
    number = int(text)  # of more than 4,300 digits: a ValueError
    if number not in INTEGERS:
        raise ValueError("an integer does not fit into 64 bits")
    return number


def _parse_float(text: str) -> float:
    """Return a number; raise ValueError for one so large that it would be read as infinity."""
    number = float(text)
    if isinf(number):
        raise ValueError("a number is out of range")
    return number


_decoder = partial(json.JSONDecoder, parse_float=_parse_float, parse_constant=refuse_nan_and_infinity)
_STRICT: Final = _decoder(parse_int=_parse_integer)
_ANY_INTEGER: Final = _decoder(parse_int=int)
