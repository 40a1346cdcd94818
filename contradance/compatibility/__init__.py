"""Compares two versions of a schema: whether new consumers read old events, and old consumers read new events.

    compare(old, new)               every difference, breaking or not
    check([first, ..., old], new)   the differences that break a compatibility mode

Publishers publish only the fields that their schema names; consumers ignore fields that their schema does not name. So
adding an optional field breaks nothing; adding a required field breaks new consumers of old events (backward); removing
one breaks old consumers of new events (forward). A change that cannot be proved safe counts as breaking.

Plain JSON Schemas of drafts 7 and 2020-12 work too, with these assumptions:
- A publisher adds no other fields to an object that names fields. An object that names no fields, or has
  `additionalProperties: true`, may have any.
- `additionalProperties: false` does not make a consumer refuse anything; a schema there applies to both sides.
- Both sides check `format`.
- Objects are exactly as written inside a `oneOf` with alternatives that a value may match at once, and inside `not`,
  `if`, `contains`, `dependent*` and `unevaluated*`. There, any difference counts as breaking.
Checks that Python makes beyond the schema are compared as far as `contradance.schemas` names them.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, get_args

from contradance.compatibility.change import BACKWARD, BOTH, FORWARD, Breaks, Change, Direction, unproven_change
from contradance.compatibility.comparison import Comparison, TooDeepError, TooLargeError
from contradance.compatibility.document import Document, LocatedSchema
from contradance.compatibility.keywords import JsonSchema

__all__ = ["DEFAULT_MODE", "MODES", "Change", "Direction", "JsonSchema", "Mode", "check", "compare"]

Mode = Literal["backward", "forward", "full", "backward-transitive", "forward-transitive", "full-transitive"]
"""What `check` requires. A transitive mode compares with every earlier state, the others only with the last one."""
MODES: Final[tuple[Mode, ...]] = get_args(Mode)
DEFAULT_MODE: Final[Mode] = "full-transitive"
"""An archive replays events of every earlier state, and old consumers run until they are deployed again."""

_PROMISES: Final[Mapping[str, Breaks]] = {"backward": BACKWARD, "forward": FORWARD, "full": BOTH}


def compare(old: JsonSchema, new: JsonSchema) -> list[Change]:
    """Return the differences, breaking or not; none when equivalent. What cannot be compared is a change as well.

    Raises:
        InvalidSchema: one of them is not a JSON Schema.
    """
    comparison = Comparison()
    try:
        findings = comparison.findings((LocatedSchema(old, Document(old)),), (LocatedSchema(new, Document(new)),))
    except TooLargeError:
        findings = (unproven_change("too many places to compare", BOTH),)
    except (TooDeepError, RecursionError):
        findings = (unproven_change("places that are nested too deep to compare", BOTH),)
    return list(dict.fromkeys(finding.to_change() for finding in findings))


def check(old: JsonSchema | Sequence[JsonSchema], new: JsonSchema, mode: Mode = DEFAULT_MODE) -> list[Change]:
    """Return the changes that break `mode`; an empty list when `new` may replace `old`.

    Args:
        old: the earlier states, oldest first; one schema is one state.
        new: the schema that replaces them.
        mode: which directions must not break, and whether for every earlier state or only for the last one.
    """
    states = [old] if isinstance(old, bool | Mapping) else [*old]
    direction, _, transitive = mode.partition("-")
    promised = _PROMISES[direction]
    found = [
        change
        for state in (reversed(states) if transitive else states[-1:])
        for change in compare(state, new)
        if change.breaks & promised
    ]
    return list(dict.fromkeys(found))
