"""The events of others that the album relies on: of Amazon S3, of the accounts team, and of the print shop."""

from uuid import UUID

from aws_lambda_powertools.utilities.parser.models import S3EventNotificationEventBridgeDetailModel
from pydantic import BaseModel, Field

from contradance import ForeignEvent


class ObjectCreated(
    ForeignEvent,
    S3EventNotificationEventBridgeDetailModel,
    source="aws.s3",
    detail_type="Object Created",
    bus="default",
    once_by=("bucket.name", "object.key", "object.sequencer"),
    subject="object.key",
):
    """S3 stored an object."""


class MemberRemoved(
    ForeignEvent,
    source="com.example.accounts",
    detail_type="memberRemoved",
    once_by="memberId",
    subject="memberId",
    correlation="requestId",
):
    """The accounts team removed a member. Its events have no envelope, and names in camel case."""

    member_id: str = Field(alias="memberId", examples=["m-7"])
    request_id: str | None = Field(default=None, alias="requestId", examples=["req-42"])


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
