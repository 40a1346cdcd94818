"""The laptop as an ASGI application: it checks a request, reads its body within bounds, and answers it."""

import asyncio
import logging
import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from contradance.local.aws.endpoint import MAX_REQUEST_BYTES, TARGET_HEADER, is_for_aws
from contradance.local.aws.functions import PREFIX as LAMBDA_PREFIX
from contradance.local.console.application import Console
from contradance.local.invocation.gateway import HttpResponse, refused
from contradance.local.laptop import Laptop
from contradance.local.names import HOST
from contradance.local.system.api import CommandApi
from contradance.local.system.protocol import API_PREFIX
from contradance.local.web.connection import MAX_HEAD_BYTES, Bounds
from contradance.runtime.error_description import describe_error, format_frames
from contradance.runtime.request import BODY_TOO_LARGE, MAX_BODY_BYTES

_LOG = logging.getLogger("contradance.server")
_LOOPBACK: Final = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
_ELSEWHERE: Final = "Only this machine is served, by the names 127.0.0.1, localhost and [::1]."


class _Refused(Exception):
    """(status, message) of a request that is refused before its body is read to the end."""


class _Disconnected(Exception):
    """The client has closed the connection, so no response is sent."""


class LaptopApplication:
    """Answers the requests to one laptop: console, AWS protocols or the application's routes.

    Args:
        laptop: answers the requests.
        bounds: limits what a client may take.
        refuse: called with status, method and path of each response of 400 or more.
        console: answers the console's pages; None serves none.
    """

    def __init__(
        self,
        laptop: Laptop,
        api: CommandApi,
        bounds: Bounds,
        refuse: Callable[[int, str, str], None],
        console: Console | None = None,
    ) -> None:
        self._laptop = laptop
        self._api = api
        self._bounds = bounds
        self._refuse = refuse
        self._console = console

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        read = True
        try:
            _admit(scope)
            body = await self._body(scope, receive)
            if self._console is not None and not _is_for_api(scope) and self._console.serves(scope):
                await self._console(scope, _replaying(body, receive), send)
                return
            given = await self._given(scope, body)
        except _Disconnected:
            return
        except _Refused as refusal:
            given, read = refused(*refusal.args), False
        except asyncio.CancelledError:
            given = refused(503, "The laptop is stopping.")
        except Exception as error:  # noqa: BLE001 - logged here; the client gets no details
            _LOG.error("the server failed: %s\n%s", describe_error(error), format_frames(error))
            given = refused(500, "Internal Server Error")
        if given.status >= 400:  # noqa: PLR2004 - the first error status
            self._refuse(given.status, scope["method"], scope["raw_path"].decode("ascii"))
        await self._send(given, None if read else receive, send)

    async def _given(self, scope: Scope, body: bytes) -> HttpResponse:
        """Answer a request in a thread: a route in one of its own, because its handler may hang."""
        path, headers = scope["raw_path"].decode("ascii"), Headers(scope=scope)
        answer = partial(self._answer, scope, body)
        if path.startswith(LAMBDA_PREFIX):
            return await self._laptop.threads.waiting(answer)
        if _is_for_api(scope) or is_for_aws(path, headers):
            return await run_in_threadpool(answer)
        function = self._laptop.gateway.function_of(scope["method"], path)
        return await (run_in_threadpool(answer) if function is None else self._laptop.threads.answer(function, answer))

    def _answer(self, scope: Scope, body: bytes) -> HttpResponse:
        """Answer a request to AWS's protocols or to the application's routes."""
        path, query, headers = scope["raw_path"].decode("ascii"), scope["query_string"].decode(), Headers(scope=scope)
        if _is_for_api(scope):
            return self._api.answer(scope["method"], path, headers, body)
        if is_for_aws(path, headers):
            operation = headers.get(TARGET_HEADER)
            if operation is None or path != "/":
                return self._laptop.aws.answer_path(scope["method"], path, headers, body)
            return self._laptop.aws.answer(operation, body, f"http://{headers.get('host', HOST)}")
        return self._laptop.gateway.answer(scope["method"], f"{path}?{query}" if query else path, headers, body)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """Return the request's body; raise `_Refused` when it is too large or too slow."""
        headers = Headers(scope=scope)
        large = _is_for_api(scope) or is_for_aws(scope["raw_path"].decode("ascii"), headers)
        most = MAX_REQUEST_BYTES if large else MAX_BODY_BYTES
        if int(headers.get("content-length", 0)) > most:
            raise _Refused(413, BODY_TOO_LARGE)
        body, more = bytearray(), True
        try:
            async with asyncio.timeout(self._bounds.body_seconds):
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _Disconnected
                    body += message["body"]
                    more = message["more_body"]
                    if len(body) > most:
                        raise _Refused(413, BODY_TOO_LARGE)
        except TimeoutError as error:
            raise _Refused(408, "The request's body took too long.") from error
        return bytes(body)

    async def _send(self, given: HttpResponse, unread: Receive | None, send: Send) -> None:
        """Send a response; with `unread`, read and drop the rest of the request's body, and close the connection.

        Closing with unread bytes would reset the connection, and the client might never see the response.
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


def _is_for_api(scope: Scope) -> bool:
    return str(scope["path"]).startswith(API_PREFIX)


def _replaying(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that returns a body that was already read, for the console, and then what follows."""
    unread = [body]

    async def received() -> Message:
        if unread:
            return {"type": "http.request", "body": unread.pop(), "more_body": False}
        return await receive()

    return received


def _admit(scope: Scope) -> None:
    """Refuse a request with too large a head, with another host name, or from another site's page.

    The host name stops DNS rebinding: a page whose own name resolves to 127.0.0.1. The origin stops a page of another
    site from changing anything.
    """
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
