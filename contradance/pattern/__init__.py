"""EventBridge event patterns: the whole grammar, one pattern at a time or thousands at once.

    EventPattern   one pattern: does it match, and if not, why not
    RuleIndex      many rules: which of them match, at a cost that hardly grows with their number

From the text to the answer: `syntax` reads a pattern into branches of `alternatives` (of `operators` over `scalar`,
`caseless`, `wildcard` and `address`); a `branch` checks the `leaves` of an event, with `arrays` where they are in arrays
of objects; `mismatch` says why not. `rule_index` files branches in a `field_index` for each field, with `intervals` for numbers.
"""

from contradance.errors import InvalidPattern
from contradance.pattern.event_pattern import EventPattern
from contradance.pattern.mismatch import Mismatch
from contradance.pattern.rule_index import RuleIndex

__all__ = ["EventPattern", "InvalidPattern", "Mismatch", "RuleIndex"]
