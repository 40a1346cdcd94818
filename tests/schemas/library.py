"""A library that lends books: one contract in two versions, and who reads them."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from contradance import PII, Choreography, Contract, Registry, schedule, subscriber
from contradance.function import Function


class BookLent(Contract, source="library.loans", subject="loan_id"):
    """A reader borrowed a book."""

    loan_id: UUID
    reader: Annotated[str, PII] = Field(max_length=40, description="Who has it.")
    days: int = Field(ge=1)


class BookLentV2(
    Contract, source="library.loans", detail_type="BookLent", version=2, upcasts=BookLent, subject="loan_id"
):
    """A reader borrowed a book, for hours or days."""

    loan_id: UUID
    reader: Annotated[str, PII] = Field(max_length=40)
    hours: int = Field(ge=1)

    @classmethod
    def upcast(cls, old: BookLent) -> "BookLentV2":
        return cls(loan_id=old.loan_id, reader=old.reader, hours=24 * old.days)


class BookReturned(Contract, source="library.loans", subject="loan_id"):
    """A book came back."""

    loan_id: UUID


@schedule("rate(1 day)", service="loans")
def lend() -> BookLent:
    raise NotImplementedError


@subscriber(service="reminders")
def remind(lent: BookLent) -> None: ...


@subscriber(service="statistics")
def count(lent: BookLentV2) -> None: ...


def library(*contracts: type[Contract], functions: tuple[Function[..., Any], ...] = (lend, remind)) -> Choreography:
    return Choreography("library", contracts=Registry("library", contracts), functions=functions)


def changed(contract: type[Contract], *, leave: tuple[str, ...] = (), **fields: tuple[Any, Any]) -> type[Contract]:
    """Return the contract as if it had been edited: under its own name, some fields other, some gone."""
    kept = {name: field for name, field in contract.model_fields.items() if name not in (*leave, *fields)}
    named: dict[str, Any] = {
        "__module__": contract.__module__,
        "__qualname__": contract.__qualname__,
        "__doc__": contract.__doc__,
        "__annotations__": {name: field.annotation for name, field in kept.items()},
        **kept,
    }
    for name, (annotation, field) in fields.items():
        named["__annotations__"][name] = annotation
        if field is not None:
            named[name] = field
    source, detail_type, version = contract.identity
    metaclass: Any = type(Contract)
    made: type[Contract] = metaclass(
        contract.__name__,
        (Contract,),
        named,
        source=source,
        detail_type=detail_type,
        version=version,
        subject=contract.subject_field,
    )
    return made
