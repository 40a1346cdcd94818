from collections.abc import Callable
from datetime import timedelta
from itertools import count
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contradance import Secret, Setting
from contradance.errors import Conflict, NotLinked, TooMuchWork, WorkError
from contradance.local.clock import VirtualClock
from contradance.runtime import work
from contradance.runtime.once import Lease, OnceKey
from contradance.runtime.ports import ABSENT, Item, Write
from contradance.runtime.work import MAX_DOCUMENT_BYTES, MAX_WORK_BYTES, MAX_WRITES, UnitOfWork
from contradance.table import Page
from contradance.unit import ItemKey, run_in
from tests.runtime.desk import TICKET, Job, Visit, jobs, visits
from tests.runtime.fakes import World

LEASE = Lease("request-1", VirtualClock().now() + timedelta(seconds=31))
EVERYTHING = frozenset({jobs.write, visits.write})
OTHER = UUID(int=7)

_numbers = count()


def unit_of(world: World, *uses: object) -> UnitOfWork:
    """Return a unit of work of a function that links `uses`, or every table."""
    return UnitOfWork("repairs.plan_repair", frozenset(uses) or EVERYTHING, world.store, world.variables)


def commit(world: World, unit: UnitOfWork) -> None:
    """Commit a unit of work as a delivery of its own."""
    world.store.commit(OnceKey("repairs.plan_repair", "test", str(next(_numbers))), LEASE, unit.writes(), (), None)


def test_of_what_is_read_only_so_much_is_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "_MOST_KEPT", 150)
    keys = [("a", ""), ("b", "")]
    for key in keys:
        world.store.commit(
            OnceKey("repairs.plan_repair", "test", key[0]), LEASE, [Write("jobs", key, "x" * 100, ABSENT)], (), None
        )
    asked: list[ItemKey] = []
    get = world.store.get

    def counted(table: str, key: ItemKey) -> Item | None:
        asked.append(key)
        return get(table, key)

    monkeypatch.setattr(world.store, "get", counted)
    unit = unit_of(world)

    found = [unit.get("jobs", key) for key in (*keys, *keys)]

    assert found == ["x" * 100] * 4
    assert asked == [("a", ""), ("b", ""), ("b", "")]


def stored(world: World, *items: Job | Visit) -> None:
    """Store some items."""
    unit = unit_of(world)
    with run_in(unit):
        for item in items:
            if isinstance(item, Job):
                jobs.put(item)
            else:
                visits.put(item)
    commit(world, unit)


def visit(number: str, note: str = "", ticket: UUID = TICKET) -> Visit:
    return Visit(ticket_id=ticket, number=number, note=note)


class TestLinks:
    @pytest.mark.parametrize(
        ("use", "wanted"),
        [
            (lambda: jobs.get(TICKET), "jobs.read"),
            (lambda: visits.query(TICKET), "visits.read"),
            (jobs.scan, "jobs.read"),
            (lambda: jobs.put(Job(ticket_id=TICKET)), "jobs.write"),
            (lambda: jobs.put_if_absent(Job(ticket_id=TICKET)), "jobs.write"),
            (lambda: jobs.update(Job(ticket_id=TICKET)), "jobs.write"),
            (lambda: jobs.delete(TICKET), "jobs.write"),
            (lambda: Setting("refusal_rate", float, default=0.0).get(), "refusal_rate"),
            (lambda: Secret("gateway_key", on_laptop="test").get(), "gateway_key"),
        ],
        ids=["get", "query", "scan", "put", "put_if_absent", "update", "delete", "setting", "secret"],
    )
    def test_what_a_function_does_not_link_it_cannot_use(
        self, world: World, use: Callable[[], object], wanted: str
    ) -> None:
        unit = unit_of(world, Setting("another", str, default=""))

        with (
            run_in(unit),
            pytest.raises(NotLinked, match=rf"repairs\.plan_repair uses {wanted}.*\n.*uses=\[{wanted}]"),
        ):
            use()

        assert unit.writes() == []

    def test_leave_to_read_is_no_leave_to_write(self, world: World) -> None:
        with run_in(unit_of(world, jobs.read)), pytest.raises(NotLinked, match=r"uses jobs\.write"):
            jobs.put(Job(ticket_id=TICKET))

    def test_leave_to_write_is_leave_to_read(self, world: World) -> None:
        with run_in(unit_of(world, jobs.write)):
            assert jobs.get(TICKET) is None

    def test_a_linked_setting_is_read_from_the_environment(self, world: World) -> None:
        rate, key = Setting("refusal_rate", float, default=0.0), Secret("gateway_key", on_laptop="test")
        world.variables |= {rate.variable: "0.5", key.variable: "from outside"}

        with run_in(unit_of(world, rate, key)):
            found = rate.get(), key.get()

        assert found == (0.5, "from outside")


