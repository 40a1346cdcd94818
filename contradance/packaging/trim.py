"""What of a wheel is of no use on Lambda."""

from pathlib import PurePosixPath
from typing import Final

_FOR_TOOLS: Final = {".pyi", ".pyc"}
"""Stubs are for type checkers. Bytecode that a wheel or an installer brings may be of another Python."""
_OF_A_DISTRIBUTION: Final = {"METADATA", "entry_points.txt", "top_level.txt", "licenses"}
"""What `importlib.metadata` reads, and what its author asks to be passed on; never what says where it was installed."""
_LICENCES: Final = ("LICEN", "COPYING", "NOTICE", "AUTHORS")


def is_kept(path: PurePosixPath) -> bool:
    """Whether a file that was installed belongs into the layer."""
    top, *inner = path.parts
    if top.endswith(".dist-info"):
        return inner[0] in _OF_A_DISTRIBUTION or inner[0].upper().startswith(_LICENCES)
    if path.suffix in _FOR_TOOLS or path.name in {"py.typed", ".lock"}:
        return False
    return top != "bin" and "tests" not in inner[:-1]


def trimmed(path: PurePosixPath, content: bytes) -> bytes:
    """Return of a distribution's METADATA its fields, without the long description that follows them."""
    if path.name != "METADATA" or not path.parts[0].endswith(".dist-info"):
        return content
    fields, _, _ = content.replace(b"\r\n", b"\n").partition(b"\n\n")
    return fields + b"\n"
