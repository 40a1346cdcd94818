"""`compare` before a judge: what it calls safe, the jsonschema library must find valid."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contradance.compatibility import compare
from tests.compatibility.judge import consumed, published, takes
from tests.compatibility.strategies import changed, schemas
from tests.compatibility.values import value_of
from tests.examples import examples

VALUES_PER_SIDE = 4


@examples(80)
@given(st.data())
def test_what_is_called_safe_is_valid(data: st.DataObject) -> None:
    old: Any = data.draw(schemas())
    new: Any = data.draw(changed(old) if data.draw(st.integers(0, 4)) else schemas(2))

    broken = {direction for change in compare(old, new) for direction in change.breaks}

    for direction, writer, reader in (("backward", old, new), ("forward", new, old)):
        if direction not in broken:
            for _ in range(VALUES_PER_SIDE):
                value = value_of(data.draw, writer, writer)
                assert not takes(published(writer), value) or takes(consumed(reader), value), (direction, value)


@examples(40)
@given(schemas())
def test_a_schema_does_not_differ_from_itself(schema: Any) -> None:
    assert compare(schema, copy.deepcopy(schema)) == []


@examples(80)
@given(schemas(), st.data())
def test_what_breaks_one_way_breaks_the_other_way_round(schema: Any, data: st.DataObject) -> None:
    other = data.draw(changed(schema))

    there = {direction for change in compare(schema, other) for direction in change.breaks}
    back = {direction for change in compare(other, schema) for direction in change.breaks}

    assert there == {{"backward": "forward", "forward": "backward"}[direction] for direction in back}
