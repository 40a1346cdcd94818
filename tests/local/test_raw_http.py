"""What HTTP libraries do not send: heads and bodies as bytes on a socket, each answered once, and then all is as before."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

from contradance.local.console.feed import Feed
from contradance.local.laptop import Laptop
from contradance.local.state.reader import Reader
from contradance.local.web.server import Server
from tests.local.desk import ROUTES, Desk, opened, wait_until
from tests.patience import LONG

GET: Final = b"GET /items/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
POST: Final = b"POST /items/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
CHUNKED: Final = POST + b"Transfer-Encoding: chunked\r\n"
HEADS: Final[dict[int, tuple[bytes, ...]]] = {
    200: (
        *(GET + line for line in (b"X: \xff\xfe\r\n", b"X: \x1b[2J\r\n", b"X:\tv\t\r\n", b"X: " + b"v" * 9_000 + b"\r\n", b"A: b\r\n" * 1_000)),
        b"GET /items/%00%ed%a0%80%c0%af%2e%2e%2F% HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
        b"GET /items?" + b"q&" * 4_000 + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
        b"GET /items/a HTTP/1.0\r\n",
        b"GET /items/a HTTP/1.1\r\nHost: LOCALHOST\r\nConnection: close\r\n",
        b"GET /items/a HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n",
        GET + b"Upgrade: websocket\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\nSec-WebSocket-Version: 13\r\n",
        GET + b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAA\r\n",
    ),
    201: (POST, POST + b"Content-Length: 00\r\n", POST + b"Expect: 200-ok\r\n"),
    400: (
        *(GET + line for line in (b": v\r\n", b"X : v\r\n", b"X\r\n", b"X: \x00\r\n", b"X: a\rY: b\r\n", b"\xff: v\r\n", b'"x": v\r\n', b"Host: b\r\n")),
        *(POST + b"Content-Length: " + length + b"\r\n" for length in (b"-1", b"+5", b"0x5", b"", b"1, 2", b"1e3", b"9" * 5_000, b"\xd9\xa1")),
        *(POST + b"Transfer-Encoding: " + coding + b"\r\n" for coding in (b"gzip, chunked", b"chunked, chunked", b"identity", b"chunked;q=1", b"", b"x")),
        POST + b"Content-Length: 1\r\nContent-Length: 2\r\n",
        POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n",
        b"GET /items/a HTTP/1.1\r\nConnection: close\r\n",
        b"GET /items/a\r\n",
        b"GET /items/a b HTTP/1.1\r\nHost: localhost\r\n",
        b"GET /items/\xff HTTP/1.1\r\nHost: localhost\r\n",
        b"G\x00T /items/a HTTP/1.1\r\nHost: localhost\r\n",
        b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + b"\x00" * 200,
    ),
    403: tuple(
        b"GET /items/a HTTP/1.1\r\nConnection: close\r\nHost: " + host + b"\r\n"
        for host in (
            *(b"localhost.", b"127.1", b"0x7f000001", b"2130706433", b"0", b"[::ffff:127.0.0.1]", b"127.0.0.1.nip.io", b"localhost.evil"),
            *(b"u@localhost", b"localhost@evil", b"localhost, evil", b"localhost:1:2", b"localhost:", b"", b"\xfflocalhost", b"evil.localhost"),
        )
    ),
    404: tuple(
        line + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        for line in (
            *(b"TRACE /items/a", b"CONNECT localhost:1", b"get /items/a", b"HEAD /items/a", b"G" * 5_000 + b" /items/a", b"OPTIONS *"),
            *(b"GET http://localhost/items/a", b"GET //items/a", b"GET /../items/a", b"GET /x/../items/a", b"GET items/a", b"GET \\items\\a"),
        )
    ),
    431: (
        GET + b"X: " + b"v" * 20_000 + b"\r\n",
        GET + b"X: " + b"v" * 1_000_000 + b"\r\n",
        GET + b"A: b\r\n" * 100_000,
        b"GET /items?" + b"q&" * 500_000 + b" HTTP/1.1\r\nHost: localhost\r\n",
    ),
}  # fmt: skip
"""Heads of requests, by the status of their answer."""
BODIES: Final = {
    201: (b"2;extension\r\n{}\r\n0\r\n\r\n", b"2 \r\n{}\r\n0\r\nTrailer: v\r\n\r\n", b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"),
    400: (
        b"g\r\n",
        b"-1\r\n",
        b"0x2\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}0\r\n\r\n",
        b"2\r\n{}\r\n0\r\nodd trailer\r\n\r\n",
        b"0" * 5_000 + b"\r\n",
    ),
}
"""Chunked bodies, by the status of their answer."""


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    with opened(tmp_path_factory.mktemp("state"), Desk().clerk(), *ROUTES) as running:
        yield running


@pytest.fixture(scope="module")
def url(laptop: Laptop) -> Iterator[str]:
    with Server(laptop, 0, feed=Feed()).serving() as served:
        yield served


def exchange(url: str, content: bytes) -> bytes:
    """Send bytes and return all that comes until the server closes; the client reads nothing before it has sent all."""
    address = urlsplit(url)
    received = b""
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=LONG) as client:
        client.sendall(content)
        while more := client.recv(65_536):
            received += more
    return received


@pytest.mark.parametrize("status", HEADS)
def test_a_head_is_answered_once(url: str, status: int) -> None:
    for head in HEADS[status]:
        received = exchange(url, head + b"\r\n")

        assert received.startswith(b"HTTP/1.1 %d " % status), head[:200]
        assert received.count(b"HTTP/1.1") == 1, head[:200]


@pytest.mark.parametrize("status", BODIES)
def test_a_chunked_body_is_answered_once(url: str, status: int) -> None:
    for body in BODIES[status]:
        received = exchange(url, CHUNKED + b"\r\n" + body)

        assert received.startswith(b"HTTP/1.1 %d " % status), body
        assert received.count(b"HTTP/1.1") == 1, body


def test_an_invalid_body_of_a_head_request_is_answered_without_a_body(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    received = exchange(url, CHUNKED.replace(b"POST", b"HEAD") + b"\r\nzz\r\n")

    assert received.startswith(b"HTTP/1.1 400 ")
    assert received.endswith(b"\r\n\r\n")
    assert caplog.records == []


def test_the_end_of_one_request_is_never_read_as_another(url: str) -> None:
    hidden = b"GET /items/hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
    both = b"POST /items/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"

    received = exchange(url, both % (5 + len(hidden)) + hidden)

    assert received.startswith(b"HTTP/1.1 400 ")
    assert b"hidden" not in received


def test_requests_in_one_piece_are_answered_in_order(url: str) -> None:
    kept = GET.replace(b"Connection: close\r\n", b"")
    pieces = [kept.replace(b"/a", b"/%d" % number) + b"\r\n" for number in range(200)]

    received = exchange(url, b"".join([*pieces, GET, b"\r\n"]))

    places = [received.find(b'"item":"%d"' % number) for number in range(200)]
    assert received.count(b"HTTP/1.1 200 ") == 201
    assert -1 not in places
    assert places == sorted(places)


def test_connections_of_a_burst_of_reads_are_closed_again(laptop: Laptop) -> None:
    reader = Reader(Path(laptop.state / "bus.sqlite3"))
    gate = threading.Barrier(40)

    def read() -> None:
        for _ in reader.rows("SELECT 1"):
            gate.wait(LONG)

    threads = [threading.Thread(target=read) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(reader._idle) == 16
    reader.close()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are counted on Linux alone")
def test_after_every_kind_of_client_threads_and_files_are_as_before(url: str) -> None:
    def files() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a name may be gone before it is read

    address = urlsplit(url)
    stream = b"GET /_contradance/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
    exchange(url, GET + b"\r\n")
    before = files(), threading.active_count()
    clients = []
    for content in (b"", b"GET", GET, stream, b"\x00" * 20_000, GET + b"X: " + b"v" * 50_000):
        for ends in (False, True):
            client = socket.create_connection((address.hostname or "", address.port or 0), timeout=LONG)
            clients.append(client)
            with suppress(OSError):  # the server may have closed
                client.sendall(content)
                if ends:
                    client.shutdown(socket.SHUT_WR)
    for client in clients:
        client.close()

    wait_until(lambda: files() <= before[0])
    assert exchange(url, GET + b"\r\n").startswith(b"HTTP/1.1 200 ")
    assert threading.active_count() <= before[1]
