"""The picture as SVG text: the same bytes for the same choreography; for light and dark pages, and for any font."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from contradance.catalog.picture.diagram import EVENTS, LINE, DiagramContent, diagram_content
from contradance.catalog.picture.layers import Layers
from contradance.catalog.picture.layout import Orientation, PlacedArrow, PlacedBox, arranged, laid_out
from contradance.catalog.picture.legend import Legend
from contradance.catalog.picture.shapes import branch, fork, head, line, middle, number, shape, stub
from contradance.catalog.picture.text import width
from contradance.choreography import Choreography
from contradance.quantity import counted

_COLOURS: Final = 10
"""Number of service colours in the stylesheet. With more services colours repeat; each function also has its service's name."""
_MARGIN: Final = 24.0
_NARROW_MARGIN: Final = 12.0
"""Around a picture downwards: a phone is narrow."""
_HEADER: Final = 68.0
_TITLE: Final = 17.0
"""Font size of the title, as in the stylesheet."""
_BASELINE: Final = 0.75
"""Distance of a text's baseline from the top of its line, as a part of the line's height."""
_LEAST: Final = 560.0
"""Least width of a picture to the right, in pixels: title and legend need room."""
_NARROW: Final = 300.0
"""Least width of a picture downwards: that of a phone, less its margins."""
_LARGE: Final = 1400.0
"""Width from which on a picture is not made as narrow as its page, in pixels: names would be too small to read."""
_LARGE_DOWN: Final = 480.0
"""The same on a phone."""
_SMALL: Final = 1000.0
"""Width up to which a picture is not made as wide as its page, in pixels: a few boxes would fill it."""


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
    return Path(__file__).with_name("picture.css").read_text(encoding="utf-8")


def svg(choreography: Choreography, direction: Orientation = "right") -> str:
    """Return the picture of `choreography` as a file of its own, with its stylesheet."""
    return Drawing(diagram_content(choreography), direction).svg()


@dataclass(frozen=True, slots=True)
class _Way:
    """One arrow: its SVG up to the CSS classes of an overlay, the rest, and what only an overlay needs."""

    ends: tuple[str, str]
    begin: str
    rest: str
    taken: str


@dataclass(frozen=True, slots=True)
class _DrawnBox:
    """One box: its SVG up to the CSS classes of an overlay, the rest, and where its count stands."""

    key: str
    label: str
    begin: str
    rest: str
    count: str
    end: str


