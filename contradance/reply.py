"""The answers of a route that are more than a body: `Reply` also publishes, `HttpError` is an error status."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel

from contradance.contract import Contract
from contradance.errors import ContradanceError

Body_co = TypeVar("Body_co", bound=BaseModel | Sequence[BaseModel] | None, covariant=True)
Published_co = TypeVar("Published_co", bound=Contract | Iterable[Contract] | None, covariant=True)


@dataclass(frozen=True, slots=True)
class Reply(Generic[Body_co, Published_co]):
    """A route's answer that also publishes: `Reply(loan, publishes=lent)`, annotated `Reply[Loan, BookLent]`."""

    body: Body_co
    publishes: Published_co


class HttpError(ContradanceError):
    """A route's answer that is not a success: `raise HttpError(404, "No such loan.")`; nothing is committed."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
