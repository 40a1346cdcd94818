"""The laptop's HTTP server: one port for the application's routes, the console and AWS's protocols."""

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from types import FrameType
from typing import Final, NamedTuple
from weakref import WeakSet

import uvicorn

from contradance.errors import LaptopError
from contradance.local.console.application import Console
from contradance.local.console.feed import Feed
from contradance.local.laptop import Laptop
from contradance.local.names import HOST
from contradance.local.system.api import CommandApi
from contradance.local.system.in_process import describe, system_in_process
from contradance.local.web.application import LaptopApplication
from contradance.local.web.connection import MAX_HEAD_BYTES, Bounds, Connection
from contradance.local.web.loop_failures import LoopFailures

_BACKLOG: Final = 2048
_servers: Final[WeakSet["Server"]] = WeakSet()
"""The servers of this process, for its child processes."""


class Refusal(NamedTuple):
    """A request that was answered with a status of 400 or more."""

    at: datetime
    method: str
    path: str
    """Without its query; path and method are empty for bytes that are not a request."""
    status: int


WhenRefused = Callable[[Refusal], None]


class Server(uvicorn.Server):
    """Serves one laptop on a loopback port until `stop`.

    Args:
        laptop: answers the requests.
        port: on 127.0.0.1; 0 takes a free one.
        bounds: limits on what clients may take.
        when_refused: called with each refused request.
        feed: the console's source of journal records; None serves no console.
        origins: those whose pages may use the application's routes.
    """

    def __init__(
        self,
        laptop: Laptop,
        port: int,
        *,
        bounds: Bounds | None = None,
        when_refused: WhenRefused = lambda _: None,
        feed: Feed | None = None,
        origins: Collection[str] = (),
    ) -> None:
        bounds = bounds or Bounds()
        self._in_flight = laptop.in_flight
        self._handles_signals = False
        self._socket = _listening_socket(port)
        _servers.add(self)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://{HOST}:{self.port}"

        description = describe(laptop, self.url)
        self._console = Console(laptop, feed, system_in_process(laptop, description)) if feed else None

        def refuse(status: int, method: str = "", path: str = "") -> None:
            when_refused(Refusal(laptop.clock.now(), method, path, status))

        super().__init__(
            uvicorn.Config(
                LaptopApplication(
                    laptop, CommandApi(laptop, description), bounds, refuse, console=self._console, origins=origins
                ),
                http=partial(Connection, bounds=bounds, refuse=refuse),  # type: ignore[arg-type]  # uvicorn calls it, class or not
                ws="none",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                lifespan="off",
                h11_max_incomplete_event_size=MAX_HEAD_BYTES,
                timeout_keep_alive=bounds.idle_seconds,
                timeout_graceful_shutdown=bounds.grace_seconds,
            )
        )

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until `stop`; failures of the event loop are logged."""
        asyncio.get_running_loop().set_exception_handler(LoopFailures())
        await super().serve(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no handlers of uvicorn, which raise a signal again before running deliveries end."""
        yield

    def stop_on_signals(self) -> None:
        """Install signal handlers: a first Ctrl-C or SIGTERM calls `stop`, a second one ends the process at once."""

        def on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - what signal.signal calls
            if self.should_exit:
                try:
                    self._in_flight.mark_stopped()
                finally:
                    os._exit(128 + number)  # a second signal: running deliveries are on disk, and are repeated
            self.stop()

        self._handles_signals = True
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, on_signal)

    def serve_until_stopped(self) -> None:
        """Serve in this thread until `stop`."""
        self.run(sockets=[self._socket])

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve in a thread while the block runs, then stop and wait for the end; the block gets the URL."""
        thread = threading.Thread(target=self.serve_until_stopped, name="contradance-http")
        thread.start()
        try:
            yield self.url
        finally:
            self.stop()
            thread.join()

    def leave_to_parent(self) -> None:
        """Close the port and restore signals in a child process, which would keep both when this process has ended."""
        self._socket.close()
        if self._handles_signals:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)

    def stop(self) -> None:
        """Accept no more requests; serving ends when the open ones are answered."""
        self.should_exit = True
        if self._console is not None:
            self._console.close()


def _listening_socket(port: int) -> socket.socket:
    """Return a socket that listens on a loopback port, a free one for 0; raise `LaptopError` if it is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise LaptopError(
            f"port {port} of {HOST} is not free: {error.strerror}.\n"
            "  Stop what uses it, or choose another with --port (0 takes any)."
        ) from error
    return listener


def _leave_to_parent() -> None:
    """Have a child process keep nothing of the servers of its parent."""
    for server in _servers:
        server.leave_to_parent()


os.register_at_fork(after_in_child=_leave_to_parent)
