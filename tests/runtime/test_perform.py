"""The unit of work around a handler: what it writes and publishes is committed once, then published."""

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from itertools import count, repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contradance import Contract, ContractViolation, Delivery, schedule, subscriber
from contradance.choreography import AnyFunction
from contradance.envelope import MAX_EVENT_BYTES, derived_id
from contradance.errors import Conflict, LeaseHeld, LeaseLost, PublishFailed, TooMuchWork
from contradance.function import Function
from contradance.local.clock import RealClock, VirtualClock
from contradance.local.state.database import Database
from contradance.runtime.once import Lease, OnceKey
from contradance.runtime.perform import MAX_SEALED_BYTES
from contradance.runtime.ports import Write
from tests.examples import examples
from tests.runtime.desk import TICKET, Job, RepairPlanned, RepairRefused, TicketOpened, jobs, opened
from tests.runtime.fakes import Outage, World, delivered, event_id_of, recorded

KIB = 1024


def planned(step: int = 0, **changes: object) -> RepairPlanned:
    return RepairPlanned.model_validate({"ticket_id": TICKET, "step": step, **changes})


class Counting:
    """A function that counts its runs in memory and in a table, and publishes what it was given."""

    def __init__(self, *events: Contract) -> None:
        self.runs = 0

        @subscriber(service="repairs", uses=[jobs.write])
        def plan_repair(event: TicketOpened) -> list[RepairPlanned | RepairRefused]:
            self.runs += 1
            job = jobs.get(event.ticket_id) or Job(ticket_id=event.ticket_id)
            jobs.put(job.model_copy(update={"attempts": job.attempts + 1}))
            return [event for event in events or (planned(),) if isinstance(event, RepairPlanned | RepairRefused)]

        self.function: AnyFunction = plan_repair


def stored(world: World) -> list[Job]:
    """Return every job that is committed."""
    return [Job.model_validate_json(item.document) for item in world.store.scan(jobs.name, 100, None)]


def change_meanwhile(world: World, number: int) -> None:
    """Change the job of the ticket, as another unit of work would."""
    document = Job(ticket_id=TICKET, attempts=number).model_dump_json()
    write = Write(jobs.name, (str(TICKET), ""), document, None)
    lease = Lease("meanwhile", world.clock.now())
    world.store.commit(OnceKey("meanwhile", "test", str(number)), lease, [write], (), None)


class TestDeathBetweenCommitAndPublish:
    def test_the_next_attempt_publishes_the_very_same_events_without_the_handler(self, world: World) -> None:
        counting = Counting(planned(1), planned(2))
        world.events.outage = True
        with pytest.raises(Outage):
            world.deliver(counting.function, recorded("eventbridge"))
        attempted = [entry["Detail"] for entry in world.events.calls[0]]

        world.events.outage = False
        world.clock.sleep(60)
        world.deliver(counting.function, recorded("eventbridge"))

        assert counting.runs == 1
        assert stored(world) == [Job(ticket_id=TICKET, attempts=1)]
        assert [entry["Detail"] for entry in world.events.accepted] == attempted
        assert world.outcomes == ["failed", "done"]
        assert [event.event_id for event in world.journal.records[1].published] == world.published_ids

    def test_another_delivery_of_the_event_publishes_what_is_left(self, world: World) -> None:
        counting = Counting()
        world.events.outage = True
        with pytest.raises(Outage):
            world.deliver(counting.function, recorded("eventbridge"), "request-1")

        world.events.outage = False
        world.deliver(counting.function, recorded("eventbridge"), "request-2")

        assert counting.runs == 1
        assert len(world.published) == 1

    def test_what_died_before_it_was_marked_is_published_again_under_the_same_ids(self, world: World) -> None:
        counting = Counting(planned(1), planned(2))
        world.store.dies_before_marking = True
        with pytest.raises(Outage):
            world.deliver(counting.function, recorded("eventbridge"))

        world.store.dies_before_marking = False
        world.deliver(counting.function, recorded("eventbridge"))
        world.deliver(counting.function, recorded("eventbridge"))

        first, second = world.published_ids[:2], world.published_ids[2:]
        assert counting.runs == 1
        assert first == second
        assert len({*first}) == 2
        assert world.outcomes == ["failed", "done", "duplicate"]

    def test_what_was_published_in_part_is_published_again_in_full(self, world: World) -> None:
        counting = Counting(planned(1), planned(2))
        world.events.outage = True
        with pytest.raises(Outage):
            world.deliver(counting.function, recorded("eventbridge"))
        ids = [event_id_of(entry) for entry in world.events.calls[0]]
        world.events.outage = False
        world.events.refuse(ids[1], "InternalFailure", "AccessDeniedException")

        with pytest.raises(Exception, match="1 of 2 events was not published"):
            world.deliver(counting.function, recorded("eventbridge"))
        world.deliver(counting.function, recorded("eventbridge"))

        assert counting.runs == 1
        assert world.published_ids == [ids[0], ids[0], ids[1]]
        assert world.outcomes == ["failed", "failed", "done"]


