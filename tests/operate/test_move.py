"""`contradance move`: what it refuses, what it waits for, and what it does."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from typer.testing import CliRunner

from contradance.cli.app import app
from contradance.deployed import Deployed, DeployedFunction
from contradance.errors import OperateError
from contradance.operate.aws.rows import DynamoDBRows
from contradance.operate.aws.stack import stack_system
from contradance.operate.copying import RowChange, RowKey
from contradance.operate.move import plan_move
from contradance.operate.readiness import NamedSystem, checks_before_copying, checks_before_enabling, commands_after
from functions.choreography import food_delivery
from tests.album import album
from tests.cli.project import ROOT
from tests.docs.page import page
from tests.operate.fakes import FakeAws
from tests.operate.moving import (
    CHARGES,
    FUNCTIONS,
    NEW,
    OLD,
    PAY,
    REVERSE,
    documents,
    named,
    services,
    stack,
    store,
    two_stacks,
)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"old": "ENABLED"}, ["it is not paused"]),
        ({"concurrency": None}, ["it can still run"]),
        ({"concurrency": 5}, ["it can still run"]),
        ({"waiting": 3}, ["about 3 events wait"]),
        ({"letters": 2}, ["about 2"]),
        ({"new": "ENABLED"}, ["it runs already"]),
        ({"pattern": '{"replay-name": [{"exists": false}]}'}, ["it ignores replays (on_replay='skip')"]),
    ],
)
def test_what_is_between_the_copy_and_the_new_stack_is_named(changes: dict[str, Any], found: list[str]) -> None:
    aws = services(**changes)
    plan = plan_move(food_delivery, "payments", OLD, NEW)
    systems = [NamedSystem(stack_system(one, aws), name, "", "") for one, name in ((OLD, "prod"), (NEW, "payments"))]

    obstacles = {one.trouble for one in checks_before_enabling(plan, *systems) if one.trouble}

    assert len(obstacles) == len(found)
    assert all(any(one in trouble for trouble in obstacles) for one in found), obstacles


def test_what_could_not_be_replayed_is_named_before_the_pause() -> None:
    unknown = NEW.model_copy(update={"archive_arn": None})
    plan = plan_move(food_delivery, "payments", OLD, unknown)
    old, new = (
        NamedSystem(stack_system(one, services()), name, f" --stack {name}", "")
        for one, name in ((OLD, "prod"), (unknown, "payments"))
    )

    found = [one for one in checks_before_enabling(plan, old, new) if one.trouble]

    assert [one.what for one in found] == [f"archive for {name} in payments" for name in (PAY, REVERSE)]
    assert "pulumi config set busArchive ARN --stack payments" in found[0].fix


def test_a_route_of_the_new_stack_that_writes_must_not_run_yet() -> None:
    old, new = (named(stack(name, paused=True, service="orders"), name) for name in ("prod", "payments"))
    plan = plan_move(food_delivery, "orders", old, new)

    def found(**changes: Any) -> set[str]:
        checks = checks_before_copying(plan, NamedSystem(stack_system(new, services(**changes)), "new", "", ""))
        return {one.what for one in checks if one.trouble}

    assert found(there=0) == set()
    assert found(there=None) == {"orders.place_order in new"}  # the routes that only read do no harm


def test_events_that_a_replay_could_handle_twice_are_named_before_the_pause() -> None:
    old, new = (named(stack(name, paused=True, service="gallery", of=album), name) for name in ("prod", "payments"))
    plan = plan_move(album, "gallery", old, new)
    systems = [NamedSystem(stack_system(one, services()), name, "", "") for one, name in ((old, "prod"), (new, "new"))]

    found = {
        one.what: one.trouble for one in checks_before_enabling(plan, *systems) if one.what.startswith("replay to ")
    }

    assert found["replay to gallery.index_photo in new"] == ""
    trouble = "only EventBridge's id identifies MemberRemoved: a replay could handle it twice"
    assert found["replay to gallery.forget_member in new"] == trouble


@pytest.mark.parametrize(("key", "state"), [("paused", {"old": "ENABLED"}), ("stopped", {"concurrency": None})])
def test_a_hint_keeps_the_other_services_of_a_key(key: str, state: dict[str, Any]) -> None:
    loyalty = {"loyalty.add_points": OLD.functions[PAY].model_copy(update={"paused": True, "stopped": True})}
    plan = plan_move(food_delivery, "payments", OLD, NEW)

    def hints(more: dict[str, DeployedFunction]) -> set[str]:
        old = OLD.model_copy(update={"functions": {**OLD.functions, **more}})
        systems = [NamedSystem(stack_system(one, services(**state)), "", "", "") for one in (old, NEW)]
        return {one.fix.partition(": ")[2] for one in checks_before_enabling(plan, *systems) if one.trouble}

    assert {f"pulumi config set --path '{key}[0]' payments; pulumi up"} == hints({})
    assert all(f"'{key}[N]'" in one and "loyalty" in one for one in hints(loyalty))


def test_the_new_stack_continues_this_service_only() -> None:
    ledger = NEW.model_copy(
        update={"functions": {**NEW.functions, "ledger.write": NEW.functions[PAY].model_copy(update={"paused": True})}}
    )
    plan = plan_move(food_delivery, "payments", OLD, NEW)

    alone, among = (
        commands_after(plan, NamedSystem(stack_system(one, services()), "", "", ""))[0] for one in (NEW, ledger)
    )

    assert alone == "pulumi config rm stopped"
    assert among == "pulumi config rm --path 'stopped[N]'  # N: the position of payments in stopped"


@pytest.mark.parametrize(
    ("service", "old", "new", "message"),
    [
        ("payment", OLD, NEW, "the code has no service payment.\n  Services: "),
        ("payments", OLD, OLD, "both are the same stack."),
        ("payments", OLD.model_copy(update={"once_table": None}), NEW, "a stack was deployed by an older version."),
        ("payments", OLD, NEW.model_copy(update={"bus_arn": "other"}), "the new stack is on the bus "),
        ("payments", OLD, NEW.model_copy(update={"functions": {}}), "the new stack has no function of payments."),
        ("payments", OLD.model_copy(update={"functions": {}}), NEW, "the old stack has no function of payments."),
        (
            "payments",
            OLD,
            NEW.model_copy(update={"functions": {PAY: NEW.functions[PAY]}}),
            f"the old stack has {', '.join(name for name in FUNCTIONS if name != PAY)}, which the new stack",
        ),
        ("payments", OLD, NEW.model_copy(update={"tables": {}}), f"the new stack has no table {CHARGES}"),
    ],
    ids=["service", "same", "older", "bus", "new", "old", "partly", "table"],
)
def test_a_move_that_cannot_be_is_refused(service: str, old: Deployed, new: Deployed, message: str) -> None:
    with pytest.raises(OperateError) as refusal:
        plan_move(food_delivery, service, old, new)

    assert str(refusal.value).startswith(message)


Typed = Callable[..., Any]


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> Iterator[Typed]:
    """Yield the command `move` over the outputs of two stacks, with the tables in moto."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "200")
    stacks = {"prod": OLD, "billing": NEW}
    monkeypatch.setattr("contradance.operate.aws.stack.outputs_of", lambda name, _: stacks[name])

    def typed(*words: str, aws: FakeAws | None = None, stacks: Sequence[str] = ("prod", "billing")) -> Any:
        monkeypatch.setattr("contradance.operate.aws.services.Boto", lambda *_: aws or services())
        return CliRunner().invoke(app, ["move", "payments", "--from", stacks[0], "--to", stacks[1], *words])

    with two_stacks(monkeypatch):
        yield typed