class TestReadYourWrites:
    def test_nothing_is_stored_before_the_commit(self, world: World) -> None:
        unit = unit_of(world)

        with run_in(unit):
            jobs.put(Job(ticket_id=TICKET))

            assert jobs.get(TICKET) == Job(ticket_id=TICKET)
        assert world.store.scan(jobs.name, 10, None) == []

    def test_what_is_deleted_is_gone_for_the_one_who_deleted_it(self, world: World) -> None:
        stored(world, visit("1"), visit("2"))
        unit = unit_of(world)

        with run_in(unit):
            visits.delete(TICKET, "1")

            assert visits.get(TICKET, "1") is None
            assert visits.query(TICKET) == [visit("2")]
            assert visits.scan() == Page([visit("2")], None)
        assert len(world.store.query(visits.name, str(TICKET))) == 2

    def test_a_query_takes_own_writes_in_their_place(self, world: World) -> None:
        stored(world, visit("1"), visit("3"), visit("1", ticket=OTHER))

        with run_in(unit_of(world)):
            visits.put(visit("2"))
            visits.put(visit("3", "changed"))
            found = visits.query(TICKET)

        assert found == [visit("1"), visit("2"), visit("3", "changed")]

    def test_a_deleted_item_does_not_shorten_a_page(self, world: World) -> None:
        stored(world, *[visit(str(number)) for number in range(5)])

        with run_in(unit_of(world)):
            visits.delete(TICKET, "0")
            visits.delete(TICKET, "1")
            page = visits.scan(limit=3)

        assert [item.number for item in page.items] == ["2", "3", "4"]

    @pytest.mark.parametrize("limit", [0, -1])
    def test_a_page_of_no_items_is_refused(self, world: World, limit: int) -> None:
        stored(world, visit("1"))

        with run_in(unit_of(world)), pytest.raises(WorkError, match=rf"is scanned with limit={limit}\."):
            visits.scan(limit=limit)

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        before=st.dictionaries(st.tuples(st.sampled_from("abc"), st.sampled_from(["", "1", "2"])), st.text(max_size=3)),
        steps=st.lists(
            st.tuples(
                st.tuples(st.sampled_from("abc"), st.sampled_from(["", "1", "2"])), st.none() | st.text(max_size=3)
            ),
            max_size=8,
        ),
        limit=st.integers(1, 5),
    )
    def test_a_unit_of_work_reads_like_a_dictionary(
        self, world: World, before: dict[ItemKey, str], steps: list[tuple[ItemKey, str | None]], limit: int
    ) -> None:
        table = f"repairs.t{next(_numbers)}"
        world.store.commit(
            OnceKey("given", table, ""), LEASE, [Write(table, *item, None) for item in before.items()], (), None
        )
        unit, model = unit_of(world), dict(before)

        for key, document in steps:
            unit.put(table, key, document)
            model.pop(key, None)
            if document is not None:
                model[key] = document

            assert {key: unit.get(table, key) for key in before | dict(steps)} == {
                key: model.get(key) for key in before | dict(steps)
            }
            for partition in "abc":
                assert unit.query(table, partition) == [model[key] for key in sorted(model) if key[0] == partition]
        assert sorted(_all_pages(unit, table, limit)) == sorted(model.items())
        commit(world, unit)
        assert [(item.key, item.document) for item in world.store.scan(table, 100, None)] == sorted(model.items())


