"""Reproducible zip files: equal contents make equal bytes, on any machine and at any time.

Python's zipfile uses the zlib of the machine, and versions of zlib differ in their output. This module uses libdeflate
from a wheel: one version makes the same bytes on every machine.
"""

import struct
import zlib
from collections.abc import Mapping
from typing import Final, NamedTuple

from contradance.errors import PackagingError

try:
    import deflate
except ModuleNotFoundError as error:
    raise PackagingError(
        "packages are compressed with deflate, which is not installed.\n  Install it: make deployable, or pip install deflate"
    ) from error

_LEVEL: Final = 9
"""Compression level, of libdeflate's 1 to 12. Higher ones save 2 % of a layer and take three to five times as long."""
_VERSION: Final = 20
"""Version of the zip format that a reader needs: 2.0, for deflate."""
_MADE_BY: Final = 3 << 8 | _VERSION
"""Unix, so that readers apply the file mode."""
_UTF_8: Final = 1 << 11
_STORED, _DEFLATED = 0, 8
_MIDNIGHT, _NEW_YEAR_1980 = 0, 1 << 5 | 1
"""The modification time of every file: the earliest that a zip can store."""
_MODE: Final = 0o100755 << 16
"""Mode of every file: readable and executable by all users, because Lambda runs functions as another user."""


class _ZipEntry(NamedTuple):
    """One file of a zip."""

    name: bytes
    method: int
    checksum: int
    packed: bytes
    size: int

    @property
    def _common(self) -> tuple[int, ...]:
        """The fields that the local header and the central directory both have."""
        times = _MIDNIGHT, _NEW_YEAR_1980
        sizes = len(self.packed), self.size
        return _VERSION, _UTF_8, self.method, *times, self.checksum, *sizes, len(self.name), 0

    def local_header(self) -> bytes:
        """Return the local header, which precedes the data."""
        return struct.pack("<4s5H3L2H", b"PK\3\4", *self._common) + self.name

    def directory_entry(self, offset: int) -> bytes:
        """Return the file's entry in the central directory; `offset` is that of its local header."""
        fields = (*self._common, 0, 0, 0, _MODE, offset)
        return struct.pack("<4sH5H3L2H3H2L", b"PK\1\2", _MADE_BY, *fields) + self.name


def make_zip(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of `files`: contents by name, with `/` between folders. Its bytes depend on these only."""
    packed = bytearray()
    directory = bytearray()
    for name in sorted(files):
        entry = _make_entry(name, files[name])
        directory += entry.directory_entry(len(packed))
        packed += entry.local_header() + entry.packed
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, len(files), len(files), len(directory), len(packed), 0)
    return bytes(packed + directory + end)


def _make_entry(name: str, data: bytes) -> _ZipEntry:
    """Return a file as a compressed entry; a stored one when compression does not make it smaller."""
    squeezed = bytes(deflate.deflate_compress(data, _LEVEL)) if data else data
    method, packed = (_DEFLATED, squeezed) if len(squeezed) < len(data) else (_STORED, data)
    return _ZipEntry(name.encode(), method, zlib.crc32(data), packed, len(data))
