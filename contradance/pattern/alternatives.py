"""The array of alternatives that a pattern gives for one field."""

import math
from collections.abc import Hashable, Mapping

from contradance.pattern.grammar import READERS, invalid, require_text
from contradance.pattern.ip_address import Block, parse_address
from contradance.pattern.operators import Operator, Present, Within
from contradance.pattern.scalar import leaf_key

_PRESENT = Present()


class Alternatives:
    """The alternatives of one field: values (`keys`), `operators`, and whether the field may be `absent`."""

    __slots__ = ("absent", "keys", "operators", "written")

    def __init__(self, written: list[object] | tuple[object, ...], path: str) -> None:
        self.written = written
        self.absent = False
        self.operators: list[Operator] = []
        values: list[Hashable] = []
        for position, alternative in enumerate(written):
            if isinstance(alternative, str):
                self._add_text(alternative, values)
            elif isinstance(alternative, Mapping):
                self._add_operator(alternative, f"{path}[{position}]", values)
            else:
                _refuse_other_values(alternative, f"{path}[{position}]")
                values.append(leaf_key(alternative))
        if not written:
            raise invalid("Empty arrays are not allowed", path)
        self.keys = frozenset(values)

    def accepts(self, value: object) -> bool:
        """Return whether a leaf of an event matches one of the alternatives; absence is not checked here."""
        keys = self.keys
        if keys and (value if type(value) is str else leaf_key(value)) in keys:
            return True
        for operator in self.operators:  # noqa: SIM110 - a loop is twice as fast as any()
            if operator.accepts(value):
                return True
        return False

    @property
    def optional(self) -> bool:
        """Whether the field may be absent, and may also have a value."""
        return self.absent and bool(self.keys or self.operators)

    def _add_text(self, text: str, values: list[Hashable]) -> None:
        """Add a text to `values`, or to `operators` as a block if it is an IP address."""
        # EventBridge compares IP addresses by value: "::1" also matches "0:0:0:0:0:0:0:1".
        address = parse_address(text) if "." in text or ":" in text else None
        if address is None:
            values.append(text)
        else:
            self.operators.append(Within(Block(address, address.width)))

    def _add_operator(self, written: Mapping[object, object], path: str, values: list[Hashable]) -> None:
        """Add an alternative like `{"prefix": "a"}` to `operators`, its one value to `values`, or set `absent`."""
        if len(written) != 1:
            raise invalid("Only one key allowed in match expression", path)
        ((name, argument),) = written.items()
        if name == "exists":
            if argument is False:
                self.absent = True
                return
            if argument is not True:
                raise invalid("exists match pattern must be either true or false", path)
            self.operators.append(_PRESENT)
        elif name == "exactly":
            values.append(require_text(argument, "exactly", path))
        elif isinstance(name, str) and name in READERS:
            operator = READERS[name](argument, f"{path}.{name}")
            if isinstance(operator, int | float):
                values.append(operator)
            else:
                self.operators.append(operator)
        else:
            raise invalid(f"Unrecognized match type {name}", path)


def _refuse_other_values(value: object, path: str) -> None:
    """Raise `InvalidPattern` for a value that is not null, a boolean or a finite number."""
    if value is not None and not isinstance(value, bool | int | float):
        raise invalid("Match value must be String, number, true, false, or null", path)
    if isinstance(value, float) and not math.isfinite(value):
        raise invalid("A number is too large, or is not a number", path)
