"""The width of a text, and the places where a long name is broken.

Widths are those of Helvetica. The SVG asks for exactly this width (`textLength`), so that a text takes the room that is
computed here in any font.
"""

import re
from functools import cache
from itertools import accumulate, pairwise
from typing import Final

_WIDTHS: Final = {
    **dict.fromkeys("ijl|'", 222),
    **dict.fromkeys("ftI ./,:;!", 278),
    **dict.fromkeys("r-()[]{}`", 333),
    **dict.fromkeys("ckszxvyJ", 500),
    **dict.fromkeys("abdeghnopquL0123456789_?", 556),
    **dict.fromkeys("FTZ+=<>~×", 611),
    **dict.fromkeys("ABEKPSVXY&", 667),
    **dict.fromkeys("wCDHNRU", 722),
    **dict.fromkeys("GOQ", 778),
    **dict.fromkeys("mM%", 833),
    **dict.fromkeys("W", 944),
}
"""Advance of each character, in thousandths of an em. Adobe's font metrics of Helvetica, rounded up within a group."""
_UNKNOWN: Final = 1000
_BOLD: Final = 1.06
_LONGEST_WORD: Final = 20
"""Characters after which a word is broken wherever it is."""
_MOST_LINES: Final = 4
_BREAKS: Final = re.compile(r"(?<=[_.-])|(?<=[a-z0-9])(?=[A-Z])|(?=/)|(?<= )")


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a line in pixels; `size` is the font size."""
    return _advance(text) / 1000 * size * (_BOLD if bold else 1)


def wrapped(name: str, size: float, limit: float, *, bold: bool = False) -> tuple[str, ...]:
    """Return `name` in as few lines as keep within `limit`; if none do, in the most lines allowed, as even as possible.

    Names are broken where a reader would: `BookLent` before the capital, `lend_book` behind the underscore.
    """
    words = [word[at : at + _LONGEST_WORD] for word in _BREAKS.split(name) for at in range(0, len(word), _LONGEST_WORD)]
    most_lines = min(max(_MOST_LINES, len(name) // _LONGEST_WORD), len(words))
    best: tuple[str, ...] = (name,)
    for count in range(1, most_lines + 1):
        best = _evenly_broken(words, count)
        if all(width(line, size, bold=bold) <= limit for line in best):
            break
    return best


def _advance(text: str) -> int:
    """Return the width of a text in thousandths of an em."""
    return sum(_WIDTHS.get(character, _UNKNOWN) for character in text)


def _evenly_broken(words: list[str], count: int) -> tuple[str, ...]:
    """Return `words` in `count` lines whose widest is as narrow as possible; of several ways, the shortest first line.

    A name of 128 characters has millions of ways to be broken: so each rest of the words is solved once.
    """
    offsets = [0, *accumulate(map(_advance, words))]
    last_words = [_advance(word.rstrip()) for word in words]

    def line(start: int, end: int) -> int:
        """Return the width of a line of the words from `start` to before `end`, in thousandths of an em."""
        return offsets[end - 1] - offsets[start] + last_words[end - 1]

    @cache
    def widest(start: int, count: int) -> int:
        """Return the width of the widest line when the words from `start` are in `count` lines, in the best way."""
        if count == 1:
            return line(start, len(words))
        return min(max(line(start, end), widest(end, count - 1)) for end in range(start + 1, len(words) - count + 2))

    narrowest, cuts = widest(0, count), [0]
    for rest in range(count - 1, 0, -1):
        ends = range(cuts[-1] + 1, len(words) - rest + 1)
        cuts.append(next(end for end in ends if max(line(cuts[-1], end), widest(end, rest)) <= narrowest))
    return tuple("".join(words[start:end]).rstrip() for start, end in pairwise([*cuts, len(words)]))
