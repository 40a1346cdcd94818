"""Live: the picture of the choreography, with counts that change while the page is open."""

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from contradance.catalog.picture import Overlay, svg
from contradance.local.console.feed import Feed
from contradance.local.console.flows import collapsed
from contradance.local.console.history import History
from contradance.local.console.pages import Pages, links_of
from contradance.local.laptop import Laptop


class LivePage:
    """The picture with counts on functions and events; the script adds what happens while it is open."""

    def __init__(self, laptop: Laptop, feed: Feed, history: History, pages: Pages) -> None:
        self._laptop = laptop
        self._feed = feed
        self._history = history
        self._pages = pages
        self._since = laptop.clock.now()

    def show(self, _: Request) -> Response:
        """Show the picture with counts, the latest flows, what waits and what hangs."""
        counts = self._feed.tally.counts()
        overlay = Overlay(counts=counts.times, troubled=counts.troubled, links=links_of(self._laptop.choreography))
        waiting, due = self._laptop.bus.waiting()
        return self._pages.page(
            "live",
            "live",
            picture=Markup(svg(self._laptop.choreography, overlay)),  # noqa: S704 - the picture escapes what it shows
            counts=counts,
            since=self._since,
            waiting=waiting,
            due=due,
            hangs=self._laptop.in_flight.hangs(),
            entries=collapsed(self._history.latest().flows)[:8],
            functions=[
                (function, counts.times.get(function.name, 0), function.name in counts.troubled)
                for function in self._laptop.choreography.functions.values()
            ],
        )
