"""The delivery partners."""

from datetime import timedelta
from typing import Final

PARTNERS: Final = ("bike-1", "bike-2", "bike-3", "van-1")
"""The delivery partners, by their ids."""
TRIP: Final = timedelta(minutes=20)
"""Time from the restaurant to the customer."""
BUSY_FOR: Final = timedelta(minutes=30)
"""Time that an order books its partner, from the pickup: the trip, and the way to the next restaurant."""
