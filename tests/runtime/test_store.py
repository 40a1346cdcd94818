"""What every `Store` has to do. Another implementation joins by its own entry in `stores`."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from contradance.envelope import SealedEvent
from contradance.errors import Conflict, LeaseHeld, LeaseLost
from contradance.identity import Identity
from contradance.local.clock import VirtualClock
from contradance.local.state.database import Database
from contradance.local.store import SQLiteStore
from contradance.runtime.journal_record import published_events
from contradance.runtime.once import Lease, OnceKey, OnceRecord, StoredResponse
from contradance.runtime.ports import ABSENT, Store, Write
from contradance.unit import ItemKey
from tests.runtime.aws.moto import dynamodb_store, moto_with_once_table

NOW = VirtualClock().now()
SOON = NOW + timedelta(seconds=31)
ONCE = OnceKey("repairs.plan_repair", "desk.tickets", "event-1")
LEASE = Lease("request-1", SOON)
OTHER = Lease("request-2", SOON)


def _sealed(event_id: str, identity: Identity, data: object) -> SealedEvent:
    metadata = {"event_id": event_id, "version": identity.version, "subject": "ticket-1", "correlation_id": "chain-1"}
    detail = json.dumps({"metadata": metadata, "data": data}, ensure_ascii=False)
    return SealedEvent(event_id, identity, "ticket-1", "chain-1", detail)


SEALED = (
    _sealed("derived-0", Identity("desk.repairs", "RepairPlanned", 1), 'Zoë 🛠 "quoted"'),
    _sealed("derived-1", Identity("desk.repairs", "RepairRefused", 2), {}),
)
ANSWER = StoredResponse(201, '{"owner":"Zoë"}', "digest")
JOBS = "repairs.jobs"
"""A table whose key is one part."""
VISITS = "repairs.visits"
"""A table with a sort key."""
ITEM: ItemKey = ("ticket-1", "")


def _sqlite(folder: Path) -> Iterator[Store]:
    database = Database(folder / "state.sqlite3", synchronous="OFF")
    yield SQLiteStore(database)
    database.close()


def _dynamodb(_: Path) -> Iterator[Store]:
    with moto_with_once_table():
        yield dynamodb_store(VirtualClock(), with_sort_key=lambda table: table == VISITS)


stores: dict[str, Callable[[Path], Iterator[Store]]] = {"sqlite": _sqlite, "dynamodb": _dynamodb}


@pytest.fixture(params=stores)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    yield from stores[request.param](tmp_path)


def commit(store: Store, *writes: Write, name: str = "") -> None:
    """Commit some writes as a delivery of their own."""
    store.commit(OnceKey("given", "writes", name or str(len(writes))), Lease("given", SOON), writes, (), None)


def given(store: Store, table: str, **documents: str) -> None:
    """Store documents under their names as partition keys."""
    for name, document in documents.items():
        store.commit(
            OnceKey("given", table, f"{name}={document}"),
            LEASE,
            [Write(table, (name, ""), document, None)],
            (),
            None,
        )


def version_of(store: Store, key: ItemKey = ITEM) -> str:
    """Return the version of an item of the jobs table that is there."""
    item = store.get(JOBS, key)
    assert item is not None
    return item.version


class TestBegin:
    def test_the_first_attempt_takes_the_lease(self, store: Store) -> None:
        record = store.begin(ONCE, LEASE, NOW)

        assert record == OnceRecord("in_progress", attempt=1)

    def test_the_same_holder_takes_over_at_once_and_counts(self, store: Store) -> None:
        attempts = [store.begin(ONCE, LEASE, NOW).attempt for _ in range(3)]

        assert attempts == [1, 2, 3]

    def test_another_holder_is_refused_until_the_lease_expires(self, store: Store) -> None:
        store.begin(ONCE, LEASE, NOW)

        with pytest.raises(LeaseHeld, match=r"repairs\.plan_repair is already handling event event-1"):
            store.begin(ONCE, OTHER, SOON - timedelta(milliseconds=1))
        later = store.begin(ONCE, Lease("request-2", SOON + timedelta(seconds=31)), SOON)

        assert later == OnceRecord("in_progress", attempt=1)

    def test_a_refused_holder_is_not_counted(self, store: Store) -> None:
        store.begin(ONCE, LEASE, NOW)

        with pytest.raises(LeaseHeld):
            store.begin(ONCE, OTHER, NOW)

        assert store.begin(ONCE, LEASE, NOW).attempt == 2

    def test_taking_over_moves_the_end_of_the_lease(self, store: Store) -> None:
        store.begin(ONCE, LEASE, NOW)
        store.begin(ONCE, Lease(LEASE.holder, SOON + timedelta(hours=1)), NOW)

        with pytest.raises(LeaseHeld):
            store.begin(ONCE, OTHER, SOON)

    def test_functions_sources_and_events_are_told_apart(self, store: Store) -> None:
        keys = [ONCE, ONCE._replace(function="f"), ONCE._replace(source="s"), ONCE._replace(event_id="e")]

        attempts = [store.begin(key, Lease(str(holder), SOON), NOW).attempt for holder, key in enumerate(keys)]

        assert attempts == [1, 1, 1, 1]

    def test_what_is_done_waits_to_be_published_whoever_asks(self, store: Store) -> None:
        store.begin(ONCE, LEASE, NOW)
        store.commit(ONCE, LEASE, [], SEALED, ANSWER)

        record = store.begin(ONCE, OTHER, NOW)

        assert record == OnceRecord("done", attempt=1, sealed=SEALED, answer=ANSWER)

    def test_each_attempt_to_publish_is_counted(self, store: Store) -> None:
        store.begin(ONCE, LEASE, NOW)
        store.commit(ONCE, LEASE, [], SEALED, None)

        attempts = [store.begin(ONCE, LEASE, NOW).attempt for _ in range(2)]

        assert attempts == [2, 3]

    def test_a_duplicate_of_what_is_published_is_no_attempt(self, store: Store) -> None:
        store.begin(ONCE, LEASE, NOW)
        store.commit(ONCE, LEASE, [], (), ANSWER)

        records = [store.begin(ONCE, OTHER, NOW) for _ in range(2)]

        assert records == [OnceRecord("published", attempt=1, answer=ANSWER)] * 2

    def test_of_many_at_once_one_gets_the_lease(self, store: Store) -> None:
        def ask(holder: int) -> bool:
            try:
                store.begin(ONCE, Lease(f"request-{holder}", SOON), NOW)
            except LeaseHeld:
                return False
            return True

        with ThreadPoolExecutor(20) as pool:
            got = [*pool.map(ask, range(20))]

        assert got.count(True) == 1


class TestRelease:
    def test_a_released_lease_is_free_at_once(self, store: Store) -> None:
        store.begin(ONCE, LEASE, NOW)

        store.release(ONCE, LEASE)

        assert store.begin(ONCE, OTHER, NOW) == OnceRecord("in_progress", attempt=1)

    def test_only_the_holder_can_release(self, store: Store) -> None:
        store.begin(ONCE, LEASE, NOW)

        store.release(ONCE, OTHER)

        with pytest.raises(LeaseHeld):
            store.begin(ONCE, OTHER, NOW)

    def test_what_is_done_stays_done(self, store: Store) -> None:
        store.begin(ONCE, LEASE, NOW)
        store.commit(ONCE, LEASE, [], SEALED, ANSWER)

        store.release(ONCE, LEASE)

        assert store.begin(ONCE, OTHER, NOW).state == "done"

    def test_releasing_what_was_never_begun_begins_nothing(self, store: Store) -> None:
        store.release(ONCE, LEASE)

        assert store.begin(ONCE, OTHER, NOW).attempt == 1

    def test_an_attempt_that_does_not_count_is_taken_back_once(self, store: Store) -> None:
        store.begin(ONCE, LEASE, NOW)
        store.begin(ONCE, LEASE, NOW)

        store.release(ONCE, OTHER, counted=False)
        store.release(ONCE, LEASE, counted=False)
        store.release(ONCE, LEASE, counted=False)

        assert store.begin(ONCE, LEASE, NOW).attempt == 2

    def test_the_first_attempt_is_taken_back_too(self, store: Store) -> None:
        store.begin(ONCE, LEASE, NOW)

        store.release(ONCE, LEASE, counted=False)

        assert store.begin(ONCE, LEASE, NOW).attempt == 1


class TestCommit:
    def test_writes_and_record_are_committed_together(self, store: Store) -> None:
        store.begin(ONCE, LEASE, NOW)

        store.commit(ONCE, LEASE, [Write(JOBS, ITEM, "{}", ABSENT), Write(JOBS, ("b", ""), "[]", None)], SEALED, None)

        assert sorted(item.document for item in store.scan(JOBS, 10, None)) == ["[]", "{}"]
        assert store.begin(ONCE, LEASE, NOW).sealed == SEALED

    def test_one_conflict_undoes_every_write_and_leaves_the_lease(self, store: Store) -> None:
        given(store, JOBS, a="1", c="1")
        store.begin(ONCE, LEASE, NOW)
        writes = [
            Write(JOBS, ("a", ""), "2", None),
            Write(JOBS, ("b", ""), "2", ABSENT),
            Write(JOBS, ("c", ""), None, "another version"),
        ]

        with pytest.raises(Conflict, match=r"repairs\.jobs changed"):
            store.commit(ONCE, LEASE, writes, SEALED, ANSWER)

        assert sorted((item.key[0], item.document) for item in store.scan(JOBS, 10, None)) == [("a", "1"), ("c", "1")]
        assert store.begin(ONCE, LEASE, NOW) == OnceRecord("in_progress", attempt=2)

    def test_what_was_read_and_not_changed_is_written(self, store: Store) -> None:
        given(store, JOBS, **{"ticket-1": "1"})

        commit(store, Write(JOBS, ITEM, "2", version_of(store)))

        assert store.get(JOBS, ITEM) == (ITEM, version_of(store), "2")

    @pytest.mark.parametrize("document", ["2", None], ids=["put", "delete"])
    def test_what_has_changed_since_is_a_conflict(self, store: Store, document: str | None) -> None:
        given(store, JOBS, **{"ticket-1": "1"})
        seen = version_of(store)
        commit(store, Write(JOBS, ITEM, "other", None), name="other")

        with pytest.raises(Conflict):
            commit(store, Write(JOBS, ITEM, document, seen))

        assert store.get(JOBS, ITEM) == (ITEM, version_of(store), "other")

    def test_the_same_document_written_again_is_a_change(self, store: Store) -> None:
        given(store, JOBS, **{"ticket-1": "1"})
        seen = version_of(store)
        commit(store, Write(JOBS, ITEM, "1", None), name="again")

        with pytest.raises(Conflict):
            commit(store, Write(JOBS, ITEM, "2", seen))

    def test_deleted_and_made_again_is_a_change(self, store: Store) -> None:
        given(store, JOBS, **{"ticket-1": "1"})
        seen = version_of(store)
        commit(store, Write(JOBS, ITEM, None, None), name="deleted")
        commit(store, Write(JOBS, ITEM, "1", ABSENT), name="made again")

        with pytest.raises(Conflict):
            commit(store, Write(JOBS, ITEM, "2", seen))

    def test_what_was_deleted_since_is_a_conflict(self, store: Store) -> None:
        given(store, JOBS, **{"ticket-1": "1"})
        seen = version_of(store)
        commit(store, Write(JOBS, ITEM, None, None), name="deleted")

        with pytest.raises(Conflict):
            commit(store, Write(JOBS, ITEM, "2", seen))

        assert store.get(JOBS, ITEM) is None

    @pytest.mark.parametrize("document", ["2", None], ids=["put", "delete"])
    def test_what_was_absent_and_is_there_is_a_conflict(self, store: Store, document: str | None) -> None:
        given(store, JOBS, **{"ticket-1": "1"})

        with pytest.raises(Conflict):
            commit(store, Write(JOBS, ITEM, document, ABSENT))

        assert store.get(JOBS, ITEM) == (ITEM, version_of(store), "1")

    def test_deleting_what_is_absent_is_fine(self, store: Store) -> None:
        commit(store, Write(JOBS, ITEM, None, None), Write(JOBS, ("b", ""), None, ABSENT))

        assert store.scan(JOBS, 10, None) == []

    def test_one_hundred_items_of_several_tables_fit_with_the_record(self, store: Store) -> None:
        writes = [Write(f"repairs.t{number % 3}", (str(number), ""), "{}", ABSENT) for number in range(99)]

        commit(store, *writes)

        assert sum(len(store.scan(f"repairs.t{number}", 100, None)) for number in range(3)) == 99


class TestFence:
    def test_who_was_taken_over_cannot_commit(self, store: Store) -> None:
        store.begin(ONCE, LEASE, NOW)
        store.begin(ONCE, OTHER, SOON)

        with pytest.raises(LeaseLost, match=r"repairs\.plan_repair took too long over event event-1"):
            store.commit(ONCE, LEASE, [Write(JOBS, ITEM, "late", None)], SEALED, None)

        assert store.get(JOBS, ITEM) is None
        assert store.begin(ONCE, OTHER, SOON).state == "in_progress"

    def test_who_took_over_can_commit(self, store: Store) -> None:
        store.begin(ONCE, LEASE, NOW)
        store.begin(ONCE, OTHER, SOON)

        store.commit(ONCE, OTHER, [Write(JOBS, ITEM, "in time", None)], (), None)

        assert store.get(JOBS, ITEM) == (ITEM, version_of(store), "in time")

    @pytest.mark.parametrize("sealed", [SEALED, ()], ids=["done", "published"])
    @pytest.mark.parametrize("holder", [LEASE, OTHER], ids=["same", "other"])
    def test_nobody_commits_twice(self, store: Store, sealed: tuple[SealedEvent, ...], holder: Lease) -> None:
        store.begin(ONCE, LEASE, NOW)
        store.commit(ONCE, LEASE, [Write(JOBS, ITEM, "first", None)], sealed, ANSWER)

        with pytest.raises(LeaseLost):
            store.commit(ONCE, holder, [Write(JOBS, ITEM, "second", None)], (), None)

        assert store.get(JOBS, ITEM) == (ITEM, version_of(store), "first")
        assert store.begin(ONCE, holder, NOW).answer == ANSWER

    def test_an_expired_lease_that_nobody_took_still_commits(self, store: Store) -> None:
        store.begin(ONCE, Lease("request-1", NOW - timedelta(days=1)), NOW)

        store.commit(ONCE, LEASE, [Write(JOBS, ITEM, "late", None)], (), None)

        assert store.get(JOBS, ITEM) == (ITEM, version_of(store), "late")

    def test_what_was_never_begun_is_begun_and_done_at_once(self, store: Store) -> None:
        store.commit(ONCE, LEASE, [], SEALED, ANSWER)

        assert store.begin(ONCE, OTHER, NOW) == OnceRecord("done", attempt=1, sealed=SEALED, answer=ANSWER)

    def test_of_many_that_commit_one_delivery_one_succeeds(self, store: Store) -> None:
        store.begin(ONCE, LEASE, NOW)

        def finish(number: int) -> bool:
            try:
                store.commit(ONCE, LEASE, [Write(JOBS, (str(number), ""), "{}", None)], (), None)
            except LeaseLost:
                return False
            return True

        with ThreadPoolExecutor(20) as pool:
            done = [*pool.map(finish, range(20))]

        assert done.count(True) == 1
        assert [item.key[0] for item in store.scan(JOBS, 30, None)] == [str(done.index(True))]


class TestPublished:
    def test_where_nothing_is_sealed_nothing_is_left_to_do(self, store: Store) -> None:
        store.begin(ONCE, LEASE, NOW)
        store.commit(ONCE, LEASE, [], (), None)

        assert store.begin(ONCE, OTHER, NOW) == OnceRecord("published", attempt=1)

    def test_marking_erases_the_events_and_keeps_their_ids_and_the_answer(self, store: Store) -> None:
        store.begin(ONCE, LEASE, NOW)
        store.commit(ONCE, LEASE, [], SEALED, ANSWER)

        store.mark_published(ONCE, SEALED)

        assert store.begin(ONCE, OTHER, NOW) == OnceRecord(
            "published", attempt=1, published=published_events(SEALED), answer=ANSWER
        )

    def test_commit_says_whether_anything_is_left_to_publish(self, store: Store) -> None:
        states = [store.commit(ONCE._replace(event_id=str(sealed)), LEASE, [], sealed, None) for sealed in (SEALED, ())]

        assert states == ["done", "published"]

    def test_what_is_done_is_there_to_sweep_when_its_lease_has_expired(self, store: Store) -> None:
        later = ONCE._replace(event_id="event-2")
        store.commit(later, Lease("request-2", SOON + timedelta(hours=1)), [], SEALED, None)
        store.commit(ONCE, LEASE, [], SEALED, None)

        found = [[key for key, _ in store.unpublished(now, 10)] for now in (NOW, SOON, SOON + timedelta(hours=1))]

        assert found == [[], [ONCE], [ONCE, later]]
        assert store.unpublished(SOON, 10) == [(ONCE, SEALED)]
        assert len(store.unpublished(SOON + timedelta(hours=1), 1)) == 1

    def test_what_is_published_is_not_there_to_sweep(self, store: Store) -> None:
        store.commit(ONCE, LEASE, [], SEALED, None)
        store.commit(ONCE._replace(event_id="event-2"), LEASE, [], (), None)

        store.mark_published(ONCE, SEALED)

        assert store.unpublished(SOON, 10) == []

    def test_marking_twice_is_marking_once(self, store: Store) -> None:
        store.begin(ONCE, LEASE, NOW)
        store.commit(ONCE, LEASE, [], SEALED, None)

        store.mark_published(ONCE, SEALED)
        store.mark_published(ONCE, SEALED)

        assert store.begin(ONCE, LEASE, NOW).state == "published"

    def test_what_is_in_progress_is_not_published(self, store: Store) -> None:
        store.begin(ONCE, LEASE, NOW)

        store.mark_published(ONCE, SEALED)

        assert store.begin(ONCE, LEASE, NOW).state == "in_progress"


class TestReading:
    def test_what_is_not_there_is_none(self, store: Store) -> None:
        assert store.get(JOBS, ITEM) is None
        assert store.query(JOBS, "ticket-1") == []
        assert store.scan(JOBS, 10, None) == []

    def test_an_item_is_what_was_written_under_its_whole_key(self, store: Store) -> None:
        commit(
            store,
            Write(JOBS, ("a", ""), "one part", None),
            Write(VISITS, ("a", "1"), "two parts", None),
            Write(VISITS, ("a", "2"), "another sort key", None),
            Write("repairs.parts", ("a", ""), "other table", None),
        )

        places = [(JOBS, ("a", "")), (VISITS, ("a", "1")), (VISITS, ("a", "2")), ("repairs.parts", ("a", ""))]
        found = [store.get(*place) for place in places]

        assert [item and item.document for item in found] == [
            "one part",
            "two parts",
            "another sort key",
            "other table",
        ]

    def test_every_write_changes_the_version(self, store: Store) -> None:
        versions = set()

        for number in range(5):
            commit(store, Write(JOBS, ITEM, "same", None), name=str(number))
            versions.add(version_of(store))

        assert len(versions) == 5
        assert ABSENT not in versions

    def test_a_partition_is_in_the_order_of_its_sort_keys(self, store: Store) -> None:
        sorts = ["b", "a", " ", "10", "2", "B", "é", "ß", "a-1"]
        others = Write(VISITS, ("q", "a"), "other", None)
        commit(store, *[Write(VISITS, ("p", sort), sort, None) for sort in sorts], others)

        found = store.query(VISITS, "p")

        assert [item.key for item in found] == [("p", sort) for sort in sorted(sorts)]
        assert [item.document for item in found] == sorted(sorts)

    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
    def test_a_table_is_read_page_by_page_without_loss_or_repetition(self, store: Store, limit: int) -> None:
        keys = [(partition, sort) for partition in ("a", "b", "c") for sort in ("1", "2")]
        commit(store, *[Write(VISITS, key, "{}", None) for key in keys], Write(JOBS, ("a", ""), "{}", None))

        read: list[ItemKey] = []
        after: ItemKey | None = None
        while page := store.scan(VISITS, limit, after):
            assert len(page) == min(limit, len(keys) - len(read))
            read += [item.key for item in page]
            after = page[-1].key

        assert sorted(read) == keys

    def test_a_page_begins_behind_a_key_that_is_no_longer_there(self, store: Store) -> None:
        commit(store, *[Write(JOBS, (name, ""), "{}", None) for name in "abc"])
        first, second, third = [item.key for item in store.scan(JOBS, 10, None)]
        commit(store, Write(JOBS, second, None, None), name="deleted")

        assert [item.key for item in store.scan(JOBS, 10, second)] == [third]
        assert [item.key for item in store.scan(JOBS, 10, first)] == [third]

    def test_what_is_deleted_is_gone(self, store: Store) -> None:
        commit(store, Write(VISITS, ("a", "1"), "{}", None), Write(VISITS, ("a", "2"), "{}", None), name="given")

        commit(store, Write(VISITS, ("a", "1"), None, None), name="deleted")

        assert store.get(VISITS, ("a", "1")) is None
        assert [item.key[1] for item in store.query(VISITS, "a")] == ["2"]
        assert [item.key[1] for item in store.scan(VISITS, 10, None)] == ["2"]

    @pytest.mark.parametrize(
        "name", ["Zoë", "寿司", "🛠️", "e\u0301", "é", "a\nb", "a\x00b", "'; DROP TABLE item; --", "%", " "]
    )
    def test_keys_are_any_text(self, store: Store, name: str) -> None:
        commit(store, Write(VISITS, (name, name), name, None), Write(VISITS, (name + "x", name), "another", None))

        item = store.get(VISITS, (name, name))

        assert item is not None
        assert (item.key, item.document) == ((name, name), name)
        assert [found.document for found in store.query(VISITS, name)] == [name]

    def test_holders_and_event_ids_are_any_text(self, store: Store) -> None:
        key, lease = ONCE._replace(event_id="événement#again.🛠"), Lease("Zoë", SOON)
        store.begin(key, lease, NOW)

        store.commit(key, lease, [], SEALED, ANSWER)

        assert store.begin(key, lease, NOW).sealed == SEALED


def test_twenty_threads_that_count_optimistically_lose_nothing(store: Store) -> None:
    given(store, JOBS, **{"ticket-1": "0"})

    def count(number: int) -> int:
        for tries in range(1000):
            item = store.get(JOBS, ITEM)
            assert item is not None
            write = Write(JOBS, ITEM, str(int(item.document) + 1), item.version)
            try:
                store.commit(OnceKey("count", "thread", str(UUID(int=number))), LEASE, [write], (), None)
            except Conflict:
                continue
            return tries
        raise AssertionError("it never got through")

    with ThreadPoolExecutor(20) as pool:
        tries = [*pool.map(count, range(20))]

    item = store.get(JOBS, ITEM)
    assert item is not None
    assert item.document == "20"
    assert len(tries) == 20
