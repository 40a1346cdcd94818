"""The parameters of an AWS request, each validated: a client in another language may send anything."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from contradance.local.refusal import Refused

T = TypeVar("T")
ResponseBody = dict[str, Any]
"""The response of an operation, as JSON."""
_MOST_ON_A_PAGE: Final = 100
"""Most items of a page of EventBridge. EventBridge API reference, ListRules."""
_LONGEST_TOKEN: Final = 9
"""Longest NextToken, in digits."""


class AwsRequest:
    """The parameters of one request; one with another type than in AWS is refused.

    Args:
        parameters: by their names.
        url: the laptop's URL, as the client has it; empty in an object inside a request.
    """

    def __init__(self, parameters: Mapping[str, Any], url: str = "") -> None:
        self._parameters = parameters
        self.url = url

    @property
    def all(self) -> Mapping[str, Any]:
        """Every parameter by its name, unchanged."""
        return self._parameters

    def text(self, name: str) -> str:
        """Return a required text; raise `Refused` if it is missing, empty or of another type."""
        found = self.maybe_text(name)
        if not found:
            raise invalid(name, "null", "Member must not be null")
        return found

    def maybe_text(self, name: str) -> str | None:
        """Return a text, or None when it is missing; raise `Refused` for another type."""
        found: str | None = self._typed(name, str)
        return found

    def whole(self, name: str, least: int, most: int, default: int) -> int:
        """Return a whole number, or `default` when it is missing; raise `Refused` if not from `least` to `most`."""
        found = self.maybe_whole(name)
        if found is None:
            return default
        if found < least:
            raise invalid(name, str(found), f"Member must have value greater than or equal to {least}")
        if found > most:
            raise invalid(name, str(found), f"Member must have value less than or equal to {most}")
        return found

    def maybe_whole(self, name: str) -> int | None:
        """Return a whole number, or None when it is missing; raise `Refused` for another type."""
        found: int | None = self._typed(name, int)
        return found

    def moment(self, name: str) -> datetime:
        """Return a moment in UTC, sent in seconds since the epoch; raise `Refused` if it is missing or no timestamp."""
        found = self._typed(name, int | float)
        if found is None:
            raise invalid(name, "null", "Member must not be null")
        try:
            return datetime.fromtimestamp(found, UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise Refused("SerializationException", f"{name} is not a timestamp.") from error

    def texts(self, name: str) -> list[str]:
        """Return a list of texts, an empty one when it is missing; raise `Refused` for anything else."""
        found = self._typed(name, list) or []
        if not all(isinstance(one, str) for one in found):
            raise Refused("SerializationException", f"{name} is not a list of strings.")
        return found

    def objects(self, name: str) -> list["AwsRequest"]:
        """Return a list of objects, an empty one when it is missing; raise `Refused` for anything else."""
        found = self._typed(name, list) or []
        if not all(isinstance(one, dict) for one in found):
            raise Refused("SerializationException", f"{name} is not a list of objects.")
        return [AwsRequest(one) for one in found]

    def object(self, name: str) -> "AwsRequest":
        """Return an object, an empty one when it is missing; raise `Refused` for another type."""
        return AwsRequest(self._typed(name, dict) or {})

    def refuse(self, name: str, reason: str) -> None:
        """Raise `Refused` if the request has this parameter, which the laptop does not honour for this `reason`."""
        if name in self:
            raise Refused("UnsupportedOperation", f"The laptop does not honour {name}: {reason}.")

    def __contains__(self, name: str) -> bool:
        return self._parameters.get(name) is not None

    def page(self, items: Sequence[T]) -> tuple[Sequence[T], ResponseBody]:
        """Return a page of `items` from `NextToken` on, at most `Limit`, and the next `NextToken`, if any.

        Raises:
            Refused: an invalid token or limit.
        """
        return self.page_of(items, self.whole("Limit", 1, _MOST_ON_A_PAGE, _MOST_ON_A_PAGE))

    def page_of(self, items: Sequence[T], most: int) -> tuple[Sequence[T], ResponseBody]:
        """Return a page of at most `most` items from `NextToken` on, and the next `NextToken`, if any; or `Refused`."""
        token = self.maybe_text("NextToken") or "0"
        is_number = token.isdecimal() and token.isascii() and len(token) <= _LONGEST_TOKEN
        first = int(token) if is_number else -1
        if not 0 <= first <= len(items):
            raise Refused("ValidationException", "NextToken is not valid.")
        end = first + most
        return items[first:end], {"NextToken": str(end)} if end < len(items) else {}

    def _typed(self, name: str, kind: Any) -> Any:
        """Return a parameter, or None when it is missing; raise `Refused` if not of `kind`, and for every boolean."""
        found = self._parameters.get(name)
        if found is not None and (not isinstance(found, kind) or isinstance(found, bool)):
            raise Refused("SerializationException", f"{name} has the wrong type.")
        return found


def invalid(name: str, value: str, constraint: str) -> Refused:
    """Return the `ValidationException` of one parameter; the caller raises it. `value` must not be personal data."""
    member = name[:1].lower() + name[1:]
    return Refused(
        "ValidationException",
        f"1 validation error detected: Value {value if value == 'null' else repr(value)} at '{member}' failed to satisfy "
        f"constraint: {constraint}",
    )
