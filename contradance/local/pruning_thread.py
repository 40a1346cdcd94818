"""Prunes the laptop's state in a thread, while nothing is due."""

import logging
import threading
from collections.abc import Callable
from typing import Final

from contradance.local.pruning import Pruner

_LOG: Final = logging.getLogger("contradance.pruning")
_FIRST_SECONDS: Final = 30.0
"""Pause before the first step, in which a laptop that starts has other work."""
_STEP_SECONDS: Final = 0.1
"""Pause between two steps, and before another look while deliveries are due."""
_PASS_SECONDS: Final = 3600.0
"""Pause after the whole file was looked at, or after a failure."""


class PruningThread:
    """Makes step after step of a pruner until `stop`.

    Args:
        pruner: what is made.
        busy: whether deliveries are due; no step is made meanwhile.
    """

    def __init__(self, pruner: Pruner, busy: Callable[[], bool]) -> None:
        self._pruner = pruner
        self._busy = busy
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; its first step follows after 30 seconds."""
        self._thread = threading.Thread(target=self._run, name="contradance-pruning", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread after its current step, and wait for its end; it does not start again."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        """Call `next_step` after each pause that it returned, until `stop`."""
        pause = _FIRST_SECONDS
        while not self._stopping.wait(pause):
            pause = self.next_step()

    def next_step(self) -> float:
        """Prune one step, or none while deliveries are due; return the seconds until the next. Log a failure."""
        try:
            if self._busy():
                return _STEP_SECONDS
            return _PASS_SECONDS if self._pruner.step() is None else _STEP_SECONDS
        except Exception:  # noqa: BLE001 - old rows do no harm: the next pass finds them
            _LOG.exception("old events could not be deleted")
            return _PASS_SECONDS
