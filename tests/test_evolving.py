"""A publisher moves from version 1 to version 2 without downtime: the steps of docs/how-to/evolve.md, one by one."""

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from pydantic import Field

from contradance import Choreography, Contract, ContractViolation, Registry, subscriber
from contradance.catalog.deprecations import deprecations
from contradance.catalog.freezing import freeze_contracts
from contradance.envelope import seal, seal_renderings
from contradance.errors import BrokenPromise, InvalidChoreography, InvalidContract
from contradance.function import Function
from contradance.local.clock import VirtualClock
from contradance.local.console.publish import PublishPage
from contradance.local.console.submitted import SubmittedForm
from contradance.local.invocation.record import LaptopContext
from contradance.local.laptop import Laptop
from contradance.operate.matching import verdicts, versions_of
from contradance.operate.publishing import event_named, publish_data
from contradance.runtime.entry import invoke
from contradance.subscription import Subscription
from contradance.testing.run import Run
from contradance.wire import to_wire

LOAN = UUID("6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11")
AnyFunction = Function[..., Any]


class BookWanted(Contract, source="library.desk", subject="loan_id"):
    loan_id: UUID


class BookLent(Contract, source="library.loans", subject="loan_id"):
    loan_id: UUID
    days: int = Field(ge=1)


class BookLentV2(
    Contract, source="library.loans", detail_type="BookLent", version=2, upcasts=BookLent, subject="loan_id"
):
    """What version 2 is when everybody has moved."""

    loan_id: UUID
    hours: int = Field(ge=1)

    @classmethod
    def upcast(cls, old: BookLent) -> "BookLentV2":
        return cls(loan_id=old.loan_id, hours=24 * old.days)