def _all_pages(unit: UnitOfWork, table: str, limit: int) -> list[tuple[ItemKey, str]]:
    found: list[tuple[ItemKey, str]] = []
    after: ItemKey | None = None
    while page := unit.scan(table, limit, after):
        assert len(page) <= limit
        found += page
        after = page[-1][0]
    return found


class TestExpectations:
    def test_what_was_not_read_is_written_whatever_is_there(self, world: World) -> None:
        unit = unit_of(world)

        unit.put(jobs.name, ("a", ""), "{}")

        assert unit.writes() == [Write(jobs.name, ("a", ""), "{}", None)]

    def test_what_was_absent_must_still_be_absent(self, world: World) -> None:
        unit = unit_of(world)

        unit.get(jobs.name, ("a", ""))
        unit.put(jobs.name, ("a", ""), "{}")

        assert unit.writes() == [Write(jobs.name, ("a", ""), "{}", ABSENT)]

    @pytest.mark.parametrize(
        "read",
        [lambda: visits.get(TICKET, "1"), lambda: visits.query(TICKET), visits.scan],
        ids=["get", "query", "scan"],
    )
    def test_what_was_read_must_still_have_its_version(self, world: World, read: Callable[[], object]) -> None:
        stored(world, visit("1"))
        (item,) = world.store.scan(visits.name, 10, None)
        unit = unit_of(world)

        with run_in(unit):
            read()
            visits.put(visit("1", "changed"))

        assert [write.expected for write in unit.writes()] == [item.version]

    def test_a_scan_names_an_unreadable_item_by_its_key_and_goes_on(self, world: World) -> None:
        stored(world, visit("1"), visit("2"))
        unit = unit_of(world)
        unit.put(visits.name, (str(TICKET), "1"), "{}")
        commit(world, unit)

        with run_in(unit_of(world)):
            page = visits.scan(skip_unreadable=True)
            with pytest.raises(
                WorkError, match=rf"is no longer a Visit \(\w+ '{TICKET}', \w+ '1'\): \w+: Field required"
            ):
                visits.scan()

        assert page.items == [visit("2")]
        assert [item.key for item in page.unreadable] == [(str(TICKET), "1")]
        assert "Field required" in page.unreadable[0].problem

    def test_the_version_that_counts_is_the_first_one_read(self, world: World) -> None:
        stored(world, Job(ticket_id=TICKET, attempts=1))
        unit = unit_of(world)
        with run_in(unit):
            jobs.get(TICKET)
        stored(world, Job(ticket_id=TICKET, attempts=2))

        with run_in(unit):
            jobs.get(TICKET)
            jobs.put(Job(ticket_id=TICKET, attempts=3))

        with pytest.raises(Conflict):
            commit(world, unit)

    @pytest.mark.parametrize("before", [Job(ticket_id=TICKET, attempts=1), None], ids=["an item", "a missing one"])
    def test_an_item_is_read_from_the_store_once(self, world: World, before: Job | None) -> None:
        stored(world, *([before] if before else []))
        unit = unit_of(world)

        with run_in(unit):
            first = jobs.get(TICKET)
            stored(world, Job(ticket_id=TICKET, attempts=2))
            again = jobs.get(TICKET)

        assert (first, again) == (before, before)

    def test_what_is_read_after_it_was_written_expects_nothing_new(self, world: World) -> None:
        stored(world, Job(ticket_id=TICKET, attempts=1))
        unit = unit_of(world)

        with run_in(unit):
            jobs.put(Job(ticket_id=TICKET, attempts=2))
            jobs.get(TICKET)

        assert [write.expected for write in unit.writes()] == [None]

    def test_what_is_only_read_is_not_written(self, world: World) -> None:
        stored(world, Job(ticket_id=TICKET))
        unit = unit_of(world)

        with run_in(unit):
            jobs.get(TICKET)
            jobs.scan()

        assert unit.writes() == []

    def test_an_item_written_several_times_is_one_write(self, world: World) -> None:
        unit = unit_of(world)

        for document in ("1", None, "2"):
            unit.put(jobs.name, ("a", ""), document)

        assert unit.writes() == [Write(jobs.name, ("a", ""), "2", None)]


