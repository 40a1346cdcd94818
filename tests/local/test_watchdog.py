"""A handler that keeps every other thread from running ends the process, and with it nothing but its own attempts."""

import signal
import subprocess
import sys
from pathlib import Path

from tests.patience import LONG

FROZEN = """
import re, sys, threading, time
from pathlib import Path
from contradance.local.invocation import watchdog
from contradance.local.invocation.in_flight import InFlight

watchdog._PAUSE_SECONDS = 0.05
in_flight = InFlight(Path(sys.argv[1]))

def backtracks():
    with in_flight.request("clerk.listen", "r", time.monotonic() + 0.2):
        re.fullmatch("(a+)+b", "a" * 60)

with watchdog.watched(in_flight, 0.2):
    until = time.process_time() + 0.6
    while time.process_time() < until:  # other threads run beside it
        pass
    print("computed", flush=True)
    thread = threading.Thread(target=backtracks)
    thread.start()
    thread.join()
"""


def test_a_process_that_no_thread_can_use_is_ended_with_its_stacks(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FROZEN, str(tmp_path)], capture_output=True, text=True, timeout=LONG, check=False
    )

    assert ended.returncode == -signal.SIGPROF
    assert ended.stdout == "computed\n"
    assert "in backtracks" in ended.stderr
    assert b"runs request r 1 clerk.listen" in (tmp_path / "bus.running").read_bytes()
