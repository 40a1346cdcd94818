"""What jsoncompat says of the same changes, and where it says something else, why we stand by ours.

It compares plain JSON Schemas: publishers are as open, and consumers as closed, as the schemas have them.
"""

import json
from typing import Any, Final, Literal

import jsoncompat
import pytest

from contradance.compatibility import compare
from tests.compatibility.test_rules import RULES, SAFE

ROLES: Final[dict[str, Literal["deserializer", "serializer"]]] = {"backward": "deserializer", "forward": "serializer"}
TOLERANT = "our consumers ignore fields that they do not know, whatever `additionalProperties` says"
UNREAD = "it does not look at this keyword, and a narrower one is no promise kept"
FINER = "it gives up; that nothing breaks follows from one schema being the other with one condition less, or differently put"
STANDS: Final[dict[tuple[str, str], str]] = {
    ("add-optional", "forward"): TOLERANT,
    ("add-required", "forward"): TOLERANT,
    ("remove-optional", "backward"): TOLERANT,
    ("remove-required", "backward"): TOLERANT,
    ("rename-optional", "backward"): TOLERANT,
    ("rename-optional", "forward"): TOLERANT,
    ("closed-map", "backward"): TOLERANT,
    ("a-pattern", "backward"): UNREAD,
    ("no-pattern", "forward"): UNREAD,
    ("another-pattern", "backward"): UNREAD,
    ("another-pattern", "forward"): UNREAD,
    ("a-format", "backward"): UNREAD,
    ("another-format", "backward"): UNREAD,
    ("another-format", "forward"): UNREAD,
    ("a-wider-format", "forward"): UNREAD,
    ("unevaluated", "backward"): "`unevaluated*` is not reasoned about here, so it cannot be proved: the name is known",
    ("contains", "forward"): "`contains` is not reasoned about here, so it cannot be proved: fewer are wanted",
    ("python", "backward"): "`x-checks` is our own keyword",
    ("member-added", "backward"): FINER,
    ("member-removed", "forward"): FINER,
    ("member-changed", "forward"): FINER,
    ("not", "forward"): FINER,
    ("if", "backward"): FINER,
    ("both of two", "backward"): FINER,
    ("fields in two parts", "backward"): FINER,
}
PAIRS: Final = [row[:3] for row in RULES] + SAFE


def their_verdict(old: Any, new: Any, direction: str) -> bool | None:
    """Return whether jsoncompat calls a change safe; None where it does not read the schemas."""
    try:
        return jsoncompat.check_compat(json.dumps(old), json.dumps(new), ROLES[direction])
    except ValueError:
        return None


@pytest.mark.parametrize("direction", [*ROLES])
@pytest.mark.parametrize(("name", "old", "new"), PAIRS, ids=[pair[0] for pair in PAIRS])
def test_where_a_second_opinion_differs_we_say_why(name: str, old: Any, new: Any, direction: str) -> None:
    ours = not any(direction in change.breaks for change in compare(old, new))

    theirs = their_verdict(old, new, direction)

    assert (theirs is not None and theirs != ours) == ((name, direction) in STANDS)
