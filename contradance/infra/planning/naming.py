"""Names of AWS resources: readable, predictable, unique, and within AWS's limits."""

import re
from hashlib import sha256
from typing import Final, Literal

from contradance.errors import InvalidStack

ResourceKind = Literal[
    "alarm", "api", "archive", "bus", "dashboard", "function", "layer", "queue", "registry", "role", "rule", "schedule",
    "schedule group", "table", "topic",
]  # fmt: skip

LONGEST: Final[dict[ResourceKind, int]] = {
    "alarm": 255,
    "api": 128,
    "archive": 48,
    "bus": 256,
    "dashboard": 255,
    "function": 64,
    "layer": 140,
    "queue": 80,
    "registry": 64,
    "role": 64,
    "rule": 64,
    "schedule": 64,
    "schedule group": 64,
    "table": 255,
    "topic": 256,
}
"""Most characters of a name, by kind. botocore's service models."""

_HASH_CHARACTERS: Final = 8
_UNFIT: Final = re.compile(r"[^A-Za-z0-9_-]")
"""Characters that a name does not have: all kinds accept letters, digits, '-' and '_'."""


class Names:
    """The names of one stack. The same parts make the same name, on any machine and beside any other resources."""

    def __init__(self, app: str, stack: str) -> None:
        self._whole = (app, stack)
        self._taken: dict[tuple[ResourceKind, str], tuple[str, ...]] = {}

    def name(self, kind: ResourceKind, *parts: str, suffix: str = "") -> str:
        """Return `app-stack-part-part-suffix`, cut and hashed if AWS would refuse it; raise `InvalidStack` if taken.

        Raises:
            InvalidStack: other parts already have the same name of this kind.
        """
        whole = (*self._whole, *parts)
        name = fitting_name("-".join(whole), "/".join((*whole, suffix)), LONGEST[kind], suffix)
        other = self._taken.setdefault((kind, name), (*parts, suffix))
        if other != (*parts, suffix):
            raise InvalidStack(
                f"stack {self._whole[1]!r} would give one name, {name!r}, to two of its {kind}s: "
                f"{' '.join(other).strip()} and {' '.join((*parts, suffix)).strip()}.\n  Rename one of them."
            )
        return name


def fitting_name(text: str, identity: str, longest: int, suffix: str = "") -> str:
    """Return `text-suffix`; if AWS would refuse it, cut to `longest` characters and with `-` for refused characters.

    A changed name gets a hash of `identity`, which keeps it unique.
    """
    tail = f"-{suffix}" if suffix else ""
    clean = _UNFIT.sub("-", text)
    if clean == text and len(text) + len(tail) <= longest:
        return text + tail
    digest = sha256(identity.encode()).hexdigest()[:_HASH_CHARACTERS]
    room = longest - len(tail) - _HASH_CHARACTERS - 1
    return f"{clean[:room].rstrip('-')}-{digest}{tail}"
