"""A shop whose functions raise, hang, exit and end their process, as each order says; and a laptop that runs it.

Run as a program, to be killed: `python -m tests.durability.storm_shop STATE PORT`. Every attempt that starts, and every
call of the gateway, is a line in a file outside of the laptop.
"""

import os
import sys
import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from contradance import Choreography, Contract, Delivery, Registry, Reply, Retry, Table, route, subscriber
from contradance.local.clock import RealClock
from contradance.local.laptop import Laptop
from contradance.local.web.server import Server

TIME_SCALE: Final = 60.0
"""A minute's pause before a retry takes a second."""
TIMEOUT: Final = timedelta(seconds=1)
FOR_EVER: Final = 600.0
ATTEMPTS, GATEWAY = "attempts.log", "gateway.log"

INNOCENT: Final = ("none",)
MISHAPS: Final = (
    "raise once",
    "raise",
    "raise until redriven",
    "exit",
    "interrupt",
    "surrogate",
    "large",
    "hang once",
    "hang",
    "kill once",
    "kill",
)
"""What happens to `charge`, and with `ship: ` before it, to `ship`."""
ROUTE_MISHAPS: Final = ("route: raise once", "route: exit once", "route: hang once", "route: kill once")
TRIES: Final = 3


class OrderAsked(Contract, source="storm.shop", subject="order"):
    """A customer wants something."""

    order: str
    mishap: str


class OrderCharged(Contract, source="storm.till", subject="order"):
    """The customer has paid."""

    order: str
    mishap: str


class Row(Contract, source="storm.rows", subject="order"):
    """A row of a table."""

    order: str
    times: int


class NewOrder(BaseModel):
    """The body of a request."""

    order: str
    mishap: str


charges = Table("charges", key=("order",), model=Row, service="till")
counts = Table("counts", key=("order",), model=Row, service="stock")
folder = Path()


def append(file: str, *words: str) -> int:
    """Append a line to a file, and return how often it holds this line."""
    line = " ".join(word.replace(" ", "_") for word in words)
    descriptor = os.open(folder / file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, f"{line}\n".encode())
    os.close(descriptor)
    return Counter((folder / file).read_text().splitlines())[line]


def strike(mishap: str, times: int) -> None:
    """Do what the order says, on its attempt number `times`."""
    once = mishap.removesuffix(" once")
    if (once != mishap and times > 1) or (mishap == "raise until redriven" and times > TRIES):
        return
    match once:
        case "raise" | "raise until redriven":
            raise RuntimeError("this attempt fails")
        case "exit":
            sys.exit(3)
        case "interrupt":
            raise KeyboardInterrupt
        case "surrogate":
            raise ValueError("half of a pair: \ud800")
        case "large":
            raise ValueError("x" * 5_000_000)
        case "hang":
            threading.Event().wait(FOR_EVER)
        case "kill":
            os._exit(9)


@route("POST /orders", service="shop", status=201, timeout=TIMEOUT)
def place_order(body: NewOrder) -> Reply[NewOrder, OrderAsked]:
    """Take an order."""
    if body.mishap.startswith("route: "):
        strike(body.mishap.removeprefix("route: "), append(ATTEMPTS, "shop.place_order", body.order))
    return Reply(body, publishes=OrderAsked(order=body.order, mishap=body.mishap))


@subscriber(
    service="till", delivery="queue", retry=Retry(times=TRIES - 1), uses=[charges.write], timeout=TIMEOUT, concurrency=6
)
def charge(asked: OrderAsked, delivery: Delivery) -> OrderCharged:
    """Charge the customer at a gateway that forgets a repeated key, and remember it."""
    times = append(ATTEMPTS, "till.charge", delivery.event_id)
    append(GATEWAY, asked.order, delivery.idempotency_key)
    before = charges.get(asked.order)
    charges.put(Row(order=asked.order, times=before.times + 1 if before else 1))
    strike(asked.mishap, times)
    return OrderCharged(order=asked.order, mishap=asked.mishap)


@subscriber(service="parcels", timeout=TIMEOUT, concurrency=6)
def ship(charged: OrderCharged, delivery: Delivery) -> None:
    """Send the parcel."""
    times = append(ATTEMPTS, "parcels.ship", delivery.event_id)
    if charged.mishap.startswith("ship: "):
        strike(charged.mishap.removeprefix("ship: "), times)


@subscriber(service="stock", uses=[counts.write], timeout=timedelta(seconds=10))
def count(asked: OrderAsked, delivery: Delivery) -> None:
    """Count the order: nothing happens to this function but what happens to others."""
    append(ATTEMPTS, "stock.count", delivery.event_id)
    before = counts.get(asked.order)
    counts.put(Row(order=asked.order, times=before.times + 1 if before else 1))


storm = Choreography(
    "storm",
    contracts=Registry("storm", [OrderAsked, OrderCharged]),
    functions=[place_order, charge, ship, count],
)


def main(state: Path, port: int) -> None:
    """Serve until SIGTERM."""
    global folder  # noqa: PLW0603 - where this process writes
    folder = state
    laptop = Laptop(storm, state, clock=RealClock(TIME_SCALE), variables={}, synchronous="NORMAL")
    server = Server(laptop, port)
    server.stop_on_signals()
    laptop.start()
    server.serve_until_stopped()
    laptop.close()
    os._exit(0)  # the threads that hang would keep the process


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
