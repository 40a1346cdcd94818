"""Time on AWS."""

import time
from datetime import UTC, datetime


class SystemClock:
    """`contradance.runtime.ports.Clock`: the machine's."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)
