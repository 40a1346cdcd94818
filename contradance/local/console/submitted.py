"""The fields of a form as a browser sends them."""

from collections.abc import Iterable


class SubmittedForm:
    """The fields of a form; a field may have several values."""

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields: dict[str, list[str]] = {}
        for name, value in fields:
            self._fields.setdefault(name, []).append(value)

    def first(self, name: str) -> str:
        """Return the first value of a field; an empty text without the field."""
        return self._fields.get(name, [""])[0]

    def all(self, name: str) -> list[str]:
        """Return every value of a field; none without the field."""
        return self._fields.get(name, [])

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def names(self) -> list[str]:
        """Return the names of the fields, in their order in the form."""
        return list(self._fields)
