"""Names of attributes, keys and indexes in DynamoDB, shared by the runtime and the Pulumi program."""

from typing import Final

PARTITION: Final = "pk"
"""Hash key of every table; text."""
SORT: Final = "sk"
"""Range key of a table that has a sort key; text. Other tables have none."""
DOCUMENT: Final = "document"
"""JSON text of an item."""
VERSION: Final = "version"
"""Changes with every write of an item."""

COPY_OF: Final = "copy_of"
"""Digest of an item that `contradance move` copied, and the table it was copied from. A function's write replaces the item
or changes its digest."""

ONCE_SEPARATOR: Final = "|"
"""Separates function, source and event id in the key of a once-record. The key begins with the function's name, so that
`dynamodb:LeadingKeys` limits each function to its own records."""
EXPIRES: Final = "forget_at"
"""TTL attribute of the once table: seconds of the epoch."""
UNPUBLISHED: Final = "unpublished"
"""Sparse index of the once table: only records with unpublished events are in it."""
SHARD: Final = "shard"
"""Hash key of that index; text, `0` to `SHARDS - 1`. A record has it only while it is `done`, so the index is sparse."""
LEASE_EXPIRES: Final = "lease_expires"
"""Range key of that index; number. End of the record's lease, in seconds of the epoch."""
SHARDS: Final = 8
"""Number of hash keys of the index, so that writes spread over partitions."""
