"""One client's connection, which takes a bounded share of memory and time.

What goes wrong before there is a request is answered here, in the one JSON shape, where uvicorn would answer in text; from
then on `contradance.local.web.application` answers.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from contradance.local.invocation.gateway import refused

MAX_HEAD_BYTES: Final = 10_240
"""Largest request line with its headers. API Gateway developer guide, http-api-quotas."""


@dataclass(frozen=True)
class Bounds:
    """How much of the server its clients may take."""

    connections: int = 128
    """Open at a time; with bodies as large as they may be, that is 128 MB of memory, and 512 MB in AWS's protocol."""
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


class Connection(H11Protocol):
    """One client's connection: what goes wrong before there is a request is answered in the same shape, and in time."""

    def __init__(self, *given: Any, bounds: Bounds, refuse: Callable[[int], None], **named: Any) -> None:
        super().__init__(*given, **named)
        self._bounds = bounds
        self._refuse = refuse
        self._head_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Refuse one connection too many; expect the others' headers in time."""
        super().connection_made(transport)
        if len(self.connections) > self._bounds.connections:
            self._close_with(503, "Too many connections are open.")
        else:
            self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._stop_watching()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Watch the time for as long as headers are incomplete."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._watch_head()
        else:
            self._stop_watching()

    def on_response_complete(self) -> None:
        """Drop a client that does not take its answer."""
        super().on_response_complete()
        if self.transport.get_write_buffer_size():
            self.loop.call_later(self._bounds.idle_seconds, self._abandon)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's text
        """Answer what is no request in the one JSON shape."""
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
