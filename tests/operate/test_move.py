"""`contradance move`: what it refuses, what it waits for, and what it does."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from contradance.cli.app import app
from contradance.deployed import Deployed
from contradance.errors import OperateError
from contradance.operate.aws.stack import stack_system
from contradance.operate.move import find_obstacles, plan_move
from functions.choreography import food_delivery
from tests.cli.project import ROOT
from tests.operate.fakes import FakeAws
from tests.operate.moving import CHARGES, FUNCTIONS, NEW, OLD, PAY, REVERSE, documents, services, store, two_stacks


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"old": "ENABLED"}, ["its rule is enabled"]),
        ({"concurrency": None}, ["it can still run"]),
        ({"concurrency": 5}, ["it can still run"]),
        ({"waiting": 3}, ["about 3 events wait"]),
        ({"letters": 2}, ["about 2"]),
        ({"new": "ENABLED"}, ["it runs already"]),
    ],
)
def test_what_is_between_the_copy_and_the_new_stack_is_named(changes: dict[str, Any], found: list[str]) -> None:
    aws = services(**changes)
    plan = plan_move(food_delivery, "payments", OLD, NEW)

    obstacles = {
        one.trouble for one in find_obstacles(plan, stack_system(OLD, aws), stack_system(NEW, aws)) if one.trouble
    }

    assert len(obstacles) == len(found)
    assert all(any(one in trouble for trouble in obstacles) for one in found), obstacles


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
def types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Typed]:
    """Yield the command `move` over files of outputs, with the tables in moto."""
    monkeypatch.chdir(ROOT)
    for name, one in (("prod", OLD), ("payments", NEW)):
        outputs = {"deployed": one.model_dump(mode="json", by_alias=True)}
        (tmp_path / f"{name}.json").write_text(json.dumps(outputs))

    def typed(*words: str, aws: FakeAws | None = None) -> Any:
        monkeypatch.setattr("contradance.operate.aws.services.Boto", lambda *_: aws or services())
        files = ["--from", str(tmp_path / "prod.json"), "--to", str(tmp_path / "payments.json")]
        return CliRunner().invoke(app, ["move", "payments", *files, *words])

    with two_stacks(monkeypatch):
        yield typed


def test_the_command_is_a_dry_run_then_copies_and_prints_what_comes_next(types: Typed) -> None:
    old = store("prod")
    for number in range(3):
        old.commit(f"order-{number}", "1")

    dry = types()
    nothing = documents("payments")
    done = types("--yes")
    again = json.loads(types("--yes", "--json").stdout)

    assert (dry.exit_code, done.exit_code) == (0, 0), done.output
    assert f"table {CHARGES}: 3 in the old stack, 0 of them in the new one, 3 to copy" in " ".join(dry.stdout.split())
    assert "Dry run: nothing was copied." in dry.stdout
    assert nothing == {}
    assert documents("payments") == documents("prod")
    assert f"table {CHARGES}: 3 copied to payments-charges" in done.stdout
    assert "once-records: 3 copied to payments-once" in done.stdout
    assert [line.split("--subscriber ")[1].split()[0] for line in done.stdout.splitlines() if "replay" in line] == [
        PAY,
        REVERSE,
    ]
    assert (again["complete"], [one["copied"] for one in again["copied"]]) == (True, [0, 0])


def test_an_incomplete_copy_says_what_is_missing_and_exits_with_1(types: Typed) -> None:
    store("prod").commit("order-1", "1", sealed=True)

    result = types("--yes", aws=services(concurrency=None, waiting=2))

    assert result.exit_code == 1
    assert documents("payments") == documents("prod")
    for text in ("1 with unpublished events", "about 2 events wait", "it can still run", "Not complete yet."):
        assert text in result.stdout
    assert "Next:" not in result.stdout


def test_nothing_is_written_to_a_stack_that_runs_already(types: Typed) -> None:
    """What its functions have deleted would come back."""
    store("prod").commit("order-1", "1")

    result = types("--yes", aws=services(new="ENABLED"))

    assert (result.exit_code, documents("payments")) == (1, {})
    assert "it runs already: a copy could bring back what it has deleted" in result.stdout
