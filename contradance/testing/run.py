"""Runs a whole choreography on a virtual clock, with assertions on what happened."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from pydantic import BaseModel

from contradance.contract import Contract
from contradance.envelope import seal_initial
from contradance.foreign import ForeignEvent
from contradance.function import Schedule
from contradance.local.laptop import Laptop
from contradance.local.printed import printing
from contradance.local.state.schema import OWN_BUS
from contradance.operate.flow import Flow, flows
from contradance.operate.foreign import foreign_entry, put_one
from contradance.operate.journal import LogLine, attempt_log_lines
from contradance.quantity import counted
from contradance.runtime.journal_record import COMPLETED, JournalRecord
from contradance.runtime.publish import publish
from contradance.table import Table
from contradance.testing.failures import failures_text
from contradance.testing.flow_text import flow_text
from contradance.testing.tables import Record, RunTable
from contradance.wire import as_text, read_tolerant, to_wire

Event = TypeVar("Event", bound=Contract)
PUBLISHER: Final = "contradance.testing"
"""The `publisher` in the metadata of events that a test publishes with `Run.publish`."""


class Answer(NamedTuple):
    """The response of a route."""

    status: int
    body: Any
    """The parsed JSON; None where the body is empty."""
    headers: Mapping[str, str]
    """By name, in lower case."""


class Run:
    """One run of a choreography: a test publishes or requests, calls `drain`, and asserts.

    Args:
        laptop: runs the choreography.
        records: the journal, to which the laptop appends.
        goldens: the folder of golden files of `assert_choreography`.
        update: whether `assert_choreography` rewrites them.
    """

    def __init__(self, laptop: Laptop, records: list[JournalRecord], goldens: Path, *, update: bool = False) -> None:
        self.laptop = laptop
        self.goldens = goldens
        self.update = update
        self._records = records
        self._expected: set[tuple[str, str | None]] = set()

    def only(self, *names: str) -> None:
        """Deliver from now on only to these functions and services, such as `reminders`; `AssertionError` if unknown.

        The other functions consume nothing, as if they were not deployed. Routes still answer.
        """
        __tracebackhide__ = True
        functions = self.laptop.choreography.functions
        chosen = {one.name for one in functions.values() if {one.name, one.service} & {*names}}
        unknown = {*names} - chosen - {functions[name].service for name in chosen}
        if unknown:
            known = ", ".join(functions)
            raise AssertionError(
                f"there is no function and no service {', '.join(sorted(unknown))}. Functions: {known}."
            )
        self.laptop.only(chosen)

    def table(self, table: Table[Record]) -> RunTable[Record]:
        """Return the run's rows of a declared table, to prepare before a delivery and to read after it."""
        return RunTable(self.laptop, table)

    @property
    def logs(self) -> list[LogLine]:
        """What the functions logged and printed so far, each line with its function, level, text and fields."""
        return [line for record in self._records for line in attempt_log_lines(record, "") if line.record is None]

    def request(
        self,
        method: str,
        target: str,
        body: BaseModel | Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one HTTP request, a model as its JSON, and return the answer; `drain` delivers the published events."""
        text = to_wire(body).decode() if isinstance(body, BaseModel) else "" if body is None else json.dumps(body)
        with printing():
            answer = self.laptop.request(method, target, text, headers)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status, json.loads(answer.body) if answer.body else None, headers)

    def publish(
        self,
        event: Contract | ForeignEvent,
        *,
        source: str | None = None,
        resources: Sequence[str] = (),
        time: datetime | None = None,
    ) -> str:
        """Publish an event as another service would, and return its id.

        An event of others is published on its own bus, in AWS's envelope and without ours, with the fields that are set.

        Args:
            event: the event.
            source: of an event of others whose class matches several sources; has no effect on another event.
            resources: ARNs in the envelope of an event of others.
            time: in the envelope of an event of others; the laptop's time unless given.
        """
        now = self.laptop.clock.now()
        if isinstance(event, ForeignEvent):
            entry = foreign_entry(
                self.laptop.choreography,
                type(event),
                to_wire(event, exclude_unset=True).decode(),
                source=source,
                resources=resources,
                time=time,
            )
            return put_one(self.laptop.bus.put_any, entry)
        sealed = seal_initial(event, publisher=PUBLISHER, occurred_at=now)
        publish(sealed, self.laptop.bus, self.laptop.bus.name, self.laptop.clock, seconds_left=1)
        return sealed[-1].event_id

    def run_schedule(self, function: str) -> str:
        """Run a scheduled function, such as `loans.sum_up_day`, at the next `drain`; return its flow's id, or fail.

        Its `delivery.time` is the time of the clock. Without this it runs at its own times: see `advance`.
        """
        __tracebackhide__ = True
        try:
            return self.laptop.run_schedule(function)
        except KeyError as error:
            known = ", ".join(
                name for name, one in self.laptop.choreography.functions.items() if isinstance(one.trigger, Schedule)
            )
            raise AssertionError(
                f"there is no scheduled function {function}. Scheduled functions: {known or 'none'}."
            ) from error

    def drain(self) -> None:
        """Make deliveries until none is pending, moving the clock to the time of each retry."""
        with printing():
            self.laptop.drain()

    def advance(self, duration: timedelta) -> None:
        """Move the clock forward by `duration`, and make the deliveries and scheduled runs that become due."""
        with printing():
            self.laptop.advance(duration)

    def flows(self) -> list[Flow]:
        """Return the flows in the journal; unconsumed events, and successful requests without events, have none."""
        return flows(self._records)

    def published(self, contract: type[Event]) -> list[Event]:
        """Return the events of `contract` that functions published, in the order in which the bus accepted them."""
        return [read_tolerant(contract, as_text(data)) for data in self._published_data(contract)]

    def assert_published(self, contract: type[Event], *, times: int | None = None, **fields: object) -> Event:
        """Return the first event of `contract` that a function published with these field values; or fail.

        Args:
            contract: the event.
            times: expected number of such events; default: at least one.
            fields: values of its fields, by name.
        """
        __tracebackhide__ = True
        found = self.published(contract)
        fitting = [event for event in found if all(getattr(event, name) == value for name, value in fields.items())]
        if not fitting or times not in (None, len(fitting)):
            wanted = f"{contract.__name__}{f' with {sorted(fields)} as given' if fields else ''}"
            was = f"was published {counted(len(fitting), 'time')}" if fitting else "was never published"
            raise AssertionError(f"{wanted} {was}{'' if times is None else f', not {times}'}.{self._describe_flows()}")
        return fitting[0]

    def assert_not_published(self, contract: type[Contract]) -> None:
        """Fail if a function published an event of `contract`."""
        __tracebackhide__ = True
        if self._published_data(contract):
            raise AssertionError(f"{contract.__name__} was published.{self._describe_flows()}")

    def assert_delivered(
        self, contract: type[Contract | ForeignEvent], *, to: str, attempts: int | None = None
    ) -> None:
        """Fail unless `to` consumed an event of `contract`; with `attempts`, the first of them in that attempt."""
        __tracebackhide__ = True
        done = [one for one in self._records_of(contract, to) if one.outcome in COMPLETED]
        if not done or attempts not in (None, done[0].attempt):
            outcome = f"was delivered to {to} in attempt {done[0].attempt}" if done else f"was not delivered to {to}"
            raise AssertionError(f"{contract.__name__} {outcome}.{self._describe_flows()}")

    def assert_not_delivered(self, contract: type[Contract | ForeignEvent], *, to: str) -> None:
        """Fail if an event of `contract` was delivered to the function `to`, whatever the outcome."""
        __tracebackhide__ = True
        found = self._records_of(contract, to)
        if found:
            raise AssertionError(
                f"{contract.__name__} was delivered to {to}: {found[-1].outcome}.{self._describe_flows()}"
            )

    def assert_dead_lettered(
        self, contract: type[Contract | ForeignEvent], *, to: str, reason: str = ""
    ) -> JournalRecord:
        """Return the first dead letter of `contract` at `to` with `reason` in its error, and check off all; or fail."""
        __tracebackhide__ = True
        dead = [one for one in self._records_of(contract, to) if one.dead and reason in (one.error or "")]
        if not dead:
            raise AssertionError(f"{contract.__name__} is not a dead letter of {to}.{self._describe_flows()}")
        self._expected |= {(one.function, one.event_id) for one in dead}
        return dead[0]

    def dead_letters(self) -> list[JournalRecord]:
        """Return the last attempt at every dead letter, which all count as checked by the test from then on."""
        dead = [one for one in self._records if one.dead]
        self._expected |= {(one.function, one.event_id) for one in dead}
        return dead

    def surprises(self) -> list[JournalRecord]:
        """Return the last attempt at each dead letter that the test did not check."""
        return [one for one in self._records if one.dead and (one.function, one.event_id) not in self._expected]

    def assert_no_surprise(self) -> None:
        """Fail if there is a dead letter that the test did not check; the plugin checks the same after a test."""
        __tracebackhide__ = True
        if surprises := self.surprises():
            raise AssertionError(self.surprise_text(surprises))

    def surprise_text(self, surprises: Sequence[JournalRecord]) -> str:
        """Return the message of a failure for these dead letters: why they failed, all flows, what to do."""
        became = (
            "1 event became a dead letter" if len(surprises) == 1 else f"{len(surprises)} events became dead letters"
        )
        return (
            f"{became}, which the test does not expect.\n\n{failures_text(surprises)}\n"
            f"\nWhat happened:\n\n{flow_text(self.flows())}\n"
            "If that is right: run.assert_dead_lettered(TheEvent, to='service.function')."
        )

    def failures(self) -> str:
        """Return the failed deliveries and requests that the test did not check, with tracebacks; empty without one."""
        failed = [one for one in self._records if (one.function, one.event_id) not in self._expected]
        return failures_text(failed)

    def _records_of(self, contract: type[Contract | ForeignEvent], function: str) -> list[JournalRecord]:
        """Return a function's journal records of consuming one contract's version; fail for an unknown function."""
        __tracebackhide__ = True
        if function not in self.laptop.choreography.functions:
            known = ", ".join(self.laptop.choreography.functions)
            raise AssertionError(f"there is no function {function!r}. Functions: {known}.")
        return [one for one in self._records if (one.function, one.trigger) == (function, str(contract.identity))]

    def _published_data(self, contract: type[Contract]) -> list[Any]:
        """Return the data of the events of `contract` that functions published, in the bus's order."""
        self.laptop.deliveries.flush()
        rows = self.laptop.database.read(
            "SELECT envelope FROM event WHERE archived = 1 AND bus = ? ORDER BY id", (OWN_BUS,)
        )
        found = []
        for (text,) in rows:
            event = json.loads(text)
            metadata = event["detail"].get("metadata")
            if not isinstance(metadata, dict) or "publisher" not in metadata:
                continue  # an event of others
            identity = (event["source"], event["detail-type"], metadata["version"])
            if identity == contract.identity and metadata["publisher"] != PUBLISHER:
                found.append(event["detail"]["data"])
        return found

    def _describe_flows(self) -> str:
        """Return the text of all flows and unchecked failures so far, or a hint to call `drain`, to end a message."""
        happened = flow_text(self.flows())
        if not happened:
            return "\nNothing happened yet: drain() delivers."
        failures = self.failures()
        return f"\nWhat happened:\n\n{happened}" + (f"\n{failures}\n" if failures else "")
