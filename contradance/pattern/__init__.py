"""Event patterns of EventBridge: the whole grammar, for one pattern or for thousands of rules.

    EventPattern   one pattern: whether an event matches, and if not, why
    RuleIndex      many rules: which of them match; the cost hardly grows with their number

`syntax` reads a pattern into branches. Each field of a branch has `alternatives`: values (`scalar`) and `operators`, which
use `caseless`, `wildcard` and `ip_address`. A `branch` checks the `leaves` of an event, and `arrays` does it for arrays of
objects. `mismatch` explains why an event does not match. `rule_index` keeps one `field_index` per field, with `intervals`
for numbers.
"""

from contradance.errors import InvalidPattern
from contradance.pattern.event_pattern import EventPattern
from contradance.pattern.mismatch import Mismatch
from contradance.pattern.rule_index import RuleIndex

__all__ = ["EventPattern", "InvalidPattern", "Mismatch", "RuleIndex"]
