"""A file that lists what runs at this moment: it outlives a process that is killed, and nothing waits for a disk.

Each entry is one line of a fixed size, which one `pwrite` fills or clears. The operating system keeps what a process has
written, however the process ends; only a power cut can lose it, and then no handler is to blame. So a line costs two
microseconds, where a commit to the state file would cost a delivery a tenth of its speed.
"""

import os
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from contradance.errors import LaptopError

_LINE_BYTES: Final = 256
_RESERVED_LINES: Final = 256
"""Lines that the file has from the start: clearing or filling one of them needs no space on the disk."""
_OWNER_ONLY: Final = 0o600


class Slots:
    """Lines of a file that are filled and cleared one by one, by any thread; `LaptopError` if it is not a file."""

    def __init__(self, path: Path) -> None:
        try:
            self.before = tuple(_lines(path))
            """What the process before this one left behind: nothing, unless it was killed. `clear_before` clears it."""
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, _OWNER_ONLY)
        except OSError as error:
            raise LaptopError(
                f"the laptop's state cannot be kept in {path}: {error}.\n  Choose another folder with --state."
            ) from error
        self._free: deque[int] = deque()
        self._lock = threading.Lock()
        self._closed = False
        self._count = self._first = -(-os.fstat(self._file).st_size // _LINE_BYTES)
        self._extend()

    def fill(self, text: str) -> int:
        """Write a line into a free slot and return the slot's number; a line that is too long is cut."""
        try:
            slot = self._free.pop()
        except IndexError:
            self._extend()
            return self.fill(text)
        self.change(slot, text)
        return slot

    def change(self, slot: int, text: str) -> None:
        """Replace the line in a filled slot; a line that is too long is cut."""
        self._write(text.encode()[: _LINE_BYTES - 1].ljust(_LINE_BYTES - 1) + b"\n", slot * _LINE_BYTES)

    def clear(self, slot: int) -> None:
        """Clear a line; its slot may be filled again."""
        self._write(b" ", slot * _LINE_BYTES)
        self._free.append(slot)

    def clear_before(self) -> None:
        """Clear the lines that the process before this one left; their slots may be filled again."""
        for slot in range(self._first):
            self.clear(slot)
        self._first = 0

    def close(self, *, in_use: bool) -> None:
        """Clear every line, and close the file unless a thread still has it `in_use`; later changes do nothing.

        The file stays open while a thread may still write to it: its number could become another file's.
        """
        if not self._closed:
            self._closed = True
            os.ftruncate(self._file, 0)
            if not in_use:
                os.close(self._file)

    def _write(self, content: bytes, at: int) -> None:
        """Write bytes at a position of the file; do nothing after `close`."""
        if not self._closed:  # a hung thread may return after the end
            os.pwrite(self._file, content, at)

    def _extend(self) -> None:
        """Append empty lines to the file, unless a slot is free again."""
        with self._lock:
            if not self._free:
                first, self._count = self._count, self._count + _RESERVED_LINES
                empty = (b" " * (_LINE_BYTES - 1) + b"\n") * _RESERVED_LINES
                self._write(empty, first * _LINE_BYTES)
                self._free.extend(range(self._count - 1, first - 1, -1))


def _lines(path: Path) -> Iterator[str]:
    """Yield the filled lines of a file; none where it does not exist; raise `OSError` for what is not a file."""
    if path.exists() and not path.is_file():
        raise OSError(f"{path.name} is not a file")
    content = path.read_bytes() if path.exists() else b""
    for start in range(0, len(content), _LINE_BYTES):
        line = content[start : start + _LINE_BYTES].decode(errors="replace").rstrip()
        if line and not line.startswith(" "):
            yield line
