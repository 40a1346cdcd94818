"""The laptop under the fuzzer: a small choreography with personal data, served, and an oracle over every answer."""

import json
import logging
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple
from urllib.parse import urlsplit

from pydantic import BaseModel, Field
from typer.testing import CliRunner

from contradance import PII, Choreography, Contract, Registry, Reply, Retry, route, schedule, subscriber
from contradance.cli.app import app
from contradance.local.clock import VirtualClock
from contradance.local.console.feed import Feed
from contradance.local.console.guard import HEADERS
from contradance.local.laptop import Laptop
from contradance.local.web.server import Server
from contradance.printable import printable_block
from tests.fuzz.oddities import SECRET
from tests.local.desk import START
from tests.patience import LONG

MOST_BYTES: Final = 1_500_000
"""Largest answer: no page or list is longer, whatever it shows."""
_JSON: Final = ("application/json", "application/x-amz-json-1.0", "application/x-amz-json-1.1")


class Signed(Contract, source="club.members", subject="member"):
    """A person has signed."""

    member: str = Field(max_length=100, examples=["m-1"])
    name: Annotated[str, PII] = Field(examples=["Zoë"])
    age: int = Field(default=1, ge=0, examples=[30])
    tags: list[str] = Field(default=[], examples=[["new"]])


class Request(BaseModel):
    """A person who signs."""

    member: str = Field(max_length=100)
    name: Annotated[str, PII]
    age: int = Field(default=1, ge=0, lt=2**63)
    """An event cannot hold a larger one: the handler would fail to publish it."""


class Answer(BaseModel):
    """What the route answers."""

    member: str
    age: int


class FailedOnPurposeError(RuntimeError):
    """A handler failed."""


@route("POST /members/{member}", service="members", status=201)
def sign(member: str, request: Request, limit: int = 0) -> Reply[Answer, Signed]:
    signed = Signed(member=member, name=request.name, age=request.age)
    return Reply(Answer(member=member, age=request.age), publishes=signed)


@route("GET /members/{member}", service="members")
def show(member: str, since: float = 0.0) -> Answer:
    return Answer(member=member, age=1)


@subscriber(service="desk", retry=Retry(times=0))
def greet(signed: Signed) -> None:
    if signed.age % 2:
        raise FailedOnPurposeError("an odd age")


@subscriber(service="desk", delivery="queue", retry=Retry(times=1))
def file_away(signed: Signed) -> None:
    if signed.age % 3 == 1:
        raise FailedOnPurposeError(f"member {signed.member}")


@schedule("rate(1 day)", service="desk")
def sweep_up() -> None: ...


club = Choreography("club", contracts=Registry("club", [Signed]), functions=[sign, show, greet, file_away, sweep_up])
QUEUES: Final = (
    *("desk-greet-dead-letters", "desk-file_away", "desk-file_away-dead-letters", "desk-sweep_up-dead-letters", "none"),
)


class HttpAnswer(NamedTuple):
    """One answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class World:
    """One laptop and its server."""

    def __init__(self, laptop: Laptop, server: Server, url: str, state: Path) -> None:
        self.laptop = laptop
        self.server = server
        self.url = url
        self.state = state
        self._failures: list[str] = []

    def reset(self) -> None:
        """Empty the tables."""

        def empty(connection: Any) -> None:
            for table in ("delivery", "event", "once", "item", "journal", "dead_letter", "replay"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - constants

        self.laptop.database.write(empty)
        self._failures.clear()

    def asks(self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> HttpAnswer:
        """Send a request as bytes, and return the answer, which the oracle has checked; a time limit ends a hang."""
        given = {
            "Host": urlsplit(self.url).netloc,
            "Connection": "close",
            "Content-Length": str(len(body)),
            **(headers or {}),
        }
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
        return self.sends("\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + body)

    def sends(self, content: bytes, *, ends: bool = False) -> HttpAnswer:
        """Send bytes, then with `ends` no more, and return the answer, which the oracle has checked."""
        address = urlsplit(self.url)
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=LONG) as client:
            client.sendall(content)
            if ends:
                client.shutdown(socket.SHUT_WR)
            received = b""
            while more := client.recv(65_536):
                received += more
                assert len(received) < MOST_BYTES, "the answer is too long"
        answer = _read(received) if received or not ends else HttpAnswer(400, {}, b"")
        self.check(answer)
        return answer

    def check(self, answer: HttpAnswer) -> None:
        """The oracle: no server error, valid JSON where JSON is promised, the console's headers, nothing in the log."""
        assert answer.status < 500, (answer, self._failures)
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if kind in _JSON and answer.body:
            json.loads(answer.text, parse_constant=lambda name: _fail(f"{name} is not JSON"))
        if kind == "text/html":
            assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert self._failures == []

    def page(self, target: str) -> HttpAnswer:
        """Return a page, which shows no personal data."""
        answer = self.asks("GET", target)
        assert SECRET not in answer.text
        return answer

    def calls(self, target: str, body: str) -> HttpAnswer:
        """Call an AWS operation."""
        return self.asks("POST", "/", {"X-Amz-Target": target}, body.encode("utf-8", "surrogatepass"))

    def types(self, *words: str) -> str:
        """Type a command about this laptop; return its output, which is safe to show and shows no personal data."""
        port = self.url.rpartition(":")[2]
        options = ["--state", str(self.state)] + ([] if words[0] == "why" else ["--port", port])
        result = CliRunner().invoke(app, [*words, *options], terminal_width=200)
        assert result.exit_code in (0, 1, 2), (words, result.output)
        assert result.exception is None or isinstance(result.exception, SystemExit), (words, result.exc_info)
        assert SECRET not in result.output
        assert "contradance/cli/" not in result.output, "a traceback"
        assert printable_block(result.output) == result.output
        assert len(result.output) < MOST_BYTES
        return result.output

    def failed(self, record: logging.LogRecord) -> bool:
        """Note an error of the server's own; the filter of its loggers."""
        if record.levelno >= logging.ERROR:
            self._failures.append(record.getMessage())
        return False


def _fail(message: str) -> None:
    raise AssertionError(message)


def _read(received: bytes) -> HttpAnswer:
    """Return the answer in the bytes of a closed connection."""
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    assert int(headers.get("content-length", 0)) == len(body) or not body  # none after HEAD
    return HttpAnswer(int(first.split()[1]), headers, body)


@contextmanager
def opened(state: Path) -> Iterator[World]:
    """Serve a laptop while the block runs."""
    with Laptop(club, state, clock=VirtualClock(START), variables={}, synchronous="OFF") as laptop:
        server = Server(laptop, 0, feed=Feed())
        with server.serving() as url:
            world = World(laptop, server, url, state)
            loggers = [logging.getLogger(f"contradance.{name}") for name in ("server", "console", "aws", "gateway")]
            for logger in loggers:
                logger.addFilter(world.failed)
            try:
                yield world
            finally:
                for logger in loggers:
                    logger.removeFilter(world.failed)
