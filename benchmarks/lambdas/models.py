"""The same events as models of Pydantic's own."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Reader(BaseModel):
    """Who reads."""

    reader_id: str = Field(min_length=1, max_length=64)
    name: str
    email: str


class Line(BaseModel):
    """One book."""

    isbn: str
    title: str
    copies: int = Field(gt=0)


class BookLent(BaseModel):
    """A reader borrowed books."""

    loan_id: UUID
    reader: Reader
    books: list[Line] = Field(min_length=1)
    fee: int = Field(ge=0)
    lent_at: datetime


class ReminderPlanned(BaseModel):
    """A reminder will be sent."""

    loan_id: UUID
    reader: Reader
    fee: int = Field(ge=0)
    lent_at: datetime


class Metadata(BaseModel):
    """What is said about an event."""

    model_config = ConfigDict(extra="ignore")

    event_id: str
    version: int
    occurred_at: datetime
    subject: str
    correlation_id: str


class Detail(BaseModel):
    """The whole of `detail`."""

    metadata: Metadata
    data: BookLent
