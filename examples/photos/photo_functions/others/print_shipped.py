"""The event `print.shipped` of the print shop."""

from uuid import UUID

from pydantic import BaseModel, Field

from contradance import ForeignEvent


class Parcel(BaseModel):
    """A parcel of the print shop."""

    reference: UUID = Field(description="Our id of the print.", examples=["8f3d5c1e-7f0e-4a53-9d6c-0b6a1f6f2f11"])
    tracking_number: str = Field(alias="trackingNumber", examples=["PX-1001"])


class PrintShipped(
    ForeignEvent,
    source="aws.partner/printshop.example/*",
    detail_type="print.shipped",
    bus="print_shop",
    once_by="parcel.trackingNumber",
    subject="parcel.reference",
):
    """The print shop, an EventBridge partner, handed a parcel to its carrier."""

    parcel: Parcel
