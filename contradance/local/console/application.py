"""The console as an ASGI application: the pages by path, behind the guard."""

import asyncio
import logging
from collections.abc import Callable
from importlib.resources import files
from typing import Final
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from contradance.catalog.picture import stylesheet
from contradance.errors import ContradanceError
from contradance.local.console.contracts import ContractPages
from contradance.local.console.dead_letter_pages import DeadLetterPages
from contradance.local.console.feed import Feed
from contradance.local.console.flows import FlowPages
from contradance.local.console.functions import FunctionPages
from contradance.local.console.guard import HEADERS, TOKEN_FIELD, Guard
from contradance.local.console.history import History
from contradance.local.console.live import LivePage
from contradance.local.console.pages import PREFIX, Pages
from contradance.local.console.pictures import Pictures
from contradance.local.console.publish import PublishPage
from contradance.local.console.replay import ReplayPages
from contradance.local.console.submitted import SubmittedForm
from contradance.local.laptop import Laptop
from contradance.local.refusal import Refused
from contradance.operate.ports import System
from contradance.runtime.error_description import describe_error
from contradance.runtime.frames import format_frames

Show = Callable[[Request], Response]
Take = Callable[[Request, SubmittedForm], Response]
LONGEST_SECONDS: Final = 60.0
"""Longest time that a browser waits for a page."""
_STILL_AT_WORK: Final = f"This page takes more than {LONGEST_SECONDS:g} s. Its work goes on, unless a validator or an upcast of the application hangs."
_LOG: Final = logging.getLogger("contradance.console")
_KINDS: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


