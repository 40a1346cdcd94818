"""The wheel that a new project carries: the contradance that made it, packed as it is installed.

Until contradance is on an index, this is the only place a new project can have it from. What is packed is the package
as it is imported, from a checkout or from site-packages, with the metadata of its installation: no build tool and no
network is needed, and the same contradance makes the same bytes.
"""

import io
from base64 import urlsafe_b64encode
from hashlib import sha256
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import contradance
from contradance.errors import CannotCreate

_OF_THIS_INSTALLATION: Final = (
    "INSTALLER",
    "RECORD",
    "REQUESTED",
    "direct_url.json",
    "uv_build.json",
    "uv_cache.json",
)
"""Files of the metadata that say how this copy was installed."""
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)


def wheel_name() -> str:
    """Return the wheel's file name."""
    return f"contradance-{_installed().version}-py3-none-any.whl"


def version() -> str:
    """Return the version of contradance that is installed."""
    return _installed().version


def wheel() -> bytes:
    """Return the wheel's bytes."""
    found = _installed()
    package = Path(str(contradance.__file__)).parent
    contents = {
        f"contradance/{path.relative_to(package).as_posix()}": path.read_bytes()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    info = f"contradance-{found.version}.dist-info"
    for file in found.files or ():
        if file.parts[0] == info and file.name not in _OF_THIS_INSTALLATION:
            contents[file.as_posix()] = file.read_binary()
    return _zipped(dict(sorted(contents.items())), f"{info}/RECORD")


def _installed() -> Distribution:
    try:
        return distribution("contradance")
    except PackageNotFoundError as error:
        raise CannotCreate(
            "contradance is not installed here, so there is no wheel of it for a new project to carry.\n"
            "  Install it first: pip install 'contradance[local]', or pip install -e '.[local]' in a checkout."
        ) from error


def _zipped(contents: dict[str, bytes], record: str) -> bytes:
    lines = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in contents.items()]
    contents[record] = ("\n".join([*lines, f"{record},,"]) + "\n").encode()
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            entry = ZipInfo(name, _LONG_AGO)
            entry.external_attr = 0o644 << 16
            entry.compress_type = ZIP_DEFLATED
            archive.writestr(entry, data)
    return buffer.getvalue()


def _digest(data: bytes) -> str:
    return urlsafe_b64encode(sha256(data).digest()).rstrip(b"=").decode()
