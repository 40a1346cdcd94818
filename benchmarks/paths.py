"""Microseconds that publishing and consuming one event cost, beside raw Pydantic and Powertools on the same event.

    python benchmarks/paths.py [--quick]

The events are a flat one of seven fields, an OrderPlaced of 5 lines and one of 50. The floor is what every user of
Pydantic pays: `validate_python` of the event and, to publish it, `to_json`. The floor of both halves also validates the
metadata, in one model around both. Powertools' `parse` with its EventBridgeEnvelope reads the same delivered event with
a model of its own `detail`. Contestants take turns within each round, and the best round of each counts.
"""

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parents[1]))

from aws_lambda_powertools.utilities.parser import parse
from aws_lambda_powertools.utilities.parser.envelopes import EventBridgeEnvelope
from pydantic import AwareDatetime, create_model

from contradance import Contract, subscriber
from contradance.envelope import Metadata, SealedEvent, seal, unseal
from contradance.function import AnyFunction
from contradance.runtime.consume import read_event
from contradance.subscription import Subscription
from food_contracts.orders import OrderPlaced
from functions.payments.process_payment import process_payment

MOMENT = datetime(2026, 1, 31, 18, 0, tzinfo=UTC)


class MealRated(Contract, source="food.benchmarks", subject="order_id"):
    """A customer rated a meal: an event of seven plain fields."""

    order_id: UUID
    customer_id: str
    restaurant_id: str
    stars: int
    score: float
    comment: str | None
    rated_at: AwareDatetime


@subscriber(service="benchmarks")
def note_rating(rated: MealRated) -> None:
    """Consume a rating."""


def meal_rated() -> MealRated:
    """Return a rating of about 200 bytes."""
    return MealRated(
        order_id=UUID("6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11"),
        customer_id="ada",
        restaurant_id="canteen",
        stars=4,
        score=8.25,
        comment="The soup was cold.",
        rated_at=MOMENT,
    )


def order_placed(lines: int) -> OrderPlaced:
    """Return an order of so many lines; each line is about 100 bytes."""
    dishes = [f"dish-{number}" for number in range(lines)]
    return OrderPlaced.model_validate(
        {
            "order_id": UUID("6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11"),
            "customer": {"customer_id": "ada", "name": "Ada Example", "email": "ada@example.com"},
            "restaurant_id": "canteen",
            "lines": [
                {"sku": dish, "name": dish.title(), "quantity": 2, "unit_price": {"amount": 950, "currency": "EUR"}}
                for dish in dishes
            ],
            "total": {"amount": 1900 * lines, "currency": "EUR"},
            "delivery_address": {
                "street": "1 Example Street",
                "postal_code": "10115",
                "city": "Berlin",
                "country": "DE",
            },
            "payment_token": "tok_visa",
            "placed_at": MOMENT,
        }
    )


def sealed(event: Contract) -> SealedEvent:
    """Seal an event as a route would."""
    return seal(
        event,
        event_id="0d9b6f0c-6b6f-5a0e-8a43-c3a0f9c1e7d2",
        occurred_at=MOMENT,
        correlation_id="b2f0a6a8-5b9e-4f63-9a44-0f7a55e1c9d3",
        publisher="orders.place_order",
    )


def delivered(event: Contract, detail: str) -> dict[str, Any]:
    """Return the event as Lambda hands it to a function: JSON, already read."""
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": event.identity.detail_type,
        "source": event.identity.source,
        "account": "111122223333",
        "time": "2026-01-31T18:00:00Z",
        "region": "eu-central-1",
        "resources": [],
        "detail": json.loads(detail),
    }


def best_of(contestants: Mapping[str, Callable[[], object]], *, rounds: int, calls: int) -> dict[str, float]:
    """Return the microseconds of one call of each, in its best round."""
    best = dict.fromkeys(contestants, float("inf"))
    gc.collect()
    gc.disable()  # as timeit does
    for _ in range(rounds):
        for name, call in contestants.items():
            start = time.perf_counter()
            for _ in range(calls):
                call()
            best[name] = min(best[name], (time.perf_counter() - start) / calls * 1e6)
    gc.enable()
    return best


def paths_of(event: Contract, function: AnyFunction) -> dict[str, dict[str, Callable[[], object]]]:
    """Return the contestants for one event, by path; the first of each path is its floor."""
    contract, subscription, detail = type(event), function.trigger, sealed(event).detail
    assert isinstance(subscription, Subscription)
    lambda_event = delivered(event, detail)
    data = lambda_event["detail"]["data"]
    whole = create_model("Detail", metadata=(Metadata, ...), data=(contract, ...))
    validate, to_json = contract.__pydantic_validator__.validate_python, contract.__pydantic_serializer__.to_json
    both = whole.__pydantic_validator__.validate_python
    return {
        "publish": {
            "floor: validate_python + to_json": lambda: (validate(event), to_json(event)),
            "contradance: seal": lambda: sealed(event),
        },
        "consume": {
            "floor: validate_python": lambda: validate(data, extra="ignore"),
            "floor of both halves": lambda: both(lambda_event["detail"], extra="ignore"),
            "contradance: unseal, read": lambda: read_event(
                function, subscription, unseal(lambda_event, function.name)
            ),
            "Powertools: parse": lambda: parse(lambda_event, model=whole, envelope=EventBridgeEnvelope),
        },
    }


def main(arguments: Sequence[str]) -> None:
    """Measure both paths of each event."""
    parser = argparse.ArgumentParser(description="Microseconds to publish and to consume one event.")
    parser.add_argument("--quick", action="store_true", help="few rounds, for a first look")
    rounds = 2 if parser.parse_args(arguments).quick else 100
    events: dict[str, tuple[Contract, AnyFunction]] = {
        "flat": (meal_rated(), note_rating),
        "5 lines": (order_placed(5), process_payment),
        "50 lines": (order_placed(50), process_payment),
    }
    for title, (event, function) in events.items():
        print(f"{title}: {event.identity}, {len(sealed(event).detail.encode())} bytes")
        for path, contestants in paths_of(event, function).items():
            taken = best_of(contestants, rounds=rounds, calls=100)
            floor = next(iter(taken.values()))
            print(f"  {path:34} {'us':>8} {'times the floor':>16}")
            for name, microseconds in taken.items():
                print(f"    {name:32} {microseconds:>8.2f} {microseconds / floor:>15.2f}x")


if __name__ == "__main__":
    main(sys.argv[1:])
