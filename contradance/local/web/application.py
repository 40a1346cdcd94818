"""The laptop as an ASGI application: it checks a request, reads its body within bounds, and answers it."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from functools import partial
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from contradance.local.aws.endpoint import MAX_REQUEST_BYTES, is_for_aws, max_request_bytes, too_large_response
from contradance.local.aws.functions import PREFIX as LAMBDA_PREFIX
from contradance.local.console.application import Console
from contradance.local.console.guard import HEADERS as SECURITY_HEADERS
from contradance.local.invocation.gateway import HttpResponse, error_response
from contradance.local.laptop import Laptop
from contradance.local.names import HOST
from contradance.local.system.api import CommandApi
from contradance.local.system.protocol import API_PREFIX
from contradance.local.web.browsers import Browsers, RequestKind
from contradance.local.web.connection import MAX_HEAD_BYTES, Bounds
from contradance.printable import printable
from contradance.runtime.error_description import describe_error
from contradance.runtime.frames import format_frames
from contradance.runtime.request import MAX_BODY_BYTES, body_too_large

_LOG = logging.getLogger("contradance.server")
_NOT_FOR_PAGES: Final = {"cross-origin-resource-policy": "same-origin", "x-content-type-options": "nosniff"}
"""Headers of answers that no page may use."""


class _Refused(Exception):
    """The answer to a request that is refused before its body is read to the end."""

    def __init__(self, answer: HttpResponse) -> None:
        self.answer = answer


class _Disconnected(Exception):
    """The client has closed the connection, so no response is sent."""


class LaptopApplication:
    """Answers the requests to one laptop: console, AWS protocols or the application's routes.

    Args:
        laptop: answers the requests.
        bounds: limits what a client may take.
        refuse: called with status, method and path of each response of 400 or more.
        console: answers the console's pages; None serves none.
        origins: those whose pages may use the application's routes.
    """

    def __init__(
        self,
        laptop: Laptop,
        api: CommandApi,
        bounds: Bounds,
        refuse: Callable[[int, str, str], None],
        *,
        console: Console | None = None,
        origins: Collection[str] = (),
    ) -> None:
        self._laptop = laptop
        self._api = api
        self._bounds = bounds
        self._refuse = refuse
        self._console = console
        self._browsers = Browsers(origins, {routed.route.method for routed in laptop.choreography.routes})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; an error is a 500, a server that stops a 503; a client that left gets no answer."""
        read, kind = True, self._kind(scope)
        try:
            self._admit(scope, kind)
            body = await self._body(scope, receive, kind)
            if kind == "console" and self._console is not None:
                await self._console(scope, _replaying(body, receive), send)
                return
            given = await self._answer_in_thread(scope, body, kind)
        except _Disconnected:
            return
        except _Refused as refusal:
            given, read = refusal.answer, False
        except asyncio.CancelledError:
            given = error_response(503, "The laptop is stopping.")
        except Exception as error:  # noqa: BLE001 - logged here; the client gets no details
            _LOG.error("the server failed: %s\n%s", describe_error(error), format_frames(error))
            given = error_response(500, "Internal Server Error")
        if given.status >= 400:  # noqa: PLR2004 - the first error status
            self._refuse(given.status, scope["method"], scope["raw_path"].decode("ascii"))
        given = given._replace(headers={**given.headers, **self._own_headers(kind, Headers(scope=scope))})
        await self._send(given, None if read else receive, send)

    async def _answer_in_thread(self, scope: Scope, body: bytes, kind: RequestKind) -> HttpResponse:
        """Return the response of `_answer`, called in a thread; in one of its own if a handler runs, which may hang."""
        path, answer = scope["raw_path"].decode("ascii"), partial(self._answer, scope, body, kind)
        if path.startswith(LAMBDA_PREFIX):
            return await self._laptop.threads.run_uncounted(answer)
        function = self._laptop.gateway.function_of(scope["method"], path) if kind == "routes" else None
        return await (run_in_threadpool(answer) if function is None else self._laptop.threads.answer(function, answer))

    def _kind(self, scope: Scope) -> RequestKind:
        """Return what a request is for: the commands' API, AWS's protocols, the console if served, else the routes."""
        if str(scope["path"]).startswith(API_PREFIX):
            return "commands"
        if is_for_aws(scope["raw_path"].decode("ascii"), Headers(scope=scope)):
            return "aws"
        return "console" if self._console is not None and self._console.serves(scope) else "routes"

    def _admit(self, scope: Scope, kind: RequestKind) -> None:
        """Raise `_Refused` for invalid or too large headers, a page that may not send this, or to answer a preflight."""
        headers = Headers(scope=scope)
        if sum(len(name) + len(value) + 4 for name, value in headers.raw) + len(scope["raw_path"]) > MAX_HEAD_BYTES:
            raise _Refused(error_response(431, "The request's line and headers are too large."))
        if "content-length" in headers and "transfer-encoding" in headers:
            # Servers disagree about the end of such a body: RFC 9112, section 6.3.
            raise _Refused(error_response(400, "The request has both Content-Length and Transfer-Encoding."))
        answer = self._browsers.refusal(kind, scope["method"], headers)
        if answer is None and kind == "routes":
            answer = self._browsers.preflight(scope["method"], headers)
        if answer is not None:
            raise _Refused(answer)

    def _own_headers(self, kind: RequestKind, headers: Headers) -> Mapping[str, str]:
        """Return the headers that the laptop adds to each response, also a refusal: CORS for routes, else security."""
        if kind == "routes":
            return self._browsers.cors_headers(headers)
        return SECURITY_HEADERS if kind == "console" else _NOT_FOR_PAGES

    def _answer(self, scope: Scope, body: bytes, kind: RequestKind) -> HttpResponse:
        """Return the response of the commands' API, AWS's protocols or the application's routes, by `kind`."""
        path, query, headers = scope["raw_path"].decode("ascii"), scope["query_string"].decode(), Headers(scope=scope)
        if kind == "commands":
            return self._api.answer(scope["method"], path, headers, body)
        target = f"{path}?{query}" if query else path
        if kind == "aws":
            url = f"http://{headers.get('host', HOST)}"
            return self._laptop.aws.answer_request(scope["method"], target, headers, body, url)
        return self._laptop.gateway.answer(scope["method"], target, headers, body)

    async def _body(self, scope: Scope, receive: Receive, kind: RequestKind) -> bytes:
        """Return the body; raise `_Refused` if it is too large or slow, `_Disconnected` if the client left."""
        most, too_large = _size_limit(kind, scope["raw_path"].decode("ascii"))
        if int(Headers(scope=scope).get("content-length", 0)) > most:
            raise _Refused(too_large)
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
                        raise _Refused(too_large)
        except TimeoutError as error:
            raise _Refused(error_response(408, "The request's body took too long.")) from error
        return bytes(body)

    async def _send(self, given: HttpResponse, unread: Receive | None, send: Send) -> None:
        """Send a response; with `unread`, read and drop the rest of the request's body, and close the connection.

        Closing with unread bytes would reset the connection, and the client might never see the response.
        """
        content = given.binary or given.body.encode()
        headers = [(name.encode(), printable(value).encode()) for name, value in given.headers.items()]
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


def _size_limit(kind: RequestKind, path: str) -> tuple[int, HttpResponse]:
    """Return (size of the largest body of a request, in bytes; response to a larger one)."""
    if kind == "aws":
        most = max_request_bytes(path)
        return most, too_large_response(most)
    most = MAX_REQUEST_BYTES if kind == "commands" else MAX_BODY_BYTES
    return most, error_response(413, body_too_large(most))


def _replaying(body: bytes, receive: Receive) -> Receive:
    """Return an ASGI `receive` that returns a body that was already read once, and after that calls `receive`."""
    unread = [body]

    async def received() -> Message:
        if unread:
            return {"type": "http.request", "body": unread.pop(), "more_body": False}
        return await receive()

    return received
