"""A once-record in DynamoDB: whatever is sealed is read back, and fits into an item."""

import json
from binascii import a2b_base64
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.units import item_bytes
from contradance.envelope import SealedEvent
from contradance.identity import Identity
from contradance.runtime.aws.record import commit_attributes, read_record
from contradance.runtime.perform import MAX_SEALED_BYTES
from tests.examples import examples

IN_PROGRESS = {
    "state": {"S": "done"},
    "holder": {"S": "request-1"},
    "lease_expires": {"N": "1"},
    "attempt": {"N": "1"},
    "asked": {"S": "token"},
}
ITEM_BYTES = 400 * 1024
"""Largest item. DynamoDB's constraints."""


def sealed(event_id: str, data: object) -> SealedEvent:
    """Return a sealed event with any data."""
    identity = Identity("desk.repairs", "RepairPlanned", 1)
    metadata = {"event_id": event_id, "version": 1, "subject": "ticket-1", "correlation_id": "chain-1"}
    detail = json.dumps({"metadata": metadata, "data": data}, ensure_ascii=False, separators=(",", ":"))
    return SealedEvent(event_id, identity, "ticket-1", "chain-1", detail)


@examples(30)
@given(notes=st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=3))
def test_what_is_sealed_is_read_back(notes: list[str]) -> None:
    events = tuple(sealed(f"event-{number}", note) for number, note in enumerate(notes))

    record = read_record({**IN_PROGRESS, **commit_attributes("pk", events, None)})

    assert record.once(1).sealed == events


@pytest.mark.parametrize(
    "characters",
    ["".join(map(chr, range(32, 127))), '"\\', "\x00\x01\x02", "".join(map(chr, range(0x1F300, 0x1F6FF)))],
    ids=["ascii", "quotes", "controls", "astral"],
)
def test_what_may_be_sealed_fits_into_an_item_however_little_it_is_compressed(characters: str) -> None:
    random = Random(1)
    bytes_each = (len(json.dumps(characters, ensure_ascii=False).encode()) - 2) / len(characters)
    text = "".join(random.choices(characters, k=int(MAX_SEALED_BYTES * 0.99 / bytes_each)))
    event = sealed("event-1", text)

    packed = a2b_base64(commit_attributes("pk", (event,), None)["sealed"]["B"])

    assert 0.95 < len(event.detail.encode()) / MAX_SEALED_BYTES <= 1
    assert item_bytes({"sealed": {"B": packed}}) < ITEM_BYTES * 0.95


def test_events_that_an_earlier_version_sealed_are_read() -> None:
    event = sealed("event-1", "a note")
    source, detail_type, _ = event.identity
    parts = {"L": [{"S": source}, {"S": detail_type}, {"S": event.detail}]}

    record = read_record({**IN_PROGRESS, **commit_attributes("pk", (event,), None), "sealed": {"L": [parts]}})

    assert record.once(1).sealed == (event,)
