"""Builds the wheel of contradance that a new project contains.

Until contradance is on an index, a new project can install it only from this wheel. It holds the imported package, from
a checkout or from site-packages, and the metadata of its installation. Building it needs no build tool and no network,
and the same contradance gives the same bytes.
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
from contradance.scaffold.application import COPIED, application_files

_INSTALLATION_FILES: Final = (
    "INSTALLER",
    "RECORD",
    "REQUESTED",
    "direct_url.json",
    "uv_build.json",
    "uv_cache.json",
)
"""Metadata files that describe this installation; the wheel leaves them out."""
_FIXED_TIME: Final = (1980, 1, 1, 0, 0, 0)


def wheel_name() -> str:
    """Return the wheel's file name."""
    return f"contradance-{_installed_distribution().version}-py3-none-any.whl"


def version() -> str:
    """Return the installed version of contradance."""
    return _installed_distribution().version


def build_wheel() -> bytes:
    """Return the bytes of a wheel of the installed contradance."""
    found = _installed_distribution()
    package = Path(str(contradance.__file__)).parent
    contents = {
        f"contradance/{path.relative_to(package).as_posix()}": path.read_bytes()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    contents |= {f"contradance/{COPIED}/{path}": data for path, data in application_files().items()}
    info = f"contradance-{found.version}.dist-info"
    for file in found.files or ():
        if file.parts[0] == info and file.name not in _INSTALLATION_FILES:
            contents[file.as_posix()] = file.read_binary()
    return _zip_with_record(dict(sorted(contents.items())), f"{info}/RECORD")


def _installed_distribution() -> Distribution:
    """Return the installed distribution of contradance; raise `CannotCreate` when it is not installed."""
    try:
        return distribution("contradance")
    except PackageNotFoundError as error:
        raise CannotCreate(
            "contradance is not installed, so a wheel of it cannot be built for the new project.\n"
            "  Install it: pip install 'contradance[local]', or pip install -e '.[local]' in a checkout."
        ) from error


def _zip_with_record(contents: dict[str, bytes], record: str) -> bytes:
    """Return a zip of the contents and, at `record`, of the list of their digests and sizes."""
    lines = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in contents.items()]
    contents[record] = ("\n".join([*lines, f"{record},,"]) + "\n").encode()
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            entry = ZipInfo(name, _FIXED_TIME)
            entry.external_attr = 0o644 << 16
            entry.compress_type = ZIP_DEFLATED
            archive.writestr(entry, data)
    return buffer.getvalue()


def _digest(data: bytes) -> str:
    """Return a digest as a wheel's RECORD has it: SHA-256 in URL-safe base64 without padding."""
    return urlsafe_b64encode(sha256(data).digest()).rstrip(b"=").decode()
