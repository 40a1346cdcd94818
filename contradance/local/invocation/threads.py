"""Threads for requests: each runs in its own, so that one that hangs holds up nothing else."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from time import monotonic
from typing import Final, TypeVar
from uuid import uuid4

from contradance.choreography import AnyFunction
from contradance.local.invocation.gateway import HttpResponse, refused
from contradance.local.invocation.in_flight import InFlight

T = TypeVar("T")
INTEGRATION_SECONDS: Final = 30.0
"""Longest time that an HTTP API waits for a function. API Gateway developer guide, http-api-quotas."""
_LOOK_SECONDS: Final = 0.02
MOST_OF_ONE: Final = 1_000
"""Most requests to one function that run at the same time, those that hang included. Lambda's default for an account."""
_MOST: Final = 4_096
"""Most threads: more than a machine's functions can fill."""


class TooManyRequests(Exception):
    """So many requests to one function run, or hang, that no other is started."""


class RequestThreads:
    """Runs requests in threads that are started when they are needed, and counts those of each function."""

    def __init__(self, in_flight: InFlight) -> None:
        self._in_flight = in_flight
        self.may_run = threading.Event()
        """Cleared while the deliveries of a killed process run alone."""
        self.may_run.set()
        self._pool = ThreadPoolExecutor(_MOST, thread_name_prefix="contradance-request")
        self._running: Counter[str] = Counter()
        self._lock = threading.Lock()

    def start(self, function: AnyFunction, act: Callable[[], T]) -> "Future[T]":
        """Run `act` in another thread and return its future; raise `TooManyRequests` if the function has too many.

        Raises:
            TooManyRequests: too many are running.
        """
        name, seconds = function.name, function.limits.timeout.total_seconds()

        def run() -> T:
            with self._in_flight.request(name, str(uuid4()), monotonic() + seconds):
                return act()

        with self._lock:
            if self._running[name] >= MOST_OF_ONE:
                raise TooManyRequests
            self._running[name] += 1
        try:
            future = self._pool.submit(copy_context().run, run)
        except RuntimeError as error:  # this machine starts no other thread
            self._ended(name)
            raise TooManyRequests from error
        future.add_done_callback(lambda _: self._ended(name))
        return future

    async def answer(self, function: AnyFunction, act: Callable[[], HttpResponse]) -> HttpResponse:
        """Return what `act` returns; as on AWS 500 or 503 after the time limit, and 503 if too many run.

        Lambda ends it, and API Gateway answers 500; or API Gateway ends its own wait first, and answers 503.
        """
        until = monotonic() + INTEGRATION_SECONDS
        while not self.may_run.is_set() and monotonic() < until:  # noqa: ASYNC110 - a thread sets it
            await asyncio.sleep(_LOOK_SECONDS)
        seconds = function.limits.timeout.total_seconds()
        try:
            if self.may_run.is_set():
                running = self.start(function, act)
                return await asyncio.wait_for(asyncio.wrap_future(running), min(seconds, INTEGRATION_SECONDS))
        except TooManyRequests:
            return refused(503, "Service Unavailable")
        except TimeoutError:
            if seconds <= INTEGRATION_SECONDS:
                return refused(500, "Internal Server Error")
        return refused(503, "Service Unavailable")

    async def waiting(self, act: Callable[[], T]) -> T:
        """Return what `act` returns; it waits for a function, in a thread that does not count as the function's."""
        return await asyncio.wrap_future(self._pool.submit(copy_context().run, act))

    def close(self) -> None:
        """Start no more requests; running ones go on, and those that have not started are cancelled."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ended(self, function: str) -> None:
        """Count one running request of a function less."""
        with self._lock:
            self._running[function] -= 1
