"""Consuming one delivered event, through the entry point that Lambda invokes."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, field_validator

from contradance import Contract, Delivery, Retry, subscriber
from contradance.choreography import AnyFunction
from contradance.errors import LeaseHeld
from tests.runtime.desk import (
    TICKET,
    Job,
    RepairPlanned,
    TicketClosed,
    TicketOpened,
    TicketOpenedV1,
    TicketOpenedV2,
    jobs,
    opened,
)
from tests.runtime.fakes import Outage, World, delivered, queued, recorded

HOUR = timedelta(hours=1)


@subscriber(service="repairs", uses=[jobs.write])
def plan_repair(event: TicketOpened) -> RepairPlanned:
    job = jobs.get(event.ticket_id) or Job(ticket_id=event.ticket_id)
    jobs.put(job.model_copy(update={"attempts": job.attempts + 1}))
    return RepairPlanned(ticket_id=event.ticket_id)


@subscriber(service="repairs", delivery="queue", retry=Retry(times=4, max_age=HOUR), uses=[jobs.write])
def plan_queued(event: TicketOpened) -> RepairPlanned:
    if event.channel == "broken":
        raise Outage("the workshop does not answer")
    jobs.put(Job(ticket_id=event.ticket_id))
    return RepairPlanned(ticket_id=event.ticket_id)


def reading(*, delivery: bool = False) -> tuple[AnyFunction, list[Contract]]:
    """Return a function that writes down what it was given, and its list."""
    given: list[Contract] = []

    @subscriber(service="repairs", delivery="queue" if delivery else "direct")
    def read_ticket(event: TicketOpened | TicketClosed) -> None:
        given.append(event)

    return read_ticket, given


def batch_of(*batches: dict[str, Any]) -> dict[str, Any]:
    """Return one batch of what each of these holds, as message-0, message-1 ..."""
    records = [record for batch in batches for record in batch["Records"]]
    return {"Records": [{**record, "messageId": f"message-{number}"} for number, record in enumerate(records)]}


def changed(**data: object) -> dict[str, Any]:
    """Return the recorded event with some of its data changed."""
    event = recorded("eventbridge")
    event["detail"]["data"] |= data
    return event


class TestRecordedEvents:
    def test_an_event_is_read_handled_and_journaled(self, world: World) -> None:
        answer = world.deliver(plan_repair, recorded("eventbridge"))

        (record,) = world.journal.records
        metadata = recorded("eventbridge")["detail"]["metadata"]
        assert answer is None
        assert record.function == "repairs.plan_repair"
        assert record.trigger == "desk.tickets/TicketOpened v3"
        assert record.event_id == metadata["event_id"]
        assert record.subject == str(TICKET)
        assert record.correlation_id == metadata["correlation_id"]
        assert record.causation_id == metadata["causation_id"]
        assert (record.outcome, record.attempt, record.retries_left) == ("done", 1, 2)
        assert [event.event_id for event in record.published] == world.published_ids
        assert [event.contract for event in record.published] == ["desk.repairs/RepairPlanned v1"]
        assert record.started_at == world.clock.now()

    def test_a_batch_that_a_queue_delivers_is_read(self, world: World) -> None:
        answer = world.deliver(plan_queued, recorded("sqs_batch"))

        assert answer == {"batchItemFailures": []}
        assert world.outcomes == ["done"]
        assert len(world.published) == 1

    def test_what_lambda_writes_about_a_failure_holds_the_event_as_it_was_delivered(self, world: World) -> None:
        world.deliver(plan_repair, recorded("lambda_on_failure")["requestPayload"])

        assert world.outcomes == ["done"]


class TestInvalid:
    @pytest.mark.parametrize("queue", [False, True], ids=["direct", "queue"])
    def test_an_event_that_breaks_its_contract_is_dead_lettered_without_a_retry(
        self, world: World, *, queue: bool
    ) -> None:
        function, given = reading(delivery=queue)
        event = changed(items=[{"name": "kettle", "count": 0}])

        answer = world.deliver(function, queued(event, received=3) if queue else event)

        (letter,), (record,) = world.dead_letters.sent, world.journal.records
        assert answer == ({"batchItemFailures": []} if queue else None)
        assert given == []
        assert letter.function == "repairs.read_ticket"
        assert json.loads(letter.body) == event
        assert letter.attributes["REASON"] == "invalid"
        assert letter.attributes["ERROR_MESSAGE"] == record.error
        assert (record.outcome, record.dead, record.attempt) == ("invalid", True, 3 if queue else 1)
        assert record.event_id == event["detail"]["metadata"]["event_id"]
        assert record.subject == str(TICKET)

    def test_the_reason_names_event_field_parties_and_fix(self, world: World) -> None:
        world.deliver(reading()[0], changed(items=[{"name": "kettle", "count": 0}]))

        (letter,) = world.dead_letters.sent
        assert letter.attributes["ERROR_MESSAGE"].splitlines() == [
            "event 0b6f2f1e-93cf-5f0a-8a5e-3b1d6f3a7c10 breaks desk.tickets/TicketOpened v3",
            "  data.items.0.count: Input should be greater than 0",
            "  published by tickets.open_ticket, consumed by repairs.read_ticket; contract in tests/runtime/desk.py",
            "  Fix the publisher, or publish the new shape as version 4.",
        ]

    @pytest.mark.parametrize(
        "data",
        [
            {"owner": "Jane Doe " * 10},
            {"owner": ["Jane Doe"]},
            {"owner": {"Jane Doe": "Jane Doe"}},
            {"owner": None, "Jane Doe": "Jane Doe"},
            {"ticket_id": "Jane Doe"},
            {"items": "Jane Doe"},
            {"items": [{"name": 1, "count": "Jane Doe", "Jane Doe": 1}]},
        ],
        ids=["long", "list", "object", "null", "id", "items", "deep"],
    )
    def test_no_value_reaches_a_message_or_the_journal(self, world: World, data: dict[str, object]) -> None:
        world.deliver(reading()[0], changed(**data))

        (letter,), (record,) = world.dead_letters.sent, world.journal.records
        assert "Jane" not in json.dumps(letter.attributes)
        assert "Jane" not in record.model_dump_json()

    @pytest.mark.parametrize(
        "detail",
        [
            None,
            "Jane Doe",
            [],
            {},
            {"data": {"owner": "Jane Doe"}},
            {"metadata": None, "data": {}},
            {"metadata": {"event_id": "event-1"}, "data": {}},
            {"metadata": recorded("eventbridge")["detail"]["metadata"]},
            {"metadata": {**recorded("eventbridge")["detail"]["metadata"], "occurred_at": "Jane Doe"}, "data": {}},
        ],
        ids=[
            "null",
            "text",
            "list",
            "empty",
            "no metadata",
            "null metadata",
            "little metadata",
            "no data",
            "no moment",
        ],
    )
    def test_an_event_of_another_kind_of_publisher_is_invalid(self, world: World, detail: object) -> None:
        function, given = reading()

        world.deliver(function, {**recorded("eventbridge"), "detail": detail})

        (letter,), (record,) = world.dead_letters.sent, world.journal.records
        assert given == []
        assert record.outcome == "invalid"
        assert record.event_id == record.correlation_id == recorded("eventbridge")["id"]
        assert "is not in contradance's envelope" in letter.attributes["ERROR_MESSAGE"]
        assert "consumed by repairs.read_ticket" in letter.attributes["ERROR_MESSAGE"]
        assert "Jane" not in letter.attributes["ERROR_MESSAGE"]

    @pytest.mark.parametrize(
        "change",
        [{"source": "desk.billing"}, {"detail-type": "TicketLost"}],
        ids=["source", "detail-type"],
    )
    def test_an_event_that_the_function_does_not_consume_is_invalid(self, world: World, change: dict[str, str]) -> None:
        function, given = reading()

        world.deliver(function, {**recorded("eventbridge"), **change})

        (record,) = world.journal.records
        assert given == []
        assert record.outcome == "invalid"
        assert "repairs.read_ticket consumes desk.tickets/TicketOpened v3, desk.tickets/TicketClosed v1" in str(
            record.error
        )

    def test_a_version_from_the_future_is_invalid(self, world: World) -> None:
        function, given = reading()
        event = recorded("eventbridge")
        event["detail"]["metadata"]["version"] = 4

        world.deliver(function, event)

        assert given == []
        assert world.outcomes == ["invalid"]

    @pytest.mark.parametrize("body", ["", "not JSON", '"Jane Doe"', "[]", "null", "[" * 100_000])
    def test_a_message_that_is_no_event_is_invalid_and_loses_nothing(self, world: World, body: str) -> None:
        function, given = reading(delivery=True)

        answer = world.deliver(function, queued(body))

        (letter,) = world.dead_letters.sent
        assert answer == {"batchItemFailures": []}
        assert given == []
        assert world.outcomes == ["invalid"]
        assert json.loads(letter.body) == {"id": "message-0", "detail": body}

    def test_an_event_whose_validator_raises_is_invalid_and_names_the_contract(self, world: World) -> None:
        given: list[Contract] = []
        shelves: dict[str, int] = {}

        class TicketMoved(Contract, source="desk.tickets", subject="ticket_id"):
            ticket_id: UUID
            shelf: str = ""

            @field_validator("shelf")
            @classmethod
            def known(cls, shelf: str) -> str:
                return str(shelves[shelf])

        @subscriber(service="repairs")
        def find_ticket(event: TicketMoved) -> None:
            given.append(event)

        event = {**changed(ticket_id=str(TICKET), shelf="Jane"), "detail-type": "TicketMoved"}
        event["detail"]["metadata"]["version"] = 1
        world.deliver(find_ticket, event)

        (letter,) = world.dead_letters.sent
        assert (given, world.outcomes) == ([], ["invalid"])
        reason = letter.attributes["ERROR_MESSAGE"]
        assert "is desk.tickets/TicketMoved v1" in reason
        assert "repairs.find_ticket cannot read it: KeyError" in reason
        assert "Have the validator raise ValueError; contract in tests/runtime/test_consume.py" in reason

    def test_an_event_is_retried_when_its_dead_letter_cannot_be_written(self, world: World) -> None:
        world.dead_letters.outage = True

        with pytest.raises(Outage):
            world.deliver(reading()[0], changed(owner=None))

        assert world.journal.records == []


class TestTolerance:
    def test_unknown_fields_are_ignored_at_every_depth(self, world: World) -> None:
        function, given = reading()
        event = changed(colour="red", items=[{"name": "kettle", "count": 1, "colour": {"deep": ["red"]}}])
        event["detail"]["metadata"]["colour"] = "red"
        event["detail"]["colour"] = event["colour"] = "red"

        world.deliver(function, event)

        assert given == [opened()]

    def test_metadata_may_lack_what_is_optional(self, world: World) -> None:
        function, given = reading()
        event = recorded("eventbridge")
        del event["detail"]["metadata"]["traceparent"], event["detail"]["metadata"]["causation_id"]

        world.deliver(function, event)

        assert given == [opened()]


class TestVersions:
    def test_an_old_event_is_upcast_through_the_chain(self, world: World) -> None:
        function, given = reading()

        world.deliver(function, delivered(TicketOpenedV1(ticket_id=TICKET, owner="Jane Doe")))

        assert given == [opened(channel="desk", items=[])]
        assert world.journal.records[0].trigger == "desk.tickets/TicketOpened v1"

    def test_a_middle_version_is_upcast_from_where_it_is(self, world: World) -> None:
        function, given = reading()

        world.deliver(function, delivered(TicketOpenedV2(ticket_id=TICKET, owner="Jane Doe", channel="mail")))

        assert given == [opened(channel="mail", items=[])]

    def test_an_old_event_may_hold_unknown_fields_too(self, world: World) -> None:
        function, given = reading()
        event = delivered(TicketOpenedV1(ticket_id=TICKET, owner="Jane Doe"))
        event["detail"]["data"]["colour"] = "red"

        world.deliver(function, event)

        assert given == [opened(channel="desk", items=[])]

    def test_both_renderings_of_one_event_are_handled_once(self, world: World) -> None:
        old = TicketOpenedV1(ticket_id=TICKET, owner="Jane Doe")

        world.deliver(plan_repair, delivered(opened(), event_id="event-1"), "request-1")
        world.deliver(plan_repair, delivered(old, event_id="event-1"), "request-2")

        assert world.outcomes == ["done", "duplicate"]
        assert len(world.published) == 1

    def test_an_event_that_its_upcast_refuses_is_invalid(self, world: World) -> None:
        function, given = reading()

        world.deliver(function, delivered(TicketOpenedV1(ticket_id=TICKET, owner="Jane Doe " * 10)))

        (letter,), (record,) = world.dead_letters.sent, world.journal.records
        assert given == []
        assert record.outcome == "invalid"
        assert "cannot read it as desk.tickets/TicketOpened v3" in str(record.error)
        assert "owner: String should have at most 40 characters" in str(record.error)
        assert "Jane" not in json.dumps(letter.attributes)

    @pytest.mark.parametrize("returned", [{"ticket_id": TICKET}, None, TicketOpenedV1(ticket_id=TICKET, owner="Jane")])
    def test_an_upcast_that_returns_no_event_of_its_class_is_invalid(
        self, world: World, monkeypatch: pytest.MonkeyPatch, returned: object
    ) -> None:
        function, given = reading()
        monkeypatch.setattr(TicketOpenedV2, "upcast", classmethod(lambda _, __: returned))

        world.deliver(function, delivered(TicketOpenedV1(ticket_id=TICKET, owner="Jane")))

        (record,) = world.journal.records
        assert (given, record.outcome) == ([], "invalid")
        assert f"its upcast returned {type(returned).__name__}, not TicketOpenedV2" in str(record.error).replace(
            "returned None", "returned NoneType"
        )

    def test_what_an_upcast_raises_has_the_authors_traceback(self, world: World) -> None:
        class Reopened(Contract, source="desk.tickets", subject="ticket_id"):
            ticket_id: UUID

        class ReopenedV2(
            Contract,
            source="desk.tickets",
            detail_type="Reopened",
            version=2,
            upcasts=Reopened,
            subject="ticket_id",
        ):
            ticket_id: UUID

            @classmethod
            def upcast(cls, old: Reopened) -> "ReopenedV2":
                raise LookupError("no such owner")

        @subscriber(service="repairs")
        def read(event: ReopenedV2) -> None: ...

        world.deliver(read, delivered(Reopened(ticket_id=TICKET)))

        (record,) = world.journal.records
        assert record.outcome == "invalid"
        assert 'raise LookupError("no such owner")' in str(record.traceback)
        assert "LookupError: no such owner (tests/runtime/test_consume.py:" in str(record.error)


class TestDuplicates:
    def test_a_duplicate_of_what_is_done_does_nothing(self, world: World) -> None:
        world.deliver(plan_repair, recorded("eventbridge"), "request-1")

        world.deliver(plan_repair, recorded("eventbridge"), "request-2")

        assert world.outcomes == ["done", "duplicate"]
        assert len(world.published) == 1
        assert _attempts(world) == 1

    def test_the_same_event_under_another_eventbridge_id_is_a_duplicate(self, world: World) -> None:
        world.deliver(plan_repair, recorded("eventbridge"), "request-1")

        world.deliver(plan_repair, {**recorded("eventbridge"), "id": "another"}, "request-2")

        assert world.outcomes == ["done", "duplicate"]

    def test_each_function_handles_an_event_for_itself(self, world: World) -> None:
        function, given = reading()
        world.deliver(plan_repair, recorded("eventbridge"), "request-1")

        world.deliver(function, recorded("eventbridge"), "request-2")

        assert given == [opened()]
        assert world.outcomes == ["done", "done"]

    def test_a_duplicate_beside_a_running_attempt_is_retried_and_journaled(self, world: World) -> None:
        failing = Flaky(times=1)
        with pytest.raises(Outage):
            world.deliver(failing.function, recorded("eventbridge"), "request-1")

        with pytest.raises(LeaseHeld):
            world.deliver(failing.function, recorded("eventbridge"), "request-2")

        assert world.outcomes == ["failed", "failed"]
        assert "already handling" in str(world.journal.records[1].error)
        assert len(failing.deliveries) == 1

    def test_a_lease_ends_a_second_after_the_timeout_of_its_function(self, world: World) -> None:
        failing = Flaky(times=1)
        with pytest.raises(Outage):
            world.deliver(failing.function, recorded("eventbridge"), "request-1")

        world.clock.sleep(30.5)
        with pytest.raises(LeaseHeld):
            world.deliver(failing.function, recorded("eventbridge"), "request-2")
        world.clock.sleep(0.5)
        world.deliver(failing.function, recorded("eventbridge"), "request-2")

        assert world.outcomes == ["failed", "failed", "done"]


class Flaky:
    """A function that raises so many times, then succeeds."""

    def __init__(self, times: int, error: Callable[[], Exception] = lambda: Outage("no answer")) -> None:
        self.deliveries: list[Delivery] = []

        @subscriber(service="repairs", uses=[jobs.write])
        def try_repair(event: TicketOpened, delivery: Delivery) -> RepairPlanned:
            self.deliveries.append(delivery)
            jobs.put(Job(ticket_id=event.ticket_id, attempts=len(self.deliveries)))
            if len(self.deliveries) <= times:
                raise error()
            return RepairPlanned(ticket_id=event.ticket_id)

        self.function = try_repair


class TestFailure:
    def test_a_handler_that_raises_leaves_nothing_written_and_is_raised_again(self, world: World) -> None:
        with pytest.raises(Outage, match="no answer"):
            world.deliver(Flaky(times=1).function, recorded("eventbridge"))

        (record,) = world.journal.records
        assert world.store.scan(jobs.name, 10, None) == []
        assert world.events.calls == []
        assert world.dead_letters.sent == []
        assert (record.outcome, record.attempt, record.retries_left, record.dead) == ("failed", 1, 2, False)
        assert str(record.error).startswith("Outage: no answer (tests/runtime/test_consume.py:")

    def test_attempts_are_counted_down_to_the_dead_letter(self, world: World) -> None:
        failing = Flaky(times=3)

        for _ in range(3):
            with pytest.raises(Outage):
                world.deliver(failing.function, recorded("eventbridge"))

        records = world.journal.records
        assert [(record.attempt, record.retries_left, record.dead) for record in records] == [
            (1, 2, False),
            (2, 1, False),
            (3, 0, True),
        ]

    def test_attempts_that_fail_to_publish_are_counted_too(self, world: World) -> None:
        world.events.outage = True

        for _ in range(3):
            with pytest.raises(Outage):
                world.deliver(plan_repair, recorded("eventbridge"))

        assert [record.retries_left for record in world.journal.records] == [2, 1, 0]
        assert world.journal.records[-1].dead

    def test_the_handler_is_told_the_attempt_and_one_key_for_all_of_them(self, world: World) -> None:
        failing = Flaky(times=2)

        for _ in range(2):
            with pytest.raises(Outage):
                world.deliver(failing.function, recorded("eventbridge"))
        world.deliver(failing.function, recorded("eventbridge"))

        metadata = recorded("eventbridge")["detail"]["metadata"]
        assert [delivery.attempt for delivery in failing.deliveries] == [1, 2, 3]
        assert len({delivery.idempotency_key for delivery in failing.deliveries}) == 1
        assert {delivery.event_id for delivery in failing.deliveries} == {metadata["event_id"]}
        assert {delivery.correlation_id for delivery in failing.deliveries} == {metadata["correlation_id"]}
        assert {delivery.is_replay for delivery in failing.deliveries} == {False}
        assert [event["data"]["ticket_id"] for event in world.published] == [str(TICKET)]

    def test_the_idempotency_key_differs_between_events_and_functions(self, world: World) -> None:
        first, second = Flaky(times=0), Flaky(times=0)

        @subscriber(service="repairs")
        def look(event: TicketOpened, delivery: Delivery) -> None:
            second.deliveries.append(delivery)

        world.deliver(first.function, delivered(opened(), event_id="event-1"), "request-1")
        world.deliver(first.function, delivered(opened(), event_id="event-2"), "request-2")
        world.deliver(look, delivered(opened(), event_id="event-1"), "request-3")

        assert len({delivery.idempotency_key for delivery in (*first.deliveries, *second.deliveries)}) == 3

    def test_a_validation_error_of_the_handler_is_journaled_without_its_value(self, world: World) -> None:
        class Address(BaseModel):
            street: int

        @subscriber(service="repairs")
        def look_up(event: TicketOpened) -> None:
            Address.model_validate({"street": event.owner})

        with pytest.raises(ValueError, match="street"):
            world.deliver(look_up, recorded("eventbridge"))

        (record,) = world.journal.records
        assert "street: Input should be a valid integer" in str(record.error)
        assert "Jane" not in record.model_dump_json()


class TestReplay:
    def test_a_replay_of_what_is_done_does_nothing(self, world: World) -> None:
        world.deliver(plan_repair, recorded("eventbridge"), "request-1")

        world.deliver(plan_repair, recorded("eventbridge_replayed"), "request-2")

        assert world.outcomes == ["done", "duplicate"]
        assert len(world.published) == 1

    def test_a_replay_of_what_was_never_done_is_handled(self, world: World) -> None:
        flaky = Flaky(times=0)

        world.deliver(flaky.function, recorded("eventbridge_replayed"))

        (event,) = world.published
        assert world.outcomes == ["done"]
        assert [delivery.is_replay for delivery in flaky.deliveries] == [True]
        assert "replay_of" not in event["metadata"]

    def test_a_replay_that_is_asked_to_run_again_publishes_new_events(self, world: World) -> None:
        flaky = Flaky(times=0)
        world.deliver(flaky.function, delivered(opened(), "event-1"), "request-1")

        world.deliver(flaky.function, delivered(opened(), "event-1", replay_name="again.1"), "request-2")

        first, second = (event["metadata"] for event in world.published)
        assert world.outcomes == ["done", "done"]
        assert first["event_id"] != second["event_id"]
        assert "replay_of" not in first
        assert second["replay_of"] == second["causation_id"] == "event-1"
        assert second["correlation_id"] == first["correlation_id"]
        assert [delivery.is_replay for delivery in flaky.deliveries] == [False, True]
        assert len({delivery.idempotency_key for delivery in flaky.deliveries}) == 2

    def test_each_such_replay_runs_once(self, world: World) -> None:
        for request, name in enumerate(["again.1", "again.1", "again.2"]):
            world.deliver(plan_repair, delivered(opened(), "event-1", replay_name=name), f"request-{request}")

        assert world.outcomes == ["done", "duplicate", "done"]
        assert len({*world.published_ids}) == 2


class TestQueue:
    def test_exactly_the_messages_that_failed_are_named(self, world: World) -> None:
        batch = queued(
            delivered(opened(), "event-0"),
            delivered(opened(channel="broken"), "event-1"),
            delivered(opened(), "event-2"),
            changed(owner=None),
            delivered(opened(channel="broken"), "event-4"),
            delivered(opened(), "event-0"),
        )

        answer = world.deliver(plan_queued, batch)

        assert answer == {"batchItemFailures": [{"itemIdentifier": "message-1"}, {"itemIdentifier": "message-4"}]}
        assert world.outcomes == ["done", "failed", "done", "invalid", "failed", "duplicate"]
        assert [event["metadata"]["causation_id"] for event in world.published] == ["event-0", "event-2"]

    def test_each_message_of_a_batch_has_its_own_outcome_attempt_age_and_lease(self, world: World) -> None:
        late = HOUR + timedelta(seconds=1)
        batch = batch_of(
            queued(delivered(opened(), "event-0"), received=2),
            queued(delivered(opened(channel="broken"), "event-1"), received=5),
            queued(delivered(opened(), "event-2"), received=3, age=late),
            queued(changed(owner=None), received=4),
            queued("no event", received=3),
            queued(delivered(opened(channel="broken"), "event-1"), received=1),
            queued(delivered(opened(), "event-0"), received=4, age=HOUR),
            queued(delivered(opened(), "event-7"), received=1),
        )

        answer = world.deliver(plan_queued, batch)

        records, letters = world.journal.records, world.dead_letters.sent
        assert answer == {"batchItemFailures": [{"itemIdentifier": "message-1"}, {"itemIdentifier": "message-5"}]}
        assert [(record.outcome, record.attempt, record.dead) for record in records] == [
            ("done", 1, False),
            ("failed", 1, False),
            ("expired", 3, True),
            ("invalid", 4, True),
            ("invalid", 3, True),
            ("failed", 0, False),  # another message's attempt: this one made none
            ("duplicate", 1, False),
            ("done", 1, False),
        ]
        assert [record.event_id for record in records if record.outcome != "invalid"] == [
            f"event-{number}" for number in (0, 1, 2, 1, 0, 7)
        ]
        assert [str(record.error).partition(":")[0] for record in records if record.outcome == "failed"] == [
            "Outage",
            "LeaseHeld",
        ]
        assert [letter.attributes["REASON"] for letter in letters] == ["expired", "invalid", "invalid"]
        assert [event["metadata"]["causation_id"] for event in world.published] == ["event-0", "event-7"]

    def test_attempts_are_counted_and_not_receives(self, world: World) -> None:
        for received in (1, 3, 4, 8, 9):
            world.deliver(plan_queued, queued(delivered(opened(channel="broken")), received=received))

        records = world.journal.records
        assert [(record.outcome, record.attempt, record.retries_left, record.dead) for record in records] == [
            ("failed", 1, 4, False),
            ("failed", 2, 3, False),
            ("failed", 3, 2, False),
            ("failed", 4, 1, False),
            ("failed", 5, 0, True),
        ]

    def test_the_last_failed_attempt_dead_letters_the_event_with_its_error(self, world: World) -> None:
        event = delivered(opened(channel="broken"))

        answers = [world.deliver(plan_queued, queued(event)) for _ in range(5)]

        (letter,) = world.dead_letters.sent
        repeated = {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
        assert answers == [repeated] * 4 + [{"batchItemFailures": []}]
        assert json.loads(letter.body) == event
        assert letter.attributes == {
            "REASON": "failed",
            "ERROR_MESSAGE": world.journal.records[-1].error,
            "ATTEMPTS": "5",
        }

    def test_a_redriven_event_has_all_its_attempts_again(self, world: World) -> None:
        event = delivered(opened(channel="broken"))
        for _ in range(5):
            world.deliver(plan_queued, queued(event))

        redriven = batch_of(queued("unused"), queued(event))  # another message: message-1
        world.deliver(plan_queued, {"Records": redriven["Records"][1:]})

        assert [(record.outcome, record.attempt) for record in world.journal.records[5:]] == [("failed", 1)]

    def test_a_dead_letter_that_cannot_be_written_is_written_by_the_next_receive(self, world: World) -> None:
        flaky = Flaky(times=9)
        function = subscriber(service="repairs", delivery="queue", retry=Retry(times=0), uses=[jobs.write])(
            flaky.function.handler
        )
        world.dead_letters.outage = True
        failed = world.deliver(function, queued(delivered(opened())))

        world.dead_letters.outage = False
        answer = world.deliver(function, queued(delivered(opened()), received=2))

        (letter,) = world.dead_letters.sent
        assert failed == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
        assert answer == {"batchItemFailures": []}
        assert letter.attributes["REASON"] == "failed"
        assert len(flaky.deliveries) == 1

    def test_the_handler_is_told_its_attempt_and_not_the_queues_count(self, world: World) -> None:
        flaky = Flaky(times=0)
        function = subscriber(service="repairs", delivery="queue", uses=[jobs.write])(flaky.function.handler)

        world.deliver(function, queued(delivered(opened()), received=3))

        assert [delivery.attempt for delivery in flaky.deliveries] == [1]

    def test_a_message_is_taken_over_by_its_next_delivery_at_once(self, world: World) -> None:
        flaky = Flaky(times=1)
        function = subscriber(service="repairs", delivery="queue", uses=[jobs.write])(flaky.function.handler)

        first = world.deliver(function, queued(delivered(opened())), "request-1")
        second = world.deliver(function, queued(delivered(opened()), received=2), "request-2")

        assert first == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
        assert second == {"batchItemFailures": []}
        assert world.outcomes == ["failed", "done"]

    def test_what_waited_too_long_is_dead_lettered_and_keeps_its_place_in_the_trace(self, world: World) -> None:
        event = recorded("eventbridge")

        answer = world.deliver(plan_queued, queued(event, received=4, age=HOUR + timedelta(seconds=1)))

        (letter,), (record,) = world.dead_letters.sent, world.journal.records
        assert answer == {"batchItemFailures": []}
        assert world.published == []
        assert json.loads(letter.body) == event
        assert letter.attributes["REASON"] == "expired"
        assert letter.attributes["ERROR_MESSAGE"] == record.error
        assert "repairs.plan_queued allows: 4 retries within 1 hour" in str(record.error)
        assert (record.outcome, record.dead, record.attempt) == ("expired", True, 4)
        assert record.event_id == event["detail"]["metadata"]["event_id"]
        assert record.correlation_id == event["detail"]["metadata"]["correlation_id"]
        assert record.subject == str(TICKET)

    def test_what_waited_as_long_as_allowed_is_handled(self, world: World) -> None:
        world.deliver(plan_queued, queued(recorded("eventbridge"), age=HOUR))

        assert world.outcomes == ["done"]


def _attempts(world: World) -> int:
    (item,) = world.store.scan(jobs.name, 10, None)
    return Job.model_validate_json(item.document).attempts
