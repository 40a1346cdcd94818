"""`events_of` makes events of every kind of field."""

from contextlib import nullcontext, suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contradance.errors import ContractViolation
from contradance.testing.strategies import events_of
from tests.wire.contracts import contract_of, holds
from tests.wire.kinds import KINDS, Kind
from tests.wire.test_kinds import data_of


@pytest.mark.parametrize("kind", [kind for kind in KINDS if holds(kind) and kind.values], ids=lambda kind: kind.name)
def test_events_are_made_of_a_kind(kind: Kind) -> None:
    made = []

    @settings(max_examples=2, database=None, suppress_health_check=[*HealthCheck])
    @given(st.data())
    def draw(data: st.DataObject) -> None:
        event = data.draw(events_of(contract_of(kind)))
        made.append(event)
        with suppress(ContractViolation) if kind.lost else nullcontext():
            data_of(event)

    draw()

    assert made
