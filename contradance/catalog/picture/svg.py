"""The picture as SVG text: the same bytes for the same choreography, in light and dark, with whatever font there is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from contradance.catalog.picture.diagram import LINE, Arrow, Diagram, diagram
from contradance.catalog.picture.layout import PlacedArrow, PlacedBox, layout
from contradance.catalog.picture.legend import Legend
from contradance.catalog.picture.shapes import branch, fork, head, line, middle, number, shape
from contradance.choreography import Choreography

_COLOURS: Final = 10
"""Colours of services in the stylesheet; they go round where there are more services, whose names are written all the same."""
_MARGIN: Final = 24.0
_HEADER: Final = 68.0
_BASELINE: Final = 0.75
"""Where letters stand in their line."""
_LEAST: Final = 560.0
"""Width, in pixels, of a picture with hardly anything in it: title and legend need room."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """What a page that brings the stylesheet itself lays over the picture."""

    counts: Mapping[str, int] = field(default_factory=dict)
    """By the key of a box: a function's name, or an event's identity."""
    troubled: frozenset[str] = frozenset()
    """Keys of the functions that fail."""
    boxes: frozenset[str] | None = None
    """Keys of what is lit, where something is; the rest steps back."""
    arrows: frozenset[tuple[str, str]] = frozenset()
    """What is lit, by the keys at tail and head."""


def stylesheet() -> str:
    """Return the rules by which the picture is coloured."""
    return files(__package__).joinpath("picture.css").read_text(encoding="utf-8")


def svg(choreography: Choreography, overlay: Overlay | None = None) -> str:
    """Return the picture of `choreography`: a file of its own, or with an overlay a part of a page."""
    return "\n".join(_Picture(diagram(choreography), overlay).lines()) + "\n"


class _Picture:
    """Draws one diagram: title, arrows, boxes, legend."""

    def __init__(self, drawn: Diagram, overlay: Overlay | None) -> None:
        self._drawn = drawn
        self._laid = layout(drawn)
        self._colours = {service: position % _COLOURS for position, service in enumerate(drawn.services)}
        self._overlay = overlay

    def lines(self) -> Iterator[str]:
        """Yield the SVG's elements."""
        inner = max(self._laid.width, _LEAST)
        legend = Legend(self._drawn, self._colours, inner)
        below = _HEADER + self._laid.height + _MARGIN
        width, height = inner + 2 * _MARGIN, below + legend.height + _MARGIN / 2
        name, counted = escape(self._drawn.name), escape(_counted(self._drawn))
        partly = " partly" if self._overlay and self._overlay.boxes is not None else ""
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="picture{partly}" viewBox="0 0 {number(width)} {number(height)}" '
            f'width="{number(width)}" height="{number(height)}" role="img" aria-labelledby="picture-title picture-about">'
        )
        yield f'<title id="picture-title">{name}: the choreography</title>'
        yield f'<desc id="picture-about">{escape(_about(self._drawn))}</desc>'
        if self._overlay is None:
            yield f"<style>\n{stylesheet()}</style>"
        yield f'<rect class="page" x="0.5" y="0.5" width="{number(width - 1)}" height="{number(height - 1)}" rx="10"/>'
        yield f'<text class="title" x="{number(_MARGIN)}" y="32">{name}</text>'
        yield f'<text class="subtitle" x="{number(_MARGIN)}" y="50">{counted}</text>'
        yield f'<g transform="translate({number(_MARGIN + (inner - self._laid.width) / 2)} {number(_HEADER)})">'
        for together in self._sharing():
            yield from self._arrows(together)
        for box in self._laid.boxes:
            yield from self._box(box)
        yield "</g>"
        yield f'<g class="legend" transform="translate({number(_MARGIN)} {number(below)})" aria-hidden="true">'
        yield from legend.lines()
        yield "</g>"
        yield "</svg>"

    def _sharing(self) -> list[list[PlacedArrow]]:
        """Return the arrows that share their way together; those of the happy path last, and so above."""
        shared: dict[tuple[str, bool], list[PlacedArrow]] = {}
        for placed in sorted(self._laid.arrows, key=lambda placed: not placed.arrow.failing):
            shared.setdefault((placed.arrow.tail, placed.arrow.failing), []).append(placed)
        return [*shared.values()]

    def _arrows(self, together: list[PlacedArrow]) -> Iterator[str]:
        """Yield arrows over a halo, so that what they cross passes under them."""
        for placed in together:
            yield f'<path class="halo" d="{line(placed.corners)}"/>'
        for position, (arrow, corners) in enumerate(together):
            own = branch(corners, [other.corners for other in together[:position]])
            ends = f"data-tail={quoteattr(arrow.tail)} data-head={quoteattr(arrow.head)}"
            yield f'<g class="way{" failing" if arrow.failing else ""}{self._light(arrow)}" {ends}>'
            yield f'<path class="arrow" d="{line(own)}"/><path class="head" d="{head(corners)}"/>'
            if self._overlay is not None:
                yield f'<path class="taken" d="{line(corners)}"/>'
            yield "</g>"

    def _box(self, placed: PlacedBox) -> Iterator[str]:
        box = placed.box
        style = f"box {box.kind}{' failing' if box.failing else ''}{self._light(box.key)}"
        colour = "" if box.kind == "event" else f" s{self._colours[box.service]}"
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
        yield "</g>"

    def _light(self, what: str | Arrow) -> str:
        """Return the classes by which a box or an arrow stands out."""
        if self._overlay is None:
            return ""
        if isinstance(what, Arrow):
            return " lit" if (what.tail, what.head) in self._overlay.arrows else ""
        lit = " lit" if what in (self._overlay.boxes or ()) else ""
        return f"{lit} troubled" if what in self._overlay.troubled else lit


def _counted(drawn: Diagram) -> str:
    """Return how much there is of everything."""
    events = sum(box.kind == "event" for box in drawn.boxes)
    counts = {"function": len(drawn.boxes) - events, "event": events, "service": len(drawn.services)}
    return " · ".join(f"{count} {noun}{'' if count == 1 else 's'}" for noun, count in counts.items())


def _about(drawn: Diagram) -> str:
    """Return the whole choreography in words: who begins it, and what leads to what."""
    consumed = {arrow.head: [one.tail for one in drawn.arrows if one.head == arrow.head] for arrow in drawn.arrows}
    sentences = []
    for box in drawn.boxes:
        if box.kind != "event":
            tails = [tail.rpartition("/")[2].removesuffix(" v1") for tail in consumed.get(box.key, ())]
            sentences.append(f"{box.about} Consumes {', '.join(tails)}." if tails else box.about)
    return " ".join([f"{_counted(drawn)}.", *sentences])
