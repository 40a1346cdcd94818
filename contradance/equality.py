"""Compares a value with the one read back from its JSON, and finds the first difference.

Equal means the same class and equal fields, recursively. Python's `==` is not enough: an author's model may define
`__eq__`, an instant in a zone's repeated hour is unequal to itself in UTC, NaN is unequal to NaN, and True equals 1.

It is one module, because each function loads it: a cold start pays for every module.
"""

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType
from typing import Any, Final, NamedTuple
from uuid import UUID

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from contradance.bounds import within

_ATOMS: Final = frozenset({NoneType, bool, int, float, str, bytes, UUID, date, timedelta})
"""Classes for which `==` between values of the same class is enough."""
_MISSING: Final = object()


class Inequality(NamedTuple):
    """The first place where two values differ."""

    path: tuple[str | int, ...]
    built: object
    read: object


_Compare = Callable[[Any, Any], Inequality | None]


class Equality:
    """Compares built values with those read back.

    Args:
        opaque: whether two values of one class without `__eq__` are equal; True when the caller compares their JSON.
        integers: the integers that may be values; any other differs even from itself. None for all integers.
    """

    def __init__(self, *, opaque: bool, integers: range | None = None) -> None:
        self._opaque = opaque
        self._integers = integers
        self._atoms = _ATOMS if integers is None else _ATOMS - {int}
        self._keys = self if integers is None else Equality(opaque=opaque)  # a key is text in JSON
        self._by_class: dict[type, _Compare] = {}

    def difference(self, built: object, read: object) -> Inequality | None:
        """Return the first difference; None when the values are equal."""
        kind = type(built)
        if kind in self._atoms and kind is type(read) and built == read:
            return None
        compare = self._by_class.get(kind)
        if compare is None:
            compare = self._by_class[kind] = self._comparison_for(kind)
        return compare(built, read)

    def _comparison_for(self, kind: type) -> _Compare:
        """Return the comparison for built values of a class."""
        if issubclass(kind, BaseModel):
            return self._model_comparison(kind)
        if is_dataclass(kind):
            return self._attribute_comparison(kind, tuple(field.name for field in fields(kind)))
        names = getattr(kind, "_fields", None)
        if issubclass(kind, tuple) and names is not None:
            return self._attribute_comparison(kind, tuple(names))
        containers: dict[type, _Compare] = {
            **dict.fromkeys((list, tuple), self._compare_sequences),
            deque: self._compare_deques,
            **dict.fromkeys((set, frozenset), self._compare_sets),
            **dict.fromkeys((dict, defaultdict, OrderedDict, Counter), self._compare_mappings),
        }
        if kind in containers:
            return containers[kind]
        for base_class, equal in _SPECIAL:
            if issubclass(kind, base_class):
                return self._special_comparison(equal)
        return self._compare_others

    def _special_comparison(self, equal: Callable[[Any, Any], bool]) -> _Compare:
        """Return a comparison by `equal`; with a limit on integers, only allowed ones are equal."""
        if self._integers is not None and equal in (_same_int, _same_member):
            return _integer_comparison(equal, self._integers)
        return lambda built, read: None if equal(built, read) else Inequality((), built, read)

    def _model_comparison(self, kind: type[BaseModel]) -> _Compare:
        """Return a comparison of models of a class, field by field, and by extra fields where it allows them."""
        names = tuple(kind.model_fields)
        known, difference, atoms = self._by_class.get, self.difference, _ATOMS
        whole: tuple[str, ...] = ()
        least = most = 0
        if self._integers is not None:
            whole, least, most = _fields_without_bounds(kind, self._integers), self._integers[0], self._integers[-1]
        open_ = kind.model_config.get("extra") == "allow"

        def compare(built: BaseModel, read: object) -> Inequality | None:
            """Return the first difference, field by field; it runs for each model on each publish, and avoids calls."""
            if type(read) is not kind:
                return Inequality((), built, read)
            builts, reads = built.__dict__, read.__dict__
            for name in names:
                one, other = builts.get(name, _MISSING), reads[name]
                one_kind = type(one)
                if one_kind in atoms and one == other and one_kind is type(other):
                    continue
                found = known(one_kind, difference)(one, other)
                if found is not None:
                    return found._replace(path=(name, *found.path))
            for name in whole:
                one = builts[name]
                if type(one) is int and not least <= one <= most:
                    return Inequality((name,), one, one)
            return difference(built.__pydantic_extra__, read.__pydantic_extra__) if open_ else None

        return compare

    def _attribute_comparison(self, kind: type, names: tuple[str, ...]) -> _Compare:
        """Return a comparison of instances of a class by the attributes `names`."""

        def compare(built: object, read: object) -> Inequality | None:
            """Return the first difference; None when the class and the attributes are equal."""
            if type(read) is not kind:
                return Inequality((), built, read)
            for name in names:
                found = self.difference(getattr(built, name, _MISSING), getattr(read, name, _MISSING))
                if found is not None:
                    return found._replace(path=(name, *found.path))
            return None

        return compare

    def _compare_sequences(self, built: Iterable[object], read: object) -> Inequality | None:
        """Return the first difference in the items; what is read may be a list or a tuple."""
        return self._compare_items(built, read) if type(read) in (list, tuple) else Inequality((), built, read)

    def _compare_deques(self, built: "deque[object]", read: object) -> Inequality | None:
        """Return the first difference of two deques: their limits, lengths and items."""
        if type(read) is not deque or read.maxlen != built.maxlen:
            return Inequality((), built, read)
        return self._compare_items(built, read)

    def _compare_items(self, built: Any, read: Any) -> Inequality | None:
        """Return the first difference of two sequences in lengths or items; the caller has compared their classes."""
        if len(built) != len(read):
            return Inequality((), built, read)
        known, difference = self._by_class.get, self.difference
        for index, one in enumerate(built):
            found = known(type(one), difference)(one, read[index])
            if found is not None:
                return found._replace(path=(index, *found.path))
        return None

    def _compare_sets(self, built: set[object], read: Any) -> Inequality | None:
        """Return a difference unless the classes are one, and each built item has an equal one of its own in `read`."""
        if type(read) is not type(built) or len(read) != len(built):
            return Inequality((), built, read)
        kinds = {*map(type, built), *map(type, read)}
        if len(kinds) == 1 and kinds <= self._atoms:
            return None if built == read else Inequality((), built, read)
        left = [*read]
        for one in built:
            for index, other in enumerate(left):
                if self.difference(one, other) is None:
                    del left[index]
                    break
            else:
                return self._by_class.get(type(one), self.difference)(one, one) or Inequality((), built, read)
        return None

    def _compare_mappings(self, built: Mapping[object, object], read: Any) -> Inequality | None:
        """Return the first difference of two mappings: their classes, then keys and values, in their order."""
        if type(read) is not type(built) or len(read) != len(built):
            return Inequality((), built, read)
        for (key, one), (other_key, other) in zip(built.items(), read.items(), strict=True):
            if self._keys.difference(key, other_key) is not None:
                return Inequality((str(key),), key, other_key)
            found = self.difference(one, other)
            if found is not None:
                return found._replace(path=(str(key), *found.path))
        return None

    def _compare_others(self, built: object, read: object) -> Inequality | None:
        """Return a difference if the classes or, by `__eq__`, the values differ; without `__eq__`, unless `opaque`."""
        kind = type(built)
        if built is read:
            return None
        if kind is type(read) and (self._opaque if kind.__eq__ is object.__eq__ else _is_equal(built, read)):
            return None
        return Inequality((), built, read)


