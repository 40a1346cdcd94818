"""The width of a text, and the places where a long name is broken.

Widths are those of Helvetica. The SVG asks for exactly this width (`textLength`), so that a text takes the room that is
computed here whatever font a reader has.
"""

import re
from functools import cache
from typing import Final

_WIDTHS: Final = {
    **dict.fromkeys("ijl|'", 0.222),
    **dict.fromkeys("ftI ./,:;!", 0.278),
    **dict.fromkeys("r-()[]{}`", 0.333),
    **dict.fromkeys("ckszxvyJ", 0.5),
    **dict.fromkeys("abdeghnopquL0123456789_?", 0.556),
    **dict.fromkeys("FTZ+=<>~×", 0.611),
    **dict.fromkeys("ABEKPSVXY&", 0.667),
    **dict.fromkeys("wCDHNRU", 0.722),
    **dict.fromkeys("GOQ", 0.778),
    **dict.fromkeys("mM%", 0.833),
    **dict.fromkeys("W", 0.944),
}
"""Advance of each character, in em. Adobe's font metrics of Helvetica, rounded up within a group."""
_UNKNOWN: Final = 1.0
_BOLD: Final = 1.06
_LONGEST_WORD: Final = 20
"""Characters after which a word is broken wherever it is."""
_MOST_LINES: Final = 4
_BREAKS: Final = re.compile(r"(?<=[_.-])|(?<=[a-z0-9])(?=[A-Z])|(?=/)|(?<= )")


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a line in pixels, `size` being the font's."""
    return sum(_WIDTHS.get(character, _UNKNOWN) for character in text) * size * (_BOLD if bold else 1)


def wrapped(name: str, size: float, limit: float, *, bold: bool = False) -> tuple[str, ...]:
    """Return `name` in as few lines as keep within `limit`; if none do, in the most lines allowed, as even as possible.

    Names are broken where a reader would: `BookLent` before the capital, `lend_book` behind the underscore.
    """
    words = [word[at : at + _LONGEST_WORD] for word in _BREAKS.split(name) for at in range(0, len(word), _LONGEST_WORD)]
    most_lines = min(max(_MOST_LINES, len(name) // _LONGEST_WORD), len(words))
    best: tuple[str, ...] = (name,)
    for count in range(1, most_lines + 1):
        best = _evenly_broken(words, count, size, bold=bold)
        if all(width(line, size, bold=bold) <= limit for line in best):
            break
    return best


def _evenly_broken(words: list[str], count: int, size: float, *, bold: bool) -> tuple[str, ...]:
    """Return `words` in `count` lines whose widest is as narrow as possible; of several ways, the shortest first line.

    A name of 128 characters has millions of ways to be broken: so each rest of the words is solved once.
    """

    @cache
    def line(start: int, end: int) -> tuple[float, str]:
        text = "".join(words[start:end]).strip()
        return width(text, size, bold=bold), text

    @cache
    def widest(start: int, count: int) -> float:
        """Return the width of the widest line when the words from `start` are broken in the best way."""
        if count == 1:
            return line(start, len(words))[0]
        return min(max(line(start, end)[0], widest(end, count - 1)) for end in range(start + 1, len(words) - count + 2))

    narrowest, start, lines = widest(0, count), 0, []
    for rest in range(count - 1, 0, -1):
        ends = range(start + 1, len(words) - rest + 1)
        end = next(end for end in ends if max(line(start, end)[0], widest(end, rest)) <= narrowest)
        lines.append(line(start, end)[1])
        start = end
    return (*lines, line(start, len(words))[1])
