"""Orders flow while a function's delivery changes, another is renamed, and payments moves to a stack of its own.

Run it as a program: `python -m tests.durability.moving ORDERS`. It is docs/how-to/move-service.md on laptop stores.
"""

import json
import logging
import sys
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

from contradance import subscriber
from contradance.choreography import AnyFunction
from contradance.operate.copying import Counts
from contradance.operate.replay import ARCHIVE_LAG
from functions.choreography import food_delivery
from functions.demo import scenes
from functions.loyalty.add_loyalty_points import add_loyalty_points
from functions.loyalty.tables import awards
from tests.durability.two_stacks import PAYMENTS, TwoStacks, outages, system
from tests.durability.world import all_orders, ask, gateway_lines, gateway_that_remembers

NOW: Final = timedelta(0)
"""Deliver what is due, and leave retries on their way."""
DAY: Final = timedelta(days=1)
LOYALTY, NOTIFY, RENAMED = "loyalty.add_loyalty_points", "notifications.notify_customer", "notifications.write_letter"
STEPS: Final = 8
"""Times that orders are placed, each before another step."""


class Moved(NamedTuple):
    """What was seen on the way, and how often each event was handled in the end."""

    orders: int
    handled: Counter[int]
    """How many (function, event) pairs were handled so many times; 0 for those that were not."""
    at_the_rename: int
    """Deliveries that were on their way to the function that was renamed."""
    at_the_pause: int
    """Deliveries to payments, and unpublished once-records, that the pause left to drain and sweep."""
    gap: int
    """Events that only the archive had when the new stack was enabled."""


_ENDS: Final = dict(
    zip((scene.title for scene in scenes), ("delivery_assigned", "cancelled", "cancelled"), strict=False)
)
_MAILS: Final = dict(zip((scene.title for scene in scenes), (2, 2, 1), strict=False))


def changed() -> list[AnyFunction]:
    """Return the functions with loyalty behind a queue."""
    queued = subscriber(service="loyalty", uses=[awards.write], delivery="queue")(add_loyalty_points.handler)
    return [queued if function.name == LOYALTY else function for function in food_delivery.functions.values()]


def renamed() -> list[AnyFunction]:
    """Return these functions with the notifying one under another name, deployed as before."""
    return [replace(function, name=RENAMED) if function.name == NOTIFY else function for function in changed()]


