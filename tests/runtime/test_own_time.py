"""The time of one attempt among several in one invocation."""

from datetime import timedelta

import pytest

from contradance.runtime.own_time import OwnTime, is_enough

TIMEOUT = timedelta(seconds=3)


class Invocation:
    """An invocation with the time that a test sets."""

    aws_request_id = "r-1"

    def __init__(self, left: int) -> None:
        self.left = left

    def get_remaining_time_in_millis(self) -> int:
        return self.left


def test_an_attempt_ends_after_its_timeout_although_the_invocation_goes_on() -> None:
    invocation = Invocation(10_000)
    attempt = OwnTime(invocation, TIMEOUT)
    left = {}

    for passed in (0, 1, 2_999, 3_000, 3_001):
        invocation.left = 10_000 - passed
        left[passed] = attempt.get_remaining_time_in_millis()

    assert left == {0: 3_000, 1: 2_999, 2_999: 1, 3_000: 0, 3_001: 0}


@pytest.mark.parametrize("left", [2_000, 3_000])
def test_an_attempt_ends_with_its_invocation(left: int) -> None:
    assert OwnTime(Invocation(left), TIMEOUT).get_remaining_time_in_millis() == left


def test_an_attempt_has_the_id_of_its_invocation() -> None:
    assert OwnTime(Invocation(1), TIMEOUT).aws_request_id == "r-1"


@pytest.mark.parametrize(("left", "enough"), [(3_999, False), (4_000, True)])
def test_a_whole_timeout_and_a_second_are_enough(left: int, enough: bool) -> None:
    assert is_enough(Invocation(left), TIMEOUT) is enough