def without_eq(value: object) -> bool:
    """Whether the class of `value` has no `__eq__`, so that only JSON can compare its values."""
    return type(value).__eq__ is object.__eq__ and not isinstance(value, Enum)


def _is_equal(built: object, read: object) -> bool:
    """Whether two values are equal by an author's `__eq__`; False when it raises."""
    try:
        return bool(built == read)
    except Exception:  # noqa: BLE001 - an author's `__eq__` may raise anything
        return False


def _same_instant(built: datetime, read: object) -> bool:
    """Compare aware datetimes as instants, naive ones by `==`; a subclass may arrive as a datetime."""
    if not isinstance(read, datetime):
        return False
    if built.tzinfo is not read.tzinfo and built == read:  # within one zone `==` compares only the wall clock time
        return True
    if built.utcoffset() is None or read.utcoffset() is None:
        return (built.tzinfo, built.replace(fold=0)) == (read.tzinfo, read.replace(fold=0))
    try:
        return built.astimezone(UTC) == read.astimezone(UTC)
    except OverflowError:  # within a day of year 1 or 9999
        return (built.replace(tzinfo=None), built.utcoffset()) == (read.replace(tzinfo=None), read.utcoffset())


def _same_time(built: time, read: object) -> bool:
    """Compare times; one whose zone has no fixed offset is never equal: its JSON has no zone."""
    if not isinstance(read, time) or (built.tzinfo is None) != (read.tzinfo is None):
        return False
    return built == read and (built.tzinfo is None or built.utcoffset() is not None)


