import inspect
import os
import signal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contradance.cli.app import app
from contradance.cli.laptop import run
from contradance.cli.reloading import watched
from contradance.scaffold.fresh import create_project
from tests.cli.project import ROOT, Running, running
from tests.cli.test_run import ask

HANDLER = "functions/notices/notify_reader.py"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return create_project(tmp_path, "my-library")


def lend(laptop: Running, times: int) -> None:
    """Borrow a book from the laptop that runs for the `times`-th time."""
    laptop.said(rf"(?s)(is running at .*){{{times}}}")
    url = laptop.output.rsplit("is running at ", 1)[1].split(";", 1)[0]
    ask(url, "POST", "/loans", {"reader": "Ada", "title": "Emma"})


def edit(project: Path, old: str, new: str) -> None:
    text = (project / HANDLER).read_text()
    assert old in text
    (project / HANDLER).write_text(text.replace(old, new))


def test_an_edit_starts_it_again_also_after_a_mistake_and_nothing_is_lost(project: Path) -> None:
    with running(project, "--reload") as laptop:
        lend(laptop, 1)
        laptop.said("Wrote a notice")
        edit(project, "Wrote a notice", "Mailed a notice")
        laptop.said(r"functions/notices/notify_reader\.py changed: restarting\.\n")
        lend(laptop, 2)
        laptop.said("Mailed a notice")
        edit(project, "log = logging", "log = (logging")
        laptop.said(r"notify_reader\.py, line \d+: '\(' was never closed")
        laptop.said(r"It has ended with exit code 1, and starts again after an edit\.\n")
        edit(project, "log = (logging", "log = logging")
        lend(laptop, 3)
        laptop.said(r"(?s)(Mailed a notice.*){2}")
        os.kill(laptop.process.pid, signal.SIGINT)
        code = laptop.ended()

    assert code == 0
    assert laptop.output.count("Stopped. Pending deliveries continue at the next start.") == 3
    assert "Traceback" not in laptop.output


def test_what_is_not_code_is_not_watched(project: Path) -> None:
    (project / ".contradance").mkdir()
    (project / ".venv").mkdir()
    (project / "__pycache__").mkdir()

    assert [folder.name for folder in watched(project)] == ["contracts", "functions", "tests", "wheels"]


def test_it_ends_with_the_process_that_started_it_even_if_that_is_killed(project: Path) -> None:
    with running(project, "--reload") as laptop:
        laptop.said("Ctrl-C stops it")
        laptop.process.kill()

        laptop.said("Stopped. Pending deliveries continue at the next start.")


OPTIONS = {
    "state": ["--state", "here"],
    "port": ["--port", "9"],
    "settings": ["--set", "refusal_rate=1", "--set", "refusal_seed=2"],
    "time_scale": ["--time-scale", "60"],
    "archive_delay": ["--archive-delay", "600"],
    "cors_origin": ["--cors-origin", "http://a.example", "--cors-origin", "http://b.example"],
    "archive_days": ["--archive-days", "3"],
}


def test_every_option_reaches_the_laptop_that_is_restarted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    words = [word for option in OPTIONS.values() for word in option]
    restarted: list[list[str]] = []
    started: list[object] = []
    monkeypatch.setattr("contradance.cli.reloading.run_reloading", lambda _, given: restarted.append(given))
    monkeypatch.setattr("contradance.cli.running.run_laptop", lambda _, *given, **named: started.append((given, named)))

    monkeypatch.setattr("contradance.runtime.aws.metrics.watch_authors_metrics", lambda: None)

    CliRunner().invoke(app, ["run", "--reload", *words])
    for given in (["run", *words], *restarted):
        CliRunner().invoke(app, given)

    assert OPTIONS.keys() == inspect.signature(run).parameters.keys() - {"reload"}
    assert len(started) == 2
    assert started[0] == started[1]
