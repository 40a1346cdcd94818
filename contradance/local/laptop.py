"""The laptop: a choreography's bus, functions and HTTP API on this machine, with one folder of state."""

import json
import logging
import os
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Final, Literal, Self

from contradance.choreography import AnyFunction, Choreography
from contradance.errors import LaptopError
from contradance.function import Schedule
from contradance.local.aws.endpoint import AwsEndpoint
from contradance.local.clock import MovableClock, RealClock, check_time
from contradance.local.dead_letter_queues import DeadLetterQueues
from contradance.local.events.bus import Bus
from contradance.local.events.clock_jumps import end_long_pauses, shift_pauses
from contradance.local.events.deliveries import Deliveries
from contradance.local.events.pending_delivery import PendingDelivery
from contradance.local.events.postponed import Postponed, SelectBy, retry_now
from contradance.local.events.replays import Replays
from contradance.local.events.schedules import Schedules
from contradance.local.invocation.drain import Drain
from contradance.local.invocation.gateway import Gateway, HttpResponse
from contradance.local.invocation.in_flight import InFlight
from contradance.local.invocation.invoker import Invoker
from contradance.local.invocation.recovery import Recovery
from contradance.local.invocation.runner import Runner
from contradance.local.invocation.threads import RequestThreads
from contradance.local.pruning import DEFAULT_KEPT, Pruner
from contradance.local.pruning_thread import PruningThread
from contradance.local.state.database import Database
from contradance.local.state.journal_table import STATE_FILE
from contradance.local.state.laptop_journal import LaptopJournal
from contradance.local.state.renamed import adopt_renamed, renamed_functions
from contradance.local.store import SQLiteStore
from contradance.retry import QUEUE_DELAY
from contradance.runtime.journal_record import JournalRecord
from contradance.runtime.ports import Environment
from contradance.runtime.sweep import sweep
from contradance.strictjson import allow_deep_json
from contradance.subscription import Subscription