class TestLimit:
    def test_as_many_items_as_a_transaction_holds_can_be_written(self, world: World) -> None:
        unit = unit_of(world)

        for _ in range(2):
            for number in range(MAX_WRITES):
                unit.put(jobs.name, (str(number), ""), "{}")
        commit(world, unit)

        assert MAX_WRITES == 99
        assert len(world.store.scan(jobs.name, 1000, None)) == 99

    def test_one_more_is_refused(self, world: World) -> None:
        unit = unit_of(world)
        for number in range(MAX_WRITES):
            unit.put(jobs.name, (str(number), ""), "{}")

        with pytest.raises(TooMuchWork, match=r"repairs\.plan_repair writes more than 99 items"):
            unit.put(visits.name, ("one", "more"), None)


class TestTable:
    def test_an_item_comes_back_as_it_was_put(self, world: World) -> None:
        stored(world, visit("1", "Zoë 🛠"))

        with run_in(unit_of(world)):
            found = visits.get(TICKET, "1")

        assert found == visit("1", "Zoë 🛠")

    def test_put_replaces(self, world: World) -> None:
        stored(world, Job(ticket_id=TICKET, attempts=1))
        stored(world, Job(ticket_id=TICKET, attempts=2))

        with run_in(unit_of(world)):
            assert jobs.get(TICKET) == Job(ticket_id=TICKET, attempts=2)

    def test_put_if_absent_says_whether_it_wrote(self, world: World) -> None:
        stored(world, Job(ticket_id=OTHER, attempts=1))
        unit = unit_of(world)

        with run_in(unit):
            said = [jobs.put_if_absent(Job(ticket_id=ticket, attempts=9)) for ticket in (TICKET, OTHER, TICKET)]

        assert said == [True, False, False]
        assert [write.key[0] for write in unit.writes()] == [str(TICKET)]

    def test_put_if_absent_loses_to_whoever_was_faster(self, world: World) -> None:
        unit = unit_of(world)
        with run_in(unit):
            jobs.put_if_absent(Job(ticket_id=TICKET, attempts=9))
        stored(world, Job(ticket_id=TICKET, attempts=1))

        with pytest.raises(Conflict):
            commit(world, unit)

    def test_an_item_can_be_put_where_this_unit_deleted_one(self, world: World) -> None:
        stored(world, Job(ticket_id=TICKET, attempts=1))
        unit = unit_of(world)

        with run_in(unit):
            jobs.delete(TICKET)
            said = jobs.put_if_absent(Job(ticket_id=TICKET, attempts=2))
        commit(world, unit)

        assert said is True
        with run_in(unit_of(world)):
            assert jobs.get(TICKET) == Job(ticket_id=TICKET, attempts=2)

    def test_update_replaces_what_is_there(self, world: World) -> None:
        stored(world, Job(ticket_id=TICKET, attempts=1))
        unit = unit_of(world)

        with run_in(unit):
            jobs.update(Job(ticket_id=TICKET, attempts=2))
        commit(world, unit)

        with run_in(unit_of(world)):
            assert jobs.get(TICKET) == Job(ticket_id=TICKET, attempts=2)

    def test_update_refuses_what_is_not_there(self, world: World) -> None:
        with run_in(unit_of(world)), pytest.raises(WorkError, match=r"repairs\.jobs has no such item to update"):
            jobs.update(Job(ticket_id=TICKET))

    def test_an_update_loses_to_whoever_was_faster(self, world: World) -> None:
        stored(world, Job(ticket_id=TICKET, attempts=1))
        unit = unit_of(world)
        with run_in(unit):
            jobs.update(Job(ticket_id=TICKET, attempts=2))
        stored(world, Job(ticket_id=TICKET, attempts=7))

        with pytest.raises(Conflict):
            commit(world, unit)

    def test_delete_deletes(self, world: World) -> None:
        stored(world, Job(ticket_id=TICKET))
        unit = unit_of(world)

        with run_in(unit):
            jobs.delete(TICKET)
            jobs.delete(OTHER)
        commit(world, unit)

        assert world.store.scan(jobs.name, 10, None) == []

    def test_a_table_is_scanned_page_by_page(self, world: World) -> None:
        stored(world, *[visit(str(number)) for number in range(5)])
        found: list[str] = []

        with run_in(unit_of(world)):
            page = visits.scan(limit=2)
            found += [item.number for item in page.items]
            while page.after is not None and len(found) < 10:
                page = visits.scan(limit=2, after=page.after)
                found += [item.number for item in page.items]

        assert found == ["0", "1", "2", "3", "4"]

    def test_an_item_that_no_longer_fits_its_model_is_told_without_its_values(self, world: World) -> None:
        document = '{"ticket_id": "not a ticket: Jane Doe"}'
        world.store.commit(
            OnceKey("f", "s", "e"), LEASE, [Write(jobs.name, (str(TICKET), ""), document, None)], (), None
        )

        with run_in(unit_of(world)), pytest.raises(WorkError, match=r"repairs\.jobs is no longer a Job") as refusal:
            jobs.get(TICKET)

        assert "Jane" not in str(refusal.value)


