"""Simulated refusals of a share of all orders. The draw depends on the order's id, so that it is repeatable."""

from random import Random
from uuid import UUID

from contradance import Setting

refusal_rate = Setting("refusal_rate", float, default=0.0)
"""Share of orders that kitchens decline: 0.5 is every second one."""
refusal_seed = Setting("refusal_seed", int, default=0)
"""Seed of the draw: another seed declines other orders."""


def is_declined(order_id: UUID, rate: float, seed: int) -> bool:
    """Return whether the kitchen declines an order."""
    return Random(f"{seed}:{order_id}").random() < rate  # noqa: S311 - reproducible on purpose
