"""Two values of one class are equal when they hold the same, and differ by any part of it."""

from collections import deque
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from math import inf, nan
from typing import Any
from uuid import UUID

import pytest

from contradance.equality import Equality
from tests.wire import shapes as s

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
STRICTLY = Equality(opaque=False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(date(2026, 1, 31), date(2026, 2, 1), id="date"),
        pytest.param(timedelta(1), timedelta(2), id="timedelta"),
        pytest.param(NOON, NOON + timedelta(microseconds=1), id="datetime"),
        pytest.param(NOON.replace(tzinfo=None), NOON.replace(tzinfo=None, hour=13), id="naive datetime"),
        pytest.param(time(12), time(13), id="time"),
        pytest.param(time(12, tzinfo=UTC), time(13, tzinfo=UTC), id="aware time"),
        pytest.param(1.5, nan, id="NaN"),
        pytest.param(nan, 1.5, id="NaN built"),
        pytest.param(inf, -inf, id="infinity"),
        pytest.param(Decimal("1.0"), Decimal("1.1"), id="Decimal"),
        pytest.param(1, 2, id="int"),
        pytest.param("a", "b", id="str"),
        pytest.param(UUID(int=1), UUID(int=2), id="UUID"),
        pytest.param(s.Colour.RED, next(one for one in s.Colour if one is not s.Colour.RED), id="enum"),
        pytest.param(1 + 1j, 1 + 2j, id="complex"),
        pytest.param([1], [2], id="list"),
        pytest.param([1], [1, 1], id="longer list"),
        pytest.param(deque([1], 2), deque([1], 3), id="deque"),
        pytest.param({1}, {2}, id="set"),
        pytest.param({"a": 1}, {"a": 2}, id="dict"),
        pytest.param({"a": 1}, {"b": 1}, id="keys"),
    ],
)
@pytest.mark.parametrize(
    "hold", [lambda value: value, lambda value: [value], lambda value: {"a": value}], ids=["", "in a list", "in a dict"]
)
def test_values_that_differ_are_not_equal(one: Any, other: Any, hold: Callable[[Any], Any]) -> None:
    assert STRICTLY.difference(hold(one), hold(other)) is not None
    assert STRICTLY.difference(hold(one), hold(one)) is None