class TestLimitsOfDynamoDB:
    """They hold on the laptop too: what runs here runs there."""

    @pytest.mark.parametrize("name", ["", "x" * 1025, "é" * 513])
    def test_a_sort_key_is_neither_empty_nor_too_long(self, world: World, name: str) -> None:
        with run_in(unit_of(world)), pytest.raises(WorkError, match=r"repairs\.visits has a key 'number' of \d+ bytes"):
            visits.get(TICKET, name)

    @pytest.mark.parametrize("name", ["", "x" * 2049])
    def test_nor_is_a_partition_key(self, world: World, name: str) -> None:
        with (
            run_in(unit_of(world)),
            pytest.raises(WorkError, match=r"a key 'ticket_id' of \d+ bytes; it may have 1 to"),
        ):
            visits.query(name)

    def test_an_item_fits_into_dynamodb(self, world: World) -> None:
        with run_in(unit_of(world)), pytest.raises(TooMuchWork, match=r"writes an item of \d+ bytes to table repairs"):
            visits.put(visit("1", "é" * (MAX_DOCUMENT_BYTES // 2)))

    def test_the_largest_item_and_the_largest_work_are_written(self, world: World) -> None:
        unit = unit_of(world)
        sizes = [MAX_DOCUMENT_BYTES] * (MAX_WORK_BYTES // MAX_DOCUMENT_BYTES)
        for number, size in enumerate([*sizes, MAX_WORK_BYTES - sum(sizes)]):
            unit.put(visits.name, (str(TICKET), str(number)), "x" * size)

        assert sum(len(write.document or "") for write in unit.writes()) == MAX_WORK_BYTES
        with pytest.raises(TooMuchWork, match="writes an item of"):
            unit.put(visits.name, (str(TICKET), "0"), "x" * (MAX_DOCUMENT_BYTES + 1))
        unit.put(visits.name, (str(TICKET), "one more"), "x")
        with pytest.raises(TooMuchWork, match="in one delivery"):
            unit.writes()

    def test_so_does_everything_that_is_written_together(self, world: World) -> None:
        unit = unit_of(world)

        for number in range(10):
            unit.put(visits.name, (str(TICKET), str(number)), "x" * 380_000)

        with pytest.raises(TooMuchWork, match="writes 3800000 bytes in one delivery"):
            unit.writes()
