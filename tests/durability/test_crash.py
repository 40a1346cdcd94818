import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.food import HAPPY, REFUSED

ROOT = Path(__file__).parent.parent.parent
FEWEST_STEPS = 20


@pytest.mark.parametrize("client", ["repeats", "silent"])
@pytest.mark.parametrize("publishing", ["at-once", "apart"])
@pytest.mark.parametrize("body", [HAPPY, REFUSED], ids=["happy", "refused"])
def test_an_order_survives_a_crash_at_every_step(
    body: dict[str, object], publishing: str, client: str, tmp_path: Path
) -> None:
    order = tmp_path / "order.json"
    order.write_text(json.dumps(body))

    command: list[str | Path] = [sys.executable, "-m", "tests.durability.crasher", tmp_path, order, publishing, client]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert int(ended.stdout.splitlines()[-1].split()[0]) >= FEWEST_STEPS


def test_a_replay_survives_a_crash_at_every_step_and_repeats_no_minute(tmp_path: Path) -> None:
    order = tmp_path / "order.json"
    order.write_text(json.dumps(HAPPY))

    command: list[str | Path] = [sys.executable, "-m", "tests.durability.replayer", tmp_path, order]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert int(ended.stdout.splitlines()[-1].split()[0]) >= FEWEST_STEPS
