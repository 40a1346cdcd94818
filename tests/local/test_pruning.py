"""What is old goes, with its flow; what can still matter stays."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contradance.cli.app import app
from contradance.local.clock import VirtualClock
from contradance.local.laptop import Laptop
from contradance.local.pruning import Pruned
from contradance.local.pruning_thread import PruningThread
from tests.album import album
from tests.food import DECLINED, HAPPY, OUTAGE, Food, food
from tests.local.desk import Desk, always_fails, opened

DAY = timedelta(days=1)
KEPT = 14 * DAY


@pytest.fixture
def system(tmp_path: Path) -> Iterator[Food]:
    with food(tmp_path) as found:
        yield found


def counts(system: Food) -> Pruned:
    """Return how many rows there are."""
    system.laptop.deliveries.flush()
    tables = ("event", "journal", "once")
    return Pruned(*(system.laptop.database.read(f"SELECT count(*) FROM {table}")[0][0] for table in tables))  # noqa: S608 - constants


def prune(system: Food, kept: timedelta = KEPT) -> Pruned:
    return system.laptop.pruner(kept).run()


def test_an_old_flow_goes_with_its_journal_and_its_once_records(system: Food) -> None:
    system.order(HAPPY)
    system.order(DECLINED)
    before = counts(system)
    system.laptop.advance(30 * DAY)
    system.order(HAPPY)
    both = counts(system)

    pruned = prune(system)

    assert pruned == before
    assert counts(system) == Pruned(*(one - two for one, two in zip(both, before, strict=True)))
    assert prune(system) == Pruned()


@pytest.mark.parametrize("text", ["no JSON", '{"started_at": 5}', '{"started_at": [1]}', '{"started_at": "x"}', "{}"])
def test_a_record_without_a_time_stays_and_ends_no_pass(text: str, system: Food) -> None:
    system.order(HAPPY)
    system.laptop.advance(30 * DAY)
    system.laptop.database.write(
        lambda connection: connection.execute(
            "INSERT INTO journal (function, correlation_id, record) VALUES ('a.b', 'odd', ?)", (text,)
        )
    )

    pruned = prune(system)

    assert pruned.records > 0
    assert counts(system).records == 1


def test_what_is_younger_than_the_archive_stays(system: Food) -> None:
    system.order(HAPPY)
    before = counts(system)
    system.laptop.advance(KEPT - timedelta(hours=1))

    assert prune(system) == Pruned()
    assert counts(system) == before


@pytest.mark.parametrize(("days", "gone"), [(1, False), (13, False), (14, False), (15, True)])
def test_a_once_record_outlives_an_event_by_fourteen_days_and_its_max_age(system: Food, days: int, gone: bool) -> None:
    system.order(HAPPY)
    before = counts(system)
    system.laptop.advance(days * DAY + timedelta(hours=2))  # max_age is 6 hours, but for the payment's

    pruned = prune(system, kept=timedelta(hours=1))

    assert pruned[:2] == before[:2]
    assert (pruned.once == before.once) is gone
    assert pruned.once in (0, before.once)


def test_a_dead_letter_keeps_its_event_and_its_flow(system: Food) -> None:
    system.order(OUTAGE)
    system.laptop.advance(2 * DAY)
    assert system.laptop.dead_letters.counts("payments.process_payment").visible == 1
    before = counts(system)
    system.laptop.advance(60 * DAY)

    assert prune(system)[:2] == (0, 0)
    assert counts(system)[:2] == before[:2]

    system.laptop.dead_letters.purge("payments.process_payment")
    assert prune(system)[:2] == before[:2]


def test_a_dead_letter_that_takes_the_place_of_another_keeps_its_event(system: Food) -> None:
    database = system.laptop.database
    system.order(HAPPY)
    system.laptop.advance(20 * DAY)
    for _ in range(3):
        system.order(OUTAGE)
        system.laptop.advance(2 * DAY)
    first, second, _ = (row[0] for row in database.read("SELECT id FROM dead_letter ORDER BY sent"))
    database.write(
        lambda writer: writer.execute("CREATE TABLE aside AS SELECT * FROM dead_letter WHERE id = ?", (second,))
    )
    database.write(lambda writer: writer.execute("DELETE FROM dead_letter WHERE id = ?", (second,)))
    pruner = system.laptop.pruner(KEPT)
    assert pruner.run().events > 0

    database.write(lambda writer: writer.execute("DELETE FROM dead_letter WHERE id = ?", (first,)))
    database.write(lambda writer: writer.execute("INSERT INTO dead_letter SELECT * FROM aside"))
    system.laptop.advance(60 * DAY)
    flows = "SELECT correlation_id FROM event GROUP BY correlation_id ORDER BY min(id)"
    (_, *kept) = database.read(flows)
    pruner.run()

    assert database.read(flows) == kept


def check_journal_stays_with_its_dead_letter(laptop: Laptop, function: str) -> None:
    laptop.deliveries.flush()
    assert laptop.dead_letters.counts(function).visible == 1
    pruner = laptop.pruner(timedelta(seconds=-1))
    ((flow,),) = laptop.database.read("SELECT DISTINCT correlation_id FROM journal WHERE function = ?", (function,))

    pruner.run()
    kept = laptop.journal.of_flows([flow])
    for name in laptop.choreography.functions:
        laptop.dead_letters.purge(name)
    pruner.run()

    assert function in {record.function for record in kept}
    assert laptop.journal.of_flows([flow]) == []


def test_a_dead_letter_of_others_keeps_the_journal_of_its_flow(tmp_path: Path) -> None:
    with Laptop(album, tmp_path, clock=VirtualClock(), variables={}, synchronous="OFF") as laptop:
        entry = {"Source": "accounts", "DetailType": "member removed", "Detail": '{"memberId": 5, "requestId": "r-1"}'}
        laptop.bus.put_any([entry])
        laptop.drain()

        check_journal_stays_with_its_dead_letter(laptop, "gallery.forget_member")


def test_a_dead_letter_of_a_scheduled_run_keeps_the_journal_of_its_flow(tmp_path: Path) -> None:
    with opened(tmp_path, Desk().watchman("rate(1 day)", always_fails)) as laptop:
        laptop.advance(timedelta(days=1, hours=1))

        check_journal_stays_with_its_dead_letter(laptop, "clerk.watch")


def test_a_flow_that_waits_for_a_retry_stays_whatever_its_age(system: Food) -> None:
    system.ask("POST", "/orders", OUTAGE)
    system.laptop.advance(timedelta(seconds=1))
    before = counts(system)
    assert system.laptop.deliveries.count()[0] == 1

    pruned = prune(system, kept=timedelta(seconds=-1))

    assert pruned[:2] == (0, 0)
    assert counts(system)[:2] == before[:2]


def test_no_event_goes_while_a_replay_is_open(system: Food) -> None:
    system.order(HAPPY)
    start = system.laptop.clock.now() - DAY
    system.laptop.advance(30 * DAY)
    system.laptop.replays.begin("again", start, system.laptop.clock.now(), {"loyalty.add_loyalty_points"}, None)

    assert prune(system).events == 0


def test_an_event_that_stays_keeps_its_once_records(system: Food) -> None:
    system.order(OUTAGE)
    system.laptop.advance(2 * DAY)
    event = system.laptop.database.read("SELECT event_id FROM event LIMIT 1")[0][0]
    insert = "INSERT INTO once VALUES ('a.other', 'food.orders', ?, 'published', 1, 0, NULL, NULL, NULL)"
    system.laptop.database.write(lambda connection: connection.execute(insert, (event,)))
    system.laptop.advance(60 * DAY)

    prune(system)

    assert system.laptop.database.read("SELECT count(*) FROM once WHERE function = 'a.other'")[0][0] == 1


def test_a_record_whose_events_are_not_published_stays(system: Food) -> None:
    insert = "INSERT INTO once VALUES ('a.other', 'food.orders', 'e', 'done', 1, 0, '[]', NULL, NULL)"
    system.laptop.database.write(lambda connection: connection.execute(insert))
    system.laptop.advance(90 * DAY)

    assert prune(system) == Pruned()


def test_a_preview_deletes_nothing_and_counts_the_same(system: Food) -> None:
    system.order(HAPPY)
    before = counts(system)
    system.laptop.advance(30 * DAY)

    preview = system.laptop.pruner(KEPT).preview()

    assert preview == before == counts(system)
    assert prune(system) == preview


def test_a_step_is_made_only_while_nothing_is_due(system: Food) -> None:
    system.order(HAPPY)
    before = counts(system)
    system.laptop.advance(30 * DAY)
    due = [True]
    thread = PruningThread(system.laptop.pruner(KEPT), lambda: due[0])

    assert thread.next_step() < 1
    assert counts(system) == before
    due[0] = False
    pauses = [thread.next_step() for _ in range(8)]

    assert counts(system) == Pruned()
    assert max(pauses) > 1000  # at the end of a pass


def test_the_command_prints_what_it_would_delete_and_then_deletes_it(tmp_path: Path) -> None:
    with food(tmp_path) as system:
        system.order(HAPPY)
        before = counts(system)
    words = ["prune", "--state", str(tmp_path), "--older-than", "1d", "--json"]

    dry, done = (CliRunner().invoke(app, [*words, *more]) for more in ((), ("--yes",)))

    assert (dry.exit_code, done.exit_code) == (0, 0), dry.output + done.output
    for result, deleted in ((dry, False), (done, True)):
        found = json.loads(result.stdout)
        assert (found["events"], found["records"], found["deleted"]) == (before.events, before.records, deleted)


@pytest.mark.parametrize("more", [(), ("--yes",)])
def test_the_command_leaves_a_laptop_alone_that_runs(tmp_path: Path, more: tuple[str, ...]) -> None:
    with food(tmp_path) as system:
        before = system.laptop.database.read("SELECT count(*) FROM event")
        refused = CliRunner().invoke(app, ["prune", "--state", str(tmp_path), "--older-than", "0s", *more])
        after = system.laptop.database.read("SELECT count(*) FROM event")

    assert (refused.exit_code, refused.stdout, after) == (1, "", before)
    assert "another process runs on the state" in refused.stderr
    assert "It deletes old events itself, every hour" in refused.stderr
