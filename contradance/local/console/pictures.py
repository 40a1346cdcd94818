"""The pictures on the console's pages: the choreography, or a part of it, laid out once and shown with marks."""

import threading
from collections.abc import Iterable
from functools import cached_property, lru_cache
from typing import Final

from markupsafe import Markup

from contradance.catalog.picture import Drawing, Overlay
from contradance.catalog.picture.diagram import DiagramContent, diagram_content
from contradance.choreography import Choreography

_LARGE: Final = 60
"""With more boxes than this, a flow's picture shows only the part that the flow took."""
_PARTS: Final = 32
"""Most parts whose layout is kept: each service's, and those of the latest flows."""


class Pictures:
    """Draws one choreography: from left to right for a wide page, from top to bottom for a narrow one.

    A page has both pictures, and its stylesheet shows one of them: so a page needs no script to fit a phone.
    """

    def __init__(self, choreography: Choreography) -> None:
        self._choreography = choreography
        self._lock = threading.Lock()
        self._drawn = lru_cache(_PARTS)(Drawing.in_both_directions)

    @cached_property
    def _content(self) -> DiagramContent:
        """The whole choreography's boxes and arrows."""
        return diagram_content(self._choreography)

    @cached_property
    def _whole(self) -> tuple[Drawing, Drawing]:
        """The whole choreography, laid out."""
        return Drawing.in_both_directions(self._content)

    @property
    def services(self) -> list[str]:
        """The services that have a part."""
        return self._content.services

    @property
    def large(self) -> bool:
        """Whether the choreography is so large that a flow is shown in a part of it."""
        return len(self._content.boxes) > _LARGE

    def whole(self, overlay: Overlay) -> Markup:
        """Return the picture of the whole choreography with the overlay's counts, marks and links."""
        with self._lock:
            drawings = self._whole
        return _marked(drawings, overlay)

    def of_service(self, service: str, overlay: Overlay) -> Markup:
        """Return the picture of one service's functions and events, and of their neighbours, with the overlay."""
        return self._part(self._content.of_service(service), overlay)

    def around(self, keys: Iterable[str], overlay: Overlay) -> Markup:
        """Return the picture of the boxes with these keys, and of their neighbours, with the overlay."""
        return self._part(self._content.around({*keys}), overlay)

    def _part(self, content: DiagramContent, overlay: Overlay) -> Markup:
        """Return the picture of a part of the choreography with the overlay."""
        with self._lock:
            drawings = self._drawn(content)
        return _marked(drawings, overlay)


def _marked(drawings: tuple[Drawing, Drawing], overlay: Overlay) -> Markup:
    """Return the SVGs of both directions with the overlay, one after the other."""
    return Markup("").join(Markup(drawing.svg(overlay)) for drawing in drawings)  # noqa: S704 - a picture escapes what it shows
