"""The laptop's one port: the application's routes, and AWS's protocol for whoever speaks it."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from contradance.errors import LaptopError
from contradance.local.aws import CONTENT_TYPE, TARGET_HEADER
from contradance.local.laptop import Laptop

HOST: Final = "127.0.0.1"
"""Loopback only: nobody else's machine can reach the laptop."""
DEFAULT_PORT: Final = 8700
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_BACKLOG: Final = 2048
_GRACE_SECONDS: Final = 5
"""How long an open request may take after the server was asked to stop."""


def application(laptop: Laptop) -> Starlette:
    """Return the ASGI application that answers for `laptop`."""

    async def answer(request: Request) -> Response:
        body = await request.body()
        operation = request.headers.get(TARGET_HEADER)
        if operation is not None and request.url.path == "/":
            status, text = await run_in_threadpool(laptop.aws.answer, operation, body)
            return Response(text, status, media_type=CONTENT_TYPE)
        raw_path = request.scope["raw_path"].decode("ascii")
        target = f"{raw_path}?{request.url.query}" if request.url.query else raw_path
        given = await run_in_threadpool(laptop.gateway.answer, request.method, target, request.headers, body)
        return Response(given.body, given.status, headers=given.headers)

    return Starlette(routes=[Route("/{path:path}", answer, methods=_METHODS)])


class Server(uvicorn.Server):
    """Serves one laptop on a loopback port until it is told to stop."""

    def __init__(self, laptop: Laptop, port: int) -> None:
        self._socket = _bound(port)
        self.url = f"http://{HOST}:{self._socket.getsockname()[1]}"
        super().__init__(
            uvicorn.Config(
                application(laptop),
                log_level="warning",
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `stop_on_signals`: uvicorn would raise them again before the bus could finish."""
        yield

    def stop_on_signals(self) -> None:
        """Have Ctrl-C and SIGTERM stop the server, also one that does not serve yet."""

        def on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - what signal.signal calls
            self.stop()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, on_signal)

    def serve_until_stopped(self) -> None:
        """Serve in this thread until `stop`."""
        self.run(sockets=[self._socket])

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve in a thread while the block runs; the value is the URL."""
        thread = threading.Thread(target=self.serve_until_stopped, name="contradance-http")
        thread.start()
        try:
            yield self.url
        finally:
            self.stop()
            thread.join()

    def stop(self) -> None:
        """Take no more requests, and return from serving when the open ones are answered."""
        self.should_exit = True


def _bound(port: int) -> socket.socket:
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
