"""Reads one HTTP/1.1 response (RFC 9112), as far as a client of JSON APIs needs it.

http.client parses headers with the email package, which costs more than signing, sending and validating an event
together (`benchmarks/hot_path.py`). A property test compares this reader with http.client.
"""

from collections.abc import Mapping
from typing import BinaryIO, Final, NamedTuple

_LONGEST_LINE: Final = 65_536
_MOST_HEADERS: Final = 100
_INFORMATIONAL: Final = range(100, 200)
_WITHOUT_BODY: Final = (204, 304)


class BadAnswer(ConnectionError):
    """A response is not valid HTTP, or ends too early."""


class Answered(NamedTuple):
    """An HTTP response."""

    status: int
    headers: Mapping[str, str]
    """Values by lower-case name."""
    body: bytes
    closes: bool
    """Whether the connection ends with this response."""


def read_answer(stream: BinaryIO) -> Answered:
    """Read the final response to a POST; raise `BadAnswer` when it is invalid or incomplete.

    Raises:
        BadAnswer: it is not valid HTTP, or ends too early.
    """
    while True:
        version, status = _parse_status(_read_line(stream))
        headers = _read_headers(stream)
        if status not in _INFORMATIONAL:
            break
    connection = headers.get("connection", "").lower()
    closes = "close" in connection or (version == b"HTTP/1.0" and "keep-alive" not in connection)
    if status in _WITHOUT_BODY:
        return Answered(status, headers, b"", closes)
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return Answered(status, headers, _read_chunks(stream), closes)
    length = headers.get("content-length")
    if length is None:
        return Answered(status, headers, stream.read(), closes=True)
    if not (length.isascii() and length.isdigit()):
        raise BadAnswer("the content-length is not a number")
    return Answered(status, headers, _read_exactly(stream, int(length)), closes)


def _read_line(stream: BinaryIO) -> bytes:
    """Read a line, without its line break; raise `BadAnswer` at the end of the connection and for a long line."""
    line = stream.readline(_LONGEST_LINE + 1)
    if not line.endswith(b"\n"):
        raise BadAnswer("the server closed the connection" if len(line) <= _LONGEST_LINE else "a line has no end")
    return line.rstrip(b"\r\n")


def _parse_status(line: bytes) -> tuple[bytes, int]:
    """Return (version, status) of a status line; raise `BadAnswer` when it is not HTTP/1."""
    version, _, rest = line.partition(b" ")
    status = rest[:3]
    if not version.startswith(b"HTTP/1.") or len(status) != 3 or not status.isdigit():  # noqa: PLR2004 - three digits
        raise BadAnswer("the response is not HTTP")
    return version, int(status)


def _read_headers(stream: BinaryIO) -> dict[str, str]:
    """Read headers until the empty line, by lower-case name, the first of equal ones; `BadAnswer` for over 100."""
    headers: dict[str, str] = {}
    for _ in range(_MOST_HEADERS + 1):
        line = _read_line(stream)
        if not line:
            return headers
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise BadAnswer("a header has no name")
        headers.setdefault(name.lower(), value.strip())
    raise BadAnswer("there are too many headers")


def _read_chunks(stream: BinaryIO) -> bytes:
    """Read a chunked body and skip the headers behind its last chunk; raise `BadAnswer` for an invalid chunk."""
    body = bytearray()
    while True:
        size = _read_line(stream).partition(b";")[0].strip()
        try:
            length = int(size, 16)
        except ValueError as error:
            raise BadAnswer("a chunk has no length") from error
        if length <= 0:
            _read_headers(stream)
            return bytes(body)
        body += _read_exactly(stream, length)
        if _read_line(stream):
            raise BadAnswer("a chunk is longer than its length")


def _read_exactly(stream: BinaryIO, length: int) -> bytes:
    """Read `length` bytes; raise `BadAnswer` when the connection ends before."""
    body = stream.read(length)
    if len(body) != length:
        raise BadAnswer("the server closed the connection in the middle of its response")
    return body
