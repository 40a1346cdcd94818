"""Where the laptop is found."""

from pathlib import Path
from typing import Final

HOST: Final = "127.0.0.1"
"""Loopback only: no other machine can reach the laptop."""
DEFAULT_PORT: Final = 8700
DEFAULT_STATE: Final = Path(".contradance")
"""The folder of its state."""
