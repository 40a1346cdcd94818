"""How long a test waits for another thread or process before it fails."""

from typing import Final

LONG: Final = 120.0
"""Seconds that no working machine needs, however busy it is."""
