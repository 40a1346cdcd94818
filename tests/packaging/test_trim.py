from pathlib import PurePosixPath

import pytest

from contradance.packaging.trim import is_kept, trimmed


@pytest.mark.parametrize(
    "path",
    [
        "one.py",
        "pack/one.py",
        "pack/native.cpython-311-aarch64-linux-gnu.so",
        "pack/data.json",
        "pack.libs/libneeded.so.1",
        "pack/docs/needed.py",
        "tests/one.py",
        "pack-1.0.dist-info/METADATA",
        "pack-1.0.dist-info/entry_points.txt",
        "pack-1.0.dist-info/licenses/LICENSE",
        "pack-1.0.dist-info/LICENSE.txt",
    ],
)
def test_what_runs_and_what_the_law_asks_for_is_kept(path: str) -> None:
    assert is_kept(PurePosixPath(path))


@pytest.mark.parametrize(
    "path",
    [
        ".lock",
        "bin/tool",
        "pack/one.pyi",
        "pack/py.typed",
        "pack/tests/test_one.py",
        "pack/inner/tests/data/big.bin",
        "pack/__pycache__/one.cpython-39.pyc",
        "pack-1.0.dist-info/RECORD",
        "pack-1.0.dist-info/direct_url.json",
        "pack-1.0.dist-info/INSTALLER",
        "pack-1.0.dist-info/sboms/pack.json",
    ],
)
def test_what_only_tools_read_and_what_says_where_it_was_installed_is_not(path: str) -> None:
    assert not is_kept(PurePosixPath(path))


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_of_metadata_the_fields_stay_and_the_description_goes(end: bytes) -> None:
    metadata = end.join([b"Name: pack", b"Version: 1.0", b"", b"# Pack", b"", b"Long."])

    assert trimmed(PurePosixPath("pack-1.0.dist-info/METADATA"), metadata) == b"Name: pack\nVersion: 1.0\n"
    assert trimmed(PurePosixPath("pack/METADATA"), metadata) == metadata
