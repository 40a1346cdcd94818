import io
import zipfile
from hashlib import sha256
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from contradance.packaging.archive import make_zip

names = st.text(st.characters(codec="utf-8", exclude_characters="\0/\\"), min_size=1, max_size=20)
files = st.dictionaries(st.lists(names, min_size=1, max_size=3).map("/".join), st.binary(max_size=2000), max_size=8)


@given(files)
def test_what_was_put_in_comes_out(given_files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(io.BytesIO(make_zip(given_files))) as zipped:
        assert zipped.testzip() is None
        assert {name: zipped.read(name) for name in zipped.namelist()} == given_files


@given(files, st.randoms())
def test_the_order_in_which_files_are_found_makes_no_difference(given_files: dict[str, bytes], random: Random) -> None:
    shuffled = list(given_files.items())
    random.shuffle(shuffled)

    assert make_zip(dict(shuffled)) == make_zip(given_files)


def test_a_zip_is_the_same_bytes_on_every_machine() -> None:
    squares = " ".join(str(number * number) for number in range(20_000))

    digest = sha256(make_zip({"a/ß.py": squares.encode(), "b": b""})).hexdigest()

    # Another version of libdeflate may change it; another processor, system, Python or zlib must not.
    assert digest == "c66f5a343d3d1bf14662aef3e9a2d381dfcc17e0d2a2f8dc982b1c29106be2be"


def test_every_file_has_the_same_time_and_may_be_read_by_everybody() -> None:
    with zipfile.ZipFile(io.BytesIO(make_zip({"b": b"2", "a": b"1" * 99}))) as zipped:
        found = [(entry.filename, entry.date_time, entry.external_attr >> 16) for entry in zipped.infolist()]

    assert found == [(name, (1980, 1, 1, 0, 0, 0), 0o100755) for name in ("a", "b")]


def test_what_repeats_is_compressed_and_what_does_not_is_not_made_larger() -> None:
    with zipfile.ZipFile(io.BytesIO(make_zip({"long": b"x" * 10_000, "short": b"x"}))) as zipped:
        sizes = [entry.compress_size for entry in zipped.infolist()]

    assert sizes[0] < 100
    assert sizes[1] == 1
