"""The laptop: a choreography's bus, functions and HTTP API on this machine, with one folder of state."""

import os
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Final, Literal, Self

from contradance.choreography import Choreography
from contradance.errors import LaptopError
from contradance.function import Schedule
from contradance.local.aws.endpoint import AwsEndpoint
from contradance.local.clock import MovableClock, RealClock
from contradance.local.dead_letter_queues import DeadLetterQueues
from contradance.local.events.bus import Bus
from contradance.local.events.pending_delivery import PendingDelivery
from contradance.local.events.replays import Replays
from contradance.local.events.schedules import Schedules
from contradance.local.invocation.drain import Drain
from contradance.local.invocation.gateway import Gateway, HttpResponse
from contradance.local.invocation.invoker import Invoker
from contradance.local.invocation.runner import Runner
from contradance.local.state.database import Database
from contradance.local.state.journal_table import STATE_FILE, LaptopJournal
from contradance.local.store import SQLiteStore
from contradance.local.strict_json import allow_deep_json
from contradance.runtime.journal_record import JournalRecord
from contradance.runtime.ports import Environment
from contradance.runtime.sweep import sweep
from contradance.subscription import Subscription

_SWEEP_SECONDS: Final = 30.0
"""Time limit of one run of the sweeper."""


class Laptop:
    """Runs one choreography as AWS does, on this machine.

    Args:
        choreography: the choreography to run.
        state: the folder of the state file.
        clock: a `RealClock` to `start`; a `VirtualClock` or a `SkippingClock` to `drain`.
        variables: environment variables with settings and secrets.
        synchronous: how hard each commit is pushed to disk.
        seed: of the random sequence in which `drain` delivers and a replay shuffles.
        archive_delay: how long an event takes to reach the archive. EventBridge advises ten minutes before a replay.
        publish_at_once: publish in the transaction that commits; False commits first and publishes then, as on AWS.
        when_journaled: called with each journal record.
        when_settled: called with each delivery whose outcome is on disk.
    """

    def __init__(
        self,
        choreography: Choreography,
        state: Path,
        *,
        clock: RealClock | MovableClock,
        variables: Mapping[str, str] = os.environ,
        synchronous: Literal["FULL", "NORMAL", "OFF"] = "FULL",
        seed: int = 0,
        archive_delay: timedelta = timedelta(0),
        publish_at_once: bool = True,
        when_journaled: Callable[[JournalRecord], None] = lambda _: None,
        when_settled: Callable[[PendingDelivery], None] = lambda _: None,
    ) -> None:
        allow_deep_json()
        self.choreography = choreography
        self.clock = clock
        self.state = state
        self.database = Database(state / STATE_FILE, synchronous)
        self.bus = Bus(choreography, self.database, clock)
        self.journal = LaptopJournal(self.database, when_journaled)
        self.dead_letters = DeadLetterQueues(self.database, clock)
        self.replays = Replays(self.bus, self.database, clock, archive_delay, Random(seed))  # noqa: S311 - an order is not a secret
        self.environment = Environment(
            store=SQLiteStore(self.database, self.bus if publish_at_once else None),
            events=self.bus,
            dead_letters=self.dead_letters,
            journal=self.journal,
            clock=clock,
            variables=variables,
            bus=self.bus.name,
        )
        self.gateway = Gateway(choreography, self.environment)
        self.aws = AwsEndpoint(choreography, self.bus, self.dead_letters, self.replays, self.environment)
        functions = [
            function
            for function in choreography.functions.values()
            if isinstance(function.trigger, Subscription | Schedule)
        ]
        invoker = Invoker(self.bus, self.environment, when_settled)
        schedules = Schedules(choreography, self.bus, clock.now())
        self._runner = Runner(functions, self.bus, invoker, schedules, self.sweep)
        shuffle = Random(seed)  # noqa: S311 - the same
        self._drain = Drain(functions, self.bus, invoker, schedules=schedules, replays=self.replays, random=shuffle)

    def start(self) -> None:
        """Deliver in threads until `close`."""
        if not isinstance(self.clock, RealClock):
            raise LaptopError("a virtual clock stands still.\n  Use drain(), or give the laptop a RealClock.")
        self.bus.reschedule_future(self.clock.now())
        self._runner.start(self.clock)
        self.replays.start()

    def request(
        self, method: str, target: str, body: str | bytes = b"", headers: Mapping[str, str] | None = None
    ) -> HttpResponse:
        """Answer one HTTP request, without a socket."""
        return self.gateway.answer(method, target, headers or {}, body.encode() if isinstance(body, str) else body)

    def drain(self) -> None:
        """Deliver until nothing is pending, moving the clock through every retry."""
        self._drain.run(self._movable())

    def advance(self, duration: timedelta) -> None:
        """Move the clock by `duration`, making every delivery and scheduled run that is due meanwhile."""
        clock = self._movable()
        until: datetime = clock.now() + duration
        self._drain.run(clock, until)

    def sweep(self) -> int:
        """Publish events that a process committed and did not publish before it died; return how many once-records."""
        return sweep(self.environment, _SWEEP_SECONDS)

    def close(self) -> bool:
        """Wait for running invocations until their timeouts, and close the state; return whether all ended."""
        self.replays.stop()
        ended = self._runner.stop()
        self.database.close()
        return ended

    def _movable(self) -> MovableClock:
        """Return the clock; raise `LaptopError` for a real one."""
        if isinstance(self.clock, RealClock):
            raise LaptopError("a real clock cannot be moved.\n  Give the laptop a VirtualClock to drain it.")
        return self.clock

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
