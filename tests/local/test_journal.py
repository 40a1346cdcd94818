from pathlib import Path

import pytest

from tests.food import HAPPY, REFUSED, food


@pytest.mark.parametrize("length", [8, 13, 36])
def test_a_flow_is_found_by_the_beginning_of_an_id(tmp_path: Path, length: int) -> None:
    with food(tmp_path) as system:
        first, second = system.order(HAPPY), system.order(REFUSED)

        found = {record.subject for record in system.laptop.journal.flows(first[:length])}

    assert found == {first}
    assert second not in found


@pytest.mark.parametrize("term", ["", "%", "*", "no-such-order", "\0"])
def test_what_is_no_beginning_of_an_id_finds_nothing(tmp_path: Path, term: str) -> None:
    with food(tmp_path) as system:
        order_id = system.order(HAPPY)

        assert system.laptop.journal.flows(term) == []
        assert system.laptop.journal.flows(order_id[:7]) == []
