"""Copies rows from one store to another, so that it can be stopped, repeated, and never loses a newer row.

A copy carries the digest of what was copied, and the name of its source. As long as both still match, only a copy from that
source has written the row, and the next run may update or delete it. Any other row in the target was written by a function
there, or copied from a third table: it is kept.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Any, Final, Literal, NamedTuple, Protocol

from contradance.errors import OperateError

RowState = Literal["item", "completed", "unpublished", "running", "open", "expired"]
"""An item of a table, or the state of a once-record: only items and `completed` once-records are copied."""
COPIED: Final[frozenset[RowState]] = frozenset(("item", "completed"))
_TOGETHER: Final = 100
"""Most rows of one step of a copy: most keys of BatchGetItem and most items of TransactWriteItems. DynamoDB API reference."""
_ROUNDS: Final = 10
"""Most times that a row is read again, because it changed before it could be written."""
_DIGEST_CHARACTERS: Final = 32


class RowKey(NamedTuple):
    """The key of a row."""

    partition: str
    sort: str = ""
    """Empty in a table without a sort key."""


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One row of a store."""

    key: RowKey
    content: Mapping[str, Any]
    """Every attribute, except the mark of a copy."""
    state: RowState = "item"
    copy_of: str | None = None
    """The mark of a copy: the digest of the row as it was copied."""

    @property
    def digest(self) -> str:
        """The digest of the content: equal for equal content."""
        text = json.dumps(self.content, sort_keys=True, default=repr)
        return sha256(text.encode()).hexdigest()[:_DIGEST_CHARACTERS]

    @property
    def is_copy(self) -> bool:
        """Whether the row has the mark of a copy, and no other write since."""
        return self.copy_of == self.digest


class RowChange(NamedTuple):
    """One row to write in the target."""

    key: RowKey
    row: StoredRow | None
    """The row in the source; None deletes."""
    expected: StoredRow | None
    """The row that the target must still have; None: it must have none."""


class Rows(Protocol):
    """The rows of one table in one stack."""

    def pages(self) -> Iterator[Sequence[StoredRow]]:
        """Yield every row, page by page."""
        ...

    def find(self, keys: Sequence[RowKey]) -> Mapping[RowKey, StoredRow]:
        """Return the rows with up to 100 keys, by key; keys without a row are left out."""
        ...

    def write(self, changes: Sequence[RowChange]) -> frozenset[RowKey]:
        """Apply up to 100 changes, each only if the table has what it expects; return the keys of those not applied."""
        ...


@dataclass(slots=True)
class Counts:
    """What a copy found and did, in rows."""

    source: int = 0
    """Rows in the source that are to be in the target."""
    same: int = 0
    """Of these, those that the target had already."""
    copied: int = 0
    """Of these, new ones and changed ones that were copied; in a dry run, those to copy."""
    kept: int = 0
    """Of these, those that differ in the target, because a function there has written them: they stay."""
    deleted: int = 0
    """Copies in the target whose row the source no longer has; in a dry run, those to delete."""
    unpublished: int = 0
    """Once-records that are committed, but whose events are not published."""
    running: int = 0
    """Once-records with a lease: an attempt runs."""

    @property
    def is_settled(self) -> bool:
        """Whether, in a dry run, the target has what the source has, and nothing is on its way in the source."""
        return not (self.copied or self.deleted or self.kept or self.unpublished or self.running)


def copy_rows(
    source: Rows, target: Rows, *, dry_run: bool, delete: bool = True, counts: Counts | None = None
) -> Counts:
    """Copy items and completed once-records, and delete outdated copies; rows that functions of the target wrote stay.

    Args:
        source: has the rows.
        target: gets them.
        dry_run: write nothing, and count what would be written.
        delete: delete copies whose row the source no longer has.
        counts: gets the counts while they grow, for a copy that an error ends.

    Raises:
        OperateError: a row changes again and again while it is copied.
    """
    counts = Counts() if counts is None else counts
    for page in source.pages():
        for rows in _chunks(page):
            counts.unpublished += sum(row.state == "unpublished" for row in rows)
            counts.running += sum(row.state == "running" for row in rows)
            _copy_chunk([row for row in rows if row.state in COPIED], target, counts, dry_run=dry_run)
    if delete:
        for page in target.pages():
            for rows in _chunks([row for row in page if row.is_copy]):
                _delete_chunk(rows, source, target, counts, dry_run=dry_run)
    return counts


def _copy_chunk(rows: Sequence[StoredRow], target: Rows, counts: Counts, *, dry_run: bool) -> None:
    """Copy up to 100 rows, and add to `counts`; try refused ones again, and raise `OperateError` after ten rounds."""
    counts.source += len(rows)
    for _ in range(_ROUNDS):
        there = target.find([row.key for row in rows]) if rows else {}
        changes = [change for row in rows if (change := _change(row, there.get(row.key))) is not None]
        same = sum(row.key in there and there[row.key].digest == row.digest for row in rows)
        counts.same += same
        counts.kept += len(rows) - same - len(changes)
        refused = target.write(changes) if changes and not dry_run else frozenset()
        counts.copied += len(changes) - len(refused)
        if not refused:
            return
        rows = [row for row in rows if row.key in refused]
    raise OperateError(f"{len(rows)} rows changed again and again while they were copied.\n  Run it again.")


def _change(row: StoredRow, there: StoredRow | None) -> RowChange | None:
    """Return the change that copies a row; None when `there` is equal, or was written by a function of the target."""
    if there is None:
        return RowChange(row.key, row, None)
    if there.digest == row.digest or not there.is_copy:
        return None
    return RowChange(row.key, row, there)


def _delete_chunk(rows: Sequence[StoredRow], source: Rows, target: Rows, counts: Counts, *, dry_run: bool) -> None:
    """Delete those of these copies that the source no longer has, unless they changed; add their number to `counts`."""
    left = source.find([row.key for row in rows]) if rows else {}
    changes = [RowChange(row.key, None, row) for row in rows if row.key not in left]
    refused = target.write(changes) if changes and not dry_run else frozenset()
    counts.deleted += len(changes) - len(refused)


def _chunks(rows: Sequence[StoredRow]) -> Iterator[list[StoredRow]]:
    """Yield the rows in lists of up to 100."""
    remaining = iter(rows)
    while chunk := [*islice(remaining, _TOGETHER)]:
        yield chunk
