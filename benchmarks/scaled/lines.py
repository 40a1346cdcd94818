"""Prints deliveries as the terminal of `run` does; writes to standard error how many microseconds of CPU one costs.

The second number is for writing a text of the same kind without any formatting.
"""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from contradance.cli.narrator import Narrator
from contradance.cli.theme import Services
from contradance.runtime.journal_record import JournalRecord, PublishedEvent

FLOW = "6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11"
TEXT = "18:00:00  payments  x process_payment  OrderPlaced -> PaymentSuccess  1.5 ms  6f1c1a3e\n"
ROUNDS = 5


def microseconds(act: Callable[[], None], times: int) -> float:
    """Return what one call costs in the best round."""
    rounds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(times):
            act()
        rounds.append((time.process_time() - start) / times * 1e6)
    return min(rounds)


def main(times: int) -> None:
    """Print and measure."""
    record = JournalRecord(
        function="payments.process_payment",
        trigger="food.orders/OrderPlaced v1",
        event_id=FLOW,
        subject=FLOW,
        correlation_id=FLOW,
        causation_id=None,
        attempt=1,
        outcome="done",
        retries_left=2,
        published=(PublishedEvent(event_id=FLOW, contract="food.payments/PaymentSuccess v1"),),
        started_at=datetime.now(UTC),
        duration_ms=1.5,
    )
    narrator = Narrator(Services(["orders", "payments"]))

    def write() -> None:
        sys.stdout.write(TEXT)
        sys.stdout.flush()

    ours, floor = microseconds(lambda: narrator.delivery(record), times), microseconds(write, times)
    sys.stderr.write(f"{ours} {floor}")


if __name__ == "__main__":
    main(int(sys.argv[1]))
