"""Live: the picture of the choreography, with counts that change while the page is open."""

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from contradance.catalog.picture import Overlay
from contradance.local.console.feed import Feed
from contradance.local.console.flows import collapsed
from contradance.local.console.history import History
from contradance.local.console.pages import Pages, links_of
from contradance.local.console.pictures import Pictures
from contradance.local.console.tally import ActivityCounts
from contradance.local.laptop import Laptop
from contradance.local.refusal import Refused


class LivePage:
    """The picture with counts on functions and events; the script adds what happens while it is open."""

    def __init__(self, laptop: Laptop, feed: Feed, history: History, pictures: Pictures, pages: Pages) -> None:
        self._laptop = laptop
        self._feed = feed
        self._history = history
        self._pictures = pictures
        self._pages = pages
        self._since = laptop.clock.now()

    def show(self, request: Request) -> Response:
        """Show the picture with counts, whole or one service's part; latest flows, what waits, what hangs.

        A page that refreshes itself gets the counts without the picture. `Refused` for an unknown service.
        """
        counts = self._feed.tally.counts()
        service = request.query_params.get("service", "")
        if service and service not in self._pictures.services:
            raise Refused("NoSuchService", "The choreography has no such service.")
        picture = Markup("") if "x-refresh" in request.headers else self._picture(service, counts)
        waiting, due = self._laptop.deliveries.count()
        return self._pages.page(
            "live",
            "live",
            picture=picture,
            service=service,
            services={
                one: any(name.startswith(f"{one}.") for name in counts.troubled) for one in self._pictures.services
            },
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

    def _picture(self, service: str, counts: ActivityCounts) -> Markup:
        """Return the picture of a service's part, or with an empty text of the whole, with counts."""
        overlay = Overlay(counts=counts.times, troubled=counts.troubled, links=links_of(self._laptop.choreography))
        return self._pictures.of_service(service, overlay) if service else self._pictures.whole(overlay)
