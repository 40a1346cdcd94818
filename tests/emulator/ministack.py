"""MiniStack as a process: it listens on a free port of loopback, and works in a folder of the tests."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

import boto3  # type: ignore[import-untyped]  # it has no types
from botocore.config import Config  # type: ignore[import-untyped]  # the same

from tests.infra.mocks import ACCOUNT, REGION

ENVIRONMENT: Final = Path(__file__).parents[2] / ".venv-emulator"
"""The environment that MiniStack is installed in; `make emulator` makes it."""
_START: Final = 60
"""Seconds that MiniStack has to start."""


class MiniStack:
    """A running emulator."""

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self.log = log
        """What MiniStack and the functions print."""

    def client(self, service: str) -> Any:
        """Return a client of boto3 for a service."""
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id=ACCOUNT,  # MiniStack takes the account from it
            aws_secret_access_key="nothing",  # noqa: S106 - opens nothing
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def answers(self) -> bool:
        """Whether it is ready."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/_ministack/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


@contextmanager
def ministack(folder: Path) -> Iterator[MiniStack]:
    """Run MiniStack in a folder, which receives all that it writes."""
    home, scratch, log = folder / "home", folder / "tmp", folder / "ministack.log"
    home.mkdir()
    scratch.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        "PATH": os.defpath,
        "HOME": str(home),
        "TMPDIR": str(scratch),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.1",
        "S3_DATA_DIR": str(scratch / "s3"),
        "STATE_DIR": str(scratch / "state"),
        "LOG_LEVEL": "WARNING",
    }
    command = [str(ENVIRONMENT / "bin" / "python"), "-m", "ministack"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        try:
            running, latest = MiniStack(port, log), time.monotonic() + _START
            while not running.answers():
                assert process.poll() is None, log.read_text(encoding="utf-8")
                assert time.monotonic() < latest, log.read_text(encoding="utf-8")
                time.sleep(0.1)
            yield running
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
