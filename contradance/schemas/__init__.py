"""The registry as a promise: each contract's canonical JSON Schema, frozen in a file, and read from wherever it lies.

frozen_state(BookLent)          what the contract promises now
read_folder(folder)             what is promised, by identity
broken(promised, now)           the changes that break it
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
