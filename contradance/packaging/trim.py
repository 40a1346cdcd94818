"""Removes the parts of a wheel that Lambda does not need."""

from pathlib import PurePosixPath
from typing import Final

_FOR_TOOLS: Final = {".pyi", ".pyc"}
"""Removed suffixes: stubs are for type checkers, and bytecode in a wheel may be for another Python."""
_OF_A_DISTRIBUTION: Final = {"METADATA", "entry_points.txt", "top_level.txt", "licenses"}
"""Files of a `.dist-info` that stay: those that `importlib.metadata` reads, and licences. RECORD has paths of the build."""
_LICENCES: Final = ("LICEN", "COPYING", "NOTICE", "AUTHORS")


def is_kept(path: PurePosixPath) -> bool:
    """Whether an installed file goes into the layer: no script, test, stub, bytecode nor most metadata does."""
    top, *inner = path.parts
    if top.endswith(".dist-info"):
        return inner[0] in _OF_A_DISTRIBUTION or inner[0].upper().startswith(_LICENCES)
    if path.suffix in _FOR_TOOLS or path.name in {"py.typed", ".lock"}:
        return False
    return top != "bin" and "tests" not in inner[:-1]


def trimmed(path: PurePosixPath, content: bytes) -> bytes:
    """Return the content of a file; of a distribution's METADATA only the fields, without the long description."""
    if path.name != "METADATA" or not path.parts[0].endswith(".dist-info"):
        return content
    fields, _, _ = content.replace(b"\r\n", b"\n").partition(b"\n\n")
    return fields + b"\n"
