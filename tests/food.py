"""The food delivery system, running, as its tests see it from outside."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from contradance import Choreography
from contradance.local.laptop import Laptop
from contradance.operate.flow import Flow, flows
from contradance.testing import running
from functions.choreography import food_delivery
from functions.demo import scenes

HAPPY, REFUSED, DECLINED, OUTAGE = (dict(scene.body) for scene in scenes)


class Food:
    """Places orders over HTTP, lets everything that follows happen, and looks at what came of it."""

    def __init__(self, laptop: Laptop) -> None:
        self.laptop = laptop

    def order(self, body: object) -> str:
        """Place an order, let it run its course, and return its id."""
        status, answer = self.ask("POST", "/orders", body)
        assert status == 201, answer
        self.laptop.drain()
        return str(answer["order_id"])

    def ask(self, method: str, target: str, body: object = None) -> tuple[int, Any]:
        """Return (status, JSON) of one request."""
        answer = self.laptop.request(method, target, "" if body is None else json.dumps(body))
        return answer.status, json.loads(answer.body)

    def show(self, target: str) -> Any:
        """Return the JSON of a page that is there."""
        status, answer = self.ask("GET", target)
        assert status == 200, answer
        return answer

    def flow(self, order_id: str) -> Flow:
        """Return what happened about an order."""
        (flow,) = flows(self.laptop.journal.flows(order_id))
        return flow

    def events(self, order_id: str) -> list[str]:
        """Return the detail-types that were published about an order, in alphabetical order."""
        records = self.laptop.journal.flows(order_id)
        identities = {event.event_id: event.contract for record in records for event in record.published}
        return sorted(identity.split("/")[1].split(" ")[0] for identity in identities.values())


@contextmanager
def food(
    state: Path, choreography: Choreography = food_delivery, *, seed: int = 0, **settings: object
) -> Iterator[Food]:
    """Run the system, or a changed one, in `state`."""
    with running(choreography, state, seed=seed, settings=settings) as laptop:
        yield Food(laptop)
