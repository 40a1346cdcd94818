"""Comparison that ignores case, character by character, as Event Ruler does it.

A character of the *pattern* stands for its lower and its upper form only: sharp s also matches "SS", but "SS" does not
match sharp s; a final sigma matches the capital, but a sigma does not match a final sigma.

Event Ruler reads the pattern in 16-bit units, so a character beyond them (an emoji) becomes two question marks. On AWS a
pattern with an emoji never matches the emoji, and it does not match here either.
"""

_LAST_16_BIT_CHARACTER = "\uffff"


class Caseless:
    """The text of an `equals-ignore-case`, prepared for comparison with a whole text, its start or its end."""

    __slots__ = ("_forms", "_lower", "_size", "folded")

    def __init__(self, text: str) -> None:
        self._size = len(text)
        self._lower = text.lower() if text.isascii() else None
        self._forms = () if text.isascii() else tuple(_forms(character) for character in text)
        self.folded = fold(text) if text.isascii() else fold("".join(forms[0] for forms in self._forms))

    def equals(self, text: str) -> bool:
        """Return whether `text` equals this text, ignoring case."""
        if self._lower is not None:
            return len(text) == self._size and text.isascii() and text.lower() == self._lower
        return len(text) in self._ends(text)

    def starts(self, text: str) -> bool:
        """Return whether `text` starts with this text, ignoring case."""
        if self._lower is not None:
            head = text[: self._size]
            return head.isascii() and head.lower() == self._lower
        return bool(self._ends(text))

    def ends(self, text: str) -> bool:
        """Return whether `text` ends with this text, ignoring case."""
        if self._lower is not None:
            tail = text[len(text) - self._size :] if self._size <= len(text) else ""
            return len(tail) == self._size and tail.isascii() and tail.lower() == self._lower
        starts = {len(text)}
        for forms in reversed(self._forms):
            starts = {start - len(form) for start in starts for form in forms if text.endswith(form, 0, start)}
        return bool(starts)

    def _ends(self, text: str) -> set[int]:
        """Return the positions in `text` at which this text can end when it begins at 0."""
        ends = {0}
        for forms in self._forms:
            ends = {end + len(form) for end in ends for form in forms if text.startswith(form, end)}
        return ends


def fold(text: str) -> str:
    """Return an index key: equal for any two texts that an `equals-ignore-case` may treat as equal."""
    return text.upper().casefold()


def _forms(character: str) -> tuple[str, ...]:
    """Return the lower and the upper form of a character; `??` for one beyond 16 bits."""
    if character > _LAST_16_BIT_CHARACTER:
        return ("??",)
    return tuple({character.lower(), character.upper()})
