from pathlib import Path

from tests.durability.soak import soak


def test_orders_survive_a_laptop_that_is_killed_while_they_are_placed(tmp_path: Path) -> None:
    soak(tmp_path, orders=60, clients=6, kills=2)
