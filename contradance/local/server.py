"""The laptop's one port: the application's routes, and AWS's protocol for whoever speaks it.

Whatever a client sends or leaves out, it is answered in one JSON shape, and it takes a bounded share of memory and time:
a connection is refused over `Bounds.connections`, a head or a body that is too large or too late is refused while it
arrives, and nothing is read beyond that. What uvicorn would answer as text is answered here, in `_Connection` before
there is a request and in `_Application` from then on.
"""

import asyncio
import logging
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import FrameType
from typing import Any, Final, NamedTuple, cast

import h11
import uvicorn
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from contradance.errors import LaptopError
from contradance.local.aws import CONTENT_TYPE, MAX_REQUEST_BYTES, TARGET_HEADER
from contradance.local.gateway import HttpResponse, refused
from contradance.local.laptop import Laptop
from contradance.runtime.answer import BODY_TOO_LARGE, MAX_BODY_BYTES
from contradance.runtime.told import told, trail

_LOG = logging.getLogger("contradance.server")
HOST: Final = "127.0.0.1"
"""Loopback only: nobody else's machine can reach the laptop."""
DEFAULT_PORT: Final = 8700
MAX_HEAD_BYTES: Final = 10_240
"""Largest request line with its headers. API Gateway developer guide, http-api-quotas."""
_BACKLOG: Final = 2048
_LOOPBACK: Final = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
_ELSEWHERE: Final = "Only this machine is served, by the names 127.0.0.1, localhost and [::1]."


@dataclass(frozen=True)
class Bounds:
    """How much of the server its clients may take."""

    connections: int = 128
    """Open at a time; with bodies as large as they may be, that is 128 MB of memory."""
    head_seconds: float = 10
    """From the connection, or a request's first byte, to the end of its headers."""
    body_seconds: float = 30
    """From the end of the headers to the end of the body."""
    idle_seconds: int = 5
    """How long a connection is kept for a next request, and an answer for a client that does not take it."""
    linger_seconds: float = 2
    """How long what a refused client still sends is read and dropped, so that it comes to read its answer."""
    grace_seconds: int = 5
    """How long an open request may take after the server was asked to stop."""


class Refusal(NamedTuple):
    """A request that was answered with a status of 400 or more."""

    at: datetime
    method: str
    path: str
    """Without its query; this and the method are empty where what came was no request."""
    status: int


WhenRefused = Callable[[Refusal], None]