class InTransition(
    Contract, source="library.loans", detail_type="BookLent", version=2, upcasts=BookLent, subject="loan_id"
):
    """The same while version 1 is still consumed."""

    loan_id: UUID
    hours: int = Field(ge=1)

    @classmethod
    def upcast(cls, old: BookLent) -> "InTransition":
        return cls(loan_id=old.loan_id, hours=24 * old.days)

    def downcast(self) -> BookLent:
        return BookLent(loan_id=self.loan_id, days=-(-self.hours // 24))


class Heard(NamedTuple):
    function: str
    event: Contract


heard: list[Heard] = []


def lend_v1(wanted: BookWanted) -> BookLent:
    return BookLent(loan_id=wanted.loan_id, days=3)


def lend_in_transition(wanted: BookWanted) -> InTransition:
    return InTransition(loan_id=wanted.loan_id, hours=36)


def lend_v2(wanted: BookWanted) -> BookLentV2:
    return BookLentV2(loan_id=wanted.loan_id, hours=36)


def remind_v1(lent: BookLent) -> None:
    heard.append(Heard("remind", lent))


def remind_in_transition(lent: InTransition) -> None:
    heard.append(Heard("remind", lent))


def count_in_transition(lent: InTransition) -> None:
    heard.append(Heard("count", lent))


def remind_v2(lent: BookLentV2) -> None:
    heard.append(Heard("remind", lent))


def both(lent: BookLent | InTransition) -> None:
    heard.append(Heard("both", lent))


untyped: Any = subscriber


def named(handler: Callable[..., Any], service: str, name: str) -> AnyFunction:
    handler.__name__ = name
    function: AnyFunction = untyped(service=service)(handler)
    return function


def library(*handlers: Callable[..., Any], contracts: tuple[type[Contract], ...]) -> Choreography:
    services = {"lend": "loans", "remind": "reminders", "count": "statistics", "both": "audit"}
    functions = []
    for handler in handlers:
        name = handler.__name__.partition("_")[0]
        functions.append(named(handler, services[name], name))
    return Choreography("library", contracts=Registry("library", [BookWanted, *contracts]), functions=functions)


BEFORE = library(lend_v1, remind_v1, contracts=(BookLent,))
PUBLISHER_MOVED = library(lend_in_transition, remind_v1, count_in_transition, contracts=(BookLent, InTransition))
ALL_MOVED = library(lend_in_transition, remind_in_transition, count_in_transition, contracts=(BookLent, InTransition))
SETTLED = library(lend_v2, remind_v2, contracts=(BookLent, BookLentV2))


@pytest.fixture(autouse=True)
def _silence() -> None:
    heard.clear()


def lent(system: Choreography, state: Path) -> Laptop:
    """Run a system until one book is lent and everybody has heard of it; the test closes it."""
    laptop = Laptop(system, state, clock=VirtualClock(), variables={}, synchronous="OFF")
    publish_data(system, BookWanted, json.dumps({"loan_id": str(LOAN)}), laptop.bus, laptop.clock)
    laptop.drain()
    return laptop


def archived(laptop: Laptop, detail_type: str = "BookLent") -> list[dict[str, Any]]:
    events = [json.loads(text) for (text,) in laptop.database.read("SELECT envelope FROM event ORDER BY id")]
    return [event for event in events if event["detail-type"] == detail_type]


def subscription(system: Choreography, function: str) -> Subscription:
    trigger = system.functions[function].trigger
    assert isinstance(trigger, Subscription)
    return trigger


# Step 1: the publisher moves, and its event goes out in both versions


def test_before_it_moves_there_is_one_version(tmp_path: Path) -> None:
    with lent(BEFORE, tmp_path) as laptop:
        assert [event["detail"]["metadata"]["version"] for event in archived(laptop)] == [1]

    assert heard == [("remind", BookLent(loan_id=LOAN, days=3))]


def test_the_publisher_moves_and_nobody_is_stopped(tmp_path: Path) -> None:
    with lent(PUBLISHER_MOVED, tmp_path) as laptop:
        metadata = [event["detail"]["metadata"] for event in archived(laptop)]
        outcomes = [(record.function, record.outcome) for record in laptop.journal.latest()]

    assert [(one["version"], one.get("newer_version")) for one in metadata] == [(1, 2), (2, None)]
    assert len({one["event_id"] for one in metadata}) == 1
    assert sorted(heard) == [
        ("count", InTransition(loan_id=LOAN, hours=36)),
        ("remind", BookLent(loan_id=LOAN, days=2)),
    ]
    assert sorted(outcomes) == [("loans.lend", "done"), ("reminders.remind", "done"), ("statistics.count", "done")]


def test_each_gets_the_pattern_of_what_it_reads(tmp_path: Path) -> None:
    patterns = {
        name: json.loads(subscription(PUBLISHER_MOVED, name).pattern.canonical)["detail"]["metadata"]
        for name in ("reminders.remind", "statistics.count")
    }

    assert patterns == {
        "reminders.remind": {"version": [1]},
        "statistics.count": {"version": [1, 2], "newer_version": [{"exists": False}, {"anything-but": [2]}]},
    }


def test_who_takes_either_version_is_delivered_the_newer_one(tmp_path: Path) -> None:
    system = library(lend_in_transition, both, contracts=(BookLent, InTransition))

    with lent(system, tmp_path) as laptop:
        outcomes = [record.outcome for record in laptop.journal.latest() if record.function == "audit.both"]

    assert heard == [("both", InTransition(loan_id=LOAN, hours=36))]
    assert outcomes == ["done"]


def test_who_is_delivered_both_versions_all_the_same_handles_one(tmp_path: Path) -> None:
    with lent(PUBLISHER_MOVED, tmp_path) as laptop:
        older, newer = archived(laptop)
        count = laptop.choreography.functions["statistics.count"]
        heard.clear()
        for request, event in (("a", older), ("b", newer)):
            event["detail"]["metadata"]["event_id"] = "both-renderings"
            event["detail"]["metadata"].pop("newer_version", None)
            invoke(count, event, LaptopContext(request, 1e12), laptop.environment)

    assert heard == [("count", InTransition(loan_id=LOAN, hours=48))]


# Step 2: subscribers move, one by one


def test_it_is_said_who_still_takes_the_old_version() -> None:
    said = {
        "before": [str(one) for one in deprecations(BEFORE)],
        "publisher moved": [str(one) for one in deprecations(PUBLISHER_MOVED)],
        "all moved": [str(one) for one in deprecations(ALL_MOVED)],
        "settled": [str(one) for one in deprecations(SETTLED)],
    }

    assert said == {
        "before": [],
        "publisher moved": ["v1 still consumed by reminders.remind"],
        "all moved": ["v1 has no known consumer, still published by loans.lend"],
        "settled": ["v1 read from the archive by reminders.remind"],
    }


def test_when_all_have_moved_each_hears_the_event_once(tmp_path: Path) -> None:
    with lent(ALL_MOVED, tmp_path):
        pass

    assert sorted(heard) == [
        ("count", InTransition(loan_id=LOAN, hours=36)),
        ("remind", InTransition(loan_id=LOAN, hours=36)),
    ]


# Step 3: the transition ends, and the archive is still read


def test_after_the_transition_one_version_is_published(tmp_path: Path) -> None:
    with lent(SETTLED, tmp_path) as laptop:
        assert [event["detail"]["metadata"]["version"] for event in archived(laptop)] == [2]

    assert heard == [("remind", BookLentV2(loan_id=LOAN, hours=36))]


@pytest.mark.parametrize(("system", "hours"), [(BEFORE, [72]), (PUBLISHER_MOVED, [36])])
def test_an_archive_of_any_stage_is_replayed_to_who_has_moved(
    tmp_path: Path, system: Choreography, hours: list[int]
) -> None:
    with lent(system, tmp_path / "then") as laptop:
        events = archived(laptop)
    heard.clear()

    with Laptop(SETTLED, tmp_path / "now", clock=VirtualClock(), variables={}, synchronous="OFF") as laptop:
        function, pattern = SETTLED.functions["reminders.remind"], subscription(SETTLED, "reminders.remind").pattern
        for event in events:
            replayed = {**event, "replay-name": "from-the-beginning"}
            if pattern.matches(replayed):
                invoke(function, replayed, LaptopContext("replay", 1e12), laptop.environment)

    assert [one.event for one in heard] == [BookLentV2(loan_id=LOAN, hours=each) for each in hours]


# Every stage keeps its promises, and the last step is refused while it would hurt


def test_every_stage_may_be_frozen_in_turn(tmp_path: Path) -> None:
    versions = []
    for system in (BEFORE, PUBLISHER_MOVED, ALL_MOVED, SETTLED):
        freeze_contracts(system, tmp_path)
        versions.append(sorted(path.name for path in (tmp_path / "library.loans" / "BookLent").iterdir()))

    assert versions == [["v1.json"], *[["v1.json", "v2.json"]] * 3]


def test_a_version_is_dropped_when_no_pattern_takes_it(tmp_path: Path) -> None:
    class Alone(Contract, source="library.loans", detail_type="BookLent", version=2, subject="loan_id"):
        loan_id: UUID
        hours: int = Field(ge=1)

    def remind_alone(lent: Alone) -> None: ...

    freeze_contracts(SETTLED, tmp_path)
    still_read = library(remind_v2, contracts=(BookLentV2,))
    with pytest.raises(BrokenPromise, match=r"Keep it in the registry as long as reminders\.remind reads it"):
        freeze_contracts(still_read, tmp_path, dropping=["BookLent v1"])

    freeze_contracts(library(remind_alone, contracts=(Alone,)), tmp_path, dropping=["BookLent v1"])

    assert [path.name for path in (tmp_path / "library.loans" / "BookLent").iterdir()] == ["v2.json"]


# What cannot work is refused


def test_a_rendering_is_a_contract_of_the_registry() -> None:
    with pytest.raises(InvalidChoreography, match=r"publishes library\.loans/BookLent v1 .* is not in the registry"):
        library(lend_in_transition, contracts=(InTransition,))


def test_a_downcast_needs_a_version_to_go_down_to() -> None:
    with pytest.raises(InvalidContract, match="is missing `upcasts=`"):

        class Lonely(Contract, source="library.loans", subject="loan_id"):
            loan_id: UUID

            def downcast(self) -> BookLent:
                raise NotImplementedError


def test_a_downcast_is_a_plain_method() -> None:
    with pytest.raises(InvalidContract, match=r"Define: def downcast\(self\) -> BookLent"):

        class Odd(
            Contract, source="library.loans", detail_type="BookLent", version=2, upcasts=BookLent, subject="loan_id"
        ):
            loan_id: UUID

            @classmethod
            def upcast(cls, old: BookLent) -> "Odd":
                raise NotImplementedError

            @classmethod
            def downcast(cls) -> BookLent:
                raise NotImplementedError


def test_a_version_without_a_downcast_says_so() -> None:
    with pytest.raises(NotImplementedError, match="has no downcast"):
        BookLentV2(loan_id=LOAN, hours=1).downcast()


class Careless(
    Contract, source="library.loans", detail_type="BookLent", version=3, upcasts=BookLentV2, subject="loan_id"
):
    loan_id: UUID
    hours: int

    @classmethod
    def upcast(cls, old: BookLentV2) -> "Careless":
        raise NotImplementedError

    def downcast(self) -> Any:
        return BookLentV2(loan_id=self.loan_id, hours=self.hours) if self.hours < 9 else self


@pytest.mark.parametrize(
    ("hours", "told"),
    [(0, "breaks library.loans/BookLent v2\n  data.hours"), (9, "whose downcast returned Careless, not BookLentV2")],
)
def test_a_downcast_that_breaks_the_earlier_contract_is_told_with_its_publisher(hours: int, told: str) -> None:
    with pytest.raises(ContractViolation) as refused:
        seal_renderings(
            Careless(loan_id=LOAN, hours=hours),
            event_id="1",
            occurred_at=datetime(2026, 1, 31, tzinfo=UTC),
            correlation_id="1",
            publisher="loans.lend",
        )

    assert told in str(refused.value)
    assert "published by loans.lend" in str(refused.value)


def test_three_versions_go_out_when_two_downcast() -> None:
    class Third(
        Contract, source="library.loans", detail_type="BookLent", version=3, upcasts=InTransition, subject="loan_id"
    ):
        loan_id: UUID
        minutes: int

        @classmethod
        def upcast(cls, old: InTransition) -> "Third":
            raise NotImplementedError

        def downcast(self) -> InTransition:
            return InTransition(loan_id=self.loan_id, hours=self.minutes // 60)

    sealed = seal_renderings(
        Third(loan_id=LOAN, minutes=4320),
        event_id="1",
        occurred_at=datetime(2026, 1, 31, tzinfo=UTC),
        correlation_id="1",
        publisher="loans.lend",
    )

    said = [(one.identity.version, json.loads(one.detail)["metadata"].get("newer_version")) for one in sealed]
    assert said == [(1, 2), (2, 3), (3, None)]
    assert json.loads(sealed[0].detail)["data"]["days"] == 3


def test_an_event_in_one_version_is_sealed_as_ever() -> None:
    told: Any = {
        "event_id": "1",
        "occurred_at": datetime(2026, 1, 31, tzinfo=UTC),
        "correlation_id": "1",
        "publisher": "loans.lend",
    }
    event = BookLentV2(loan_id=LOAN, hours=1)

    assert seal_renderings(event, **told) == (seal(event, **told),)


def by_run(laptop: Laptop, event: Contract) -> None:
    Run(laptop, [], Path()).publish(event)


def by_the_command_line(laptop: Laptop, event: Contract) -> None:
    publish_data(laptop.choreography, type(event), to_wire(event).decode(), laptop.bus, laptop.clock)


def by_the_console(laptop: Laptop, event: Contract) -> None:
    unused: Any = None
    data = json.loads(to_wire(event))
    form = SubmittedForm([("contract", str(event.identity)), *((name, str(data[name])) for name in data)])
    answer = PublishPage(laptop, unused).take(unused, form)
    assert answer.status_code == HTTPStatus.SEE_OTHER


@pytest.mark.parametrize("publish", [by_run, by_the_command_line, by_the_console])
def test_each_way_to_publish_reaches_the_subscribers_of_each_version(
    tmp_path: Path, publish: Callable[[Laptop, Contract], None]
) -> None:
    with Laptop(PUBLISHER_MOVED, tmp_path, clock=VirtualClock(), variables={}, synchronous="OFF") as laptop:
        publish(laptop, InTransition(loan_id=LOAN, hours=36))
        laptop.drain()

    assert sorted(heard, key=lambda one: one.function) == [
        Heard("count", InTransition(loan_id=LOAN, hours=36)),
        Heard("remind", BookLent(loan_id=LOAN, days=2)),
    ]


@pytest.mark.parametrize("name", ["BookLent", "BookLent v1", "library.loans/BookLent v1"])
@pytest.mark.parametrize("system", [BEFORE, PUBLISHER_MOVED, ALL_MOVED, SETTLED])
def test_an_event_would_match_exactly_the_subscribers_that_publishing_it_reaches(
    tmp_path: Path, system: Choreography, name: str
) -> None:
    contract = event_named(system, name)
    assert issubclass(contract, Contract)
    data = json.dumps({"loan_id": str(LOAN), "days" if contract is BookLent else "hours": 2})

    with closing(Laptop(system, tmp_path, clock=VirtualClock(), variables={}, synchronous="OFF")) as laptop:
        publish_data(system, contract, data, laptop.bus, laptop.clock)
        laptop.drain()
        reached = {record.function for record in laptop.journal.latest()}

    assert reached == {one for one, mismatch in verdicts(system, versions_of(system, name, data)) if mismatch is None}


def test_an_event_may_be_named_by_its_class() -> None:
    assert event_named(SETTLED, "BookLentV2") is event_named(SETTLED, "BookLent") is BookLentV2
    assert event_named(SETTLED, "BookLent v1") is BookLent


def test_a_filter_that_does_not_match_is_named_and_not_the_version_that_is_not_read() -> None:
    picky = untyped(service="statistics", where={"days": [7]})(remind_v1)
    system = Choreography(
        "library",
        contracts=Registry("library", [BookLent, InTransition, BookWanted]),
        functions=[PUBLISHER_MOVED.functions["loans.lend"], picky],
    )

    found = verdicts(system, versions_of(system, "BookLent", json.dumps({"loan_id": str(LOAN), "hours": 2})))[-1]

    assert found.mismatch is not None
    assert found.mismatch.path == "detail.data.days"
