"""Ends a process in which a handler keeps every other thread from running, for longer than its timeout.

Code in C that does not release Python's lock stops all threads: a regular expression that backtracks for years, a power
with a million digits. No timeout can be recorded then, no request be answered, and Ctrl-C has no effect. The operating
system ends the process, with the stacks of its threads on standard error; at the next start the delivery runs alone, and is
dead-lettered after its attempts like one that ends its process by itself.
"""

import faulthandler
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from contradance.local.invocation.in_flight import InFlight

_PAUSE_SECONDS: Final = 1.0
"""Seconds between two postponements of the end."""
_STANDARD_ERROR: Final = 2
GRACE_SECONDS: Final = 10.0
"""How much longer than its timeout a handler may keep the others from running."""


@contextmanager
def watched(in_flight: InFlight, grace: float = GRACE_SECONDS) -> Iterator[None]:
    """End the process when it computes without a break for `grace` seconds more than what runs in it may take.

    The seconds are those in which it computes: it is not ended for a time in which it was stopped, or the machine slept.
    """
    stopping = threading.Event()

    def postpone() -> None:
        """Postpone the end again and again: as long as this thread runs, others do too."""
        while True:
            signal.setitimer(signal.ITIMER_PROF, max(in_flight.longest_left(), 0) + grace)
            if stopping.wait(_PAUSE_SECONDS):
                return

    faulthandler.register(signal.SIGPROF, file=_STANDARD_ERROR, chain=True)  # chain: and then end the process
    thread = threading.Thread(target=postpone, name="contradance-watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.unregister(signal.SIGPROF)
