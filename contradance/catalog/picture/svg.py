"""The picture as SVG text: the same bytes for the same choreography; for light and dark pages, and for any font."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from contradance.catalog.picture.diagram import EVENTS, LINE, Arrow, DiagramContent, diagram_content
from contradance.catalog.picture.layout import PlacedArrow, PlacedBox, layout
from contradance.catalog.picture.legend import Legend
from contradance.catalog.picture.shapes import branch, fork, head, line, middle, number, shape
from contradance.catalog.picture.text import width
from contradance.choreography import Choreography
from contradance.quantity import counted

_COLOURS: Final = 10
"""Number of service colours in the stylesheet. With more services colours repeat; each function also has its service's name."""
_MARGIN: Final = 24.0
_HEADER: Final = 68.0
_TITLE: Final = 17.0
"""Font size of the title, as in the stylesheet."""
_BASELINE: Final = 0.75
"""Distance of a text's baseline from the top of its line, as a part of the line's height."""
_LEAST: Final = 560.0
"""Least width of a picture, in pixels: title and legend need room."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """Marks that a page of the console adds to the picture; the page includes the stylesheet itself."""

    counts: Mapping[str, int] = field(default_factory=dict)
    """Numbers beside boxes, by the key of the box: a function's name, or an event's identity."""
    troubled: frozenset[str] = frozenset()
    """Keys of the functions whose last attempt failed."""
    boxes: frozenset[str] | None = None
    """Keys of the boxes that are highlighted, while the rest is pale; None highlights none and leaves all as usual."""
    arrows: frozenset[tuple[str, str]] = frozenset()
    """The arrows that are highlighted, by the keys at their tail and head."""
    links: Mapping[str, str] = field(default_factory=dict)
    """The page of each box that has one, by the key of the box."""


def stylesheet() -> str:
    """Return the CSS of the picture."""
    return files(__package__).joinpath("picture.css").read_text(encoding="utf-8")


def svg(choreography: Choreography, overlay: Overlay | None = None) -> str:
    """Return the picture of `choreography` as a file of its own, or with an overlay as a part of a page."""
    return "\n".join(_Picture(diagram_content(choreography), overlay).lines()) + "\n"


class _Picture:
    """Draws one diagram: title, arrows, boxes, legend."""

    def __init__(self, content: DiagramContent, overlay: Overlay | None) -> None:
        self._diagram = content
        self._layout = layout(content)
        self._colours = {service: position % _COLOURS for position, service in enumerate(content.services)}
        self._overlay = overlay

    def lines(self) -> Iterator[str]:
        """Yield the lines of the SVG document, with its stylesheet unless there is an overlay."""
        legend = Legend(self._diagram, self._colours, max(self._layout.width, _LEAST))
        inner = max(self._layout.width, _LEAST, legend.width, width(self._diagram.name, _TITLE, bold=True))
        below = _HEADER + self._layout.height + _MARGIN
        page_width, page_height = inner + 2 * _MARGIN, below + legend.height + _MARGIN / 2
        name, counted = escape(self._diagram.name), escape(_counts(self._diagram))
        role = "group" if self._overlay and self._overlay.links else "img"  # the parts of an image cannot be links
        partly = " partly" if self._overlay and self._overlay.boxes is not None else ""
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="picture{partly}" viewBox="0 0 {number(page_width)} {number(page_height)}" '
            f'width="{number(page_width)}" height="{number(page_height)}" role="{role}" aria-labelledby="picture-title picture-about">'
        )
        yield f'<title id="picture-title">{name}: the choreography</title>'
        yield f'<desc id="picture-about">{escape(_about(self._diagram))}</desc>'
        if self._overlay is None:
            yield f"<style>\n{stylesheet()}</style>"
        yield f'<rect class="page" x="0.5" y="0.5" width="{number(page_width - 1)}" height="{number(page_height - 1)}" rx="10"/>'
        yield f'<text class="title" x="{number(_MARGIN)}" y="32">{name}</text>'
        yield f'<text class="subtitle" x="{number(_MARGIN)}" y="50">{counted}</text>'
        yield f'<g transform="translate({number(_MARGIN + (inner - self._layout.width) / 2)} {number(_HEADER)})">'
        for group in self._groups():
            yield from self._arrows(group)
        for box in self._layout.boxes:
            yield from self._box(box)
        yield "</g>"
        yield f'<g class="legend" transform="translate({number(_MARGIN)} {number(below)})" aria-hidden="true">'
        yield from legend.lines()
        yield "</g>"
        yield "</svg>"

    def _groups(self) -> list[list[PlacedArrow]]:
        """Return the arrows in groups that share a line; those of the happy path last, and so drawn above the others."""
        shared: dict[tuple[str, bool], list[PlacedArrow]] = {}
        for placed in sorted(self._layout.arrows, key=lambda placed: not placed.arrow.failing):
            shared.setdefault((placed.arrow.tail, placed.arrow.failing), []).append(placed)
        return [*shared.values()]

    def _arrows(self, group: list[PlacedArrow]) -> Iterator[str]:
        """Yield arrows over a halo in the page's colour, which interrupts the arrows that they cross."""
        for placed in group:
            yield f'<path class="halo" d="{line(placed.corners)}"/>'
        for position, (arrow, corners) in enumerate(group):
            own = branch(corners, [other.corners for other in group[:position]])
            ends = f"data-tail={quoteattr(arrow.tail)} data-head={quoteattr(arrow.head)}"
            yield f'<g class="way{" failing" if arrow.failing else ""}{self._marks(arrow)}" {ends}>'
            yield f'<path class="arrow" d="{line(own)}"/><path class="head" d="{head(corners)}"/>'
            if self._overlay is not None:
                yield f'<path class="taken" d="{line(corners)}"/>'
            yield "</g>"

    def _box(self, placed: PlacedBox) -> Iterator[str]:
        """Yield the elements of a box: its link, shape and text; its count with an overlay; its diamond."""
        box = placed.box
        style = f"box {box.kind}{' failing' if box.failing else ''}{self._marks(box.key)}"
        colour = "" if box.kind in EVENTS else f" s{self._colours[box.service]}"
        link = self._overlay.links.get(box.key) if self._overlay else None
        if link is not None:
            yield f"<a href={quoteattr(link)} aria-label={quoteattr(box.about)}>"
        yield f'<g class="{style}{colour}" data-box={quoteattr(box.key)}>'
        yield f"<title>{escape(box.about)}</title>"
        yield from shape(placed)
        x = number(middle(placed))
        baseline = placed.y + (placed.height - len(box.lines) * LINE) / 2 + LINE * _BASELINE
        for position, text in enumerate(box.lines):
            yield (
                f'<text class="{text.style}" x="{x}" y="{number(baseline + position * LINE)}" text-anchor="middle" '
                f'textLength="{number(text.width)}" lengthAdjust="spacingAndGlyphs">{escape(text.text)}</text>'
            )
        if self._overlay is not None:
            count = self._overlay.counts.get(box.key, 0)
            yield f'<text class="count" x="{number(placed.x + placed.width)}" y="{number(placed.y - 4)}" text-anchor="end">'
            yield f"{count or ''}</text>"
        if placed.fork:
            yield f'<path class="stub" d="M{number(placed.x + placed.width)} {number(placed.fork.y)}H{number(placed.fork.x)}"/>'
            yield f'<path class="fork" d="{fork(placed.fork)}"/>'
        yield "</g>" if link is None else "</g></a>"

    def _marks(self, what: str | Arrow) -> str:
        """Return the CSS classes that an overlay gives a box's key or an arrow; an empty text without one."""
        if self._overlay is None:
            return ""
        if isinstance(what, Arrow):
            return " lit" if (what.tail, what.head) in self._overlay.arrows else ""
        lit = " lit" if what in (self._overlay.boxes or ()) else ""
        return f"{lit} troubled" if what in self._overlay.troubled else lit


def _counts(content: DiagramContent) -> str:
    """Return the number of functions, events and services as a text: `8 of 9 functions · 7 events · 6 services`."""
    events = sum(box.kind in EVENTS for box in content.boxes)
    drawn = len(content.boxes) - events
    functions = counted(drawn + content.left_out, "function")
    shown = f"{drawn} of {functions}" if content.left_out else functions
    return " · ".join([shown, counted(events, "event"), counted(len(content.services), "service")])


def _about(content: DiagramContent) -> str:
    """Return the whole choreography in words: what each function consumes and publishes."""
    consumed = {arrow.head: [one.tail for one in content.arrows if one.head == arrow.head] for arrow in content.arrows}
    sentences = []
    for box in content.boxes:
        if box.kind not in EVENTS:
            tails = [tail.rpartition("/")[2].removesuffix(" v1") for tail in consumed.get(box.key, ())]
            sentences.append(f"{box.about} Consumes {', '.join(tails)}." if tails else box.about)
    return " ".join([f"{_counts(content)}.", *sentences])
