"""One replay of the laptop's archive, as a row of the database."""

from typing import Final, Literal, NamedTuple

from contradance.local.state.database import Database
from contradance.local.state.reader import Reader
from contradance.local.state.schema import OWN_BUS
from contradance.local.state.stored import stored_texts

REPLAY_COLUMNS: Final = "name, description, state, first, last, rules, started, minute, after, replayed, ended, bus"
ReplayState = Literal["STARTING", "RUNNING", "CANCELLING", "COMPLETED", "CANCELLED"]


class Replay(NamedTuple):
    """A replay's window, rules and position; times are in seconds of the epoch."""

    name: str
    description: str | None
    state: ReplayState
    first: float
    """Events from this time on."""
    last: float
    """Events before this time: the window is half-open, so that adjacent windows share no event."""
    rules: str | None
    """JSON list of the functions whose rules are matched; None for every rule."""
    started: float
    minute: float = 0.0
    """Position: every event before this time has been replayed."""
    after: int = 0
    """Position inside the next minute: id of the last event replayed."""
    replayed: float | None = None
    """Time of the last event replayed."""
    ended: float | None = None
    bus: str = OWN_BUS
    """The bus whose archive is replayed."""

    @property
    def functions(self) -> list[str] | None:
        """The functions whose rules are matched; None for every rule."""
        return None if self.rules is None else stored_texts(self.rules)


def find_replay(reader: Reader | Database, name: str) -> Replay | None:
    """Return the replay with this name; None where it does not exist."""
    rows = reader.read(f"SELECT {REPLAY_COLUMNS} FROM replay WHERE name = ?", (name,))  # noqa: S608 - constants
    return Replay(*rows[0]) if rows else None
