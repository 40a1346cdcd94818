r"""Makes text safe to show: control, invisible and reordering characters become escapes such as `\x1b`.

Event ids, subjects, publishers and exception texts come from other programs. Shown as they are, an escape sequence clears
the terminal or changes its title, a reordering character hides what a line holds, and SQS refuses the whole message.
"""

import json
import re
from typing import Final

_CONTROL: Final = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
"""Control characters (C0, DEL, C1), without tab, line feed and carriage return."""
_INVISIBLE: Final = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\ufdd0-\ufdef\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
"""Format characters (Unicode's Cf: bidirectional overrides and isolates, zero-width characters, tags), line and paragraph
separators, letters without a shape, and noncharacters of the first plane. Variation selectors stay: emoji have them."""
_SURROGATE: Final = "\ud800-\udfff"
_NONCHARACTERS: Final = "".join(
    f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000)
)
_UNSAFE: Final = f"{_CONTROL}{_INVISIBLE}{_SURROGATE}{_NONCHARACTERS}"
_IN_A_LINE: Final = f"[\t\n\r{_UNSAFE}]"
_IN_A_BLOCK: Final = f"\r(?!\n)|[{_UNSAFE}]"
"""Compiled when first used, because a cold start would pay for it."""


def printable(text: str) -> str:
    r"""Return `text` as it is safe inside one line: a line feed is shown as `\n`, an escape character as `\x1b`."""
    return text if text.isascii() and text.isprintable() else re.sub(_IN_A_LINE, _escape, text)


def printable_block(text: str) -> str:
    """Return `text` as it is safe over several lines: as `printable`, but line ends and tabs stay."""
    return text if text.isascii() and text.isprintable() else re.sub(_IN_A_BLOCK, _escape, text)


def encodable(text: str) -> str:
    """Return `text` with an escape for each lone surrogate, which no encoding has; every other character stays."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def printable_json(value: object, *, indent: int | None = None) -> str:
    r"""Return a value as JSON that is safe to show, with unsafe characters as JSON's own escapes, like `\u001b`."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return text if text.isascii() and text.isprintable() else re.sub(_IN_A_BLOCK, _json_escape, text)


def _escape(found: re.Match[str]) -> str:
    r"""Return the found character as an escape of Python: `\x1b`."""
    return found[0].encode("unicode_escape").decode("ascii")


def _json_escape(found: re.Match[str]) -> str:
    r"""Return the found character as an escape of JSON: `\u001b`."""
    return json.dumps(found[0])[1:-1] if found[0] != "\x7f" else "\\u007f"
