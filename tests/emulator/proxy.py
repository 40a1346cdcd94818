"""A proxy between the functions and MiniStack: it records each call, and denies what the function's policy does not allow.

Each function has an address of its own, because MiniStack gives all functions the same credentials.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, Final, NamedTuple

from tests.emulator.permissions import denials

_SERVICES: Final = {
    "AWSEvents": "events",
    "AmazonSQS": "sqs",
    "AmazonSSM": "ssm",
    "DynamoDB_20120810": "dynamodb",
}
"""Services by their prefix of `x-amz-target`."""
_TIMEOUT: Final = 30
"""Seconds that MiniStack has for an answer."""
_PAUSE: Final = 1
"""Longest pause between two attempts behind a queue, in seconds. The functions set minutes; their calls are recorded so."""
_OF_CONNECTION: Final = ("connection", "keep-alive", "transfer-encoding", "content-length")
"""Headers of one connection, which a proxy does not pass on."""


class Call(NamedTuple):
    """One call of AWS by one function."""

    function: str
    service: str
    operation: str
    request: dict[str, Any]
    status: int
    """The HTTP status of the answer."""
    answer: dict[str, Any]


class Proxy:
    """The addresses of the functions, and their calls.

    Args:
        port: MiniStack's, on loopback.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._servers: dict[str, ThreadingHTTPServer] = {}
        self._refused: set[tuple[str, str]] = set()
        self._lock = Lock()
        self.policies: dict[str, str] = {}
        """The policy of each function's role; a function without one may call nothing."""
        self.calls: list[Call] = []
        self.denied: list[str] = []
        """What was denied: function, action and resource."""

    def address(self, function: str) -> str:
        """Return the URL at which a function calls AWS."""
        with self._lock:
            if function not in self._servers:
                server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, function))
                server.daemon_threads = True
                Thread(target=server.serve_forever, kwargs={"poll_interval": 5}, daemon=True).start()
                self._servers[function] = server
            return f"http://127.0.0.1:{self._servers[function].server_port}"

    @contextmanager
    def refusing(self, function: str, operation: str) -> Iterator[None]:
        """Refuse an operation to a function inside the `with` block, as AWS does when a resource is missing."""
        self._refused.add((function, operation))
        try:
            yield
        finally:
            self._refused.remove((function, operation))

    def close(self) -> None:
        """Stop listening."""
        for server in self._servers.values():
            Thread(target=server.shutdown, daemon=True).start()
            server.server_close()

    def forward(self, function: str, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of the answer to one call."""
        target, _, operation = headers["x-amz-target"].partition(".")
        service, request = _SERVICES[target], json.loads(body)
        missing = denials(self.policies.get(function, '{"Statement": []}'), service, operation, request)
        self.denied += [f"{function} may not {each}" for each in missing]
        if missing:
            status, answered, answer = _refusal("AccessDeniedException")
        elif (function, operation) in self._refused:
            status, answered, answer = _refusal("ResourceNotFoundException")
        else:
            if operation == "ChangeMessageVisibility":
                shorter = {"VisibilityTimeout": min(request["VisibilityTimeout"], _PAUSE)}
                body = json.dumps(request | shorter).encode()
            status, answered, answer = self._ask(headers, body)
        self.calls.append(Call(function, service, operation, request, status, json.loads(answer or b"{}")))
        return status, answered, answer

    def _ask(self, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=_TIMEOUT)
        try:
            passed = {name: value for name, value in headers.items() if name.lower() not in _OF_CONNECTION}
            connection.request("POST", "/", body, passed)
            response = connection.getresponse()
            answered = {name: value for name, value in response.getheaders() if name.lower() not in _OF_CONNECTION}
            return response.status, answered, response.read()
        finally:
            connection.close()


def _refusal(code: str) -> tuple[int, dict[str, str], bytes]:
    """Return an answer that no client tries again."""
    body = json.dumps({"__type": code, "message": "refused by the proxy"}).encode()
    return HTTPStatus.BAD_REQUEST, {"content-type": "application/x-amz-json-1.1"}, body


def _handler(proxy: Proxy, function: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, headers, answer = proxy.forward(function, dict(self.headers), body)
            lines = [f"{name}: {value}" for name, value in (headers | {"content-length": str(len(answer))}).items()]
            head = "\r\n".join([f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *lines, "", ""])
            self.wfile.write(head.encode("latin-1") + answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            pass

    return Handler
