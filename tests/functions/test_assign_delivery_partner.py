from datetime import timedelta

from contradance.testing import sample, unit_of_work
from food_contracts.deliveries import DeliveryPartnerAssigned
from food_contracts.restaurants import RestaurantConfirmedOrder
from functions.deliveries.assign_delivery_partner import assign_delivery_partner
from functions.deliveries.partners import BUSY_FOR, PARTNERS, TRIP
from tests.functions.given import NOW, delivery, order_id

READY_AT = NOW + timedelta(minutes=20)


def assign(number: int, *, minutes: float = 0) -> DeliveryPartnerAssigned:
    """Assign a partner to an order that is ready twenty minutes after `NOW`."""
    confirmed = sample(RestaurantConfirmedOrder, order_id=order_id(number), ready_at=READY_AT)
    return assign_delivery_partner(confirmed, delivery(minutes=minutes))


def test_a_free_partner_is_there_when_the_meal_is_ready() -> None:
    with unit_of_work():
        assigned = assign(1)

    assert assigned.partner_id == PARTNERS[0]
    assert assigned.assigned_at == NOW
    assert assigned.picks_up_at == READY_AT
    assert assigned.arrives_at == READY_AT + TRIP


def test_orders_at_the_same_time_get_different_partners() -> None:
    with unit_of_work():
        assigned = [assign(number).partner_id for number in range(len(PARTNERS))]

    assert sorted(assigned) == sorted(PARTNERS)


def test_when_all_are_busy_the_earliest_free_one_is_taken_and_the_eta_says_so() -> None:
    with unit_of_work():
        first, *_ = [assign(number) for number in range(len(PARTNERS))]
        late = assign(99)

    assert late.partner_id == first.partner_id
    assert late.picks_up_at == READY_AT + BUSY_FOR
    assert late.arrives_at == READY_AT + BUSY_FOR + TRIP


def test_being_busy_is_never_an_exception() -> None:
    with unit_of_work():
        assigned = [assign(number) for number in range(100)]

    assert max(each.arrives_at for each in assigned) == READY_AT + BUSY_FOR * (100 // len(PARTNERS) - 1) + TRIP


def test_a_partner_is_free_again_later() -> None:
    with unit_of_work():
        first = assign(1)
        later = assign(2, minutes=20 + BUSY_FOR / timedelta(minutes=1))

    assert later.partner_id == first.partner_id
    assert later.picks_up_at == later.assigned_at


def test_an_order_keeps_its_partner_however_often_deliveries_is_asked() -> None:
    with unit_of_work():
        first, again, other = assign(1), assign(1, minutes=30), assign(2)

    assert again == first
    assert other.partner_id == PARTNERS[1]