def _same_number(built: Any, read: Any) -> bool:
    """Compare numbers of one class; NaN equals NaN."""
    return type(built) is type(read) and (built == read or (built != built and read != read))  # noqa: PLR0124 - NaN


def _same_int(built: int, read: object) -> bool:
    """Compare an int; an int in a field of floats arrives as a float."""
    return type(read) in (type(built), float if type(built) is int else None) and bool(built == read)


def _integer_comparison(equal: Callable[[Any, Any], bool], allowed: range) -> _Compare:
    """Return a comparison by `equal` of integers or enum members; those not in `allowed` differ even from themselves."""

    def compare(built: Any, read: object) -> Inequality | None:
        """Return the difference; None when the integers are equal and allowed."""
        return None if equal(built, read) and not is_integer_outside(built, allowed) else Inequality((), built, read)

    return compare


def is_integer_outside(value: object, allowed: range) -> bool:
    """Whether a value, or an enum member's value, is an integer that is not in `allowed`."""
    value = value.value if isinstance(value, Enum) else value
    return isinstance(value, int) and not within(value, allowed)


def _fields_without_bounds(model: type[BaseModel], allowed: range) -> tuple[str, ...]:
    """Return the names of the fields whose types and bounds also admit integers that are not allowed."""

    def bounds(field: FieldInfo, *names: str) -> bool:
        """Whether one of these bounds of a field is an allowed integer."""
        ends = [getattr(one, name, None) for one in field.metadata for name in names]
        return any(isinstance(end, int) and within(end, allowed) for end in ends)

    def may_be_int(annotation: Any) -> bool:
        """Whether values of a type may be integers; True for every type that is not a class."""
        return not isinstance(annotation, type) or annotation in (int, object, Any)

    return tuple(
        name
        for name, field in model.model_fields.items()
        if may_be_int(field.annotation) and not (bounds(field, "ge", "gt") and bounds(field, "le", "lt"))
    )


def _same_decimal(built: Decimal, read: object) -> bool:
    """Compare decimals by their text: 1.0 does not equal 1.00."""
    return type(read) is type(built) and str(built) == str(read)


def _same_complex(built: complex, read: object) -> bool:
    """Compare complex numbers by value, or by text when a part is NaN."""
    return type(read) is type(built) and (built == read or repr(built) == repr(read))


def _same_member(built: Enum, read: object) -> bool:
    """Compare members of one enum by value; combinations of flags are not singletons."""
    return type(read) is type(built) and bool(built.value == read.value)


def _same_moment(built: Any, read: object) -> bool:
    """Compare dates or durations; a value of a subclass may arrive as its base class."""
    return not isinstance(read, datetime) and isinstance(built, type(read)) and bool(built == read)


_SPECIAL: Final[tuple[tuple[type, Callable[[Any, Any], bool]], ...]] = (
    (Enum, _same_member),
    (datetime, _same_instant),
    (time, _same_time),
    (date, _same_moment),
    (timedelta, _same_moment),
    (float, _same_number),
    (bool, _same_number),
    (int, _same_int),
    (Decimal, _same_decimal),
    (complex, _same_complex),
)
"""Comparisons by base class; the first match applies."""
