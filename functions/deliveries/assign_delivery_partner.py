from datetime import datetime

from aws_lambda_powertools import Logger

from contradance import Delivery, subscriber
from food_contracts.deliveries import DeliveryPartnerAssigned
from food_contracts.restaurants import RestaurantConfirmedOrder
from functions.deliveries.partners import BUSY_FOR, PARTNERS, TRIP
from functions.deliveries.tables import Assignment, Diary, assignments, diaries

logger = Logger()


@subscriber(uses=[assignments.write, diaries.write])
def assign_delivery_partner(confirmed: RestaurantConfirmedOrder, delivery: Delivery) -> DeliveryPartnerAssigned:
    """Book the delivery partner who is free first. When all are busy, the customer waits longer: no order is refused."""
    logger.info("Assigning delivery partner: %s", confirmed.order_id)
    assignment = assignments.get(confirmed.order_id) or book_partner(confirmed, delivery.now)
    logger.info("Delivery partner assigned: %s", confirmed.order_id)
    return DeliveryPartnerAssigned(
        order_id=confirmed.order_id,
        customer=confirmed.customer,
        delivery_address=confirmed.delivery_address,
        partner_id=assignment.partner_id,
        assigned_at=assignment.assigned_at,
        picks_up_at=assignment.picks_up_at,
        arrives_at=assignment.arrives_at,
    )


def book_partner(confirmed: RestaurantConfirmedOrder, now: datetime) -> Assignment:
    """Choose a partner, and store the choice."""
    free_at = {partner_id: free_from(partner_id, now) for partner_id in PARTNERS}
    partner_id = min(PARTNERS, key=lambda candidate: free_at[candidate])
    picks_up_at = max(confirmed.ready_at, free_at[partner_id])
    assignment = Assignment(
        order_id=confirmed.order_id,
        partner_id=partner_id,
        assigned_at=now,
        picks_up_at=picks_up_at,
        arrives_at=picks_up_at + TRIP,
    )
    assignments.put(assignment)
    diaries.put(Diary(partner_id=partner_id, busy_until=picks_up_at + BUSY_FOR))
    return assignment


def free_from(partner_id: str, now: datetime) -> datetime:
    """Return when a partner can take the next order."""
    diary = diaries.get(partner_id)
    return now if diary is None else max(now, diary.busy_until)
