"""The laptop as an ASGI application: it admits a request, reads its body within bounds, and answers it."""

import asyncio
import logging
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from contradance.local.address import HOST
from contradance.local.aws.endpoint import MAX_REQUEST_BYTES, TARGET_HEADER, is_for_aws
from contradance.local.connection import MAX_HEAD_BYTES, Bounds
from contradance.local.console.application import Console
from contradance.local.gateway import HttpResponse, refused
from contradance.local.laptop import Laptop
from contradance.runtime.error_description import describe_error, format_frames
from contradance.runtime.request import BODY_TOO_LARGE, MAX_BODY_BYTES

_LOG = logging.getLogger("contradance.server")
_LOOPBACK: Final = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
_ELSEWHERE: Final = "Only this machine is served, by the names 127.0.0.1, localhost and [::1]."


class _Refused(Exception):
    """(status, message) of a request that no function sees; the rest of it is not read."""


class _Gone(Exception):
    """The client has closed the connection: nobody waits for an answer."""


class LaptopApplication:
    """Answers for one laptop, as an ASGI application."""

    def __init__(
        self, laptop: Laptop, bounds: Bounds, refuse: Callable[[int, str, str], None], console: Console | None = None
    ) -> None:
        self._laptop = laptop
        self._bounds = bounds
        self._refuse = refuse
        self._console = console

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        read = True
        try:
            _admit(scope)
            body = await self._body(scope, receive)
            if self._console is not None and self._console.serves(scope):
                await self._console(scope, _having_read(body, receive), send)
                return
            given = await run_in_threadpool(self._answer, scope, body)
        except _Gone:
            return
        except _Refused as refusal:
            given, read = refused(*refusal.args), False
        except asyncio.CancelledError:
            given = refused(503, "The laptop is stopping.")
        except Exception as error:  # noqa: BLE001 - told to whoever runs this, never to the client
            _LOG.error("the server failed: %s\n%s", describe_error(error), format_frames(error))
            given = refused(500, "Internal Server Error")
        if given.status >= 400:  # noqa: PLR2004 - the first status that refuses
            self._refuse(given.status, scope["method"], scope["raw_path"].decode("ascii"))
        await self._send(given, None if read else receive, send)

    def _answer(self, scope: Scope, body: bytes) -> HttpResponse:
        path, query, headers = scope["raw_path"].decode("ascii"), scope["query_string"].decode(), Headers(scope=scope)
        if is_for_aws(path, headers):
            operation = headers.get(TARGET_HEADER)
            if operation is None or path != "/":
                return self._laptop.aws.answer_path(scope["method"], path, headers, body)
            return self._laptop.aws.answer(operation, body, f"http://{headers.get('host', HOST)}")
        return self._laptop.gateway.answer(scope["method"], f"{path}?{query}" if query else path, headers, body)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """Return the body, of which no more is kept than may be."""
        headers = Headers(scope=scope)
        most = MAX_REQUEST_BYTES if is_for_aws(scope["raw_path"].decode("ascii"), headers) else MAX_BODY_BYTES
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


def _having_read(body: bytes, receive: Receive) -> Receive:
    """Return how the rest of a request is received whose body has been read."""
    unread = [body]

    async def received() -> Message:
        if unread:
            return {"type": "http.request", "body": unread.pop(), "more_body": False}
        return await receive()

    return received


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
