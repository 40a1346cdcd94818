"""A small library whose functions publish, refuse, fail, and wait: what an author's test looks at."""

import logging

from pydantic import BaseModel, Field

from contradance import Choreography, Contract, HttpError, Registry, Reply, Retry, Setting, Table, schedule, subscriber
from contradance.decorator import route

most_loans = Setting("most_loans", int, default=1)


class BookAsked(Contract, source="library.desk", subject="loan"):
    """A reader asked for a book."""

    loan: str = Field(examples=["loan-1"])


class BookLent(Contract, source="library.loans", subject="loan"):
    """A book was lent."""

    loan: str = Field(examples=["loan-1"])
    number: int = Field(ge=1, examples=[1])


class BookRefused(Contract, source="library.loans", subject="loan", failure=True):
    """A book was not lent."""

    loan: str = Field(examples=["loan-1"])


class Asked(BaseModel, frozen=True):
    """What a reader says, and is answered."""

    loan: str = Field(examples=["loan-1"])


@route("POST /loans", status=201, service="desk")
def ask(request: Asked) -> Reply[Asked, BookAsked]:
    """Ask for a book."""
    if request.loan == "none":
        raise HttpError(409, "There is no such book.")
    if request.loan == "broken":
        print(1 / 0)  # noqa: T201 - it raises
    return Reply(request, publishes=BookAsked(loan=request.loan))


@subscriber(service="loans", uses=[most_loans])
def lend(asked: BookAsked) -> BookLent | BookRefused:
    """Lend it, or refuse."""
    if most_loans.get() < 1:
        return BookRefused(loan=asked.loan)
    return BookLent(loan=asked.loan, number=1)


TRIES = {"count": 0}


class Shelf(BaseModel, frozen=True):
    """Where a book is."""

    book: str
    place: int


shelves = Table("shelves", key=("book",), model=Shelf, service="readers")
log = logging.getLogger(__name__)


@subscriber(service="readers", retry=Retry(times=2), uses=[shelves.write])
def tell(news: BookLent | BookRefused) -> None:
    """Tell the reader; the post is closed for "late" at first, and for "never" always."""
    TRIES["count"] += 1
    if news.loan == "loud":
        log.info("telling %s", news.loan, extra={"shelf": 3})
        print("told", news.loan)  # noqa: T201 - a test reads it
    if news.loan == "shelved":
        shelves.put(Shelf(book=news.loan, place=2))
    if news.loan == "never" or (news.loan == "late" and TRIES["count"] == 1):
        raise ConnectionError("the post is closed")


@schedule("rate(1 day)", service="desk")
def close() -> None:
    """Close the desk."""


library = Choreography(
    "library", contracts=Registry("library", [BookAsked, BookLent, BookRefused]), functions=[ask, lend, tell, close]
)
