"""How wide a text is, and where a long name may be broken.

A width is that of Helvetica. The SVG asks for exactly this width (`textLength`), so that what is measured here is true
with whatever font a reader has.
"""

import re
from itertools import accumulate, combinations
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
    """Return `name` in as few lines as keep within `limit`; in four, as even as can be, where none do.

    Names are broken where a reader would: `BookLent` before the capital, `lend_book` behind the underscore.
    """
    words = [word[at : at + _LONGEST_WORD] for word in _BREAKS.split(name) for at in range(0, len(word), _LONGEST_WORD)]
    best: tuple[str, ...] = (name,)
    for lines in range(1, max(_MOST_LINES, len(name) // _LONGEST_WORD) + 1):
        if lines > len(words):
            break
        best = min(_partitions(words, lines), key=lambda parts: max(width(part, size, bold=bold) for part in parts))
        if all(width(part, size, bold=bold) <= limit for part in best):
            break
    return best


def _partitions(words: list[str], lines: int) -> list[tuple[str, ...]]:
    """Return every way to break `words` into so many lines."""
    ends = [*accumulate(map(len, words))]
    text = "".join(words)
    return [
        tuple(text[start:end].strip() for start, end in zip((0, *cuts), (*cuts, len(text)), strict=True))
        for cuts in combinations(ends[:-1], lines - 1)
    ]
