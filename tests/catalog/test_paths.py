from contradance import Choreography, Contract, Registry, subscriber
from contradance.catalog.paths import failure_path
from food_contracts.payments import PaymentFailed, PaymentReversed
from food_contracts.restaurants import RestaurantOrderConfirmationFailed
from functions.choreography import food_delivery


class Begun(Contract, source="shop.a", subject="item"):
    item: str


class Refused(Contract, source="shop.a", subject="item", failure=True):
    item: str


class Undone(Contract, source="shop.b", subject="item"):
    item: str


class Closed(Contract, source="shop.c", subject="item"):
    item: str


registry = Registry("shop", [Begun, Refused, Undone, Closed])


@subscriber(service="b")
def undo(refused: Refused) -> Undone:
    return Undone(item=refused.item)


@subscriber(service="c")
def close_refused(undone: Undone) -> Closed:
    return Closed(item=undone.item)


@subscriber(service="c")
def close(begun: Begun | Undone) -> Closed:
    return Closed(item=begun.item)


@subscriber(service="d")
def archive(closed: Closed) -> None: ...


def test_the_failure_path_of_the_food_delivery_is_what_follows_a_refusal_alone() -> None:
    path = failure_path(food_delivery)

    assert path.contracts == {PaymentFailed, RestaurantOrderConfirmationFailed, PaymentReversed}
    assert path.functions == {"payments.reverse_payment"}


def test_whatever_only_failures_lead_to_lies_on_the_failure_path() -> None:
    path = failure_path(Choreography("shop", contracts=registry, functions=[undo, close_refused, archive]))

    assert path.contracts == {Refused, Undone, Closed}
    assert path.functions == {"b.undo", "c.close_refused", "d.archive"}


def test_what_the_happy_path_leads_to_as_well_does_not() -> None:
    path = failure_path(Choreography("shop", contracts=registry, functions=[undo, close_refused, close, archive]))

    assert path.contracts == {Refused, Undone}
    assert path.functions == {"b.undo", "c.close_refused"}


def test_a_choreography_without_failures_has_no_failure_path() -> None:
    path = failure_path(Choreography("shop", contracts=registry, functions=[archive]))

    assert path.functions == set()
