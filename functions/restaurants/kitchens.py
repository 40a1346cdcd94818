"""The kitchens of the restaurants, and how they accept orders."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple


class Booking(NamedTuple):
    """A kitchen place taken for one order."""

    ready_at: datetime
    busy_until: tuple[datetime, ...]
    """The times when the places in use become free, with this order's; earliest first."""


@dataclass(frozen=True, slots=True)
class Kitchen:
    """A restaurant's kitchen."""

    places: int
    """Number of orders that it cooks at a time."""
    busy_for: timedelta
    """Time that an order uses its place."""
    longest_wait: timedelta
    """Longest time that an order may wait for a place; beyond it the kitchen is over capacity."""
    is_open: bool = True

    def book(self, busy_until: tuple[datetime, ...], now: datetime) -> Booking | None:
        """Book a free place, or else the first that becomes free; None when the wait is too long."""
        in_use = sorted(moment for moment in busy_until if moment > now)
        starts_at = now
        if len(in_use) >= self.places:
            starts_at = in_use.pop(0)
        if starts_at - now > self.longest_wait:
            return None
        ready_at = starts_at + self.busy_for
        return Booking(ready_at, tuple(sorted([*in_use, ready_at])))


KITCHENS: Final = {
    "luigis": Kitchen(places=8, busy_for=timedelta(minutes=20), longest_wait=timedelta(hours=2)),
    "tiny-thai": Kitchen(places=1, busy_for=timedelta(minutes=15), longest_wait=timedelta(minutes=30)),
    "night-owl": Kitchen(places=4, busy_for=timedelta(minutes=25), longest_wait=timedelta(hours=1), is_open=False),
    "canteen": Kitchen(places=100, busy_for=timedelta(minutes=1), longest_wait=timedelta(days=1)),
}
"""By restaurant_id."""
