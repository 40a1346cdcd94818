"""The unit of work: a handler's reads and its buffered writes, which commit in one transaction."""

from collections.abc import Mapping
from typing import Final

from contradance.errors import NotLinked, TooMuchWork
from contradance.runtime.ports import ABSENT, Item, Store, Write
from contradance.unit import ItemKey

MAX_WRITES: Final = 99
"""Most items that one unit of work may write: TransactWriteItems accepts 100, and one is the once-record."""
MAX_DOCUMENT_BYTES: Final = 390 * 1024
"""Largest document, in UTF-8 bytes: a DynamoDB item holds 400 KB, including its key and version."""
MAX_WORK_BYTES: Final = 3_500_000
"""Most bytes that one unit of work may write: TransactWriteItems accepts 4 MB, including the once-record."""

_MOST_KEPT: Final = 4_000_000
"""Most characters of documents that one unit of work keeps of its reads."""


class UnitOfWork:
    """One attempt's reads and buffered writes, for one function."""

    def __init__(self, function: str, uses: frozenset[object], store: Store, variables: Mapping[str, str]) -> None:
        self._function = function
        self._uses = uses
        self._store = store
        self._variables = variables
        self._seen: dict[tuple[str, ItemKey], str] = {}
        self._read: dict[tuple[str, ItemKey], str | None] = {}
        self._kept = 0
        self._written: dict[tuple[str, ItemKey], str | None] = {}

    def check_linked(self, wanted: str, links: frozenset[object]) -> None:
        """Raise `NotLinked` unless the function uses one of `links`."""
        if not links & self._uses:
            raise NotLinked(
                f"{self._function} uses {wanted}, which is not in its uses=[...].\n  Add it: uses=[{wanted}]."
            )

    def get(self, table: str, key: ItemKey) -> str | None:
        """Return an item's document, this unit's write before the committed one; None when missing or deleted.

        The commit expects what the first read found. Of what was read before, up to `_MOST_KEPT` characters are not read
        again.
        """
        if (table, key) in self._written:
            return self._written[table, key]
        if (table, key) not in self._read:
            item = self._store.get(table, key)
            self._remember(table, key, item)
            document = item.document if item else None
            self._kept += len(document or "")
            if self._kept > _MOST_KEPT:
                return document
            self._read[table, key] = document
        return self._read[table, key]

    def query(self, table: str, partition: str) -> list[str]:
        """Return the documents of one partition in key order, including this unit's writes."""
        own = {key: document for key, document in self._own_writes(table).items() if key[0] == partition}
        return [document for _, document in self._merge(table, self._store.query(table, partition), own)]

    def scan(self, table: str, limit: int, after: ItemKey | None) -> list[tuple[ItemKey, str]]:
        """Return up to `limit` items after `after`: stored ones with this unit's changes first, then its new ones."""
        own = self._own_writes(table)
        new = sorted(key for key, document in own.items() if document is not None and self._is_new(table, key))
        if after is None or after not in own or not self._is_new(table, after):
            found = self._scan_stored(table, limit, after, own)
        else:
            found, new = [], [key for key in new if key > after]
        return (found + [(key, str(own[key])) for key in new])[:limit]

    def _scan_stored(
        self, table: str, limit: int, after: ItemKey | None, own: Mapping[ItemKey, str | None]
    ) -> list[tuple[ItemKey, str]]:
        """Return up to `limit` stored items after `after` with this unit's changes `own`, without the deleted ones."""
        found: list[tuple[ItemKey, str]] = []
        while len(found) < limit:
            asked = limit - len(found)
            items = self._store.scan(table, asked, after)
            for item in items:
                self._remember(table, item.key, item)
                document = own.get(item.key, item.document)
                if document is not None:
                    found.append((item.key, document))
            if len(items) < asked:
                break
            after = items[-1].key
        return found

    def _is_new(self, table: str, key: ItemKey) -> bool:
        """Whether an item that this unit writes or deletes is not in the store."""
        if (table, key) not in self._seen:
            self._remember(table, key, self._store.get(table, key))
        return self._seen[table, key] == ABSENT

    def put(self, table: str, key: ItemKey, document: str | None) -> None:
        """Buffer a write, a deletion for None; raise `TooMuchWork` for too large an item and for too many items."""
        if document is not None and (size := len(document.encode())) > MAX_DOCUMENT_BYTES:
            raise TooMuchWork(
                f"{self._function} writes an item of {size} bytes to table {table}; the limit is {MAX_DOCUMENT_BYTES}.\n"
                "  Store the large part elsewhere and refer to it, or spread it over several items."
            )
        self._written[table, key] = document
        if len(self._written) > MAX_WRITES:
            raise TooMuchWork(
                f"{self._function} writes more than {MAX_WRITES} items in one delivery.\n"
                "  Publish an event per part, and let each delivery write its own."
            )

    def variable(self, name: str) -> str | None:
        """Return an environment variable; None when it is not set."""
        return self._variables.get(name)

    def writes(self) -> list[Write]:
        """Return the buffered writes, each with the version that was read; raise `TooMuchWork` for too many bytes."""
        size = sum(len(document.encode()) for document in self._written.values() if document)
        if size > MAX_WORK_BYTES:
            raise TooMuchWork(
                f"{self._function} writes {size} bytes in one delivery; the limit is {MAX_WORK_BYTES}.\n"
                "  Publish an event per part, and let each delivery write its own."
            )
        return [
            Write(table, key, document, self._seen.get((table, key)))
            for (table, key), document in self._written.items()
        ]

    def _remember(self, table: str, key: ItemKey, item: Item | None) -> None:
        """Remember the version of an item (None: absent) at its first read, which the commit checks."""
        self._seen.setdefault((table, key), item.version if item else ABSENT)

    def _own_writes(self, table: str) -> dict[ItemKey, str | None]:
        """Return this unit's writes to one table, by key; None is a deletion."""
        return {key: document for (name, key), document in self._written.items() if name == table}

    def _merge(self, table: str, items: list[Item], own: Mapping[ItemKey, str | None]) -> list[tuple[ItemKey, str]]:
        """Return (key, document) pairs in key order: stored items with this unit's writes, without deleted ones."""
        for item in items:
            self._remember(table, item.key, item)
        merged = {item.key: item.document for item in items} | dict(own)
        return sorted((key, document) for key, document in merged.items() if document is not None)
