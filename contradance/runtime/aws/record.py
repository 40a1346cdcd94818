"""Converts once-records to and from DynamoDB items.

A write costs a unit for each KB of the item, twice in a transaction. So sealed events are compressed, and the ids of
published ones are written when the events are removed.
"""

import json
import zlib
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from contradance.envelope import SealedEvent
from contradance.identity import Identity
from contradance.runtime.aws import layout
from contradance.runtime.journal_record import PublishedEvent
from contradance.runtime.once import OnceKey, OnceRecord, OnceState, StoredResponse

AttributeValue = dict[str, Any]
"""A typed value in DynamoDB's JSON: `{"S": "text"}`, `{"B": "base64"}`."""
DynamoItem = Mapping[str, AttributeValue]
"""An item in DynamoDB's JSON."""

STATE: Final = "state"
HOLDER: Final = "holder"
ATTEMPT: Final = "attempt"
ASKED: Final = "asked"
"""Unique per change of the lease: a repeated call whose response was lost recognises its own change by it."""
SEALED: Final = "sealed"
PUBLISHED: Final = "published"
ANSWER: Final = "answer"


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A once-record as it is stored in DynamoDB."""

    state: OnceState
    holder: str
    lease_expires: float
    """In seconds of the epoch."""
    attempt: int
    asked: str
    attributes: DynamoItem

    def once(self, attempt: int) -> OnceRecord:
        """Return the runtime's form of the record, with `attempt` as its number."""
        sealed, published = self.attributes.get(SEALED), self.attributes.get(PUBLISHED)
        return OnceRecord(
            self.state,
            attempt,
            _read_sealed_events(sealed) if sealed and self.state == "done" else (),
            _read_published(published["S"]) if published and self.state == "published" else (),
            _read_answer(self.attributes.get(ANSWER)),
        )


def once_pk(key: OnceKey) -> str:
    """Return the hash key of a once-record: function, source and event id."""
    return layout.ONCE_SEPARATOR.join(key)


def once_key(pk: str) -> OnceKey:
    """Return the once-key that a hash key holds; of its parts only the event id may contain the separator."""
    return OnceKey(*pk.split(layout.ONCE_SEPARATOR, 2))


def shard_of(pk: str) -> str:
    """Return a record's hash key in the index of unpublished records, a shard's number, by its key in the table."""
    return str(sum(pk.encode()) % layout.SHARDS)


def moment(when: datetime) -> AttributeValue:
    """Return a time as a DynamoDB number: seconds of the epoch, to the microsecond."""
    return {"N": f"{when.timestamp():.6f}"}


def read_record(item: DynamoItem) -> StoredRecord:
    """Return the once-record that a DynamoDB item holds."""
    return StoredRecord(
        state=cast("OnceState", item[STATE]["S"]),
        holder=item[HOLDER]["S"],
        lease_expires=float(item[layout.LEASE_EXPIRES]["N"]),
        attempt=int(item[ATTEMPT]["N"]),
        asked=item[ASKED]["S"],
        attributes=item,
    )


def commit_attributes(
    pk: str, sealed: Sequence[SealedEvent], answer: StoredResponse | None
) -> dict[str, AttributeValue]:
    """Return the attributes that a commit adds to a once-record: sealed events and shard, and answer, if any."""
    added: dict[str, AttributeValue] = {}
    if sealed:
        listed = [(*event.identity[:2], event.detail) for event in sealed]
        packed = zlib.compress(json.dumps(listed, separators=(",", ":"), ensure_ascii=False).encode())
        added[SEALED] = {"B": b2a_base64(packed, newline=False).decode()}
        added[layout.SHARD] = {"S": shard_of(pk)}
    if answer:
        texts = {"body": {"S": answer.body}, "fingerprint": {"S": answer.fingerprint}}
        added[ANSWER] = {"M": {"status": {"N": str(answer.status)}, **texts}}
    return added


def published_attribute(sealed: Sequence[SealedEvent]) -> dict[str, AttributeValue]:
    """Return the attribute of a `published` once-record, by name: (event id, contract) of each event, as JSON."""
    ids = [[event.event_id, str(event.identity)] for event in sealed]
    return {PUBLISHED: {"S": json.dumps(ids, separators=(",", ":"))}}


def _read_sealed_events(attribute: AttributeValue) -> tuple[SealedEvent, ...]:
    """Return the sealed events of a record that is `done`: compressed, or as a list, as earlier versions wrote them."""
    if "L" in attribute:
        return tuple(_read_sealed(*(part["S"] for part in event["L"])) for event in attribute["L"])
    return tuple(_read_sealed(*texts) for texts in json.loads(zlib.decompress(a2b_base64(attribute["B"]))))


def _read_sealed(source: str, detail_type: str, detail: str) -> SealedEvent:
    """Return a sealed event from its stored texts; version and ids come from the metadata in its detail."""
    metadata = json.loads(detail)["metadata"]
    identity = Identity(source, detail_type, metadata["version"])
    return SealedEvent(metadata["event_id"], identity, metadata["subject"], metadata["correlation_id"], detail)


def _read_published(text: str) -> tuple[PublishedEvent, ...]:
    """Return the published events in a JSON list of (event id, contract)."""
    return tuple(PublishedEvent(event_id=event_id, contract=contract) for event_id, contract in json.loads(text))


def _read_answer(value: AttributeValue | None) -> StoredResponse | None:
    """Return the response that an attribute holds; None for None."""
    if value is None:
        return None
    kept = value["M"]
    return StoredResponse(int(kept["status"]["N"]), kept["body"]["S"], kept["fingerprint"]["S"])
