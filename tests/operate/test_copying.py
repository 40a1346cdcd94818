"""Copying rows: it can be killed and repeated, and a row that a function has written is never lost."""

from contextlib import suppress
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contradance.errors import OperateError
from contradance.operate.copying import Counts, RowChange, RowKey, StoredRow, copy_rows
from contradance.operate.move import MovedRows, MovePlan, copy
from tests.operate.rows import Killed, MemoryRows


def key(name: str) -> RowKey:
    return RowKey(name)


def row(name: str, content: str, *, copied: bool = False) -> StoredRow:
    written = StoredRow(key(name), {"document": content})
    return StoredRow(key(name), written.content, copy_of=written.digest) if copied else written


def stored(*rows: StoredRow) -> MemoryRows:
    return MemoryRows({one.key: one for one in rows})


def contents(rows: MemoryRows) -> dict[str, object]:
    return {one.partition: found.content["document"] for one, found in rows.rows.items()}


def test_a_dry_run_counts_and_writes_nothing() -> None:
    source, target = stored(row("a", "1"), row("b", "1")), stored(row("b", "1"))

    assert copy_rows(source, target, dry_run=True) == Counts(source=2, same=1, copied=1)
    assert (contents(target), target.writes) == ({"b": "1"}, 0)


def test_a_second_run_copies_what_has_changed_since_the_first() -> None:
    source, target = stored(row("a", "1"), row("b", "1"), row("c", "1")), stored()
    copy_rows(source, target, dry_run=False)
    source.rows[key("a")] = row("a", "2")
    del source.rows[key("b")]
    source.rows[key("d")] = row("d", "1")

    counts = copy_rows(source, target, dry_run=False)

    assert counts == Counts(source=3, same=1, copied=2, deleted=1)
    assert contents(target) == {"a": "2", "c": "1", "d": "1"}
    assert copy_rows(source, target, dry_run=True) == Counts(source=3, same=3)


def test_a_row_that_a_function_of_the_new_stack_has_written_is_kept_and_counted() -> None:
    source, target = stored(row("a", "1"), row("b", "1")), stored()
    copy_rows(source, target, dry_run=False)
    target.rows[key("a")] = StoredRow(key("a"), {"document": "newer"})  # Put replaces the whole item
    target.rows[key("b")] = StoredRow(
        key("b"), {"document": "newer"}, copy_of=row("b", "1").digest
    )  # Update keeps the mark
    source.rows[key("a")] = row("a", "2")
    del source.rows[key("b")]

    counts = copy_rows(source, target, dry_run=False)

    assert counts == Counts(source=1, kept=1)
    assert contents(target) == {"a": "newer", "b": "newer"}
    assert not counts.is_settled


def test_a_row_that_changes_between_reading_and_writing_is_looked_at_again() -> None:
    source, target = stored(row("a", "1"), row("b", "1")), stored()

    def meanwhile() -> None:
        target.before_write = lambda: None
        target.rows[key("a")] = row("a", "newer")

    target.before_write = meanwhile

    assert copy_rows(source, target, dry_run=False) == Counts(source=2, copied=1, kept=1)
    assert contents(target) == {"a": "newer", "b": "1"}


def test_a_row_that_never_stays_the_same_is_an_error_and_not_an_endless_loop() -> None:
    source, target = stored(row("a", "1")), stored()

    def flip() -> None:
        if target.rows.pop(key("a"), None) is None:
            target.rows[key("a")] = row("a", "old", copied=True)

    target.before_write = flip

    with pytest.raises(OperateError, match="1 rows changed again and again"):
        copy_rows(source, target, dry_run=False)


@pytest.mark.parametrize("state", ["unpublished", "running", "open", "expired"])
def test_only_completed_once_records_are_copied(state: str) -> None:
    source = stored(StoredRow(key("a"), {"document": "1"}, state), StoredRow(key("b"), {"document": "1"}, "completed"))  # type: ignore[arg-type]
    target = stored()

    counts = copy_rows(source, target, dry_run=False)

    assert contents(target) == {"b": "1"}
    assert (counts.source, counts.unpublished, counts.running) == (1, state == "unpublished", state == "running")
    assert copy_rows(source, target, dry_run=True).is_settled == (state in ("open", "expired"))


NAMES = st.sampled_from("abcdefgh")
WRITES = st.dictionaries(NAMES, st.sampled_from(["1", "2", None]), max_size=6)


@given(
    st.lists(st.tuples(WRITES, st.integers(0, 4)), min_size=1, max_size=4),
    st.dictionaries(NAMES, st.sampled_from(["1", "own"]), max_size=3),
)
def test_however_often_it_is_killed_the_last_run_makes_the_target_the_source(
    runs: list[tuple[dict[str, str | None], int]], own: dict[str, str]
) -> None:
    """Before each run the source changes; each run but the last is killed at a write, or not.

    Rows that functions of the new stack wrote are as they were, whatever the source did.
    """
    source, target = stored(), stored(*(row(name, content) for name, content in own.items()))
    target_before = deepcopy(contents(target))
    for writes, kill_at in runs:
        for name, content in writes.items():
            source.rows.pop(key(name), None)
            if content is not None:
                source.rows[key(name)] = row(name, content)
        left = kill_at

        def count_down() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed

        target.before_write = count_down
        with suppress(Killed):
            copy_rows(source, target, dry_run=False)
    target.before_write = lambda: None

    last = copy_rows(source, target, dry_run=False)
    again = copy_rows(source, target, dry_run=True)

    expected = {**contents(source), **target_before}
    assert contents(target) == expected
    assert last.source == len(source.rows) == last.same + last.copied + last.kept
    assert (again.copied, again.deleted, again.kept) == (0, 0, last.kept)
    assert last.kept == sum(target_before.get(name, content) != content for name, content in contents(source).items())


def test_a_change_knows_what_it_expects() -> None:
    """The adapters are given the row that was read, so that they can refuse a newer one."""
    target = stored(row("a", "1", copied=True))

    refused = target.write([RowChange(key("a"), row("a", "3"), row("a", "2", copied=True))])

    assert refused == {key("a")}


def test_the_order_of_attributes_does_not_change_a_row() -> None:
    one = StoredRow(key("a"), {"document": {"S": "x"}, "version": {"S": "1"}})
    other = StoredRow(key("a"), {"version": {"S": "1"}, "document": {"S": "x"}}, copy_of=one.digest)

    assert other.is_copy
    assert copy_rows(stored(one), stored(other), dry_run=False).same == 1


def test_a_copied_item_that_the_source_no_longer_has_is_deleted_and_a_once_record_never() -> None:
    table = MovedRows("table loans.copies", "old", "new", is_once=False)
    once = MovedRows("once-records", "old-once", "new-once", is_once=True)
    rows = {moved: (stored(), stored(row("a", "1", copied=True))) for moved in (table, once)}
    plan = MovePlan("loans", (), (), (table, once))

    deleted = {moved.what: counts.deleted for moved, counts in copy(plan, rows.__getitem__, dry_run=False)}

    assert deleted == {"table loans.copies": 1, "once-records": 0}
    assert contents(rows[once][1]) == {"a": "1"}