class TestPublishing:
    def test_what_an_event_inherits_is_copied_from_its_cause(self, world: World) -> None:
        world.deliver(Counting(planned(3)).function, recorded("eventbridge"))

        (event,) = world.published
        (entry,) = world.events.accepted
        cause = recorded("eventbridge")["detail"]["metadata"]
        event_id = event["metadata"].pop("event_id")
        assert UUID(event_id).version == 5
        assert event["metadata"] == {
            "version": 1,
            "occurred_at": "2026-01-01T00:00:00Z",
            "subject": str(TICKET),
            "correlation_id": cause["correlation_id"],
            "causation_id": cause["event_id"],
            "publisher": "repairs.plan_repair",
            "traceparent": cause["traceparent"],
        }
        assert event["data"] == {"ticket_id": str(TICKET), "step": 3, "note": ""}
        assert (entry["Source"], entry["DetailType"], entry["EventBusName"]) == (
            "desk.repairs",
            "RepairPlanned",
            "desk",
        )

    def test_a_generator_publishes_many_under_distinct_ids_that_never_change(self, world: World) -> None:
        @subscriber(service="repairs")
        def plan_repair(event: TicketOpened) -> Iterator[RepairPlanned | RepairRefused]:
            yield planned(1)
            yield RepairRefused(ticket_id=event.ticket_id)
            yield planned(1)

        world.events.outage = True
        for _ in range(2):
            with pytest.raises(Outage):
                world.deliver(plan_repair, recorded("eventbridge"))
        world.events.outage = False
        world.deliver(plan_repair, recorded("eventbridge"))

        attempts = [[event_id_of(entry) for entry in call] for call in world.events.calls]
        assert len({*attempts[0]}) == 3
        assert attempts[0] == attempts[1] == attempts[2]
        assert [entry["DetailType"] for entry in world.events.accepted] == [
            "RepairPlanned",
            "RepairRefused",
            "RepairPlanned",
        ]

    def test_ids_are_the_same_in_every_release(self, world: World) -> None:
        world.deliver(Counting(planned(1), planned(2)).function, recorded("eventbridge"))

        assert world.published_ids == ["53646363-a3cd-5164-8088-2ca19b1db24d", "29058258-afa3-5dc6-8483-88669dccbf3b"]

    def test_ids_differ_between_events_and_functions(self, world: World) -> None:
        @subscriber(service="repairs")
        def refuse_repair(event: TicketOpened) -> RepairRefused:
            return RepairRefused(ticket_id=event.ticket_id)

        counting = Counting()
        world.deliver(counting.function, delivered(opened(), "event-1"), "request-1")
        world.deliver(counting.function, delivered(opened(), "event-2"), "request-2")
        world.deliver(refuse_repair, delivered(opened(), "event-1"), "request-3")

        assert len({*world.published_ids}) == 3

    def test_a_generator_reads_and_writes_its_tables(self, world: World) -> None:
        @subscriber(service="repairs", uses=[jobs.write])
        def plan_repair(event: TicketOpened) -> Iterator[RepairPlanned]:
            jobs.put(Job(ticket_id=event.ticket_id))
            yield planned(1)
            jobs.put(Job(ticket_id=event.ticket_id, attempts=2))

        world.deliver(plan_repair, recorded("eventbridge"))

        assert stored(world) == [Job(ticket_id=TICKET, attempts=2)]
        assert len(world.published) == 1

    def test_a_generator_that_raises_publishes_and_writes_nothing(self, world: World) -> None:
        @subscriber(service="repairs", uses=[jobs.write])
        def plan_repair(event: TicketOpened) -> Iterator[RepairPlanned]:
            jobs.put(Job(ticket_id=event.ticket_id))
            yield planned(1)
            raise Outage("half-way")

        with pytest.raises(Outage):
            world.deliver(plan_repair, recorded("eventbridge"))

        assert stored(world) == []
        assert world.events.calls == []

    @pytest.mark.parametrize("returned", [None, [], ()], ids=repr)
    def test_nothing_is_published_where_nothing_is_returned(self, world: World, returned: object) -> None:
        function = _returning(returned)

        world.deliver(function, recorded("eventbridge"))

        assert world.events.calls == []
        assert world.outcomes == ["done"]


