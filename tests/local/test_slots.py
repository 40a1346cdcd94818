"""The file that lists what runs: its lines, what a killed process leaves, and the end."""

import os
from pathlib import Path

import pytest

from contradance.local.state.slots import Slots

LINE, RESERVED = 256, 256


def left(path: Path) -> list[str]:
    """Return the lines that the next process would find."""
    return [*Slots(path).before]


def test_lines_are_filled_changed_and_cleared_one_by_one(tmp_path: Path) -> None:
    slots = Slots(tmp_path / "file")

    first, second, third = (slots.fill(text) for text in ("one", "two", "a long third line"))
    slots.clear(second)
    slots.change(third, "3")
    again = slots.fill("four")

    assert (first, again) == (0, second)
    assert (tmp_path / "file").stat().st_size == RESERVED * LINE
    assert (tmp_path / "file").read_bytes()[: 3 * LINE].split(b"\n") == [
        text.ljust(LINE - 1) for text in (b"one", b"four", b"3")
    ] + [b""]
    assert left(tmp_path / "file") == ["one", "four", "3"]


def test_the_file_grows_with_what_runs_and_its_lines_are_used_again(tmp_path: Path) -> None:
    slots = Slots(tmp_path / "file")
    texts = [f"line {number}" for number in range(RESERVED + 1)]

    filled = [slots.fill(text) for text in texts]
    size = (tmp_path / "file").stat().st_size
    found = left(tmp_path / "file")
    for slot in filled:
        slots.clear(slot)
    again = {slots.fill("again") for _ in range(2 * RESERVED)}

    assert filled == [*range(RESERVED + 1)]
    assert (size, found) == (2 * RESERVED * LINE, texts)
    assert again == {*range(2 * RESERVED)}


def test_a_long_line_is_cut_and_leaves_the_next_one_alone(tmp_path: Path) -> None:
    slots = Slots(tmp_path / "file")

    slots.fill("x" * 300)
    slots.fill("next")
    slots.fill("é" * 300)

    assert left(tmp_path / "file") == ["x" * 255, "next", "é" * 127 + "\ufffd"]


def test_what_a_killed_process_left_stays_until_it_is_cleared(tmp_path: Path) -> None:
    for text in ("a", "b"):
        Slots(tmp_path / "file").fill(text)
    slots = Slots(tmp_path / "file")

    third = slots.fill("c")
    before = left(tmp_path / "file")
    slots.clear_before()
    slots.clear_before()
    again = [slots.fill(f"after {number}") for number in range(3 * RESERVED)]

    assert slots.before == ("a", "b")
    assert before == ["a", "b", "c"]
    assert third == 2 * RESERVED
    assert {*range(2 * RESERVED)} < {*again}
    assert len({*again}) == len(again) == len(left(tmp_path / "file")) - 1


def test_a_line_begins_where_a_line_begins_though_the_last_one_is_broken_off(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"whole".ljust(LINE - 1) + b"\n" + b"broken")

    slot = Slots(path).fill("new")

    assert slot == 2
    assert [line.rstrip("\0") for line in left(path)] == ["whole", "broken", "new"]


@pytest.mark.parametrize("in_use", [False, True])
def test_after_the_end_the_file_is_empty_and_nothing_is_written(tmp_path: Path, *, in_use: bool) -> None:
    slots = Slots(tmp_path / "file")
    slot = slots.fill("runs")
    file = slots._file

    slots.close(in_use=in_use)
    slots.close(in_use=False)
    slots.change(slot, "late")
    slots.fill("later")
    slots.clear(slot)

    assert (tmp_path / "file").read_bytes() == b""
    if in_use:
        os.close(file)  # a thread may still write to it: it is open
    else:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(file)


def test_only_its_owner_can_read_the_file(tmp_path: Path) -> None:
    Slots(tmp_path / "file").fill("runs")

    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