def move_payments(folder: Path, orders: int, seed: int = 0) -> Moved:
    """Make every step of the move while orders flow; check what has to hold, and return what was seen."""
    log = folder / "gateway.log"
    with gateway_that_remembers(log), outages(Random(seed)), closing(TwoStacks(folder, seed)) as stacks:

        def place() -> None:
            """Place orders, a minute after the last ones, and leave their events on their way."""
            stacks.clock.move_to(stacks.clock.now() + timedelta(minutes=1))
            stacks.place(orders // STEPS)

        place()
        stacks.deploy(system(changed()))  # delivery="queue"
        stacks.run(NOW)
        place()
        at_the_rename = stacks.pending(stacks.old, [NOTIFY])
        stacks.deploy(system(renamed()))  # deployed_as=
        stacks.run(NOW)
        place()
        stacks.create_paused()
        _copied_after_a_kill(stacks)  # while the old stack still handles
        stacks.run(NOW)
        place()
        stacks.pause(stacks.old, PAYMENTS)
        paused = stacks.clock.now()
        at_the_pause = stacks.pending(stacks.old)
        stacks.run()
        place()
        stacks.run()
        stacks.old.sweep()
        assert stacks.pending(stacks.old) == 0, "the old stack is drained before the last copy"
        _copied_after_a_kill(stacks)
        assert all(counts.is_settled for counts in stacks.copy(dry_run=True).values())
        place()
        stacks.enable()
        stacks.run()
        place()
        stacks.run()
        gap = orders - len(_charged(stacks))
        stacks.clock.move_to(stacks.clock.now() + ARCHIVE_LAG)
        for function in ("payments.process_payment", "payments.reverse_payment"):
            stacks.replay(function, paused - DAY)
        stacks.run()
        stacks.deploy(system(one for one in renamed() if one.name not in PAYMENTS))
        stacks.place(orders - len(stacks.orders))
        stacks.run()
        _check_ends(stacks, log)
        return Moved(len(stacks.orders), _handled(stacks), at_the_rename, at_the_pause, gap)


def _copied_after_a_kill(stacks: TwoStacks) -> dict[str, Counts]:
    """Copy, be killed in the middle, and copy again."""
    stacks.copy(kill_after=stacks.random.randrange(1, 20))
    return stacks.copy()


def _charged(stacks: TwoStacks) -> list[Any]:
    """Return the charges that the new stack has."""
    assert stacks.new
    return stacks.new.database.read("SELECT partition FROM item WHERE table_name = 'payments.charges'")


def _handled(stacks: TwoStacks) -> Counter[int]:
    """Return how many pairs of a function and an event that it consumes were handled so many times, in both stacks.

    What should be handled is computed from the archive and the rules, and what was handled is read from both journals.
    """
    assert stacks.new
    done: Counter[tuple[str, str]] = Counter()
    for laptop in (stacks.old, stacks.new):
        laptop.database.flush()
        for (text,) in laptop.database.read("SELECT record FROM journal"):
            record = json.loads(text)
            if record["outcome"] == "done" and record["event_id"]:
                name = NOTIFY if record["function"] == RENAMED else record["function"]
                done[name, record["event_id"]] += 1
    events = [json.loads(text) for (text,) in stacks.old.database.read("SELECT envelope FROM event WHERE archived = 1")]
    pairs = {
        (one.function.name, event["detail"]["metadata"]["event_id"])
        for event in events
        for one in food_delivery.subscriptions
        if one.subscription.pattern.matches(event)
    }
    consumed = {pair: count for pair, count in done.items() if pair[0] in _subscribers()}
    assert consumed.keys() <= pairs, "an event was handled that is not in the archive"
    return Counter(done[pair] for pair in pairs)


def _subscribers() -> set[str]:
    return {one.function.name for one in food_delivery.subscriptions}


def _check_ends(stacks: TwoStacks, log: Path) -> None:
    """Assert that each order ended as its kind does, with one charge, one mail for each news, and its points."""
    assert stacks.new
    status = {order["order_id"]: order["status"] for order in all_orders(stacks.old)}
    assert status == {order: _ENDS[title] for order, title in stacks.orders.items()}
    assert sorted(key for (key,) in _charged(stacks)) == sorted(stacks.orders)
    charges = [line.idempotency_key for line in gateway_lines(log) if line.kind == "charge"]
    assert len(charges) == len(set(charges)) == len(stacks.orders)
    mails = Counter(mail["order_id"] for mail in ask(stacks.old, "GET", "/customers/ada/notifications"))
    assert mails == {order: _MAILS[title] for order, title in stacks.orders.items()}
    delivered = sum(end == "delivery_assigned" for end in status.values())
    assert ask(stacks.old, "GET", "/customers/ada/loyalty")["orders"] == delivered
    for laptop in (stacks.old, stacks.new):
        assert stacks.pending(laptop) == 0
        assert laptop.deliveries.count()[0] == 0


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    number = int(sys.argv[1])
    with TemporaryDirectory(prefix="contradance-move-") as temporary:
        seen = move_payments(Path(temporary), number)
    assert set(seen.handled) == {1}, seen
    sys.stdout.write(
        f"{seen.orders} orders while payments moved: {seen.handled[1]} deliveries, each handled exactly once; "
        f"{seen.gap} orders waited in the archive; {seen.at_the_rename} deliveries were pending at the rename, {seen.at_the_pause} at the pause\n"
    )
