"""The four endings of an order, each kept as a golden file: what caused what."""

import pytest

from contradance.testing import Run, assert_choreography
from tests.food import DECLINED, HAPPY, OUTAGE, REFUSED


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("name", "body"), [("happy", HAPPY), ("refused", REFUSED), ("declined", DECLINED)])
def test_an_order_takes_its_course_whatever_the_order_of_deliveries(
    request: pytest.FixtureRequest, name: str, body: dict[str, object], seed: int
) -> None:
    request.node.add_marker(pytest.mark.choreography(seed=seed))
    run: Run = request.getfixturevalue("run")
    answer = run.request("POST", "/orders", body)

    run.drain()

    assert answer.status == 201
    assert_choreography(run, name)


def test_an_outage_ends_in_a_dead_letter(run: Run) -> None:
    run.request("POST", "/orders", OUTAGE)

    run.drain()

    assert_choreography(run, "outage")
    (dead,) = run.dead_letters()
    assert (dead.function, dead.attempt) == ("payments.process_payment", 6)
