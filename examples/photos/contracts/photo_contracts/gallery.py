"""The events of the gallery service."""

from datetime import date

from pydantic import Field

from contradance import Contract


class PhotoIndexed(Contract, source="photos.gallery", subject="photo_key"):
    """A photo is in the album and can be found."""

    photo_key: str = Field(description="The object's key in the bucket.", examples=["m-7/beach.jpg"])
    member_id: str = Field(description="The member who owns the photo.", examples=["m-7"])
    size: int = Field(description="In bytes.", examples=[184_320], ge=0)


class PhotoRemoved(Contract, source="photos.gallery", subject="photo_key"):
    """A photo is no longer in the album."""

    photo_key: str = Field(description="The object's key in the bucket.", examples=["m-7/beach.jpg"])
    member_id: str = Field(description="The member who owned the photo.", examples=["m-7"])


class DigestMade(Contract, source="photos.gallery", subject="month"):
    """The digest of a month is ready to be mailed."""

    month: str = Field(description="Like 2027-03.", examples=["2027-03"])
    made_on: date = Field(description="The day in Berlin.", examples=["2027-03-01"])
    photos: int = Field(description="Photos in the album.", examples=[12], ge=0)
