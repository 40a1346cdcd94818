"""The choreography as a picture: what to draw, where each thing stands, how the arrows run, and the SVG of it all."""

from contradance.catalog.picture.svg import Overlay, stylesheet, svg

__all__ = ["Overlay", "stylesheet", "svg"]
