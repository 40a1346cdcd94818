import resource
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier

import pytest

from contradance.errors import PackagingError
from contradance.packaging.cache import get_or_create_file

CONTENT = b"content" * 100_000


def never() -> bytes:
    raise AssertionError("made again")


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Have the system refuse to write more into a file, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_is_there_is_not_made_again(tmp_path: Path) -> None:
    first = get_or_create_file(tmp_path / "new" / "it.zip", lambda: CONTENT)
    second = get_or_create_file(tmp_path / "new" / "it.zip", never)

    assert (first.fresh, second.fresh) == (True, False)
    assert first.path.read_bytes() == CONTENT


def test_what_a_full_disk_refuses_is_not_left_half_written(tmp_path: Path) -> None:
    with files_of_at_most(1000), pytest.raises(PackagingError, match=r"it\.zip cannot be written: File too large"):
        get_or_create_file(tmp_path / "it.zip", lambda: CONTENT)

    assert list(tmp_path.iterdir()) == []
    assert get_or_create_file(tmp_path / "it.zip", lambda: CONTENT).fresh


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")

    with pytest.raises(PackagingError, match=r"file/it\.zip cannot be written"):
        get_or_create_file(tmp_path / "file" / "it.zip", lambda: CONTENT)


def test_what_is_interrupted_is_not_left_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        get_or_create_file(tmp_path / "it.zip", lambda: CONTENT)

    assert list(tmp_path.iterdir()) == []


def test_a_build_that_is_killed_leaves_no_zip_and_the_next_one_makes_it(tmp_path: Path) -> None:
    code = (
        "import os, signal; from pathlib import Path; from contradance.packaging.cache import get_or_create_file\n"
        "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"get_or_create_file(Path({str(tmp_path)!r}, 'it.zip'), lambda: b'half' * 100_000)"
    )

    killed = subprocess.run([sys.executable, "-c", code], check=False)

    assert killed.returncode == -9
    assert not (tmp_path / "it.zip").exists()
    assert get_or_create_file(tmp_path / "it.zip", lambda: CONTENT).fresh
    assert (tmp_path / "it.zip").read_bytes() == CONTENT


def test_builds_at_once_each_find_a_whole_file(tmp_path: Path) -> None:
    together = Barrier(8)

    def make() -> bytes:
        together.wait()  # everybody has found nothing there
        return CONTENT

    def found() -> bytes:
        return get_or_create_file(tmp_path / "it.zip", make).path.read_bytes()

    with ThreadPoolExecutor(8) as pool:
        results = [pool.submit(found) for _ in range(8)]

    assert {each.result() for each in results} == {CONTENT}
    assert [path.name for path in tmp_path.iterdir()] == ["it.zip"]


def test_everybody_may_read_it(tmp_path: Path) -> None:
    kept = get_or_create_file(tmp_path / "it.zip", lambda: CONTENT)

    assert kept.path.stat().st_mode & 0o777 == 0o644