_LOG = logging.getLogger("contradance.clock")
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
        kept: how long the archive keeps an event; older ones are deleted while the laptop runs. None deletes none.
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
        kept: timedelta | None = DEFAULT_KEPT,
        publish_at_once: bool = True,
        when_journaled: Callable[[JournalRecord], None] = lambda _: None,
        when_settled: Callable[[PendingDelivery], None] = lambda _: None,
    ) -> None:
        allow_deep_json()
        check_time(clock.now())
        self.choreography = choreography
        self.clock = clock
        self.state = state
        self.database = Database(state / STATE_FILE, synchronous)
        try:
            self.in_flight = InFlight(state, renamed_functions(choreography))
        except LaptopError:
            self.database.close()
            raise
        adopt_renamed(self.database, choreography)
        self.bus = Bus(choreography, self.database, clock)
        self.deliveries = Deliveries(self.database, clock)
        self.journal = LaptopJournal(self.database, when_journaled)
        self.dead_letters = DeadLetterQueues(self.database, clock)
        self.replays = Replays(self.bus, self.database, clock, archive_delay, Random(seed))  # noqa: S311 - an order is not a secret
        store = SQLiteStore(self.database, self.bus if publish_at_once else None, self.in_flight.attempt_of)
        self.environment = Environment(
            store=store,
            events=self.bus,
            dead_letters=self.dead_letters,
            journal=self.journal,
            clock=clock,
            variables=variables,
            bus=self.bus.name,
        )
        self.threads = RequestThreads(self.in_flight)
        functions = [
            function
            for function in choreography.functions.values()
            if isinstance(function.trigger, Subscription | Schedule)
        ]
        self._consumers = [function.name for function in functions]
        """The functions to which deliveries are made."""
        invoker = Invoker(
            self.deliveries, choreography.functions, self.in_flight, self.environment, when_settled=when_settled
        )
        recovery = Recovery(choreography.functions, self.deliveries, invoker, self.in_flight, store)
        self._schedules = schedules = Schedules(choreography, self.bus, clock.now())
        self._store = store
        self._runner = Runner(
            functions,
            self.bus,
            self.deliveries,
            invoker,
            schedules=schedules,
            recovery=recovery,
            others_may_run=self.threads.may_run,
            every_second=invoker.record_late_requests,
            when_jumped=self._follow_clock,
            every_minute=self.sweep,
        )
        self._drain = Drain(
            functions,
            self.deliveries,
            invoker,
            schedules=schedules,
            replays=self.replays,
            recovery=recovery,
            random=Random(seed),  # noqa: S311 - the same
        )
        self.gateway = Gateway(choreography, self.environment)
        self.aws = AwsEndpoint(
            choreography,
            self.bus,
            self.deliveries,
            self.dead_letters,
            self.replays,
            environment=self.environment,
            threads=self.threads,
        )
        self._pruning = PruningThread(self.pruner(kept), self._is_due) if kept else None

    def start(self) -> None:
        """Deliver, replay and prune in threads until `close`; raise `LaptopError` unless the clock is a `RealClock`."""
        if not isinstance(self.clock, RealClock):
            raise LaptopError("a virtual clock stands still.\n  Use drain(), or give the laptop a RealClock.")
        pauses = [QUEUE_DELAY, *(_longest_pause(function) for function in self.choreography.functions.values())]
        end_long_pauses(self.database, self.clock.now(), max(pauses))
        self._runner.start(self.clock)
        self.replays.start()
        if self._pruning:
            self._pruning.start()

    def request(
        self, method: str, target: str, body: str | bytes = b"", headers: Mapping[str, str] | None = None
    ) -> HttpResponse:
        """Return the response to one HTTP request to a route, without a socket; a 404 without such a route."""
        return self.gateway.answer(method, target, headers or {}, body.encode() if isinstance(body, str) else body)

    def drain(self) -> None:
        """Deliver until nothing is pending, moving the clock to retries; no schedules. `LaptopError`: a real clock."""
        self._drain.run(self._movable())

    def advance(self, duration: timedelta) -> None:
        """Move the clock by `duration` and run what becomes due, schedules too; `LaptopError` for a real clock."""
        clock = self._movable()
        until: datetime = clock.now() + duration
        self._drain.run(clock, until)

    def only(self, functions: Collection[str]) -> None:
        """Deliver events and scheduled runs to these functions alone, from now on."""
        self.bus.only(functions)
        self._schedules.only(functions)

    def run_schedule(self, function: str) -> str:
        """Put a run of a scheduled function on the bus, now, and return its flow's id; `KeyError` if not scheduled."""
        return self._schedules.run(function, self.clock.now())

    def retry(self, term: str | None, by: SelectBy = "any") -> list[Postponed]:
        """Make postponed deliveries due now, those that `term` selects as in `retry_now`, and return them."""
        return retry_now(self.database, self.bus.dispatcher, self._consumers, self.clock.now(), term, by=by)

    def sweep(self) -> int:
        """Publish events that were committed and not published, and return the number of once-records."""
        return sweep(self.environment, _SWEEP_SECONDS)

    def pruner(self, kept: timedelta) -> Pruner:
        """Return a `Pruner` of this laptop's state; when it runs, it deletes what is older than `kept`."""
        return Pruner(self.database, self.clock, kept, self.choreography)

    def _is_due(self) -> bool:
        """Whether a delivery to one of the choreography's functions is due now."""
        names, now = json.dumps(self._consumers), self.clock.now().timestamp()
        query = "SELECT 1 FROM delivery WHERE function IN (SELECT value FROM json_each(?)) AND due <= ? LIMIT 1"
        return bool(self.database.read(query, (names, now)))

    def _follow_clock(self, jump: timedelta) -> None:
        """After a jump, move leases by it; if the clock was set back, also move pauses and schedules. Log a warning."""
        self._store.shift_leases(jump)
        if jump > timedelta(0):
            _LOG.warning(
                "The clock went forward by %s: it was set, or the machine slept. What is due by now runs now.", jump
            )
            return
        _LOG.warning(
            "The clock was set back by %s. Retries and schedules go on, and wait no longer than before.", -jump
        )
        now = self.clock.now()
        shift_pauses(self.database, now, -jump)
        self._schedules.set_back(now, -jump)

    def close(self) -> bool:
        """Stop, wait for running invocations until their timeouts, and close the state; return whether all ended."""
        if self._pruning:
            self._pruning.stop()
        self.replays.stop()
        self.threads.close()
        ended = self._runner.stop()
        self.database.close()
        self.in_flight.close()
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


def _longest_pause(function: AnyFunction) -> timedelta:
    """Return the longest pause between two attempts at a function's deliveries."""
    last = function.retry.attempts(function.delivery)
    return function.retry.delay(function.delivery, last, function.limits.timeout)
