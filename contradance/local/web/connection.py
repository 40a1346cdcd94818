"""One client's connection, with bounds on memory and time.

An error before the request is complete is answered here, in the JSON shape of all error responses (uvicorn would send
text); `contradance.local.web.application` answers from then on.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from contradance.local.invocation.gateway import error_response

MAX_HEAD_BYTES: Final = 10_240
"""Largest request line with its headers, in bytes. API Gateway developer guide, http-api-quotas."""


@dataclass(frozen=True)
class Bounds:
    """Limits on what clients may take of the server."""

    connections: int = 128
    """Open connections; with bodies of maximum size they take 128 MB of memory, or 768 MB in Lambda's protocol."""
    head_seconds: float = 10
    """From the connection, or a request's first byte, to the end of its headers."""
    body_seconds: float = 30
    """From the end of the headers to the end of the body."""
    idle_seconds: int = 5
    """How long a connection is kept for a next request, and a response for a client that does not read it."""
    linger_seconds: float = 2
    """How long the rest of a refused body is read and dropped, so that the client reads the response."""
    grace_seconds: int = 5
    """How long an open request may take after the server was asked to stop."""


class Connection(H11Protocol):
    """uvicorn's HTTP protocol with limits: on open connections, on the time for headers, and on unread responses."""

    def __init__(self, *given: Any, bounds: Bounds, refuse: Callable[[int], None], **named: Any) -> None:
        super().__init__(*given, **named)
        self._bounds = bounds
        self._refuse = refuse
        self._head_deadline: asyncio.TimerHandle | None = None
        self._is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own signature
        """Answer a connection above the limit with a 503 and close it; for others, start the time limit for headers."""
        super().connection_made(transport)
        if len(self.connections) > self._bounds.connections:
            self._close_with(503, "Too many connections are open.")
        else:
            self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the time limit for headers."""
        self._stop_watching()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Handle received bytes; the time limit for headers runs while they are incomplete, or no request has begun.

        After a refusal they are dropped.
        """
        if self._is_refused:
            return
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._watch_head()
        else:
            self._stop_watching()

    def on_response_complete(self) -> None:
        """Start the time limit for a client that has not read all of its response; else do nothing."""
        super().on_response_complete()
        if self.transport.get_write_buffer_size():
            self.loop.call_later(self._bounds.idle_seconds, self._abandon)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's text
        """Answer bytes that are not HTTP with an error in JSON, and close: a 431 for too large headers, else a 400.

        Closing with unread bytes would reset the connection, and the client might never see the response.
        """
        received, _ = self.conn.trailing_data
        self._is_refused = True
        if len(received) > MAX_HEAD_BYTES:
            self._respond(431, "The request's line and headers are too large.")
        else:
            self._respond(400, "Bad Request")
        if self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()
        self.loop.call_later(self._bounds.linger_seconds, self.transport.close)

    def _watch_head(self) -> None:
        """Start the time limit for the rest of the headers; no effect if it runs or the connection closes."""
        if self._head_deadline is None and not self.transport.is_closing():
            self._head_deadline = self.loop.call_later(self._bounds.head_seconds, self._head_is_late)

    def _head_is_late(self) -> None:
        """Close a connection whose headers are late: with a 408, or without a response if it has sent no bytes."""
        received, _ = self.conn.trailing_data
        if received:
            self._close_with(408, "The request's headers took too long.")
        else:
            self.transport.close()

    def _stop_watching(self) -> None:
        """Stop the time limit for headers; no effect if it does not run."""
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None

    def _close_with(self, status: int, message: str) -> None:
        """Send an error response as `_respond` does, and close."""
        self._respond(status, message)
        self.transport.close()

    def _respond(self, status: int, message: str) -> None:
        """Send an error response while the protocol still allows one; a started request gets no other."""
        if self.cycle is not None:
            self.cycle.disconnected = True
        if not self.transport.is_closing() and self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            given = error_response(status, message)
            content = given.body.encode()
            headers = {**given.headers, "content-length": str(len(content)), "connection": "close"}
            is_head = self.conn.our_state is h11.SEND_RESPONSE and self.scope["method"] == "HEAD"
            for event in (
                h11.Response(status_code=status, headers=[*headers.items()]),
                h11.Data(data=b"" if is_head else content),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event))
            self._refuse(status)

    def _abandon(self) -> None:
        """Abort the connection if its client has not read all of its response."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
