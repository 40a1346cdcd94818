"""What deliveries says."""

from pydantic import Field

from contradance import Contract
from food_contracts.fields import DeliveredTo, Moment, OrderedBy, OrderId
from food_contracts.values import Handle


class DeliveryPartnerAssigned(Contract, source="food.deliveries", subject="order_id"):
    """A delivery partner was booked to bring the order."""

    order_id: OrderId
    customer: OrderedBy
    delivery_address: DeliveredTo
    partner_id: Handle = Field(description="The delivery partner.", examples=["bike-1"])
    assigned_at: Moment = Field(description="When the partner was booked.", examples=["2026-01-31T18:00:06Z"])
    picks_up_at: Moment = Field(description="When the partner fetches the meal.", examples=["2026-01-31T18:20:04Z"])
    arrives_at: Moment = Field(description="When the meal should arrive.", examples=["2026-01-31T18:40:04Z"])
