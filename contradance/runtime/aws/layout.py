"""How tables and once-records lie in DynamoDB: the Pulumi program creates what the runtime reads and writes."""

from typing import Final

PARTITION: Final = "pk"
"""Hash key of every table; text."""
SORT: Final = "sk"
"""Range key of a table that has a sort key; text. Other tables have none."""
DOCUMENT: Final = "document"
"""JSON text of an item."""
VERSION: Final = "version"
"""What every write of an item changes."""

ONCE_SEPARATOR: Final = "|"
"""Between a once-record's function, source and event id. The key begins with the function's name and this, so that
`dynamodb:LeadingKeys` holds each function to its own records."""
EXPIRES: Final = "forget_at"
"""TTL attribute of the once table: seconds of the epoch."""
UNPUBLISHED: Final = "unpublished"
"""Index of the once table that holds the records whose events are yet to be published, and no others."""
SHARD: Final = "shard"
"""Hash key of that index; text, `0` to `SHARDS - 1`. A record has it only while it is `done`."""
LEASE_EXPIRES: Final = "lease_expires"
"""Range key of that index: when the record's holder is taken to be gone, in seconds of the epoch; a number."""
SHARDS: Final = 8
"""Parts of the index, so that no one partition takes every write."""
