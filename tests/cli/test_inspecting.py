import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from contradance import Choreography, Contract, Registry
from contradance.cli.app import app
from tests.cli.project import ROOT
from tests.food import HAPPY, OUTAGE, food


class Lent(Contract, source="library.loans", subject="loan"):
    """A book was lent; nobody says so yet."""

    loan: str


loose = Choreography("library", contracts=Registry("library", [Lent]), functions=[])


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def asked(*words: str) -> Result:
    return CliRunner().invoke(app, [*words])


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Return the state of a laptop, and the ids of events in it, by name."""
    folder = tmp_path_factory.mktemp("state")
    with food(folder) as system:
        ids = {}
        for name, body in (("happy", HAPPY), ("outage", OUTAGE)):
            order = system.order(body)
            (root,) = system.flow(order).roots
            ids[name] = root.published[0].event_id if hasattr(root, "published") else ""
    return folder, ids


def test_everything_there_is_is_listed() -> None:
    listed = asked("list")

    assert listed.exit_code == 0
    assert "orders.place_order                  POST /orders → OrderPlaced\n" in listed.stdout
    assert (
        "PaymentReversed                    payments.reverse_payment → notifications.notify_customer\n" in listed.stdout
    )


def test_the_listing_is_json_for_a_machine() -> None:
    listed = json.loads(asked("list", "--json").stdout)

    functions = {one["name"]: one for one in listed["functions"]}
    assert functions["payments.process_payment"]["retry"] == "5 retries within 6 hours"
    assert functions["payments.process_payment"]["delivery"] == "queue"
    assert len(listed["events"]) == 7


def test_the_food_system_has_no_finding() -> None:
    found = asked("lint")

    assert (found.exit_code, found.stdout, found.stderr) == (0, "", "13 functions, 7 events, 0 findings\n")
    assert json.loads(asked("lint", "--json").stdout) == []


def test_a_finding_says_why_and_how_to_mend_it_and_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accepted = ""

    def linted(*words: str) -> Result:
        (tmp_path / "pyproject.toml").write_text(
            f'[tool.contradance]\nchoreography = "tests.cli.test_inspecting:loose"\n{accepted}'
        )
        return asked("lint", *words)

    monkeypatch.chdir(tmp_path)
    found, machine = linted(), json.loads(linted("--json").stdout)
    accepted = '[tool.contradance.accepted]\n"unused library.loans/Lent v1" = "it comes next week"\n'
    fine = linted()

    assert found.exit_code == 1
    assert "unused  library.loans/Lent v1 has no publisher and no subscriber.\n  Why: " in found.stdout
    assert (
        'Accept: in pyproject.toml, below [tool.contradance.accepted]: "unused library.loans/Lent v1" = "the reason"'
        in found.stdout
    )
    assert [one["name"] for one in machine] == ["unused library.loans/Lent v1"]
    assert fine.exit_code == 0


def test_why_tells_the_whole_story_of_one_event_at_one_subscriber(state: tuple[Path, dict[str, str]]) -> None:
    folder, ids = state

    told = asked("why", ids["happy"][:8], "--subscriber", "payments.process_payment", "--state", str(folder))

    assert told.exit_code == 0, told.output
    assert told.stdout.startswith(
        f"OrderPlaced  {ids['happy']}\n  payments.process_payment  done\n    The rule matches it.\n"
    )
    assert re.search(
        r"attempt 1 done\n(      \d\d:\d\d:\d\d  INFO  .*\n)+    It published PaymentSuccess\.\n", told.stdout
    )


def test_why_says_which_field_said_no(state: tuple[Path, dict[str, str]]) -> None:
    folder, ids = state

    told = asked("why", ids["happy"], "--subscriber", "notify_customer", "--state", str(folder))

    assert told.exit_code == 1
    assert "notifications.notify_customer  not matched\n    The rule does not match it. " in told.stdout


def test_why_says_what_became_a_dead_letter_and_where_it_is(state: tuple[Path, dict[str, str]]) -> None:
    folder, ids = state

    told = asked("why", ids["outage"], "--subscriber", "process_payment", "--state", str(folder))
    machine = json.loads(
        asked("why", ids["outage"], "--subscriber", "process_payment", "--state", str(folder), "--json").stdout
    )

    assert told.exit_code == 1
    assert "attempt 6 failed: " in told.stdout
    assert "kept in the dead letter queue of payments.process_payment" in told.stdout
    assert [(one["verdict"], len(one["attempts"])) for one in machine] == [("dead letter", 6)]


def test_why_of_an_event_that_is_not_there_says_where_ids_are(state: tuple[Path, dict[str, str]]) -> None:
    told = asked("why", "nothing-like-it", "--state", str(state[0]))

    assert told.exit_code == 1
    assert "There is no event nothing-like-it" in told.stderr


def test_a_shell_completes_the_names_of_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    words = "contradance why x --subscriber payments."
    environment = {"COMP_WORDS": words, "COMP_CWORD": "4", "_CONTRADANCE_COMPLETE": "complete_bash"}

    completed = CliRunner().invoke(app, [], env=environment, prog_name="contradance")

    assert completed.stdout.split() == ["payments.process_payment", "payments.reverse_payment"]


def test_a_shell_that_completes_outside_of_a_project_gets_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    environment = {
        "COMP_WORDS": "contradance create subscriber x --on B",
        "COMP_CWORD": "5",
        "_CONTRADANCE_COMPLETE": "complete_bash",
    }

    completed = CliRunner().invoke(app, [], env=environment, prog_name="contradance")

    assert (completed.stdout.split(), completed.stderr) == ([], "")