def _returning(returned: object) -> Function[[TicketOpened], object]:
    """Return a function that writes, then returns what its annotation may not name."""

    @subscriber(service="repairs", uses=[jobs.write])
    def plan_repair(event: TicketOpened) -> RepairPlanned | None:
        jobs.put(Job(ticket_id=event.ticket_id))
        return cast("RepairPlanned | None", returned)

    return plan_repair


class TestRefusals:
    @pytest.mark.parametrize(
        ("returned", "named"),
        [
            (RepairRefused(ticket_id=TICKET), "RepairRefused"),
            ([planned(), RepairRefused(ticket_id=TICKET)], "RepairRefused"),
            (opened(), "TicketOpened"),
            (Job(ticket_id=TICKET), "Job"),
            ({"ticket_id": "Jane Doe"}, "dict"),
            ([{"ticket_id": "Jane Doe"}], "dict"),
            (("Jane Doe",), "str"),
            ((one for one in ["Jane Doe"]), "str"),
            (b"Jane Doe", "bytes"),
            ("Jane Doe", "str"),
            (7, "int"),
        ],
        ids=["event", "list", "cause", "model", "dict", "dicts", "tuple", "generator", "bytes", "text", "number"],
    )
    def test_what_the_annotation_does_not_name_is_refused_and_nothing_is_committed(
        self, world: World, returned: object, named: str
    ) -> None:
        with pytest.raises(
            ContractViolation,
            match=rf"repairs\.plan_repair \(\S+\.py, line \d+\) returned {named}, but its annotation publishes RepairPlanned",
        ):
            world.deliver(_returning(returned), recorded("eventbridge"))

        assert stored(world) == []
        assert world.events.calls == []
        assert world.outcomes == ["failed"]
        assert "Jane" not in str(world.journal.records[0].error)

    @pytest.mark.parametrize(
        ("returned", "fix"),
        [
            (RepairRefused(ticket_id=TICKET), "Return what the annotation names, or annotate what is returned."),
            ({"ticket_id": "1"}, r"Build the event: return RepairPlanned\(\.\.\.\)\."),
        ],
        ids=["event", "dict"],
    )
    def test_the_fix_is_to_build_an_event_or_to_annotate_it(self, world: World, returned: object, fix: str) -> None:
        @subscriber(service="repairs")
        def look(event: TicketOpened) -> None:
            return cast("None", returned)

        with pytest.raises(ContractViolation, match=f"publishes RepairPlanned.\n  {fix}"):
            world.deliver(_returning(returned), delivered(opened(), "event-1"), "request-1")
        with pytest.raises(ContractViolation, match=r"publishes nothing\.\n  Return what the annotation"):
            world.deliver(look, delivered(opened(), "event-1"), "request-1")

    def test_an_event_built_around_its_validation_is_refused(self, world: World) -> None:
        broken = RepairPlanned.model_construct(ticket_id=TICKET, step=-1, note="Jane Doe")

        with pytest.raises(
            ContractViolation, match=r"data\.step: Input should be greater than or equal to 0"
        ) as refusal:
            world.deliver(_returning(broken), recorded("eventbridge"))

        assert "published by repairs.plan_repair" in str(refusal.value)
        assert "Jane" not in str(refusal.value)
        assert stored(world) == []

    def test_an_event_may_be_as_large_as_allowed_and_no_larger(self, world: World) -> None:
        world.deliver(_returning(planned()), delivered(opened(), "event-1"), "request-1")
        room = MAX_EVENT_BYTES - len(world.events.accepted[0]["Detail"].encode())

        world.deliver(_returning(planned(note="é" * (room // 2) + "x" * (room % 2))), delivered(opened(), "event-2"))
        with pytest.raises(TooMuchWork, match=f"is {MAX_EVENT_BYTES + 1} bytes; the limit is {MAX_EVENT_BYTES}"):
            world.deliver(_returning(planned(note="x" * (room + 1))), delivered(opened(), "event-3"), "request-3")

        assert MAX_EVENT_BYTES == 256 * KIB
        assert len(world.events.accepted[1]["Detail"].encode()) == 256 * KIB
        assert len(world.published) == 2

    def test_a_delivery_may_publish_as_much_as_one_record_holds_and_no_more(self, world: World) -> None:
        enough = [planned(note="x" * 170 * KIB)] * 2
        too_much = [planned(note="x" * 176 * KIB)] * 2

        world.deliver(Counting(*enough).function, delivered(opened(), "event-1"), "request-1")
        rest = len(world.events.accepted[0]["Detail"].encode()) - 170 * KIB
        size = 2 * (rest + 176 * KIB + 200)
        with pytest.raises(
            TooMuchWork,
            match=rf"repairs\.plan_repair publishes and answers {size} bytes at once; the limit is {MAX_SEALED_BYTES}",
        ):
            world.deliver(Counting(*too_much).function, delivered(opened(), "event-2"), "request-2")

        assert MAX_SEALED_BYTES == 350 * KIB
        assert len(world.published) == 2
        assert stored(world) == [Job(ticket_id=TICKET, attempts=1)]

    def test_an_iterator_without_an_end_is_refused_before_it_fills_the_memory(self, world: World) -> None:
        taken = count(1)

        with pytest.raises(TooMuchWork, match="publishes more than 1792 events at once"):
            world.deliver(_returning(planned(step=next(taken)) for _ in repeat(None)), recorded("eventbridge"))

        assert next(taken) == 1792 + 2
        assert stored(world) == []


class TestConflicts:
    @staticmethod
    def contended(world: World, times: int, seconds: float = 0) -> tuple[AnyFunction, list[int]]:
        """Return a function of so many seconds whose item is changed by another, `times` times, before it can commit."""
        seen: list[int] = []

        @subscriber(service="repairs", uses=[jobs.write])
        def plan_repair(event: TicketOpened) -> RepairPlanned:
            job = jobs.get(event.ticket_id) or Job(ticket_id=event.ticket_id)
            seen.append(job.attempts)
            world.clock.sleep(seconds)
            if len(seen) <= times:
                change_meanwhile(world, 100 * len(seen))
            jobs.put(job.model_copy(update={"attempts": job.attempts + 1}))
            return planned(job.attempts)

        return plan_repair, seen

    def test_a_conflict_runs_the_handler_again_from_fresh_reads(self, world: World) -> None:
        function, seen = self.contended(world, times=4)

        world.deliver(function, recorded("eventbridge"))

        assert seen == [0, 100, 200, 300, 400]
        assert stored(world) == [Job(ticket_id=TICKET, attempts=401)]
        assert [event["data"]["step"] for event in world.published] == [400]
        assert world.outcomes == ["done"]

    @examples(15)
    @given(times=st.integers(0, 120))
    def test_it_runs_again_until_it_commits_or_its_time_is_over(self, times: int) -> None:
        with TemporaryDirectory() as folder, closing(Database(Path(folder) / "state", synchronous="OFF")) as database:
            world = World(database)
            function, seen = self.contended(world, times)
            started = world.clock.now()

            with suppress(Conflict):
                world.deliver(function, recorded("eventbridge"), passing=True)

            committed = len(seen) == times + 1
            assert world.outcomes == ["done" if committed else "failed"]
            assert len(world.published) == committed
            assert stored(world)[0].attempts == 100 * min(times, len(seen)) + committed
        taken = (world.clock.now() - started).total_seconds()
        assert taken < 31, "its lease is over"
        assert committed or taken > 28, "there was time for another run"

    def test_a_run_is_not_begun_that_takes_longer_than_the_time_that_is_left(self, world: World) -> None:
        function, seen = self.contended(world, times=9, seconds=14)

        with pytest.raises(Conflict):
            world.deliver(function, recorded("eventbridge"), passing=True)

        assert seen == [0, 100]
        assert [(record.outcome, record.attempt) for record in world.journal.records] == [("failed", 1)]
        assert world.events.calls == []

    def test_pauses_grow_to_a_second(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        pauses: list[float] = []
        monkeypatch.setattr("random.uniform", lambda low, high: high - low)
        monkeypatch.setattr(world.clock, "sleep", pauses.append)
        function, _ = self.contended(world, times=7)

        world.deliver(function, recorded("eventbridge"))

        assert [pause for pause in pauses if pause] == [0.1, 0.2, 0.4, 0.8, 1, 1, 1]

    @pytest.mark.parametrize(("seconds", "runs"), [(14.6, 2), (14.8, 1)])
    def test_half_a_second_is_kept_to_report_the_last_conflict(
        self, world: World, monkeypatch: pytest.MonkeyPatch, seconds: float, runs: int
    ) -> None:
        monkeypatch.setattr("random.uniform", lambda low, high: high - low)
        function, seen = self.contended(world, times=9, seconds=seconds)

        with pytest.raises(Conflict):
            world.deliver(function, recorded("eventbridge"), passing=True)

        assert len(seen) == runs

    def test_half_a_second_is_kept_to_report_a_failed_publish(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("random.uniform", lambda low, high: high - low)
        world.events.refuse(
            derived_id("repairs.plan_repair", "desk.tickets", "event-2", 0), *["ThrottlingException"] * 9
        )

        with pytest.raises(PublishFailed):
            world.deliver(_returning(planned()), delivered(opened(), "event-2"), milliseconds=1000, passing=True)

        assert len(world.events.calls) == 3, "after pauses of 0.1 and 0.2 s the next of 0.4 s would end too late"

    def test_an_attempt_without_time_left_commits_nothing(self, world: World) -> None:
        counting = Counting()

        with pytest.raises(LeaseLost, match=r"repairs\.plan_repair took longer than it may run"):
            world.deliver(counting.function, recorded("eventbridge"), milliseconds=0)

        assert (counting.runs, stored(world), world.events.calls) == (1, [], [])
        assert world.outcomes == [], "a late attempt is recorded as a timeout"

    def test_with_a_time_scale_a_lease_lasts_as_long_as_the_handler_may_run(self, world: World) -> None:
        real = [0.0]
        world.environment = replace(
            world.environment, clock=RealClock(3600, wall=VirtualClock().now, monotonic=lambda: real[0])
        )
        runs: list[float] = []

        @subscriber(service="repairs", uses=[jobs.write])
        def plan_repair(event: TicketOpened) -> None:
            runs.append(real[0])
            if len(runs) == 1:
                real[0] += 29  # of the 30 seconds that it may run: more than a day by the clock
                with pytest.raises(LeaseHeld):
                    world.deliver(plan_repair, recorded("eventbridge"), "request-2")

        world.deliver(plan_repair, recorded("eventbridge"), "request-1")
        real[0] += 3
        world.deliver(plan_repair, recorded("eventbridge"), "request-3")

        assert runs == [0]
        assert world.outcomes == ["failed", "done", "duplicate"]

    def test_an_attempt_that_outlived_its_lease_commits_and_publishes_nothing(self, world: World) -> None:
        runs: list[str] = []

        @subscriber(service="repairs", uses=[jobs.write])
        def plan_repair(event: TicketOpened, delivery: Delivery) -> RepairPlanned:
            runs.append("begun")
            if len(runs) == 1:
                world.clock.sleep(31)
                world.deliver(plan_repair, recorded("eventbridge"), "request-2")
            jobs.put(Job(ticket_id=event.ticket_id, attempts=delivery.attempt))
            return planned(delivery.attempt)

        with pytest.raises(LeaseLost):
            world.deliver(plan_repair, recorded("eventbridge"), "request-1")

        assert stored(world) == [Job(ticket_id=TICKET, attempts=1)]
        assert [event["data"]["step"] for event in world.published] == [1]
        assert world.outcomes == ["done", "failed"]


class TestSchedules:
    def test_a_schedule_runs_once_per_moment(self, world: World) -> None:
        runs: list[Delivery] = []

        @schedule("rate(1 day)", service="repairs")
        def remind(delivery: Delivery) -> RepairPlanned:
            runs.append(delivery)
            return planned()

        moment = recorded("scheduler")
        tomorrow = {**moment, "scheduled_time": "2026-01-02T00:00:00Z"}
        for request, event in enumerate([moment, moment, tomorrow]):
            world.deliver(remind, event, f"request-{request}")

        first, second = (event["metadata"] for event in world.published)
        assert world.outcomes == ["done", "duplicate", "done"]
        assert [delivery.event_id for delivery in runs] == [
            f"{moment['schedule']}@2026-01-01T00:00:00Z",
            f"{moment['schedule']}@2026-01-02T00:00:00Z",
        ]
        assert first["causation_id"] == runs[0].event_id
        assert first["correlation_id"] == world.journal.records[0].correlation_id
        assert first["correlation_id"] != second["correlation_id"]
        assert world.journal.records[0].trigger == "rate(1 day)"
        assert world.journal.records[0].event_id is None

    def test_a_run_is_about_the_subject_of_its_first_event(self, world: World) -> None:
        @schedule("rate(1 day)", service="repairs")
        def remind() -> list[RepairPlanned]:
            return [planned(), RepairPlanned(ticket_id=UUID(int=7))]

        world.deliver(remind, recorded("scheduler"))

        (record,) = world.journal.records
        assert record.subject == str(TICKET)

    def test_a_schedule_that_raises_is_journaled_and_retried(self, world: World) -> None:
        runs: list[int] = []

        @schedule("rate(1 day)", service="repairs", uses=[jobs.write])
        def remind() -> RepairPlanned:
            runs.append(1)
            jobs.put(Job(ticket_id=TICKET, attempts=len(runs)))
            if len(runs) == 1:
                raise Outage("not now")
            return planned()

        with pytest.raises(Outage):
            world.deliver(remind, recorded("scheduler"))
        world.deliver(remind, recorded("scheduler"))

        assert [(record.outcome, record.attempt, record.retries_left) for record in world.journal.records] == [
            ("failed", 1, 2),
            ("done", 2, 1),
        ]
        assert stored(world) == [Job(ticket_id=TICKET, attempts=2)]
        assert len(world.published) == 1

    def test_a_schedule_that_died_before_publishing_publishes_the_same_event(self, world: World) -> None:
        @schedule("rate(1 day)", service="repairs")
        def remind() -> RepairPlanned:
            return planned()

        world.events.outage = True
        with pytest.raises(Outage):
            world.deliver(remind, recorded("scheduler"))
        world.events.outage = False
        world.deliver(remind, recorded("scheduler"))

        assert [event_id_of(entry) for call in world.events.calls for entry in call] == world.published_ids * 2
