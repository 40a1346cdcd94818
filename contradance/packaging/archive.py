"""Zip files that are equal to the byte wherever, whenever and by whomever they are made.

Python's own zipfile compresses with whichever zlib the machine has, and zlibs differ in their output. Here libdeflate
compresses, which comes along as a wheel: of one version, it gives the same bytes on every machine.
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
        "packages are compressed with deflate, which is not here.\n  pip install 'contradance[infra]'"
    ) from error

_LEVEL: Final = 9
"""Of libdeflate's 1 to 12. Those above save 2 % more of a layer, in three to five times the time."""
_VERSION: Final = 20
"""What is needed to unpack: 2.0, for deflate."""
_MADE_BY: Final = 3 << 8 | _VERSION
"""Unix, so that the mode counts."""
_UTF_8: Final = 1 << 11
_STORED, _DEFLATED = 0, 8
_MIDNIGHT, _NEW_YEAR_1980 = 0, 1 << 5 | 1
"""The time of every file: the earliest that a zip can say."""
_MODE: Final = 0o100755 << 16
"""A file that everybody may read, and run if it is a program: Lambda runs functions as a user of its own."""


class _ZipEntry(NamedTuple):
    name: bytes
    method: int
    checksum: int
    packed: bytes
    size: int

    @property
    def _common(self) -> tuple[int, ...]:
        """Return what an entry says before its data, and in the directory again."""
        times = _MIDNIGHT, _NEW_YEAR_1980
        sizes = len(self.packed), self.size
        return _VERSION, _UTF_8, self.method, *times, self.checksum, *sizes, len(self.name), 0

    def header(self) -> bytes:
        """Return what goes before the data."""
        return struct.pack("<4s5H3L2H", b"PK\3\4", *self._common) + self.name

    def directory(self, offset: int) -> bytes:
        """Return what the directory at the end says of it."""
        fields = (*self._common, 0, 0, 0, _MODE, offset)
        return struct.pack("<4sH5H3L2H3H2L", b"PK\1\2", _MADE_BY, *fields) + self.name


def archive(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of `files`, by name with `/` between folders. Names and contents alone decide its bytes."""
    packed = bytearray()
    directory = bytearray()
    for name in sorted(files):
        entry = _entry(name, files[name])
        directory += entry.directory(len(packed))
        packed += entry.header() + entry.packed
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, len(files), len(files), len(directory), len(packed), 0)
    return bytes(packed + directory + end)


def _entry(name: str, data: bytes) -> _ZipEntry:
    squeezed = bytes(deflate.deflate_compress(data, _LEVEL)) if data else data
    method, packed = (_DEFLATED, squeezed) if len(squeezed) < len(data) else (_STORED, data)
    return _ZipEntry(name.encode(), method, zlib.crc32(data), packed, len(data))
