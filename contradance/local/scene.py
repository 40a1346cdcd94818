"""One request of a demonstration, as the application declares it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scene:
    """A request that `contradance demo` sends, and its title."""

    title: str
    """What it shows: `The card is declined`."""
    route: str
    """Method and path: `POST /loans`."""
    body: Mapping[str, object]
