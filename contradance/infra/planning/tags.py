"""The tags that a stack configures, as IAM and the other services of AWS accept them."""

import unicodedata
from collections.abc import Iterator
from typing import Final

from contradance.infra.planning.plan import StackPlan

TAG_LENGTHS: Final = (128, 256)
"""Maximum number of characters of a tag's key and of its value; fixed."""
TAG_CHARACTERS: Final = "_.:/=+-@"
"""Characters of a tag besides letters, numbers and spaces. IAM API reference, Tag."""
OWN_TAGS: Final = ("app", "function", "service", "severity", "stack")
"""Keys of the tags that contradance sets."""


def wrong_tags(plan: StackPlan) -> Iterator[str]:
    """Yield a problem for each tag that IAM refuses, that contradance sets, or that is too long or empty.

    To IAM, keys that differ in case only are the same key.
    """
    stack = plan.setup.site.stack
    seen = {key.casefold(): key for key in OWN_TAGS}
    for key, value in plan.setup.config.tags.items():
        fix = f"  Fix: pulumi config rm --stack {stack} --path 'tags[\"{key}\"]'"
        twin = seen.setdefault(key.casefold(), key)
        if key in OWN_TAGS:
            yield f"  the tag {key!r} is set by contradance.\n{fix}"
        elif twin != key:
            yield f"  the tags {key!r} and {twin!r} differ in case only; IAM refuses both on one role.\n{fix}"
        if key.casefold().startswith("aws:"):
            yield f"  the tag {key!r} begins with aws:, which is reserved.\n{fix}"
        if odd := [
            one for one in key + value if unicodedata.category(one)[0] not in "LNZ" and one not in TAG_CHARACTERS
        ]:
            yield (
                f"  the tag {key[:40]!r} has {odd[0]!r}: AWS accepts letters, numbers, spaces and {TAG_CHARACTERS} in keys and "
                f"values.\n{fix}"
            )
        if not key:
            yield f"  a tag has an empty key.\n{fix}"
        if len(key) > TAG_LENGTHS[0] or len(value) > TAG_LENGTHS[1]:
            yield f"  the tag {key[:40]!r} is too long: a key has {TAG_LENGTHS[0]} characters, a value {TAG_LENGTHS[1]}.\n{fix}"
