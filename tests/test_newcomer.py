"""A newcomer finds a fault in a handler from one place alone: each shows the author's line, and what led to it."""

import json
import os
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contradance.cli.app import app
from contradance.cli.command import the_project
from contradance.local.system.deployed import deployed
from contradance.operate.aws import services
from tests.cli.project import ROOT, running
from tests.forking import commands, tools
from tests.newcomer import FAULT, fault_line, write_project
from tests.operate.fakes import FakeAws
from tests.operate.test_insights import Logs, row

PLACE = f'File "clinic.py", line {fault_line()}, in address_of'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path)


def command(project: Path, *words: str, code: int = 0) -> str:
    """Return what a command prints in the project."""
    server = tools if words[0] == "pytest" else commands
    environment = {**os.environ, "PYTHONPATH": f"{project}{os.pathsep}{ROOT}"}
    ended = server.run("-m", *words, cwd=project, env=environment)
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended.stdout


def book(url: str, patient: str) -> None:
    """Book a visit."""
    request = urllib.request.Request(  # noqa: S310 - always http://127.0.0.1
        f"{url}/visits",
        data=json.dumps({"patient": patient, "phone": "0171-555"}).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - the same
        assert answer.status == 201


def test_from_the_terminal_and_the_commands(project: Path) -> None:
    with running(project, "--time-scale", "200") as started:
        book(started.url(), "ada")
        started.said("now a dead letter")
        book(started.url(), "bob")
        started.said("(?s)now a dead letter.*now a dead letter")
        started.process.terminate()
        assert started.ended() == 0

    shown = started.output
    assert shown.count(PLACE) == 1, shown
    assert shown.count(FAULT) == 1
    assert shown.count("the same traceback as at") == 3
    assert "contradance/runtime" not in shown
    assert "INFO     mailing ada  template=visit" in shown
    assert "WARNING  the mail server is slow  seconds=3" in shown
    assert "INFO     looking for ada" in shown

    logs = command(project, "contradance", "logs", "--function", "reminders.send_mail", "--subject", "ada")
    for expected in (PLACE, "mailing ada  template=visit", "the mail server is slow  seconds=3", "looking for ada"):
        assert expected in logs
    assert "bob" not in logs
    serious = command(project, "contradance", "logs", "--level", "error")
    assert "mailing" not in serious
    assert PLACE in serious
    lines = [json.loads(line) for line in command(project, "contradance", "logs", "--json").splitlines()]
    assert {line["logger"] for line in lines if line["message"] == "looking for ada"} == {"print"}
    assert next(line["fields"] for line in lines if line["message"] == "the mail server is slow") == {"seconds": 3}

    traced = command(project, "contradance", "trace", "ada", "--logs")
    assert traced.count(PLACE) == 1
    assert "mailing ada" in traced
    charged = next(
        event["event_id"]
        for event in json.loads(command(project, "contradance", "events", "list", "--json"))
        if event["contract"].endswith("VisitCharged v1") and event["subject"] == "ada"
    )
    told = command(project, "contradance", "why", charged)
    assert told.count(PLACE) == 1
    assert "mailing ada" in told


def test_from_the_output_of_a_test(project: Path) -> None:
    (project / "test_visits.py").write_text(
        "def test_a_visit_is_charged(run):\n    run.request('POST', '/visits', {'patient': 'ada', 'phone': '1'})\n"
        "    run.drain()\n"
    )

    told = command(project, "pytest", "-q", code=1)

    assert "reminders.send_mail failed at VisitCharged (event " in told
    assert "attempt 2, a dead letter:" in told
    for expected in (PLACE, FAULT, "KeyError: 'ada'", "INFO  mailing ada", "INFO  looking for ada"):
        assert expected in told
    assert "contradance/" not in told
    assert "1 failed" in told


ON_AWS = """
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from contradance.runtime.aws.machine import observe

observe()
import clinic
from contradance.envelope import seal_initial
from contradance.local.clock import VirtualClock
from contradance.local.events.entry import envelope
from contradance.local.invocation.record import LaptopContext
from contradance.local.laptop import Laptop
from contradance.runtime.aws.log_journal import LoggedJournal
from contradance.runtime.entry import invoke

now = datetime(2026, 1, 31, 18, tzinfo=UTC)
with Laptop(clinic.clinic, Path("aws"), clock=VirtualClock(now)) as laptop:
    environment = replace(laptop.environment, journal=LoggedJournal())
    (sealed,) = seal_initial(clinic.VisitCharged(patient="ada"), publisher="billing.charge_visit", occurred_at=now)
    event = envelope(sealed.entry("clinic"), now)
    with suppress(KeyError):
        invoke(clinic.clinic.functions["reminders.send_mail"], event, LaptopContext("r", monotonic() + 60), environment)
"""
"""Writes the lines that the function writes to CloudWatch."""


def test_from_the_logs_of_a_stack(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "on_aws.py").write_text(ON_AWS)
    recorded = command(project, "on_aws").splitlines()
    monkeypatch.chdir(project)
    file = project / "outputs.json"
    stack = deployed(the_project().choreography(), "http://127.0.0.1:8700").model_dump(mode="json", by_alias=True)
    file.write_text(json.dumps({"deployed": stack}))
    rows = [row("reminders.send_mail", line, "2026-01-31 18:00:00.001", str(n)) for n, line in enumerate(recorded)]

    def typed(*words: str) -> str:
        logs = Logs(*rows)
        monkeypatch.setattr(services, "Boto", lambda *_: FakeAws(logs=logs))
        ended = CliRunner().invoke(app, [*words, "--outputs", str(file)], terminal_width=200)
        assert ended.exit_code == 0, ended.output
        return ended.stdout

    shown = typed("logs", "--subject", "ada")
    for expected in (PLACE, FAULT, "mailing ada  template=visit", "the mail server is slow  seconds=3"):
        assert shown.count(expected) == 1, shown
    assert "looking for ada" in shown
    assert "contradance/runtime" not in shown
    assert "mailing" not in typed("logs", "--level", "error")
    traced = typed("trace", "ada", "--logs")
    assert traced.count(PLACE) == traced.count("mailing ada") == 1
