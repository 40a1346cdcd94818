"""A small choreography with events of others, on three buses, for tests of every room."""

from typing import Annotated

from aws_lambda_powertools.utilities.parser.models import S3EventNotificationEventBridgeDetailModel
from pydantic import BaseModel, Field

from contradance import PII, Choreography, Contract, Delivery, ForeignEvent, Registry, Table, subscriber


class PhotoIndexed(Contract, source="album.gallery", subject="key"):
    """A photo can be found."""

    key: str = Field(examples=["a.jpg"])
    account: str = Field(default="", examples=["000000000000"])


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


class MemberRemoved(ForeignEvent, source="accounts", detail_type="member removed", correlation="requestId"):
    """The accounts team removed a member."""

    member_id: str = Field(alias="memberId", examples=["m-7"])
    request_id: str | None = Field(default=None, alias="requestId", examples=["r-1"])
    mail: Annotated[str, PII] = Field(default="", examples=["a@example.org"])


class MemberRenamed(ForeignEvent, source="accounts", detail_type="member removed"):
    """Another class of the same event."""

    member_id: str = Field(alias="memberId", examples=["m-7"])


class Parcel(BaseModel):
    number: str = Field(examples=["p-1"])
    state: str = Field(examples=["shipped"])


class PrintShipped(
    ForeignEvent,
    source="aws.partner/printer.example/*",
    detail_type="print/shipped",
    bus="printer",
    once_by="parcel.number",
):
    """The print shop shipped a print."""

    parcel: Parcel


class Photo(BaseModel):
    key: str


photos = Table("photos", key=("key",), model=Photo, service="gallery")


@subscriber(service="gallery", where={"object": {"key": [{"suffix": ".jpg"}]}}, uses=[photos.write])
def index_photo(created: ObjectCreated, delivery: Delivery) -> PhotoIndexed:
    """Index a photo that S3 stored."""
    photos.put(Photo(key=created.object.key))
    return PhotoIndexed(key=created.object.key, account=delivery.account)


@subscriber(service="gallery")
def forget_member(removed: MemberRemoved) -> PhotoIndexed | None:
    """Forget a member."""
    return PhotoIndexed(key=removed.member_id) if removed.request_id else None


@subscriber(service="people")
def rename_member(event: MemberRenamed | PhotoIndexed) -> None:
    """Take an event of others or one of ours."""


@subscriber(service="prints", delivery="queue")
def note_shipment(shipped: PrintShipped, delivery: Delivery) -> None:
    """Note that a print is on its way."""


album = Choreography(
    "album",
    contracts=Registry("album", [PhotoIndexed]),
    functions=[index_photo, forget_member, rename_member, note_shipment],
)
