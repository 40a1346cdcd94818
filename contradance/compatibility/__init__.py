"""What a change of a schema breaks: for consumers of now and events of before, and the other way round.

    compare(old, new)               every difference, whether it breaks anybody or not
    check([first, ..., old], new)   those that break what a mode promises

Both sides are known: published schemas are closed, and consumers ignore what they do not know. So adding an optional
field breaks nobody; adding a required one breaks new consumers of old events (backward); removing one breaks old
consumers of new events (forward). What cannot be proved safe is called breaking, and says so.

Plain JSON Schemas of drafts 7 and 2020-12 are taken too. What is assumed of them:
- An object that names fields and says nothing of others has no others when it is published. One that names none, or
  says `additionalProperties: true`, may have any.
- `additionalProperties: false` does not make a consumer refuse anything; a schema there holds for both sides.
- `format` is checked by both sides.
- Inside a `oneOf` whose alternatives could fit at once, and inside `not`, `if`, `contains`, `dependent*` and
  `unevaluated*`, objects are as written, and nothing is reasoned about: the same is the same, all else cannot be proved.
What Python checks beyond the schema is seen as far as `contradance.schemas` can name it.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, get_args

from contradance.compatibility.change import BACKWARD, BOTH, FORWARD, Breaks, Change, Direction, unproven
from contradance.compatibility.comparison import Comparison, TooLargeError
from contradance.compatibility.document import Document, LocatedSchema
from contradance.compatibility.keywords import JsonSchema

__all__ = ["DEFAULT_MODE", "MODES", "Change", "Direction", "JsonSchema", "Mode", "check", "compare"]

Mode = Literal["backward", "forward", "full", "backward-transitive", "forward-transitive", "full-transitive"]
"""What is promised; transitive: towards every earlier state, not the last alone."""
MODES: Final[tuple[Mode, ...]] = get_args(Mode)
DEFAULT_MODE: Final[Mode] = "full-transitive"
"""An archive replays events of every earlier state, and consumers of before run until they are deployed anew."""

_PROMISES: Final[Mapping[str, Breaks]] = {"backward": BACKWARD, "forward": FORWARD, "full": BOTH}


def compare(old: JsonSchema, new: JsonSchema) -> list[Change]:
    """Return every difference between two schemas, those that break nobody included; none where nothing differs.

    Raises:
        InvalidSchema: one of them is no JSON Schema.
    """
    comparison = Comparison()
    try:
        findings = comparison.findings((LocatedSchema(old, Document(old)),), (LocatedSchema(new, Document(new)),))
    except TooLargeError:
        findings = (unproven("so many places that they", BOTH),)
    except RecursionError:
        findings = (unproven("places so deep that they", BOTH),)
    return list(dict.fromkeys(finding.change() for finding in findings))


def check(old: JsonSchema | Sequence[JsonSchema], new: JsonSchema, mode: Mode = DEFAULT_MODE) -> list[Change]:
    """Return the changes that break what `mode` promises: none where `new` may take the place of `old`.

    Args:
        old: the earlier states, the oldest first; one schema is one state.
        new: what is to take its place.
        mode: what is promised, and whether to the last state alone.
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
