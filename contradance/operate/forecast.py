"""What a replay would do: counted in the archive, where it can be read, else estimated from the journal."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from contradance.errors import ContractViolation
from contradance.operate.journal import JournalAccess, Wanted
from contradance.operate.replay import ReplayPlan
from contradance.runtime.consume import read_event
from contradance.runtime.journal_record import COMPLETED
from contradance.runtime.received import once_of, received


@dataclass(frozen=True, slots=True)
class Forecast:
    """How many events a replay would deliver to one subscriber."""

    matched: int
    """Events of the window that match its rule; from the journal, those of the contracts that it consumes."""
    done: int
    """Of these, those that the subscriber has completed: without `--again` they have no effect."""
    invalid: int | None
    """Of these, those that break their contract now; None where this is unknown."""
    basis: Literal["archive", "journal"]
    whole: bool = True
    """Whether everything in the window was counted."""


class ReadableArchive(Protocol):
    """An archive that can be read; EventBridge's cannot."""

    def events(self, bus: str | None, first: datetime, last: datetime) -> Iterator[Mapping[str, Any]]:
        """Yield the envelopes of a bus's events (None: the own bus) with a time from `first` until before `last`."""
        ...

    def has_completed(self, deployed_name: str, source: str, event_id: str) -> bool:
        """Whether a function has completed an event."""
        ...


def from_archive(planned: ReplayPlan, archive: ReadableArchive) -> Forecast:
    """Return the forecast of a replay, counted in the archive by the code's pattern, once-records and contracts."""
    function, subscription = planned.function, planned.subscription
    matched = done = invalid = 0
    for event in archive.events(subscription.bus, planned.first, planned.last):
        if subscription.pattern.matches({**event, "replay-name": planned.name}):
            matched += 1
            try:
                delivered = received(function.name, subscription, event)
                read_event(function, subscription, delivered)
                once = once_of(subscription, delivered, event)
            except ContractViolation:
                invalid += 1
            else:
                done += archive.has_completed(function.deployed_name, event["source"], once)
    return Forecast(matched, done, invalid, "archive")


def from_journal(planned: ReplayPlan, journal: JournalAccess) -> Forecast:
    """Return the forecast of a replay, counted in the journal, which has no rule and no validity: `invalid` is None."""
    name = planned.function.name
    found = journal.records(Wanted(planned.first, planned.last))
    consumed_contracts = {
        str(version.identity) for contract in planned.subscription.contracts for version in contract.lineage()
    }
    published = {
        event.event_id for record in found.records for event in record.published if event.contract in consumed_contracts
    }
    consumed = {record.event_id for record in found.records if record.function == name and record.event_id}
    own = journal.records(Wanted(planned.first, function=name))
    completed = {record.event_id for record in own.records if record.outcome in COMPLETED}
    matched = published | consumed
    return Forecast(len(matched), len(matched & completed), None, "journal", found.whole and own.whole)
