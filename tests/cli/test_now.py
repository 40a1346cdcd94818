"""`contradance retry` and `contradance schedule run`, on a laptop in a process of its own."""

import json
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from contradance.cli.app import app
from tests.cli.project import running
from tests.newcomer import write_project
from tests.test_newcomer import book


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(write_project(tmp_path))
    return tmp_path


def typed(*words: str) -> Result:
    return CliRunner().invoke(app, [*words], terminal_width=200)


def test_a_waiting_delivery_is_retried_at_once_and_no_command_names_the_port(project: Path) -> None:
    with running(project) as started:
        book(started.url(), "ada")
        started.said("failed, attempt 1, 1 retry left")
        other = typed("retry", "nobody")
        first = typed("retry", "ada")
        started.said("failed, attempt 2, now a dead letter")
        again = typed("retry", "all")
        book(started.url(), "bob")
        started.said("(?s)attempt 1, .*attempt 1, ")
        by_function = typed("retry", "send_mail", "--json")

    assert other.exit_code == 1
    assert "No delivery waits for a retry that is about nobody." in other.stderr
    assert (first.exit_code, first.stdout.startswith("reminders.send_mail  attempt 2 now  event ")) == (0, True)
    assert again.exit_code == 1
    assert [one["attempt"] for one in json.loads(by_function.stdout)["deliveries"]] == [2]


def test_a_scheduled_function_runs_now_as_often_as_is_asked(project: Path) -> None:
    with running(project) as started:
        started.url()
        runs = [typed("schedule", "run", name) for name in ("reminders.count_visits", "count_visits")]
        started.said("(?s)counted.*counted")
        unknown = typed("schedule", "run", "desk.book_visit")
        hint = runs[1].stdout.partition("Follow it: contradance ")[2].split()
        started.said("(?s)✓ count_visits.*✓ count_visits")
        traced = typed(*hint)

    assert [one.exit_code for one in runs] == [0, 0]
    assert "there is no scheduled function desk.book_visit" in unknown.stderr
    assert "reminders.count_visits  ✓" in traced.stdout


def test_the_folder_remembers_the_port_for_the_next_run(project: Path) -> None:
    with running(project) as started:
        first = started.url()
        published = typed("events", "publish", "VisitCharged", "--data", '{"patient": "eve"}')
        started.said("send_mail")
        started.process.terminate()
        started.ended()
    down = typed("retry", "all")

    assert published.exit_code == 0, published.output
    assert f"no laptop answers at {first}" in down.stderr
    assert "Start one with: contradance run" in down.stderr


def test_a_hint_names_another_folder(project: Path) -> None:
    with running(project, "--state", "other place") as started:
        started.url()
        done = typed("schedule", "run", "reminders.count_visits", "--state", "other place")
        started.said("✓ count_visits")
        hint = done.stdout.partition("Follow it: ")[2].strip()
        traced = typed(*shlex.split(hint)[1:])

    assert "--state 'other place'" in hint
    assert "reminders.count_visits" in traced.stdout
