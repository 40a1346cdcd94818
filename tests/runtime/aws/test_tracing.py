"""X-Ray is told of an invocation where tracing is on, and of nothing that the event or the answer holds."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

from contradance.runtime.aws import variable_names

ROOT = Path(__file__).parents[3]
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
INVOKED = """
from contradance.runtime.aws.machine import exposed
from tests.runtime.aws.desk import FakeLambda

@exposed
def handler(event, context):
    if event["fails"]:
        raise ValueError(event["reader"])
    return event["reader"]

try:
    print(handler({"reader": "Ada", "fails": FAILS}, FakeLambda("request-1")))
except ValueError:
    print("raised")
"""


def told(*, on: bool, fails: bool = False) -> tuple[str, list[str]]:
    """Return what a handler answered, and what X-Ray's daemon was told."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.setblocking(False)  # noqa: FBT003 - the socket's own way to say it
        done = subprocess.run(
            [sys.executable, "-c", INVOKED.replace("FAILS", str(fails))],
            cwd=ROOT,
            env={
                **{name: os.environ[name] for name in ("PATH",) if name in os.environ},
                "PYTHONPATH": str(ROOT),
                "LAMBDA_TASK_ROOT": "/var/task",
                "_X_AMZN_TRACE_ID": TRACE,
                "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{daemon.getsockname()[1]}",
                "POWERTOOLS_SERVICE_NAME": "loans",
                **({variable_names.TRACING: "1"} if on else {}),
            },
            capture_output=True,
            text=True,
            check=True,
        )
        packets = []
        while True:
            try:
                packets.append(daemon.recv(65_536).decode())
            except BlockingIOError:
                return done.stdout.strip(), packets


def test_an_invocation_is_a_subsegment_of_lambdas_own_trace() -> None:
    answered, packets = told(on=True)

    (packet,) = packets
    segment = json.loads(packet.partition("\n")[2])
    assert answered == "Ada"
    assert (segment["trace_id"], segment["parent_id"]) == ("1-5759e988-bd862e3fe1be46a994272793", "53995c3f42cd8ad8")
    assert segment["annotations"] == {"ColdStart": True, "Service": "loans"}


def test_a_trace_holds_nothing_that_is_personal() -> None:
    for fails, outcome in ((False, "Ada"), (True, "raised")):
        answered, packets = told(on=True, fails=fails)

        assert (answered, len(packets)) == (outcome, 1)
        assert "Ada" not in packets[0]
        assert ("ValueError" in packets[0]) == fails


def test_without_tracing_nobody_is_told() -> None:
    assert told(on=False) == ("Ada", [])
