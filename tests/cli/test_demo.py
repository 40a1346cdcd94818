import re
import tempfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contradance.cli.app import app
from tests.cli.project import ROOT


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of temporary files, which is empty."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_the_demo_shows_four_endings_and_leaves_nothing_behind(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)

    result = CliRunner().invoke(app, ["demo"])

    happy, refused, declined, outage = result.stdout.strip().split("\n\n")
    assert result.exit_code == 0, result.output
    assert "4 events, 8 deliveries in" in happy
    assert "DeliveryPartnerAssigned" in happy
    assert "4 events, 6 deliveries in" in refused
    assert "PaymentReversed" in refused
    assert "2 events, 3 deliveries in" in declined
    assert "PaymentFailed" in declined
    assert "1 event, 1 delivery, 1 dead letter in 15 min" in outage
    assert "payments.process_payment  ✗ failed → dead letter" in outage
    assert list(temporary.iterdir()) == []


def test_each_scene_says_what_it_shows_and_how_it_was_asked(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)

    result = CliRunner().invoke(app, ["demo"])

    assert (
        len(re.findall(r"^An order .+\nPOST /orders → 201\nsubject [0-9a-f-]{36}$", result.stdout, re.MULTILINE)) == 4
    )
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_a_scene_that_is_refused_ends_the_demo_with_its_answer(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[tool.contradance]\nchoreography = "functions.choreography:food_delivery"\ndemo = "scenes_of_a_demo:scenes"\n'
    )
    (project / "scenes_of_a_demo.py").write_text(
        "from contradance.local.scene import Scene\nscenes = [Scene('Nothing', 'POST /orders', {})]\n"
    )
    monkeypatch.chdir(project)
    monkeypatch.syspath_prepend(project)

    result = CliRunner().invoke(app, ["demo"])

    assert result.exit_code == 1
    assert result.stderr.startswith("LaptopError: the scene 'Nothing' was answered with 422: ")
    assert list(temporary.iterdir()) == [project]
