"""The choreography as an SVG picture.

`diagram` lists the boxes and arrows; `layers`, `ordering`, `placing`, `routing` and `untangling` compute where they are, and
`layout` calls them in that order; `svg` draws the result.
"""

from contradance.catalog.picture.svg import Drawing, Overlay, stylesheet, svg

__all__ = ["Drawing", "Overlay", "stylesheet", "svg"]
