"""What an AWS request asks, read with care: a client in another language validates nothing before it sends."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from contradance.local.refusal import Refused

T = TypeVar("T")
ResponseBody = dict[str, Any]
"""What an operation answers, as JSON."""
_MOST_ON_A_PAGE: Final = 100


class AwsRequest:
    """One request's parameters; each is refused where it has another type than AWS gives it."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._parameters = parameters

    @property
    def all(self) -> Mapping[str, Any]:
        """Every parameter, as it came."""
        return self._parameters

    def text(self, name: str) -> str:
        """Return a text that has to be there."""
        found = self.maybe_text(name)
        if not found:
            raise invalid(name, "null", "Member must not be null")
        return found

    def maybe_text(self, name: str) -> str | None:
        """Return a text, or None."""
        found: str | None = self._typed(name, str)
        return found

    def whole(self, name: str, least: int, most: int, default: int) -> int:
        """Return a whole number between two bounds."""
        found: int | None = self._typed(name, int)
        if found is None:
            return default
        if not least <= found <= most:
            raise invalid(name, str(found), f"Member must have value between {least} and {most}")
        return found

    def moment(self, name: str) -> datetime:
        """Return a moment, which the protocol says in seconds of the epoch."""
        found = self._typed(name, int | float)
        if found is None:
            raise invalid(name, "null", "Member must not be null")
        try:
            return datetime.fromtimestamp(found, UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise Refused("SerializationException", f"{name} is no moment.") from error

    def texts(self, name: str) -> list[str]:
        """Return a list of texts; an empty one where it is not there."""
        found = self._typed(name, list) or []
        if not all(isinstance(one, str) for one in found):
            raise Refused("SerializationException", f"{name} is no list of strings.")
        return found

    def objects(self, name: str) -> list["AwsRequest"]:
        """Return a list of objects; an empty one where it is not there."""
        found = self._typed(name, list) or []
        if not all(isinstance(one, dict) for one in found):
            raise Refused("SerializationException", f"{name} is no list of objects.")
        return [AwsRequest(one) for one in found]

    def object(self, name: str) -> "AwsRequest":
        """Return an object; an empty one where it is not there."""
        return AwsRequest(self._typed(name, dict) or {})

    def __contains__(self, name: str) -> bool:
        return self._parameters.get(name) is not None

    def page(self, items: Sequence[T], limit: str = "Limit") -> tuple[Sequence[T], ResponseBody]:
        """Return the page of `items` that is asked for, and the answer's token of the next one."""
        token = self.maybe_text("NextToken") or "0"
        first = int(token) if token.isdecimal() and token.isascii() else -1
        if not 0 <= first <= len(items):
            raise Refused("ValidationException", "NextToken is not valid.")
        end = first + self.whole(limit, 1, 1000, _MOST_ON_A_PAGE)
        return items[first:end], {"NextToken": str(end)} if end < len(items) else {}

    def _typed(self, name: str, kind: Any) -> Any:
        found = self._parameters.get(name)
        if found is not None and (not isinstance(found, kind) or isinstance(found, bool)):
            raise Refused("SerializationException", f"{name} has the wrong type.")
        return found


def invalid(name: str, value: str, constraint: str) -> Refused:
    """Return the refusal of one parameter, in AWS's words; `value` is no personal data."""
    member = name[:1].lower() + name[1:]
    return Refused(
        "ValidationException",
        f"1 validation error detected: Value {value if value == 'null' else repr(value)} at '{member}' failed to satisfy "
        f"constraint: {constraint}",
    )
