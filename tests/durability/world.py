"""The world outside a laptop that may die at any moment: a payment gateway that remembers, and what has to hold."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from contradance.local.clock import VirtualClock
from contradance.local.laptop import Laptop
from food_contracts.values import Money
from functions.choreography import food_delivery
from functions.payments.gateway import Approved, Declined, PretendGateway

HAPPY_END, REFUSED_END = "delivery_assigned", "cancelled"
ENDS = {HAPPY_END: (4, 8), REFUSED_END: (4, 6)}
"""Events and deliveries of an order, by the status in which it ends."""


class GatewayLine(NamedTuple):
    """One request that reached the gateway."""

    kind: str
    idempotency_key: str


@contextmanager
def gateway_that_remembers(log: Path) -> Iterator[None]:
    """Have the gateway write down every request before it answers, where no crash of ours can reach."""
    charge, refund = PretendGateway.charge, PretendGateway.refund

    def remembered_charge(self: PretendGateway, total: Money, token: str, idempotency_key: str) -> Approved | Declined:
        _append(log, "charge", idempotency_key)
        return charge(self, total, token, idempotency_key)

    def remembered_refund(self: PretendGateway, payment_id: str, total: Money, idempotency_key: str) -> str:
        _append(log, "refund", idempotency_key)
        return refund(self, payment_id, total, idempotency_key)

    PretendGateway.charge = remembered_charge  # type: ignore[method-assign]
    PretendGateway.refund = remembered_refund  # type: ignore[method-assign]
    try:
        yield
    finally:
        PretendGateway.charge, PretendGateway.refund = charge, refund  # type: ignore[method-assign]


def _append(log: Path, kind: str, key: str) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, f"{kind} {key}\n".encode())
    os.close(descriptor)


def gateway_lines(log: Path) -> list[GatewayLine]:
    """Return every request that reached the gateway."""
    return [GatewayLine(*line.split()) for line in log.read_text().splitlines()] if log.exists() else []


def open_laptop(state: Path, *, publish_at_once: bool) -> Laptop:
    """Open the food delivery system on a virtual clock."""
    clock = VirtualClock()
    return Laptop(
        food_delivery, state, clock=clock, variables={}, synchronous="NORMAL", publish_at_once=publish_at_once
    )


def ask(laptop: Laptop, method: str, target: str, body: object = None, **headers: str) -> Any:
    """Return the JSON of one answer; anything but a success is an error."""
    answer = laptop.request(method, target, json.dumps(body) if body is not None else "", headers)
    assert answer.status < 300, answer
    return json.loads(answer.body)


def all_orders(laptop: Laptop) -> list[dict[str, Any]]:
    """Return every stored order, page by page."""
    orders, after = [], ""
    while after is not None:
        page = ask(laptop, "GET", f"/orders?limit=100{after and f'&after={after}'}")
        orders += page["orders"]
        after = page["after"]
    return orders


def check(laptop: Laptop, gateway: list[GatewayLine], orders: int) -> None:
    """Assert what holds when everything has come to rest, however often the process died on the way."""
    page = all_orders(laptop)
    ids = [order["order_id"] for order in page]
    assert len(set(ids)) == len(ids) == orders
    assert {order["status"] for order in page} <= ENDS.keys(), page
    assert laptop.database.read("SELECT count(*) FROM delivery") == [(0,)]
    assert laptop.database.read("SELECT count(*) FROM dead_letter") == [(0,)]
    assert laptop.database.read("SELECT count(*) FROM once WHERE state != 'published'") == [(0,)]
    refunded = [order for order in page if order["status"] == REFUSED_END]
    keys = {kind: {line.idempotency_key for line in gateway if line.kind == kind} for kind in ("charge", "refund")}
    assert (len(keys["charge"]), len(keys["refund"])) == (orders, len(refunded))
    assert ask(laptop, "GET", "/customers/ada/loyalty")["orders"] == orders - len(refunded)
    mails = Counter(mail["order_id"] for mail in ask(laptop, "GET", "/customers/ada/notifications"))
    assert mails == dict.fromkeys(ids, 2)
    check_events(laptop, {order["order_id"]: order["status"] for order in page})


def check_events(laptop: Laptop, status: dict[str, str]) -> None:
    """Assert that no event is lost, that none goes under two ids, and that the journal tells every flow."""
    subject, detail_type = "envelope ->> '$.detail.metadata.subject'", "envelope ->> '$.\"detail-type\"'"
    rows = laptop.database.read(f"SELECT DISTINCT {subject}, {detail_type}, event_id FROM event")  # noqa: S608 - constants
    per_order = Counter(order for order, _, _ in rows)
    assert len({(order, kind) for order, kind, _ in rows}) == len(rows), "an event goes under two ids"
    assert per_order == {order: ENDS[end][0] for order, end in status.items()}
