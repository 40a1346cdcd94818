"""Wildcards, texts with `*`: parsing, matching in linear time, and AWS's limit on their complexity."""

from collections import deque

MAX_COMPLEXITY = 10
"""The complexity at which a wildcard is refused.

AWS does not publish the number. It refuses `*:*:*:*:*:event-bus/*`, for which Event Ruler's evaluator returns 11, and
accepts the same with one star fewer, which is 9. The evaluator's documentation names 10 as the limit.
"""


def read(text: str) -> tuple[str, ...]:
    r"""Return the literal texts between a wildcard's stars; raise ValueError for `**` or an escape but `\*` and `\\`.

    Raises:
        ValueError: the wildcard has two stars in a row, or another escape.
    """
    if "\\" not in text:
        if "**" in text:
            raise ValueError(f"Consecutive wildcard characters at pos {_position(text, text.index('**'))}")
        return tuple(text.split("*"))
    literals, literal, at = [], "", 0
    while at < len(text):
        character = text[at]
        if character == "*":
            if text[at + 1 : at + 2] == "*":
                raise ValueError(f"Consecutive wildcard characters at pos {_position(text, at)}")
            literals.append(literal)
            literal = ""
        elif character == "\\":
            at += 1
            if text[at : at + 1] not in ("*", "\\"):
                raise ValueError(f"Invalid escape character at pos {_position(text, at - 1)}")
            literal += text[at]
        else:
            literal += character
        at += 1
    return (*literals, literal)


def _position(text: str, at: int) -> int:
    """Return a position as AWS counts it: in UTF-8 bytes, with the quote before the text."""
    return len(text[:at].encode(errors="replace")) + 1


def matches(literals: tuple[str, ...], text: str) -> bool:
    """Return whether `text` has the literals in their order, the first at its start and the last at its end."""
    if len(literals) == 1:
        return text == literals[0]
    first, last = literals[0], literals[-1]
    stop = len(text) - len(last)
    at = len(first)
    if stop < at or not text.startswith(first) or not text.endswith(last):
        return False
    for literal in literals[1:-1]:
        at = text.find(literal, at, stop)
        if at < 0:
            return False
        at += len(literal)
    return True


def is_too_complex(literals: tuple[str, ...]) -> bool:
    """Return whether AWS refuses a wildcard of these literals; a short one is never too complex or counted."""
    longest = sum(map(len, literals)) + len(literals)
    return longest >= MAX_COMPLEXITY and complexity(literals) >= MAX_COMPLEXITY


def complexity(literals: tuple[str, ...]) -> int:
    """Return how many states Event Ruler's automaton for the wildcard can be in at once.

    One state for each star, which stays active once passed, and one for each beginning of a literal that the last
    characters may be: "aaaa" after a star costs four states, and "abcd" one. The count uses an Aho-Corasick tree of all
    literals that follow a star: a link leads from each beginning to the longest other beginning that it ends with.
    """
    if len(literals) == 1:
        return 1
    children: list[dict[str, int]] = [{}]
    alive = [0]
    for literal in (*literals[1:-1], literals[-1] + '"'):
        node = 0
        for character in literal:
            if character not in children[node]:
                children[node][character] = len(children)
                children.append({})
                alive.append(0)
            node = children[node][character]
            alive[node] += 1
    link = [0] * len(children)
    queue = deque(children[0].values())
    while queue:
        node = queue.popleft()
        alive[node] += alive[link[node]]
        for character, child in children[node].items():
            shorter = link[node]
            while shorter and character not in children[shorter]:
                shorter = link[shorter]
            link[child] = children[shorter].get(character, 0)
            queue.append(child)
    return len(literals) - 1 + max(alive)
