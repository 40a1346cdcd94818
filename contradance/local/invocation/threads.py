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
from contradance.httproute import LONGEST_WAIT
from contradance.local.invocation.gateway import HttpResponse, error_response
from contradance.local.invocation.in_flight import InFlight

T = TypeVar("T")
INTEGRATION_SECONDS: Final = LONGEST_WAIT.total_seconds()
_LOOK_SECONDS: Final = 0.02
MOST_OF_ONE: Final = 1_000
"""Most requests to one function that run at the same time, with those that hang. Lambda's default for an account."""
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
        """Run `act` in another thread and return its future; raise `TooManyRequests` if it cannot run now.

        Raises:
            TooManyRequests: 1,000 requests to the function run, this machine starts no other thread, or after `close`.
        """
        name, seconds = function.name, function.limits.timeout.total_seconds()
        submitted = False

        def run() -> T:
            """List the request as running, and act; raise `TooManyRequests` if `start` has raised it."""
            with self._lock:  # until `submit` has returned, or raised
                if not submitted:
                    raise TooManyRequests
            with self._in_flight.request(name, str(uuid4()), monotonic() + seconds):
                return act()

        with self._lock:
            if self._running[name] >= MOST_OF_ONE:
                raise TooManyRequests
            try:
                future = self._pool.submit(copy_context().run, run)
            except RuntimeError as error:  # the pool may run it later, in the next free thread
                raise TooManyRequests from error
            submitted = True
            self._running[name] += 1
        future.add_done_callback(lambda _: self._ended(name))
        return future

    async def answer(self, function: AnyFunction, act: Callable[[], HttpResponse]) -> HttpResponse:
        """Return what `act` returns; 500 after the function's timeout, 503 after 30 s or if too many requests run.

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
            return error_response(503, "Service Unavailable")
        except TimeoutError:
            if seconds <= INTEGRATION_SECONDS:
                return error_response(500, "Internal Server Error")
        return error_response(503, "Service Unavailable")

    async def run_uncounted(self, act: Callable[[], T]) -> T:
        """Return what `act` returns, from a thread that counts for no function: `act` only waits for one."""
        return await asyncio.wrap_future(self._pool.submit(copy_context().run, act))

    def close(self) -> None:
        """Start no more requests, and cancel those that have not started; do not wait for the running ones."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ended(self, function: str) -> None:
        """Subtract one from the running requests of a function."""
        with self._lock:
            self._running[function] -= 1
