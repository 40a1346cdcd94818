"""The field indexes of a rule index, by the paths of their fields."""

from collections.abc import Iterable, Iterator, Mapping

from contradance.pattern.field_index import FieldIndex

_FEW_FIELDS = 12
"""Up to this many indexed fields, each is looked up in the event; with more, the event's fields are looked up instead."""


class FieldIndexes:
    """The field indexes of a rule index."""

    __slots__ = ("_by_path", "_outer_paths")

    def __init__(self) -> None:
        self._by_path: dict[str, FieldIndex] = {}
        self._outer_paths: dict[str, int] = {}

    def get(self, path: str) -> FieldIndex | None:
        """Return the index of a field; None when it has none."""
        return self._by_path.get(path)

    def get_or_create(self, path: str) -> FieldIndex:
        """Return the index of a field; create it when it has none."""
        index = self._by_path.get(path)
        if index is None:
            index = self._by_path[path] = FieldIndex(path)
            for outer in _outer_paths(path):
                self._outer_paths[outer] = self._outer_paths.get(outer, 0) + 1
        return index

    def drop(self, path: str) -> None:
        """Remove the index of a field."""
        del self._by_path[path]
        for outer in _outer_paths(path):
            self._outer_paths[outer] -= 1
            if not self._outer_paths[outer]:
                del self._outer_paths[outer]

    def candidates_for(self, event: Mapping[str, object]) -> Iterable[tuple[str, FieldIndex]]:
        """Return (path, index) of each index that may hold rules that match an event."""
        return self._by_path.items() if len(self._by_path) <= _FEW_FIELDS else self._present_in(event)

    def _present_in(self, event: Mapping[str, object]) -> Iterator[tuple[str, FieldIndex]]:
        """Yield (path, index) of each index whose field an event has, through arrays as well."""
        paths: dict[str, FieldIndex] = {}
        stack: list[tuple[str, object]] = [("", event)]
        while stack:
            prefix, value = stack.pop()
            if isinstance(value, Mapping):
                for name, inner in value.items():
                    path = f"{prefix}{name}"
                    index = self._by_path.get(path)
                    if index is not None:
                        paths[path] = index
                    if path in self._outer_paths:
                        stack.append((f"{path}.", inner))
            elif isinstance(value, (list, tuple)):
                stack.extend((prefix, inner) for inner in value if isinstance(inner, (list, tuple, Mapping)))
        yield from paths.items()


def _outer_paths(path: str) -> Iterator[str]:
    """Yield the paths of the objects around a field: `a` and `a.b` for `a.b.c`."""
    at = path.find(".")
    while at >= 0:
        yield path[:at]
        at = path.find(".", at + 1)
