"""The levels of log lines."""

from typing import Final, Literal, get_args

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
LEVELS: Final[tuple[Level, ...]] = get_args(Level)
"""The lowest first."""
