"""Where the laptop is found."""

from typing import Final

HOST: Final = "127.0.0.1"
"""Loopback only: nobody else's machine can reach the laptop."""
DEFAULT_PORT: Final = 8700
