import json
from pathlib import Path

import pytest

from tests.food import HAPPY, REFUSED
from tests.forking import ROOT, programs

FEWEST_STEPS = 20


@pytest.mark.parametrize(
    ("body", "publishing", "client"),
    [  # each value beside each value of the other two
        pytest.param(HAPPY, "at-once", "repeats", id="happy-at-once-repeats"),
        pytest.param(HAPPY, "apart", "silent", id="happy-apart-silent"),
        pytest.param(REFUSED, "at-once", "silent", id="refused-at-once-silent"),
        pytest.param(REFUSED, "apart", "repeats", id="refused-apart-repeats"),
    ],
)
def test_an_order_survives_a_crash_at_every_step(
    body: dict[str, object], publishing: str, client: str, tmp_path: Path
) -> None:
    order = tmp_path / "order.json"
    order.write_text(json.dumps(body))

    ended = programs.run("-m", "tests.durability.crasher", tmp_path, order, publishing, client, cwd=ROOT)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert int(ended.stdout.splitlines()[-1].split()[0]) >= FEWEST_STEPS


def test_a_replay_survives_a_crash_at_every_step_and_repeats_no_minute(tmp_path: Path) -> None:
    order = tmp_path / "order.json"
    order.write_text(json.dumps(HAPPY))

    ended = programs.run("-m", "tests.durability.replayer", tmp_path, order, cwd=ROOT)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert int(ended.stdout.splitlines()[-1].split()[0]) >= FEWEST_STEPS