def test_the_guide_shows_what_the_command_prints(types: Typed) -> None:
    """A dry run while the old stack is paused, then the copy when it is stopped."""
    dry, copied = [block for block in page("docs/how-to/move-service.md").blocks() if block.language == "console"]
    old = store("prod")
    for number in range(12):
        old.commit(f"order-{number}", "1")
    key = store("prod", REVERSE).commit("order-0", "1", sealed=True)

    before = types(aws=services(concurrency=None, waiting=3))
    nothing = documents("payments")
    old.store.mark_published(key, ())
    after = types("--yes")

    assert (before.exit_code, after.exit_code) == (0, 0)
    assert before.stdout == dry.text.partition("\n")[2]
    assert after.stdout == copied.text.partition("\n")[2]
    assert (nothing, documents("payments")) == ({}, documents("prod"))


def test_a_repeated_copy_writes_nothing_and_its_json_has_the_counts(types: Typed) -> None:
    store("prod").commit("order-1", "1")

    first, second = (json.loads(types("--yes", "--json").stdout) for _ in range(2))

    assert [[one["copied"] for one in run["copied"]] for run in (first, second)] == [[1, 1], [0, 0]]
    assert [one["same"] for one in second["compared"]] == [1, 1]
    assert (second["complete"], second["obstacles"]) == (True, [])


