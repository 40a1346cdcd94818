"""Orders a print of a photo."""

from uuid import UUID, uuid4

from pydantic import BaseModel, Field

from contradance import Reply, route
from photo_contracts.prints import PrintOrdered


class PrintRequest(BaseModel):
    """An order of a print."""

    photo_key: str = Field(examples=["m-7/beach.jpg"])
    copies: int = Field(default=1, ge=1, le=50)


class PrintView(BaseModel):
    """An ordered print."""

    print_id: UUID


@route("POST /prints", status=201)
def order_print(request: PrintRequest) -> Reply[PrintView, PrintOrdered]:
    """Order a print."""
    ordered = PrintOrdered(print_id=uuid4(), photo_key=request.photo_key, copies=request.copies)
    return Reply(PrintView(print_id=ordered.print_id), publishes=ordered)
