"""One replay of the laptop's archive, as it is kept on disk."""

import json
from typing import Literal, NamedTuple

ReplayState = Literal["STARTING", "RUNNING", "CANCELLING", "COMPLETED", "CANCELLED"]


class Replay(NamedTuple):
    """One replay; moments are seconds of the epoch."""

    name: str
    description: str | None
    state: ReplayState
    first: float
    """Events from this moment on."""
    last: float
    """Events before this moment: the window is half-open, so that two windows that meet share no event."""
    rules: str | None
    """JSON list of the functions whose rules are asked; None for every rule."""
    started: float
    minute: float = 0.0
    """Position: the events before this moment have been replayed."""
    after: int = 0
    """Position inside that minute: the last event that was."""
    replayed: float | None = None
    """The time of the last event that was replayed."""
    ended: float | None = None

    @property
    def functions(self) -> list[str] | None:
        """The functions whose rules are asked; None for every rule."""
        return None if self.rules is None else list(json.loads(self.rules))
