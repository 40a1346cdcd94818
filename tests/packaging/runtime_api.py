"""Lambda's Runtime API and the few answers of AWS that a function needs, on one loopback port.

The Runtime API is the HTTP interface of a runtime: it asks for an invocation, and posts its response or its error
(Lambda developer guide, runtimes-api).
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import files
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryFile
from threading import Thread
from typing import Any, Final, NamedTuple

from tests.packaging.project import Unpacked

VERSION: Final = "/2018-06-01/runtime"
FUNCTION_ARN: Final = "arn:aws:lambda:eu-central-1:123456789012:function:one"
_LONG: Final = 30
"""Seconds that nothing here needs."""
_TIMEOUT: Final = 300
"""Seconds that an invocation may last."""
_CLIENT: Final = ("awslambdaric", "simplejson", "snapshot-restore-py")
"""AWS's runtime interface client, and what it needs."""


class Posted(NamedTuple):
    """What a runtime posted about an invocation."""

    kind: str
    """`response` or `error`; `/init/error` when the function could not be loaded."""
    body: Any


class Runtime:
    """A running function, as Lambda sees it."""

    def __init__(self) -> None:
        self._invocations: SimpleQueue[tuple[str, bytes]] = SimpleQueue()
        self._posted: SimpleQueue[Posted] = SimpleQueue()
        self._refused: str | None = None
        self.calls: list[tuple[str, dict[str, Any]]] = []
        """(target, request) of each call of AWS."""

    def invoke(self, event: object, *, refusing: str | None = None) -> Posted:
        """Return what the runtime posts about an event; AWS refuses one operation meanwhile."""
        self._refused = refusing
        self._invocations.put((f"request-{time.monotonic_ns()}", json.dumps(event).encode()))
        return self.posted()

    def posted(self) -> Posted:
        """Return what the runtime posts next."""
        try:
            return self._posted.get(timeout=_LONG)
        except Empty:
            raise AssertionError("the runtime posted nothing") from None

    def next(self) -> tuple[str, bytes]:
        """Return the next invocation, as soon as there is one."""
        return self._invocations.get()

    def post(self, path: str, body: bytes) -> None:
        """Take what the runtime posted."""
        kind = path.removeprefix(VERSION)
        self._posted.put(Posted(kind.rpartition("/")[2] if kind.startswith("/invocation/") else kind, json.loads(body)))

    def answer(self, target: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Return status and body of AWS's answer to one call: tables are empty, and everything succeeds."""
        self.calls.append((target, request))
        operation = target.partition(".")[2]
        if operation == self._refused:
            return 400, {"__type": "ResourceNotFoundException", "message": "refused"}
        match operation:
            case "PutEvents":
                return 200, {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in request["Entries"]]}
            case "GetParameters":
                return 200, {"Parameters": [{"Name": name, "Value": "a key"} for name in request["Names"]]}
        return 200, {}


@contextmanager
def running(function: str, unpacked: Unpacked, declared: Mapping[str, Any]) -> Iterator[Runtime]:
    """Run a function with AWS's runtime interface client, its zip and the layer alone.

    Args:
        function: its name in the choreography.
        unpacked: the packages, as Lambda unpacks them.
        declared: the function as the program registers it: its handler and its environment.
    """
    runtime = Runtime()
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(runtime)) as server, TemporaryFile() as printed:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        own = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
            "AWS_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",
            "AWS_LAMBDA_FUNCTION_NAME": declared["name"],
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(declared["memorySize"]),
            "AWS_LAMBDA_LOG_FORMAT": declared["loggingConfig"]["logFormat"],
            "LAMBDA_TASK_ROOT": str(unpacked.task(function)),
        }
        path = [str(unpacked.task(function)), str(unpacked.layer), str(_client(unpacked.layer.parents[1]))]
        code = (
            f"import sys; sys.path[:0] = {path!r}\n"
            f"from awslambdaric.__main__ import main; main(['awslambdaric', {declared['handler']!r}])"
        )
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", "-W", "error", "-c", code],
            env=declared["environment"]["variables"] | own,
            cwd=unpacked.task(function),
            stdout=printed,
            stderr=subprocess.STDOUT,
        )
        try:
            yield runtime
        except BaseException:
            printed.seek(0)
            sys.stderr.write(printed.read().decode(errors="replace"))
            raise
        finally:
            process.kill()
            process.wait()
            server.shutdown()


def _client(folder: Path) -> Path:
    """Return a folder with AWS's runtime interface client alone, which `folder` receives."""
    target = folder / "runtime"
    if not target.is_dir():
        target.mkdir()
        for distribution in _CLIENT:
            for file in files(distribution) or ():
                top = target / file.parts[0]
                if not top.exists():
                    top.symlink_to(Path(str(file.locate())).parents[len(file.parts) - 1] / file.parts[0])
    return target


def _handler(runtime: Runtime) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle(self) -> None:
            with suppress(ConnectionError):  # the process is killed while it waits for an invocation
                super().handle()

        def do_GET(self) -> None:
            assert self.path == f"{VERSION}/invocation/next"
            request, event = runtime.next()
            headers = {
                "Lambda-Runtime-Aws-Request-Id": request,
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + _TIMEOUT) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": FUNCTION_ARN,
                "Content-Type": "application/json",  # without it the client ends with a segmentation fault
            }
            self._send(200, event, headers)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path.startswith(VERSION):
                runtime.post(self.path, body)
                self._send(202, b'{"status":"OK"}', {})
            else:
                status, answer = runtime.answer(self.headers["x-amz-target"], json.loads(body))
                self._send(status, json.dumps(answer).encode(), {})

        def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
            lines = [f"{name}: {value}" for name, value in {**headers, "Content-Length": str(len(body))}.items()]
            head = "\r\n".join([f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *lines, "", ""])
            self.wfile.write(head.encode() + body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            pass

    return Handler
