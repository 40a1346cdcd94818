"""Frozen contracts: each contract's canonical JSON Schema, in one file, and the changes that break it.

frozen_state(BookLent)          the contract's current state
read_folder(folder)             the frozen contracts of a folder, by identity
broken(promised, now)           the changes that break a frozen contract
"""

from contradance.schemas.canonical import schema_of
from contradance.schemas.folder import Promises, read_files, read_folder
from contradance.schemas.frozen import FrozenContract, broken, changes, frozen_state, promised, read_frozen

__all__ = [
    "FrozenContract",
    "Promises",
    "broken",
    "changes",
    "frozen_state",
    "promised",
    "read_files",
    "read_folder",
    "read_frozen",
    "schema_of",
]