class Server(uvicorn.Server):
    """Serves one laptop on a loopback port until it is told to stop.

    Args:
        laptop: what answers.
        port: on 127.0.0.1; 0 takes any.
        bounds: what clients may take.
        when_refused: told each request that was refused.
    """

    def __init__(
        self, laptop: Laptop, port: int, *, bounds: Bounds | None = None, when_refused: WhenRefused = lambda _: None
    ) -> None:
        bounds = bounds or Bounds()
        self._socket = _bound(port)
        self.url = f"http://{HOST}:{self._socket.getsockname()[1]}"

        def refuse(status: int, method: str = "", path: str = "") -> None:
            when_refused(Refusal(laptop.clock.now(), method, path, status))

        super().__init__(
            uvicorn.Config(
                _Application(laptop, bounds, refuse),
                http=cast("type[asyncio.Protocol]", partial(_Connection, bounds=bounds, refuse=refuse)),
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


class _Refused(Exception):
    """(status, message) of a request that no function sees; the rest of it is not read."""


class _Gone(Exception):
    """The client has closed the connection: nobody waits for an answer."""


class _Application:
    """Answers for one laptop, as an ASGI application."""

    def __init__(self, laptop: Laptop, bounds: Bounds, refuse: Callable[[int, str, str], None]) -> None:
        self._laptop = laptop
        self._bounds = bounds
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        read = True
        try:
            _admit(scope)
            body = await self._body(scope, receive)
            given = await run_in_threadpool(self._answer, scope, body)
        except _Gone:
            return
        except _Refused as refusal:
            given, read = refused(*refusal.args), False
        except asyncio.CancelledError:
            given = refused(503, "The laptop is stopping.")
        except Exception as error:  # noqa: BLE001 - told to whoever runs this, never to the client
            _LOG.error("the server failed: %s\n%s", told(error), trail(error))
            given = refused(500, "Internal Server Error")
        if given.status >= 400:  # noqa: PLR2004 - the first status that refuses
            self._refuse(given.status, scope["method"], scope["raw_path"].decode("ascii"))
        await self._send(given, None if read else receive, send)

    def _answer(self, scope: Scope, body: bytes) -> HttpResponse:
        path, query, headers = scope["raw_path"].decode("ascii"), scope["query_string"].decode(), Headers(scope=scope)
        operation = headers.get(TARGET_HEADER)
        if operation is not None and path == "/":
            status, text = self._laptop.aws.answer(operation, body)
            return HttpResponse(status, {"content-type": CONTENT_TYPE}, text)
        return self._laptop.gateway.answer(scope["method"], f"{path}?{query}" if query else path, headers, body)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """Return the body, of which no more is kept than may be."""
        headers = Headers(scope=scope)
        most = MAX_REQUEST_BYTES if TARGET_HEADER in headers and scope["path"] == "/" else MAX_BODY_BYTES
        if int(headers.get("content-length", 0)) > most:
            raise _Refused(413, BODY_TOO_LARGE)
        body, more = bytearray(), True
        try:
            async with asyncio.timeout(self._bounds.body_seconds):
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _Gone
                    body += message["body"]
                    more = message["more_body"]
                    if len(body) > most:
                        raise _Refused(413, BODY_TOO_LARGE)
        except TimeoutError as error:
            raise _Refused(408, "The request's body took too long.") from error
        return bytes(body)

    async def _send(self, given: HttpResponse, unread: Receive | None, send: Send) -> None:
        """Send the answer; of a body that is still coming, drop what comes, and close.

        A connection that is closed with bytes unread is reset, and the client may never see what it was answered.
        """
        content = given.body.encode()
        headers = [(name.encode(), value.encode()) for name, value in given.headers.items()]
        if given.status not in (204, 304):
            headers.append((b"content-length", str(len(content)).encode()))
        if unread is not None:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": given.status, "headers": headers})
        await send({"type": "http.response.body", "body": content, "more_body": unread is not None})
        if unread is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._bounds.linger_seconds):
                    while (await unread()).get("more_body"):
                        pass
            await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Connection(H11Protocol):
    """One client's connection: what goes wrong before there is a request is answered in the same shape, and in time."""

    def __init__(self, *given: Any, bounds: Bounds, refuse: Callable[[int], None], **named: Any) -> None:
        super().__init__(*given, **named)
        self._bounds = bounds
        self._refuse = refuse
        self._head_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        if len(self.connections) > self._bounds.connections:
            self._close_with(503, "Too many connections are open.")
        else:
            self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_watching()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._watch_head()
        else:
            self._stop_watching()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.get_write_buffer_size():
            self.loop.call_later(self._bounds.idle_seconds, self._abandon)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's text
        received, _ = self.conn.trailing_data
        if len(received) > MAX_HEAD_BYTES:
            self._close_with(431, "The request's line and headers are too large.")
        else:
            self._close_with(400, "Bad Request")

    def _watch_head(self) -> None:
        """Expect the rest of the headers in time."""
        if self._head_deadline is None and not self.transport.is_closing():
            self._head_deadline = self.loop.call_later(self._bounds.head_seconds, self._head_is_late)

    def _head_is_late(self) -> None:
        """Give up; a client that never said a word, as browsers that connect ahead, is told nothing."""
        received, _ = self.conn.trailing_data
        if received:
            self._close_with(408, "The request's headers took too long.")
        else:
            self.transport.close()

    def _stop_watching(self) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None

    def _close_with(self, status: int, message: str) -> None:
        """Say why, where there is still something to say, and close; a request that has begun will not be answered."""
        if self.cycle is not None:
            self.cycle.disconnected = True
        if not self.transport.is_closing() and self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            given = refused(status, message)
            content = given.body.encode()
            headers = {**given.headers, "content-length": str(len(content)), "connection": "close"}
            for event in (
                h11.Response(status_code=status, headers=[*headers.items()]),
                h11.Data(data=content),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event))
            self._refuse(status)
        self.transport.close()

    def _abandon(self) -> None:
        """Drop a client that does not take its answer."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()


def _admit(scope: Scope) -> None:
    """Refuse who asks for another name, as a page does that has rebound its own, and what another site's page sends."""
    headers = Headers(scope=scope)
    if sum(len(name) + len(value) + 4 for name, value in headers.raw) + len(scope["raw_path"]) > MAX_HEAD_BYTES:
        raise _Refused(431, "The request's line and headers are too large.")
    host, origin = headers.get("host"), headers.get("origin")
    if host is not None and not _LOOPBACK.fullmatch(host):
        raise _Refused(403, _ELSEWHERE)
    if origin is not None and scope["method"] != "GET":
        scheme, _, site = origin.partition("://")
        if scheme not in ("http", "https") or not _LOOPBACK.fullmatch(site):
            raise _Refused(403, _ELSEWHERE)


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
