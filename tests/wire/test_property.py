"""Whatever a contract holds, an event is refused at publish with its field named, or arrives equal."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from pydantic.errors import PydanticUserError

from contradance import ContractViolation
from contradance.envelope import seal_initial
from contradance.errors import DeclarationError
from contradance.wire import as_text, read_tolerant
from tests.wire.models import contracts
from tests.wire.shapes import Celsius, Opaque

_EXACT: Final = 2**53
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def same(built: Any, read: Any) -> bool:
    """Whether two values are equal, as the simplest comparison has it: one class, one printed form of all they hold."""
    return bool(form(built) == form(read))


def form(value: Any) -> Any:
    """Return a printed form of all that a value holds."""
    for kind, printed in _FORMS:
        if isinstance(value, kind):
            return printed(value)
    return type(value), repr(value)


def _moment(value: datetime) -> Any:
    offset = value.utcoffset()
    return datetime, repr(value.replace(fold=0)) if offset is None else repr(value.replace(tzinfo=None) - offset)


_FORMS: Final[tuple[tuple[Any, Callable[[Any], Any]], ...]] = (
    (BaseModel, lambda value: (type(value), [form(getattr(value, name)) for name in type(value).model_fields])),
    ((list, tuple), lambda value: [form(one) for one in value]),
    (dict, lambda value: (dict, sorted(repr((form(key), form(one))) for key, one in value.items()))),
    (frozenset, lambda value: (frozenset, sorted(repr(form(one)) for one in value))),
    (datetime, _moment),
    ((bool, Enum), lambda value: (type(value), repr(value))),
    (float, lambda value: ("number", repr(value + 0.0))),
    (int, lambda value: ("number", repr(float(value)) if abs(value) < _EXACT else repr(value))),
    ((Celsius, Opaque), lambda value: (type(value), vars(value))),
)


@given(st.data())
def test_an_event_is_refused_with_its_field_or_arrives_equal(data: st.DataObject) -> None:
    try:
        contract, arguments = data.draw(contracts())
        event = contract(**data.draw(arguments))
    except (DeclarationError, ValidationError, PydanticUserError, RuntimeError, TypeError, ArithmeticError):
        assume(condition=False)  # its class is refused, or these arguments are
        raise
    try:
        (sealed,) = seal_initial(event, publisher="made.up", occurred_at=NOON)
    except ContractViolation as refused:
        assert "\n  data" in str(refused), str(refused)  # noqa: PT017 - either it is refused, or what follows holds
        return

    read = read_tolerant(contract, as_text({**json.loads(sealed.detail)["data"], "new": 1}))

    assert same(event, read)
