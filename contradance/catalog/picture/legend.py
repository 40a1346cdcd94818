"""The picture's legend: the meaning of each shape and line, and the colour of each service."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

from contradance.catalog.picture.diagram import DiagramContent
from contradance.catalog.picture.text import width

_SIZE: Final = 11.5
_ROW: Final = 24.0
_SWATCH: Final = 30.0
_APART: Final = 22.0


class _LegendEntry(NamedTuple):
    """A sample of a shape or line, drawn from (0, 0) to (22, 14), and its meaning."""

    swatch: str
    text: str

    @property
    def width(self) -> float:
        """Width of the sample and the text, in pixels."""
        return _SWATCH + width(self.text, _SIZE)


class Legend:
    """Entries in rows, each row as full as `room` allows. An entry wider than that has a row of its own."""

    def __init__(self, drawn: DiagramContent, colours: Mapping[str, int], room: float) -> None:
        self._rows = [*_rows([*_meanings(drawn)], room), *_rows([*_services(drawn, colours)], room)]
        self.height = len(self._rows) * _ROW
        self.width = max((_row_width(row) for row in self._rows), default=0.0)

    def lines(self) -> Iterator[str]:
        """Yield the legend's elements, from (0, 0) downwards."""
        for number, row in enumerate(self._rows):
            x = 0.0
            for entry in row:
                yield f'<g transform="translate({x:.1f} {number * _ROW + 6:.0f})">{entry.swatch}'
                yield (
                    f'<text x="{_SWATCH:.0f}" y="11" textLength="{entry.width - _SWATCH:.1f}" '
                    f'lengthAdjust="spacingAndGlyphs">{escape(entry.text)}</text></g>'
                )
                x += entry.width + _APART


def _rows(entries: list[_LegendEntry], room: float) -> Iterator[list[_LegendEntry]]:
    """Yield the entries in rows that are at most `room` wide; an entry that is wider has a row of its own."""
    row: list[_LegendEntry] = []
    used = 0.0
    for entry in entries:
        if row and used + entry.width > room:
            yield row
            row, used = [], 0.0
        row.append(entry)
        used += entry.width + _APART
    if row:
        yield row


def _row_width(row: list[_LegendEntry]) -> float:
    """Return the width of a row of one or more entries, with the space between them."""
    return sum(entry.width for entry in row) + _APART * (len(row) - 1)


def _meanings(drawn: DiagramContent) -> Iterator[_LegendEntry]:
    """Yield an entry for each shape and line that is in the picture."""
    kinds = {box.kind for box in drawn.boxes}
    if "route" in kinds:
        yield _LegendEntry('<g class="route"><path class="shape" d="M0 0H16L22 7L16 14H0z"/></g>', "route")
    if "schedule" in kinds:
        yield _LegendEntry('<g class="schedule"><path class="shape" d="M0 0H16L22 7L16 14H0z"/></g>', "schedule")
    yield _LegendEntry('<g class="function"><rect class="shape" width="22" height="14" rx="3"/></g>', "function")
    yield _LegendEntry('<g class="event"><rect class="shape" width="22" height="14" rx="7"/></g>', "event")
    if "foreign" in kinds:
        yield _LegendEntry(
            '<g class="foreign"><rect class="shape" width="22" height="14" rx="7"/></g>', "event of others"
        )
    if any(box.forks for box in drawn.boxes):
        yield _LegendEntry('<path class="fork" d="M4 7l7 -7 7 7 -7 7z"/>', "one of these outcomes")
    if any(box.failing for box in drawn.boxes):
        octagon = '<path class="shape" d="M4 0h14l4 4v6l-4 4h-14l-4 -4v-6z"/>'
        yield _LegendEntry(f'<g class="event failing">{octagon}</g>', "refused or undone")
        yield _LegendEntry(
            '<g class="way failing"><path class="arrow" d="M0 7H17"/><path class="head" d="M22 7l-7 -4v8z"/></g>',
            "failure path",
        )
    if any(box.failing and box.kind == "function" for box in drawn.boxes):
        yield _LegendEntry(
            '<g class="function failing"><rect class="shape" width="22" height="14" rx="3"/></g>',
            "only after a failure",
        )


def _services(drawn: DiagramContent, colours: Mapping[str, int]) -> Iterator[_LegendEntry]:
    """Yield an entry for each service, with its colour."""
    for service in drawn.services:
        yield _LegendEntry(f'<rect class="bar s{colours[service]}" x="4" width="14" height="14" rx="3"/>', service)
