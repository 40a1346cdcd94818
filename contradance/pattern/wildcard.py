"""Texts with `*` in them: reading, matching in linear time, and AWS's limit on how complex one may be."""

from collections import deque

MAX_COMPLEXITY = 10
"""The complexity at which a wildcard is refused.

AWS does not publish the number. It refuses `*:*:*:*:*:event-bus/*`, which Event Ruler's evaluator puts at 11, and takes
the same with one star fewer, which is 9; the evaluator's own documentation stops at 10.
"""


def read(text: str) -> tuple[str, ...]:
    r"""Split a wildcard into the literal texts between its stars; `\*` and `\\` stand for a star and a backslash.

    Raises ValueError, with the reason, for two stars in a row and for any other escape.
    """
    if "\\" not in text:
        if "**" in text:
            raise ValueError(f"Consecutive wildcard characters at pos {text.index('**')}")
        return tuple(text.split("*"))
    literals, literal, at = [], "", 0
    while at < len(text):
        character = text[at]
        if character == "*":
            if text[at + 1 : at + 2] == "*":
                raise ValueError(f"Consecutive wildcard characters at pos {at}")
            literals.append(literal)
            literal = ""
        elif character == "\\":
            at += 1
            if text[at : at + 1] not in ("*", "\\"):
                raise ValueError(f"Invalid escape character at pos {at - 1}")
            literal += text[at]
        else:
            literal += character
        at += 1
    return (*literals, literal)


def matches(literals: tuple[str, ...], text: str) -> bool:
    """Whether the literals occur in `text` in their order, the first at its start and the last at its end."""
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
    """Whether AWS refuses a wildcard of these literals. A short one cannot be, which spares counting."""
    longest = sum(map(len, literals)) + len(literals)
    return longest >= MAX_COMPLEXITY and complexity(literals) >= MAX_COMPLEXITY


def complexity(literals: tuple[str, ...]) -> int:
    """How many states Event Ruler's automaton for the wildcard can be in at once.

    That is one for every star, which stays alive once passed, and one for every beginning of a literal that the last
    characters read may be: so "aaaa" after a star costs four, and "abcd" one. Counted over the tree of all literals
    that follow a star, whose links lead from each beginning to the longest other one that it ends with.
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
