import json
from collections.abc import Sequence
from contextlib import suppress

import pytest

from contradance.bounds import MAX_PROBLEMS
from contradance.envelope import SealedEvent
from contradance.errors import PublishFailed
from contradance.identity import Identity
from contradance.local.clock import VirtualClock
from contradance.runtime.publish import MAX_CALL_BYTES, MAX_ENTRIES, RETRYABLE, publish
from tests.runtime.fakes import FakeEvents, Outage, event_id_of

PLANNED = Identity("desk.repairs", "RepairPlanned", 1)


def sealed(number: int, *, size: int = 0) -> SealedEvent:
    """Return an event whose detail takes `size` UTF-8 bytes, where that is enough for its metadata."""
    event_id = f"event-{number:03}"
    detail = json.dumps({"metadata": {"event_id": event_id}, "data": ""}, ensure_ascii=False)
    room = max(size - len(detail.encode()), 0)
    return SealedEvent(
        event_id, PLANNED, "ticket-1", "chain-1", detail.replace('""', f'"{"é" * (room // 2)}{"x" * (room % 2)}"')
    )


def many(count: int) -> list[SealedEvent]:
    return [sealed(number) for number in range(count)]


def attempts_of(events: FakeEvents) -> list[list[str]]:
    """Return the ids of the events in each call."""
    return [[event_id_of(entry) for entry in call] for call in events.calls]


def ids(sealed_events: Sequence[SealedEvent]) -> list[str]:
    return [event.event_id for event in sealed_events]


@pytest.fixture
def events() -> FakeEvents:
    return FakeEvents()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