def test_an_incomplete_copy_says_what_is_missing_and_exits_with_1(types: Typed) -> None:
    store("prod").commit("order-1", "1", sealed=True)

    result = types("--yes", aws=services(concurrency=None, waiting=2))

    assert result.exit_code == 1
    assert documents("payments") == documents("prod")
    for text in ("and 1 more unpublished", "about 2 events wait", "it can still run", "Not complete yet."):
        assert text in result.stdout
    assert "Complete:" not in result.stdout


@pytest.mark.parametrize("copied", [False, True])
@pytest.mark.parametrize("words", [(), ("--yes",)])
def test_exchanged_stacks_are_refused(types: Typed, copied: bool, words: tuple[str, ...]) -> None:
    """Else the move of nothing is complete, and what follows starts the old stack."""
    store("prod").commit("order-1", "1")
    if copied:
        assert types("--yes").exit_code == 0

    result = types(*words, stacks=("billing", "prod"))

    assert result.exit_code == 1
    assert "Name the old stack with --from, the new one with --to." in result.stderr
    assert "Complete" not in result.stdout


def test_nothing_is_written_to_a_stack_that_runs_already(types: Typed) -> None:
    """What its functions have deleted would come back."""
    store("prod").commit("order-1", "1")

    result = types("--yes", aws=services(new="ENABLED"))

    as_json = json.loads(types("--yes", "--json", aws=services(new="ENABLED")).stdout)
    assert (result.exit_code, documents("payments")) == (1, {})
    assert (as_json["complete"], as_json["copied"], len(as_json["obstacles"])) == (False, [], 2)
    assert "it runs already: a copy could bring back what it has deleted" in result.stdout


def test_what_was_copied_before_an_error_is_printed(types: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    old = store("prod")
    for number in range(3):
        old.commit(f"order-{number}", "1")
    monkeypatch.setattr("contradance.operate.copying._TOGETHER", 2)
    write, left = DynamoDBRows.write, [1]

    def throttled(rows: DynamoDBRows, changes: Sequence[RowChange]) -> frozenset[RowKey]:
        if not left:
            raise OperateError("DynamoDB refuses writes")
        left.pop()
        return write(rows, changes)

    monkeypatch.setattr(DynamoDBRows, "write", throttled)

    ended = types("--yes")
    left.append(1)
    as_json = json.loads(types("--yes", "--json").stdout)

    assert (ended.exit_code, len(documents("payments"))) == (1, 3)
    assert ended.stdout.startswith("table payments.charges: 2 copied\nIt stopped before its end.")
    assert "DynamoDB refuses writes" in ended.stderr
    assert [one["copied"] for one in as_json["copied"]] == [1, 0]
