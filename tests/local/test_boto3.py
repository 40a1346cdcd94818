import json
import os
import subprocess
import sys
from pathlib import Path

from contradance.local.clock import RealClock
from contradance.local.web.server import Server
from tests.local.desk import Desk, opened, wait_until

ROOT = Path(__file__).parents[2]
OTHER = ("AWS_", "HTTP", "http")
"""What the environment of the tests may say of an AWS of its own."""


def test_boto3_unmodified_uses_the_laptop_as_it_would_use_aws(tmp_path: Path) -> None:
    desk = Desk()
    with (
        opened(tmp_path, desk.clerk(), desk.clerk("other"), clock=RealClock(), started=True) as laptop,
        Server(laptop, 0).serving() as url,
    ):
        ended = subprocess.run(
            [sys.executable, "-m", "tests.local.any_program"],
            check=False,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith(OTHER)},
                "AWS_ENDPOINT_URL": url,
                "AWS_ACCESS_KEY_ID": "any",
                "AWS_SECRET_ACCESS_KEY": "any",
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_CONFIG_FILE": str(tmp_path / "none"),
            },
        )
        assert ended.returncode == 0, ended.stderr
        wait_until(lambda: desk.items("other") == ["a", "a"])

    saw = json.loads(ended.stdout)
    assert (saw["buses"], saw["rules"]) == (["shop"], ["clerk-listen", "clerk-other"])
    assert saw["put"] == [2, [None, "MalformedDetail", "InvalidArgument", None]]
    assert saw["eleven"][0] == "ValidationException"
    assert saw["too large"] == [
        "ValidationException",
        "Total size of the entries in the request is over the limit.",
    ]
    assert saw["unknown bus"] == [
        "ResourceNotFoundException",
        "There is no bus 'nowhere' here; this laptop runs 'shop'. (AWS would have accepted the event, and dropped it.)",
    ]
    assert saw["dead letter"] == ["invalid", {"item": 5}]
    assert (saw["matches"], saw["replay"]) == (True, "COMPLETED")
    assert (desk.items("listen"), desk.items("other")) == (["a"], ["a", "a"])
