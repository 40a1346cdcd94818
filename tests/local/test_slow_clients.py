"""Clients that send a byte each second, or do not read their responses: without a socket, on an event loop whose time the
test moves."""

import asyncio
from pathlib import Path

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from contradance.local.system.api import CommandApi
from contradance.local.system.in_process import describe
from contradance.local.web.application import LaptopApplication
from contradance.local.web.connection import Bounds, Connection
from tests.local.desk import ROUTES, opened

BOUNDS = Bounds(head_seconds=3, body_seconds=7)
ENOUGH = 60
"""Seconds after which a client has waited long enough."""


class MovableLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock stands still until it is moved."""

    now = 0.0

    def time(self) -> float:
        """Return the seconds that have passed."""
        return self.now


class Wire(asyncio.Transport):
    """The server's end of a connection; it keeps what is written."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written = b""
        self.unread = 0
        self.is_aborted = False
        self._closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def get_write_buffer_size(self) -> int:
        return self.unread

    def abort(self) -> None:
        self.is_aborted = True

    def close(self) -> None:
        self._closed = True

    def is_closing(self) -> bool:
        return self._closed

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def settle() -> None:
    """Let everything happen that happens at this moment."""
    for _ in range(20):
        await asyncio.sleep(0)


async def seconds_until_answered(loop: MovableLoop, connection: Connection, wire: Wire, *sent: bytes) -> int | None:
    """Send what is sent at once, then a byte each second; return the seconds until an answer, None where none comes."""
    connection.connection_made(wire)
    for part in sent:
        await settle()
        connection.data_received(part)
    for seconds in range(ENOUGH):
        await settle()
        if wire.written:
            return seconds
        loop.now += 1
        connection.data_received(b"x")
    return None


@pytest.mark.parametrize(
    ("sent", "message", "limit"),
    [
        pytest.param([b"GET / HTTP/1.1\r\nX: "], "headers", BOUNDS.head_seconds, id="headers"),
        pytest.param([b"GET / HTTP", b"/1.1\r\nX: "], "headers", BOUNDS.head_seconds, id="headers in parts"),
        pytest.param(
            [b"POST /items/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"],
            "body",
            BOUNDS.body_seconds,
            id="body",
        ),
        pytest.param(
            [b"POST /items/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n", b"some of it"],
            "body",
            BOUNDS.body_seconds,
            id="body in parts",
        ),
    ],
)
def test_what_comes_byte_by_byte_gets_no_more_time(
    tmp_path: Path, sent: list[bytes], message: str, limit: float
) -> None:
    refused: list[int] = []
    wire = Wire()

    with opened(tmp_path, *ROUTES) as laptop, asyncio.Runner(loop_factory=MovableLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, MovableLoop)
        application = LaptopApplication(
            laptop, CommandApi(laptop, describe(laptop, "")), BOUNDS, lambda status, *_: refused.append(status)
        )
        config = uvicorn.Config(application, log_config=None, lifespan="off")
        connection = Connection(config, ServerState(), {}, loop, bounds=BOUNDS, refuse=refused.append)
        seconds = runner.run(seconds_until_answered(loop, connection, wire, *sent))
        connection.connection_lost(None)
        runner.run(settle())

    assert (seconds, refused) == (limit, [408])
    assert wire.written.startswith(b"HTTP/1.1 408 ")
    assert f"The request's {message} took too long.".encode() in wire.written


async def answer_at_once(_: Scope, __: Receive, send: Send) -> None:
    """Answer a request with a 204."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def is_aborted_each_second(loop: MovableLoop, connection: Connection, wire: Wire, read_after: int) -> list[bool]:
    """Send a request whose response is read after some seconds; return for each second whether the server has aborted."""
    connection.connection_made(wire)
    wire.unread = 1
    connection.data_received(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    aborted = []
    for second in range(BOUNDS.idle_seconds + 2):
        wire.unread = int(second < read_after)
        loop.now = second
        await settle()
        aborted.append(wire.is_aborted)
    return aborted


@pytest.mark.parametrize(
    ("read_after", "aborted"),
    [
        (0, [False] * (BOUNDS.idle_seconds + 2)),
        (BOUNDS.idle_seconds, [False] * (BOUNDS.idle_seconds + 2)),
        (ENOUGH, [*[False] * BOUNDS.idle_seconds, True, True]),
    ],
    ids=["at once", "in time", "never"],
)
def test_a_connection_is_aborted_if_its_response_is_not_read_in_time(read_after: int, aborted: list[bool]) -> None:
    with asyncio.Runner(loop_factory=MovableLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, MovableLoop)
        config = uvicorn.Config(answer_at_once, log_config=None, lifespan="off")
        connection = Connection(config, ServerState(), {}, loop, bounds=BOUNDS, refuse=lambda _: None)
        found = runner.run(is_aborted_each_second(loop, connection, Wire(), read_after))
        connection.connection_lost(None)
        runner.run(settle())

    assert found == aborted
