"""The events of the deliveries service."""

from uuid import UUID

from pydantic import AwareDatetime, Field

from contradance import Contract
from food_contracts.values import Address, Customer, Handle


class DeliveryPartnerAssigned(Contract, source="food.deliveries", subject="order_id"):
    """A delivery partner was booked to bring the order."""

    order_id: UUID = Field(description="The order.", examples=["6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11"])
    customer: Customer = Field(description="Who ordered.")
    delivery_address: Address = Field(description="Where the meal is brought.")
    partner_id: Handle = Field(description="The delivery partner.", examples=["bike-1"])
    assigned_at: AwareDatetime = Field(description="When the partner was booked.", examples=["2026-01-31T18:00:06Z"])
    picks_up_at: AwareDatetime = Field(
        description="When the partner fetches the meal.", examples=["2026-01-31T18:20:04Z"]
    )
    arrives_at: AwareDatetime = Field(description="When the meal should arrive.", examples=["2026-01-31T18:40:04Z"])
