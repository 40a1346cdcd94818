"""Makes the monthly digest."""

from zoneinfo import ZoneInfo

from contradance import Delivery, schedule
from photo_contracts.gallery import DigestMade
from photo_functions.gallery.tables import photos

BERLIN = "Europe/Berlin"


@schedule("cron(0 8 ? * 2#1 *)", timezone=BERLIN, uses=[photos.read])
def make_digest(delivery: Delivery) -> DigestMade | None:
    """Count the photos on the first Monday of each month, at eight in Berlin; an empty album has no digest."""
    count = len(photos.scan().items)
    day = delivery.time.astimezone(ZoneInfo(BERLIN)).date()
    return DigestMade(month=f"{day:%Y-%m}", made_on=day, photos=count) if count else None
