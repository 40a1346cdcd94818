"""The events of the prints service."""

from uuid import UUID

from pydantic import Field

from contradance import Contract


class PrintOrdered(Contract, source="photos.prints", subject="print_id"):
    """A member ordered a print of a photo."""

    print_id: UUID = Field(description="The print.", examples=["8f3d5c1e-7f0e-4a53-9d6c-0b6a1f6f2f11"])
    photo_key: str = Field(description="The photo.", examples=["m-7/beach.jpg"])
    copies: int = Field(description="Number of copies.", examples=[2], ge=1, le=50)


class PrintSent(Contract, source="photos.prints", subject="print_id"):
    """The print shop sent a print."""

    print_id: UUID = Field(description="The print.", examples=["8f3d5c1e-7f0e-4a53-9d6c-0b6a1f6f2f11"])
    tracking: str = Field(description="The carrier's number.", examples=["PX-1001"])
