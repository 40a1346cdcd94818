from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from functions.restaurants.kitchens import KITCHENS, Booking, Kitchen
from tests.functions.given import NOW

HOUR = timedelta(hours=1)
KITCHEN = Kitchen(places=2, busy_for=HOUR, longest_wait=HOUR)


def book(kitchen: Kitchen, orders: int, now: datetime = NOW) -> list[datetime | None]:
    """Return when each of some orders that come at once is ready; None for those that are refused."""
    busy_until: tuple[datetime, ...] = ()
    ready: list[datetime | None] = []
    for _ in range(orders):
        booking = kitchen.book(busy_until, now)
        busy_until = booking.busy_until if booking else busy_until
        ready.append(booking.ready_at if booking else None)
    return ready


def test_a_free_place_is_taken_at_once() -> None:
    assert KITCHEN.book((), NOW) == Booking(NOW + HOUR, (NOW + HOUR,))


def test_when_no_place_is_free_the_earliest_is_taken() -> None:
    soon, later = NOW + timedelta(minutes=10), NOW + timedelta(minutes=50)

    assert KITCHEN.book((later, soon), NOW) == Booking(soon + HOUR, (later, soon + HOUR))


def test_a_place_is_free_again_when_its_order_is_ready() -> None:
    assert KITCHEN.book((NOW, NOW - HOUR), NOW) == Booking(NOW + HOUR, (NOW + HOUR,))


def test_only_a_wait_longer_than_the_kitchen_accepts_is_over_capacity() -> None:
    assert book(KITCHEN, 5) == [NOW + HOUR, NOW + HOUR, NOW + 2 * HOUR, NOW + 2 * HOUR, None]


@given(st.lists(st.integers(0, 240), max_size=60), st.integers(1, 5))
def test_a_kitchen_never_cooks_more_orders_than_it_has_places(minutes: list[int], places: int) -> None:
    kitchen = Kitchen(places=places, busy_for=HOUR, longest_wait=2 * HOUR)
    busy_until: tuple[datetime, ...] = ()
    cooking = []

    for minute in sorted(minutes):
        now = NOW + timedelta(minutes=minute)
        booking = kitchen.book(busy_until, now)
        if booking is None:
            continue
        busy_until = booking.busy_until
        starts_at = booking.ready_at - kitchen.busy_for
        assert now <= starts_at <= now + kitchen.longest_wait
        cooking.append(starts_at)

    for moment in cooking:
        assert sum(starts_at <= moment < starts_at + kitchen.busy_for for starts_at in cooking) <= places
    assert len(busy_until) <= places


def test_the_roster_has_open_and_closed_kitchens() -> None:
    assert KITCHENS["luigis"].is_open
    assert not KITCHENS["night-owl"].is_open
