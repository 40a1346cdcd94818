"""The comparison of tables, by itself: it needs no emulator."""

from typing import Any
from uuid import uuid4

from tests.emulator.tables import comparable

LATER = "2026-11-26T21:07:05.883310Z"


def row(order_id: str, **changes: object) -> dict[str, Any]:
    at = "2026-01-31T18:00:07Z"
    return {"order_id": order_id, "at": at, "payment": f"pay_{uuid4().hex}", "text": "ready at 18:20 UTC", **changes}


def test_ids_and_times_differ_and_all_else_does_not() -> None:
    first, second = str(uuid4()), str(uuid4())
    mine = comparable({"orders": [row(first, total=1), row(second, total=2)]}, [first, second])
    other, another = str(uuid4()), str(uuid4())

    later = row(other, total=1, at=LATER, text="ready at 09:15 UTC")
    assert comparable({"orders": [row(another, total=2), later]}, [other, another]) == mine
    for rows in ([row(other, total=2), row(another, total=1)], [row(other, total=1)], [later, row(another, total=3)]):
        assert comparable({"orders": rows}, [other, another]) != mine
    assert comparable({"order": [later, row(another, total=2)]}, [other, another]) != mine