class Console:
    """Shows one laptop in a browser.

    Args:
        laptop: the laptop to show.
        feed: receives each journal record.
        system: the same laptop, as a system to operate.
    """

    def __init__(self, laptop: Laptop, feed: Feed, system: System) -> None:
        self.feed = feed
        self._threads = laptop.threads
        self._guard = Guard()
        self._pages = Pages(laptop.choreography, self._guard)
        self._has_root = any(route.method == "GET" and route.path == "/" for _, route in laptop.choreography.routes)
        history = History(laptop.database, laptop.journal)
        pictures = Pictures(laptop.choreography)
        live = LivePage(laptop, feed, history, pictures, self._pages)
        flows = FlowPages(laptop, history, pictures, self._pages)
        functions = FunctionPages(laptop, system, history, self._pages)
        contracts = ContractPages(laptop.choreography, self._pages)
        publish = PublishPage(laptop, self._pages)
        dead_letters = DeadLetterPages(system, laptop.choreography, history, self._pages)
        replay = ReplayPages(system, laptop, self._pages)
        self._app = Starlette(
            routes=[
                Route("/", self._redirect_to_live),
                Route(PREFIX, self._redirect_to_live),
                Route(f"{PREFIX}/", self._redirect_to_live),
                Route(f"{PREFIX}/static/{{name}}", _static),
                Route(f"{PREFIX}/stream", self._stream),
                self._shows("/live", live.show),
                self._shows("/flows", flows.latest),
                self._shows("/flows/{flow:path}", flows.one),
                self._takes("/flows/{flow:path}", flows.act),
                self._shows("/functions", functions.all),
                self._shows("/functions/{function}", functions.one),
                self._takes("/functions/{function}", functions.act),
                self._shows("/dead-letters", dead_letters.all),
                self._shows("/dead-letters/{subscriber}", dead_letters.of_one),
                self._takes("/dead-letters/{subscriber}", dead_letters.act),
                self._shows("/replay", replay.show),
                self._takes("/replay", replay.take),
                self._shows("/replay/{name}", replay.one),
                self._shows("/contracts", contracts.all),
                self._shows("/contracts/{source}/{detail_type}/{version}", contracts.one),
                self._shows("/publish", publish.show),
                self._takes("/publish", publish.take),
            ],
            exception_handlers={404: self._missing, 405: self._missing},
        )

    def serves(self, scope: Scope) -> bool:
        """Whether a request is for the console: its own paths, and GET or HEAD of `/` if no route is there."""
        path = scope["path"]
        at_root = path == "/" and not self._has_root and scope["method"] in ("GET", "HEAD")
        return at_root or path == PREFIX or path.startswith(f"{PREFIX}/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, always with the console's headers; log an error instead of raising it."""

        async def send_sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        try:
            await self._app(scope, receive, send_sealed)
        except Exception as error:  # noqa: BLE001 - Starlette has answered 500, and raises again
            _LOG.error("the console failed: %s\n%s", describe_error(error), format_frames(error))

    def close(self) -> None:
        """End the streams of all live pages, because the laptop stops."""
        self.feed.close()

    def _shows(self, path: str, show: Show) -> Route:
        """Return the GET route of a page: `show` makes it in a thread, and an error of `show` becomes a page."""

        async def endpoint(request: Request) -> Response:
            return await self._answered(lambda: show(request))

        return Route(PREFIX + path, endpoint, methods=["GET"])

    def _takes(self, path: str, take: Take) -> Route:
        """Return the POST route of a form: `take` answers it in a thread; one that the guard refuses gets a 403."""

        def taken(request: Request, content: bytes) -> Response:
            """Return the answer to the form in a request's body; a large one of a page elsewhere is not parsed."""
            why = self._guard.origin_refusal(request)
            if why is None:
                form = SubmittedForm(parse_qsl(content.decode(errors="replace"), keep_blank_values=True))
                why = self._guard.token_refusal(form.first(TOKEN_FIELD))
                if why is None:
                    return take(request, form)
            return self._pages.page("refused", "", status=403, why=why)

        async def endpoint(request: Request) -> Response:
            content = await request.body()
            return await self._answered(lambda: taken(request, content))

        return Route(PREFIX + path, endpoint, methods=["POST"])

    async def _answered(self, answer: Callable[[], Response]) -> Response:
        """Call `answer` in a thread; an error becomes a page: `ContradanceError` a 409, `Refused` a 404, else a 500.

        A replay and a redrive call validators and upcasts of the application, which may hang: then the page is a 503.
        """
        limit = asyncio.timeout(LONGEST_SECONDS)
        try:
            async with limit:
                return await self._threads.run_uncounted(answer)
        except ContradanceError as error:
            return self._pages.page("refused", "", status=409, why=str(error))
        except Refused as error:
            return self._pages.page("refused", "", status=404, why=error.message)
        except Exception as error:  # noqa: BLE001 - logged in the terminal; the browser gets no details
            if limit.expired():
                _LOG.error("a page of the console takes more than %g s; its work goes on", LONGEST_SECONDS)
                return self._pages.page("refused", "", status=503, why=_STILL_AT_WORK)
            _LOG.error("the console failed: %s\n%s", describe_error(error), format_frames(error))
            return self._pages.page("refused", "", status=500, why="This page failed; the error is in the terminal.")

    async def _redirect_to_live(self, _: Request) -> Response:
        """Redirect the root of the laptop, and of the console, to the live page."""
        return RedirectResponse(f"{PREFIX}/live", 303)

    async def _stream(self, request: Request) -> Response:
        """Return the stream of journal records for one page, which is a 503 for too many pages; a 405 unless GET."""
        return _Stream(self.feed) if request.method == "GET" else Response(status_code=405)

    async def _missing(self, _: Request, __: Exception) -> Response:
        """Return the 404 page, also for a method that a page does not have."""
        return self._pages.page("refused", "", status=404, why="There is no such page.")


class _Stream(Response):
    """Sends records to one page, which counts from here until the end of this answer."""

    def __init__(self, feed: Feed) -> None:
        super().__init__()
        self._feed = feed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream records until the laptop stops or the page closes; answer a 503 when too many pages are open."""
        with self._feed.watching() as queue:
            if queue is None:
                answer = Response("Too many pages are open.", 503)
            else:
                answer = StreamingResponse(self._feed.stream(queue), media_type="text/event-stream")
            await answer(scope, receive, send)


def _read_static(name: str) -> str | None:
    """Return the text of a static file; None where there is none of this name."""
    if name == "picture.css":
        return stylesheet()
    found = {item.name: item for item in files("contradance.local.console").joinpath("static").iterdir()}.get(name)
    return found.read_text(encoding="utf-8") if found is not None else None


async def _static(request: Request) -> Response:
    """Return a static file with its content type; a 404 for an unknown name."""
    name = request.path_params["name"]
    text = await run_in_threadpool(_read_static, name)
    if text is None:
        return Response("There is no such file.", 404)
    return Response(text, media_type=_KINDS[name.rpartition(".")[2]])
