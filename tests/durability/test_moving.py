from pathlib import Path

from tests.durability.moving import move_payments


def test_each_event_is_handled_exactly_once_while_payments_moves(tmp_path: Path) -> None:
    seen = move_payments(tmp_path, orders=60)

    assert seen.orders == 60
    assert set(seen.handled) == {1}
    assert seen.at_the_rename > 0
    assert seen.at_the_pause > 0
    assert seen.gap > 0
