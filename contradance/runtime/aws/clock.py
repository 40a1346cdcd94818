"""The clock on AWS."""

import time
from datetime import UTC, datetime


class SystemClock:
    """`contradance.runtime.ports.Clock` over the machine's clock."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Sleep `seconds`."""
        time.sleep(seconds)
