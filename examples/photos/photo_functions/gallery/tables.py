"""The tables of the gallery service."""

from pydantic import BaseModel

from contradance import Table


class Photo(BaseModel):
    """One photo of one member."""

    member_id: str
    photo_key: str
    size: int


photos = Table("photos", key=("member_id", "photo_key"), model=Photo)