class TestChunks:
    @pytest.mark.parametrize(
        ("count", "calls"), [(0, []), (1, [1]), (10, [10]), (11, [10, 1]), (25, [10, 10, 5])], ids=str
    )
    def test_a_call_holds_ten_entries(
        self, events: FakeEvents, clock: VirtualClock, count: int, calls: list[int]
    ) -> None:
        publish(many(count), events, "desk", clock, 30)

        assert MAX_ENTRIES == 10
        assert [len(call) for call in events.calls] == calls
        assert [event_id_of(entry) for entry in events.accepted] == ids(many(count))

    def test_a_call_holds_less_than_a_megabyte_of_utf8(self, events: FakeEvents, clock: VirtualClock) -> None:
        overhead = len("desk.repairs") + len("RepairPlanned")
        exactly = [sealed(number, size=MAX_CALL_BYTES // 4 - overhead) for number in range(8)]
        one_byte_more = [*exactly[:3], sealed(3, size=MAX_CALL_BYTES // 4 - overhead + 1)]

        publish(exactly, events, "desk", clock, 30)
        publish(one_byte_more, events, "desk", clock, 30)

        assert MAX_CALL_BYTES == 1_000_000
        assert [len(call) for call in events.calls] == [4, 4, 3, 1]

    def test_an_entry_says_what_eventbridge_routes_by(self, events: FakeEvents, clock: VirtualClock) -> None:
        publish([sealed(1)], events, "arn:aws:events:eu-central-1:123456789012:event-bus/desk", clock, 30)

        assert events.accepted == [
            {
                "Source": "desk.repairs",
                "DetailType": "RepairPlanned",
                "Detail": sealed(1).detail,
                "EventBusName": "arn:aws:events:eu-central-1:123456789012:event-bus/desk",
            }
        ]


class TestRefusedEntries:
    @pytest.mark.parametrize("code", sorted(RETRYABLE))
    def test_what_failed_for_a_passing_reason_is_sent_again_alone(
        self, events: FakeEvents, clock: VirtualClock, code: str
    ) -> None:
        events.refuse("event-001", code, code)
        events.refuse("event-002", code)

        publish(many(4), events, "desk", clock, 30)

        assert attempts_of(events) == [
            ["event-000", "event-001", "event-002", "event-003"],
            ["event-001", "event-002"],
            ["event-001"],
        ]
        assert sorted(event_id_of(entry) for entry in events.accepted) == ids(many(4))

    @pytest.mark.parametrize("code", ["AccessDeniedException", "MalformedDetail", "NotAuthorizedForSourceException"])
    def test_what_failed_for_good_is_not_sent_again(self, events: FakeEvents, clock: VirtualClock, code: str) -> None:
        events.refuse("event-001", code)

        with pytest.raises(PublishFailed) as failure:
            publish(many(3), events, "desk", clock, 30)

        assert attempts_of(events) == [ids(many(3))]
        assert str(failure.value).splitlines() == [
            "1 of 3 events was not published to desk",
            f"  event-001 (desk.repairs/RepairPlanned v1): {code}",
        ]

    def test_exactly_what_was_not_sent_is_named(self, events: FakeEvents, clock: VirtualClock) -> None:
        events.refuse("event-003", *["ThrottlingException"] * 9)
        events.refuse("event-007", "ThrottlingException", "AccessDeniedException")
        events.refuse("event-008", "ThrottlingException")
        events.refuse("event-012", "MalformedDetail")

        with pytest.raises(PublishFailed) as failure:
            publish(many(15), events, "desk", clock, 30)

        accepted = {event_id_of(entry) for entry in events.accepted}
        named = {event_id for event_id in ids(many(15)) if event_id in str(failure.value)}
        assert named == {"event-003", "event-007", "event-012"}
        assert named | accepted == {*ids(many(15))}
        assert named & accepted == set()
        assert len(events.accepted) == 12
        assert "event-007 (desk.repairs/RepairPlanned v1): AccessDeniedException" in str(failure.value)

    @pytest.mark.parametrize(("count", "more"), [(MAX_PROBLEMS, []), (MAX_PROBLEMS + 3, ["  and 3 more"])], ids=str)
    def test_of_many_events_the_first_are_named_and_the_others_counted(
        self, events: FakeEvents, clock: VirtualClock, count: int, more: list[str]
    ) -> None:
        for event_id in ids(many(count)):
            events.refuse(event_id, "MalformedDetail")

        with pytest.raises(PublishFailed) as failure:
            publish(many(count), events, "desk", clock, 30)

        assert str(failure.value).splitlines() == [
            f"{count} of {count} events were not published to desk",
            *(f"  {event_id} (desk.repairs/RepairPlanned v1): MalformedDetail" for event_id in ids(many(MAX_PROBLEMS))),
            *more,
        ]

    def test_a_refused_chunk_does_not_hold_up_the_next(self, events: FakeEvents, clock: VirtualClock) -> None:
        for event_id in ids(many(10)):
            events.refuse(event_id, "AccessDeniedException")

        with pytest.raises(PublishFailed, match="10 of 12 events"):
            publish(many(12), events, "desk", clock, 30)

        assert [event_id_of(entry) for entry in events.accepted] == ["event-010", "event-011"]

    def test_five_attempts_are_enough(self, events: FakeEvents, clock: VirtualClock) -> None:
        events.refuse("event-000", *["InternalFailure"] * 5)

        with pytest.raises(PublishFailed, match=r"event-000 .*: InternalFailure"):
            publish(many(1), events, "desk", clock, 30)

        assert len(events.calls) == 5

    def test_the_fifth_attempt_may_succeed(self, events: FakeEvents, clock: VirtualClock) -> None:
        events.refuse("event-000", *["InternalFailure"] * 4)

        publish(many(1), events, "desk", clock, 30)

        assert len(events.calls) == 5

    def test_an_answer_without_a_result_for_each_entry_is_an_error(
        self, events: FakeEvents, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(events, "put_events", lambda **_: {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]})

        with pytest.raises(ValueError, match="shorter"):
            publish(many(2), events, "desk", clock, 30)

    def test_a_call_that_is_refused_as_a_whole_is_raised(self, events: FakeEvents, clock: VirtualClock) -> None:
        events.outage = True

        with pytest.raises(Outage):
            publish(many(1), events, "desk", clock, 30)


class Pauses(VirtualClock):
    """A virtual clock that remembers how long it slept each time."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        super().sleep(seconds)


class TestTime:
    def test_pauses_may_double_and_are_never_the_same_twice(self, events: FakeEvents) -> None:
        all_pauses = []
        for _ in range(20):
            clock = Pauses()
            events.refuse("event-000", *["ThrottlingException"] * 4)
            publish(many(1), events, "desk", clock, 30)
            all_pauses.append(clock.pauses)

        assert all(0 <= pause <= 0.1 * 2**n for pauses in all_pauses for n, pause in enumerate(pauses))
        assert all(len(pauses) == 4 for pauses in all_pauses)
        assert max(pauses[3] for pauses in all_pauses) > 0.1
        assert len({tuple(pauses) for pauses in all_pauses}) == 20

    def test_the_longest_pauses_double_from_a_tenth_of_a_second(
        self, events: FakeEvents, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("random.uniform", lambda low, high: high - low)
        clock = Pauses()
        events.refuse("event-000", *["ThrottlingException"] * 4)

        publish(many(1), events, "desk", clock, 30)

        assert clock.pauses == [0.1, 0.2, 0.4, 0.8]

    def test_nothing_is_sent_again_when_the_time_is_up(self, events: FakeEvents) -> None:
        clock = Pauses()
        events.refuse("event-000", "ThrottlingException")

        with pytest.raises(PublishFailed, match=r"event-000 .*: ThrottlingException"):
            publish(many(1), events, "desk", clock, seconds_left=0)

        assert len(events.calls) == 1
        assert clock.pauses == []

    @pytest.mark.parametrize("seconds", [0.05, 0.2, 0.5, 1.0])
    def test_it_never_sleeps_past_the_time_it_was_given(self, events: FakeEvents, seconds: float) -> None:
        for _ in range(50):
            clock = Pauses()
            events.refuse("event-000", *["ThrottlingException"] * 4)

            with suppress(PublishFailed):
                publish(many(1), events, "desk", clock, seconds)

            assert sum(clock.pauses) <= seconds + 1e-6

    def test_every_event_is_tried_once_even_when_there_is_no_time_left(
        self, events: FakeEvents, clock: VirtualClock
    ) -> None:
        publish(many(25), events, "desk", clock, seconds_left=-1)

        assert len(events.accepted) == 25
