"""The reader of HTTP answers, beside http.client's."""

import io
from http.client import HTTPResponse
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from contradance.runtime.aws.answer import Answered, BadAnswer, read_answer

names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12).map(lambda name: f"x-{name}")
values = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)
bodies = st.binary(max_size=200)
statuses = st.sampled_from([200, 201, 204, 304, 400, 403, 404, 429, 500, 503])


def framed(body: bytes, framing: str, cut: int) -> tuple[dict[str, str], bytes]:
    """Return (headers, bytes) of a body: with its length, in chunks, or to the end of the connection."""
    if framing == "length":
        return {"Content-Length": str(len(body))}, body
    if framing == "chunked":
        parts = [part for part in (body[:cut], body[cut:]) if part]
        sent = b"".join(b"%x;ext=1\r\n%b\r\n" % (len(part), part) for part in parts)
        return {"Transfer-Encoding": "chunked"}, sent + b"0\r\nx-trailer: 1\r\n\r\n"
    return {}, body


class _Socket:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_: object) -> io.BytesIO:
        return io.BytesIO(self._data)


def read_by_http_client(data: bytes) -> tuple[int, dict[str, str], bytes]:
    stub: Any = _Socket(data)
    answer = HTTPResponse(stub, method="POST")
    answer.begin()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


@given(
    status=statuses,
    more=st.dictionaries(names, values, max_size=4),
    body=bodies,
    framing=st.sampled_from(["length", "chunked", "to the end"]),
    cut=st.integers(0, 200),
    informed=st.booleans(),
    version=st.sampled_from(["1.1", "1.0"]),
    closes=st.booleans(),
)
def test_an_answer_is_read_as_http_client_reads_it(  # noqa: PLR0917 - Hypothesis gives them by name
    status: int, more: dict[str, str], body: bytes, framing: str, cut: int, informed: bool, version: str, closes: bool
) -> None:
    headers, sent = framed(b"" if status in (204, 304) else body, framing, cut)
    headers = {**headers, **more, **({"Connection": "close"} if closes else {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    before = "HTTP/1.1 100 Continue\r\n\r\n" if informed else ""
    data = f"{before}HTTP/{version} {status} Whatever\r\n{head}\r\n".encode() + sent

    answered = read_answer(io.BytesIO(data))

    assert answered[:3] == read_by_http_client(data)
    until_the_end = framing == "to the end" and status not in (204, 304)
    assert answered.closes == (closes or version == "1.0" or until_the_end)


@given(data=st.binary(max_size=200))
def test_nonsense_is_told_from_an_answer(data: bytes) -> None:
    with pytest.raises(BadAnswer):
        read_answer(io.BytesIO(data))


@given(body=st.binary(min_size=1, max_size=50), framing=st.sampled_from(["length", "chunked"]), data=st.data())
def test_an_answer_that_ends_too_early_is_none(body: bytes, framing: str, data: st.DataObject) -> None:
    headers, sent = framed(body, framing, 10)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    whole = f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + sent
    cut = data.draw(st.integers(0, len(whole) - 1))

    with pytest.raises(BadAnswer):
        read_answer(io.BytesIO(whole[:cut]))


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: \xb2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200,
        b"HTTP/1.1 200 OK\r\na: " + b"b" * 70_000,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 20\r\n\r\n",
    ],
)
def test_what_breaks_the_protocol_is_refused(data: bytes) -> None:
    with pytest.raises(BadAnswer):
        read_answer(io.BytesIO(data))


def test_a_repeated_header_counts_once() -> None:
    data = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\ncontent-length: 2\r\n\r\n{}"

    assert read_answer(io.BytesIO(data)) == Answered(200, {"x-a": "1", "content-length": "2"}, b"{}", closes=False)