class Drawing:
    """A diagram that is laid out once, and written as SVG with the marks of any overlay: title, arrows, boxes, legend."""

    def __init__(
        self, content: DiagramContent, direction: Orientation = "right", layered: Layers | None = None
    ) -> None:
        self._diagram = content
        self._down = direction == "down"
        self._margin = _NARROW_MARGIN if self._down else _MARGIN
        self._layout = laid_out(layered or arranged(content), direction)
        self._colours = {service: position % _COLOURS for position, service in enumerate(content.palette)}
        self._groups = [[*self._ways(group)] for group in self._shared()]
        self._boxes = [self._box(one) for one in self._layout.boxes]
        least = _NARROW if self._down else _LEAST
        self._legend = Legend(content, self._colours, max(self._layout.width, least))
        title = width(content.name, _TITLE, bold=True)
        self._inner = max(self._layout.width, least, self._legend.width, title)
        self._about = escape(_about(content))
        fits = "" if self._inner <= (_LARGE_DOWN if self._down else _LARGE) else " large"
        small = " small" if not self._down and self._inner <= _SMALL else ""
        self._classes = f"picture {'down' if self._down else 'right'}{fits}{small}"

    @classmethod
    def in_both_directions(cls, content: DiagramContent) -> "tuple[Drawing, Drawing]":
        """Return a diagram to the right and downwards, with its columns put in order once."""
        layered = arranged(content)
        return cls(content, "right", layered), cls(content, "down", layered)

    def svg(self, overlay: Overlay | None = None) -> str:
        """Return the picture as a file of its own, or with an overlay as a part of a page."""
        return "\n".join(self._lines(overlay)) + "\n"

    def _lines(self, overlay: Overlay | None) -> Iterator[str]:
        """Yield the lines of the SVG document, with its stylesheet unless there is an overlay."""
        below = _HEADER + self._layout.height + self._margin
        page_width, page_height = self._inner + 2 * self._margin, below + self._legend.height + self._margin / 2
        name = escape(self._diagram.name)
        role = "group" if overlay and overlay.links else "img"  # the parts of an image cannot be links
        partly = " partly" if overlay and overlay.boxes is not None else ""
        ids = "picture-down" if self._down else "picture"
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="{self._classes}{partly}" '
            f'viewBox="0 0 {number(page_width)} {number(page_height)}" width="{number(page_width)}" '
            f'height="{number(page_height)}" role="{role}" aria-labelledby="{ids}-title {ids}-about">'
        )
        yield f'<title id="{ids}-title">{name}: the choreography</title>'
        yield f'<desc id="{ids}-about">{self._about}</desc>'
        if overlay is None:
            yield f"<style>\n{stylesheet()}</style>"
        yield f'<rect class="page" x="0.5" y="0.5" width="{number(page_width - 1)}" height="{number(page_height - 1)}" rx="10"/>'
        yield f'<text class="title" x="{number(self._margin)}" y="32">{name}</text>'
        yield f'<text class="subtitle" x="{number(self._margin)}" y="50">{escape(_counts(self._diagram))}</text>'
        yield f'<g transform="translate({number(self._margin + (self._inner - self._layout.width) / 2)} {number(_HEADER)})">'
        for group in self._groups:
            yield from (f'<path class="halo" {way.taken}/>' for way in group)
            yield from (_drawn_way(way, overlay) for way in group)
        yield from (_drawn_box(box, overlay) for box in self._boxes)
        yield "</g>"
        yield f'<g class="legend" transform="translate({number(self._margin)} {number(below)})" aria-hidden="true">'
        yield from self._legend.lines()
        yield "</g>"
        yield "</svg>"

    def _shared(self) -> list[list[PlacedArrow]]:
        """Return the arrows in groups that share a line; those of the happy path last, and so drawn above the others."""
        shared: dict[tuple[str, bool], list[PlacedArrow]] = {}
        for placed in sorted(self._layout.arrows, key=lambda placed: not placed.arrow.failing):
            shared.setdefault((placed.arrow.tail, placed.arrow.failing), []).append(placed)
        return [*shared.values()]

    def _ways(self, group: list[PlacedArrow]) -> Iterator[_Way]:
        """Yield the SVG of each arrow of a group; what it shares with an earlier one of the group is drawn once."""
        for position, (arrow, corners) in enumerate(group):
            own = branch(corners, [other.corners for other in group[:position]])
            yield _Way(
                ends=(arrow.tail, arrow.head),
                begin=f'<g class="way{" failing" if arrow.failing else ""}',
                rest=f'" data-tail={quoteattr(arrow.tail)} data-head={quoteattr(arrow.head)}>\n'
                f'<path class="arrow" d="{line(own)}"/><path class="head" d="{head(corners)}"/>',
                taken=f'd="{line(corners)}"',
            )

    def _box(self, placed: PlacedBox) -> _DrawnBox:
        """Return the SVG of a placed box: its shape, text and diamond, and where an overlay writes its count."""
        box = placed.box
        colour = "" if box.kind in EVENTS else f" s{self._colours[box.service]}"
        x = number(middle(placed))
        baseline = placed.y + (placed.height - len(box.lines) * LINE) / 2 + LINE * _BASELINE
        texts = [
            f'<text class="{text.style}" x="{x}" y="{number(baseline + position * LINE)}" text-anchor="middle" '
            f'textLength="{number(text.width)}" lengthAdjust="spacingAndGlyphs">{escape(text.text)}</text>'
            for position, text in enumerate(box.lines)
        ]
        forked = (
            [f'<path class="stub" d="{stub(placed, placed.fork)}"/>\n<path class="fork" d="{fork(placed.fork)}"/>\n']
            if placed.fork
            else []
        )
        return _DrawnBox(
            key=box.key,
            label=quoteattr(box.about),
            begin=f'<g class="box {box.kind}{" failing" if box.failing else ""}',
            rest="\n".join(
                [
                    f'{colour}" data-box={quoteattr(box.key)}>',
                    f"<title>{escape(box.about)}</title>",
                    *shape(placed),
                    *texts,
                    "",
                ]
            ),
            count=f'<text class="count" x="{number(placed.x + placed.width)}" y="{number(placed.y - 4)}" text-anchor="end">',
            end="".join([*forked, "</g>"]),
        )


def _drawn_way(way: _Way, overlay: Overlay | None) -> str:
    """Return the SVG of an arrow; with an overlay, with its whole way as a line that can be highlighted."""
    if overlay is None:
        return f"{way.begin}{way.rest}\n</g>"
    lit = " lit" if way.ends in overlay.arrows else ""
    return f'{way.begin}{lit}{way.rest}\n<path class="taken" {way.taken}/>\n</g>'


def _drawn_box(box: _DrawnBox, overlay: Overlay | None) -> str:
    """Return the SVG of a box; with an overlay, with its count, its marks and its link."""
    if overlay is None:
        return f"{box.begin}{box.rest}{box.end}"
    marks = " lit" if box.key in (overlay.boxes or ()) else ""
    marks += " troubled" if box.key in overlay.troubled else ""
    count = f"{box.count}\n{overlay.counts.get(box.key) or ''}</text>\n"
    drawn = f"{box.begin}{marks}{box.rest}{count}{box.end}"
    link = overlay.links.get(box.key)
    return drawn if link is None else f"<a href={quoteattr(link)} aria-label={box.label}>\n{drawn}</a>"


def _counts(content: DiagramContent) -> str:
    """Return the number of functions, events and services as a text: `8 of 9 functions · 7 events · 6 services`."""
    events = sum(box.kind in EVENTS for box in content.boxes)
    drawn = len(content.boxes) - events
    functions = counted(content.function_count, "function")
    shown = functions if drawn == content.function_count else f"{drawn} of {functions}"
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
