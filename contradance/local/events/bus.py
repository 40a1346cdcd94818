"""The laptop's EventBridge buses: events are matched against the rules of their bus, and stored with their deliveries.

Beside the application's own bus there is one for each bus that its functions name, such as the account's default bus.

An event is on disk before it is acknowledged.
"""

import json
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from contradance.choreography import Choreography
from contradance.envelope import SealedEvent, derived_id
from contradance.local.events.accepted import Accepted, StoredEvent, stored_event
from contradance.local.events.entry import RefusedEntry, envelope
from contradance.local.events.pending_delivery import Dispatcher, NullDispatcher, PendingDelivery
from contradance.local.names import bus_arn, schedule_arn, scheduled_time
from contradance.local.state.database import Database
from contradance.local.state.schema import OWN_BUS
from contradance.pattern import RuleIndex
from contradance.runtime.ports import Clock


class Bus:
    """Accepts events and deliveries into the laptop's database."""

    def __init__(self, choreography: Choreography, database: Database, clock: Clock) -> None:
        self.name = choreography.name
        self._choreography = choreography
        self._database = database
        self._clock = clock
        self._rules = self._rules_of(None)
        self.dispatcher: Dispatcher = NullDispatcher()
        """Makes the deliveries; set by `Runner.start`. Until then deliveries stay on disk."""

    def only(self, functions: Collection[str]) -> None:
        """Match events against the rules of these functions alone, from now on."""
        self._rules = self._rules_of(functions)

    def _rules_of(self, functions: Collection[str] | None) -> dict[str, RuleIndex]:
        """Return each bus's rules by its name, `OWN_BUS` for the own; of `functions` alone, or of all for None."""
        return {
            bus or OWN_BUS: RuleIndex(
                {
                    one.function.name: one.subscription.pattern
                    for one in self._choreography.subscriptions
                    if one.subscription.bus == bus and (functions is None or one.function.name in functions)
                }
            )
            for bus in (None, *self._choreography.buses)
        }

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the buses, the application's own first."""
        return (self.name, *(bus for bus in self._rules if bus != OWN_BUS))

    def bus_named(self, name: str) -> str | None:
        """Return a bus as rows have it, `OWN_BUS` for the own, by its name or ARN; None for an unknown bus.

        A bus of another account or region is another bus.
        """
        found = next((bus for bus in self.names if name in (bus, bus_arn(bus))), None)
        return OWN_BUS if found == self.name else found

    def accept(self, sealed: Sequence[SealedEvent]) -> Accepted:
        """Match sealed events against the own bus's rules; return them for the transaction that commits them."""
        now = self._clock.now()
        return self._accepted([(OWN_BUS, envelope(event.entry(self.name), now)) for event in sealed], now)

    def put_events(self, *, Entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's name
        """Accept entries as EventBridge's PutEvents does: each succeeds or fails alone; results are in their order.

        An entry of a bus that the laptop does not have enters the own bus; the callers refuse such entries.
        """
        return self._put(Entries, refuse_aws=True)

    def put_any(self, Entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:  # noqa: N803 - as in `put_events`
        """Accept entries as `put_events` does, and also those with a source of AWS, with which only AWS may publish."""
        return self._put(Entries, refuse_aws=False)

    def _put(self, entries: Sequence[Mapping[str, Any]], *, refuse_aws: bool) -> dict[str, Any]:
        """Store and dispatch the valid entries; return PutEvents' response, with one result per entry in order."""
        now = self._clock.now()
        results: list[dict[str, str]] = []
        events: list[tuple[str, dict[str, Any]]] = []
        for entry in entries:
            try:
                event = envelope(entry, now, refuse_aws=refuse_aws)
            except RefusedEntry as refusal:
                results.append(dict(zip(("ErrorCode", "ErrorMessage"), refusal.args, strict=True)))
            else:
                events.append((self.bus_named(str(entry.get("EventBusName") or self.name)) or OWN_BUS, event))
                results.append({"EventId": event["id"]})
        if events:
            accepted = self._accepted(events, now)
            self._database.write(accepted.store)
            accepted.dispatch()
        return {"FailedEntryCount": len(entries) - len(events), "Entries": results}

    def enqueue_scheduled(self, function: str, expression: str, moment: datetime) -> bool:
        """Accept the run of a scheduled function for one moment; do nothing and return False if it was accepted before.

        The run's id is derived from schedule and moment, so a restarted process does not run the same moment again.
        """
        text = json.dumps({"schedule": schedule_arn(function), "scheduled_time": scheduled_time(moment)})
        at = moment.timestamp()
        run = PendingDelivery(_run_id(function, expression, moment), function, 1, at, at, None, text)
        accepted = Accepted([StoredEvent(run.id, at, None, text, [run])], moment, self.dispatcher, archived=False)

        def change(connection: sqlite3.Connection) -> bool:
            """Store the run; return False if there is one of this id."""
            if connection.execute("SELECT 1 FROM event WHERE event_id = ?", (run.id,)).fetchone():
                return False
            accepted.store(connection)
            return True

        is_new = self._database.write(change)
        if is_new:
            accepted.dispatch()
        return is_new

    def has_run(self, function: str, expression: str, moment: datetime) -> bool:
        """Whether the run of a scheduled function for this moment was accepted."""
        run = _run_id(function, expression, moment)
        return bool(self._database.read("SELECT 1 FROM event WHERE event_id = ?", (run,)))

    def forget_run(self, function: str, expression: str, moment: datetime) -> None:
        """Let a run for a moment to come be accepted anew: delete its event, unless pending, and its once-record."""
        deployed_name = self._choreography.functions[function].deployed_name
        run, once = _run_id(function, expression, moment), f"{schedule_arn(function)}@{scheduled_time(moment)}"

        def change(connection: sqlite3.Connection) -> None:
            """Delete the run's event, unless it is pending, and its once-record."""
            connection.execute(
                "DELETE FROM event WHERE event_id = ? AND id NOT IN (SELECT event FROM delivery WHERE id = ?)",
                (run, run),
            )
            connection.execute(
                "DELETE FROM once WHERE function = ? AND source = 'schedule' AND event_id = ?", (deployed_name, once)
            )

        self._database.write(change)

    def enqueue_direct(self, function: str, text: str, delay_seconds: float = 0) -> str:
        """Accept a delivery of `text` to one function without matching rules, due after the delay; return its id."""
        (identifier,) = self._enqueue(function, lambda _: [text], delay_seconds)
        return identifier

    def enqueue_from(self, function: str, take: Callable[[sqlite3.Connection], list[str]]) -> None:
        """Accept a delivery to one function of each text that `take` removes from another table, in one transaction."""
        self._enqueue(function, take, 0)

    def _enqueue(
        self, function: str, take: Callable[[sqlite3.Connection], list[str]], delay_seconds: float
    ) -> list[str]:
        """Accept a delivery to one function of each text that `take` returns, in its transaction; return the ids."""
        now = self._clock.now()

        def change(connection: sqlite3.Connection) -> Accepted:
            """Take the texts, store a delivery of each, and return what is stored."""
            taken = [self._direct(function, text, now.timestamp(), delay_seconds) for text in take(connection)]
            accepted = Accepted(taken, now, self.dispatcher, archived=False)
            accepted.store(connection)
            return accepted

        accepted = self._database.write(change)
        accepted.dispatch()
        return accepted.delivery_ids

    def accept_replayed(
        self, events: Sequence[Mapping[str, Any]], functions: Collection[str] | None, bus: str = OWN_BUS
    ) -> Accepted:
        """Match a bus's archived events against the rules of `functions` (None: all); return the matched, to store."""
        now = self._clock.now()
        rules = self._rules.get(bus) or RuleIndex({})
        matched = []
        for event in events:
            reached = [name for name in rules.matching(event) if functions is None or name in functions]
            if reached:
                ids = self._choreography.event_ids(event)
                matched.append(stored_event(event, ids, reached, now.timestamp(), bus))
        return Accepted(matched, now, self.dispatcher, archived=False)

    def _accepted(self, events: list[tuple[str, dict[str, Any]]], now: datetime) -> Accepted:
        """Match each (bus, event) against every rule of its bus; return the events ready to store."""
        sent = now.timestamp()
        return Accepted(
            [
                stored_event(event, self._choreography.event_ids(event), self._rules[bus].matching(event), sent, bus)
                for bus, event in events
            ],
            now,
            self.dispatcher,
        )

    def _direct(self, function: str, text: str, at: float, delay_seconds: float) -> StoredEvent:
        """Return a text ready to store as an event, with a delivery to one function that is due after the delay."""
        event_id, flow = self._ids_in(text)
        pending = PendingDelivery(str(uuid4()), function, 1, at, at + delay_seconds, flow, text)
        return StoredEvent(event_id or pending.id, at, flow, text, [pending])

    def _ids_in(self, text: str) -> tuple[str | None, str | None]:
        """Return (event id, correlation id) from an event's JSON; (None, None) for anything else."""
        try:
            event = json.loads(text)
        except (ValueError, RecursionError):
            event = None
        if not isinstance(event, dict) or "detail" not in event:
            return None, None
        event_id, flow = self._choreography.event_ids({"id": "", **event})
        return event_id or None, flow or None


def _run_id(function: str, expression: str, moment: datetime) -> str:
    """Return the id of one run of a scheduled function: always the same for the same arguments."""
    return derived_id(function, expression, scheduled_time(moment))
