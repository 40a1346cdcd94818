"""A small choreography whose functions do as a test tells them, and remember what they were given."""

import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from contradance import Choreography, Contract, Delivery, Registry, Retry, route, schedule, subscriber
from contradance.choreography import AnyFunction
from contradance.contentfilter import ContentFilter
from contradance.envelope import seal
from contradance.local.clock import MovableClock, RealClock, VirtualClock
from contradance.local.laptop import Laptop
from contradance.retry import DeliveryMode
from contradance.runtime.journal_record import JournalRecord
from tests.patience import LONG

START = datetime(2026, 1, 1, tzinfo=UTC)
"""Where every virtual clock begins."""
Does = Callable[[str, int], None]
"""What a handler does with (item, attempt)."""


class Asked(Contract, source="shop.desk", subject="item"):
    """Somebody asked for an item."""

    item: str


class Answered(Contract, source="shop.clerk", subject="item"):
    """A clerk answered."""

    item: str


registry = Registry("shop", [Asked, Answered])


class Broken(RuntimeError):
    """A handler was told to fail."""


class Call(NamedTuple):
    """One attempt that reached a handler."""

    function: str
    item: str
    attempt: int
    at: datetime


class DeadLetter(NamedTuple):
    """One message on a function's dead letter queue."""

    function: str
    body: str
    attributes: dict[str, str]

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


class Echo(BaseModel):
    """What a route was asked."""

    route: str
    item: str = ""
    q: str = ""


def nothing(item: str, attempt: int) -> None:
    """Succeed."""


def always_fails(item: str, attempt: int) -> None:
    """Fail, whatever comes."""
    raise Broken("the clerk is out")


def fails_until(succeeding: int) -> Does:
    """Return what fails on every attempt before number `succeeding`."""

    def does(item: str, attempt: int) -> None:
        if attempt < succeeding:
            raise Broken("the clerk is out")

    return does


class Desk:
    """Makes functions and remembers their calls, over restarts of the laptop too."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def clerk(
        self,
        name: str = "listen",
        does: Does = nothing,
        *,
        retry: Retry | None = None,
        delivery: DeliveryMode = "direct",
        where: ContentFilter | None = None,
        timeout: timedelta = timedelta(seconds=10),
        concurrency: int | None = None,
        draining: bool = False,
        deployed_as: str | None = None,
    ) -> AnyFunction:
        """Return a function that consumes `Asked`."""

        def handler(asked: Asked, delivery: Delivery) -> None:
            self.calls.append(Call(name, asked.item, delivery.attempt, delivery.now))
            does(asked.item, delivery.attempt)

        handler.__name__ = name
        return subscriber(
            service="clerk",
            retry=retry,
            delivery=delivery,
            where=where,
            timeout=timeout,
            draining=draining,
            deployed_as=deployed_as,
            concurrency=concurrency,
        )(handler)

    def bystander(self) -> AnyFunction:
        """Return a function that consumes `Answered` only."""

        def bystander(answered: Answered) -> None:
            self.calls.append(Call("bystander", answered.item, 1, START))

        return subscriber(service="desk")(bystander)

    def watchman(
        self,
        expression: str,
        does: Does = nothing,
        *,
        concurrency: int | None = None,
        deployed_as: str | None = None,
    ) -> AnyFunction:
        """Return a function that runs by the clock."""

        def watch(delivery: Delivery) -> None:
            self.calls.append(Call("watch", "", delivery.attempt, delivery.now))
            does("", delivery.attempt)

        return schedule(expression, service="clerk", concurrency=concurrency, deployed_as=deployed_as)(watch)

    def times(self, function: str = "listen") -> list[int]:
        """Return the seconds after `START` at which a function was called."""
        return [round((call.at - START).total_seconds()) for call in self.calls if call.function == function]

    def items(self, function: str = "listen") -> list[str]:
        """Return the items that a function was called with."""
        return [call.item for call in self.calls if call.function == function]


@route("GET /items/{item}", service="desk")
def show_item(item: str) -> Echo:
    return Echo(route="item", item=item)


@route("GET /items/latest", service="desk")
def show_latest() -> Echo:
    return Echo(route="latest")


@route("POST /items/{item}", status=201, service="desk")
def add_item(item: str) -> Echo:
    return Echo(route="add", item=item)


@route("GET /items", service="desk")
def search(q: str = "nothing") -> Echo:
    return Echo(route="search", q=q)


ROUTES: tuple[AnyFunction, ...] = (show_item, show_latest, add_item, search)


def opened(
    state: Path,
    *functions: AnyFunction,
    clock: RealClock | MovableClock | None = None,
    seed: int = 0,
    started: bool = False,
    archive_delay: timedelta = timedelta(0),
) -> Laptop:
    """Return a laptop that runs `functions`; the test closes it."""
    shop = Choreography("shop", contracts=registry, functions=functions)
    laptop = Laptop(
        shop,
        state,
        clock=clock or VirtualClock(START),
        variables={},
        synchronous="OFF",
        seed=seed,
        archive_delay=archive_delay,
    )
    if started:
        laptop.start()
    return laptop


def later(seconds: float) -> VirtualClock:
    """Return a clock that stands `seconds` after `START`."""
    return VirtualClock(START + timedelta(seconds=seconds))


def asked(item: str, **changes: object) -> dict[str, Any]:
    """Return the PutEvents entry of a valid `Asked`, changed."""
    sealed = seal(
        Asked(item=item),
        event_id=f"event-{item}",
        occurred_at=START,
        correlation_id=f"flow-{item}",
        publisher="desk.test",
    )
    return {**sealed.entry("shop"), **changes}


def invalid(item: object) -> dict[str, Any]:
    """Return the entry of an event whose metadata is right, and whose data is not."""
    detail = json.loads(asked("odd")["Detail"])
    detail["data"]["item"] = item
    return asked("odd", Detail=json.dumps(detail))


def ask(laptop: Laptop, *items: str) -> None:
    """Publish one `Asked` per item."""
    answer = laptop.bus.put_events(Entries=[asked(item) for item in items])
    assert answer["FailedEntryCount"] == 0


def dead_letters(laptop: Laptop) -> list[DeadLetter]:
    """Return what lies on the dead letter queues, oldest first."""
    rows = laptop.database.read(
        "SELECT function, body, attributes, source, receives FROM dead_letter ORDER BY sent, function"
    )
    return [
        DeadLetter(
            function,
            body,
            {name: value["StringValue"] for name, value in json.loads(attributes).items()}
            | ({"ApproximateReceiveCount": str(receives), "DeadLetterQueueSourceArn": source} if source else {}),
        )
        for function, body, attributes, source, receives in rows
    ]


def journaled(laptop: Laptop, item: str) -> Sequence[JournalRecord]:
    """Return the journal's records of the flow about one item."""
    return laptop.journal.flows(f"flow-{item}")


def wait_until(condition: Callable[[], bool]) -> None:
    """Return when `condition` holds; give up after a time that no working machine needs."""
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline, "this never came to be"
        time.sleep(0.005)
