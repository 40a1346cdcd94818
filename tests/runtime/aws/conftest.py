import logging
import sys
from collections.abc import Iterator

import pytest

from tests.runtime.aws.desk import Deployed, cold_start
from tests.runtime.aws.moto import moto_with_once_table


class LambdaHandler(logging.Handler):
    """The handler that Lambda puts on the root logger before a function is imported."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stdout.write(self.format(record) + "\n")


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    """The root logger as Lambda has it; as it was, afterwards."""
    root = logging.getLogger()
    before, level = [(handler, handler.formatter) for handler in root.handlers], root.level
    root.handlers[:] = [LambdaHandler()]
    yield root
    root.setLevel(level)
    root.handlers[:] = [handler for handler, _ in before]
    for handler, formatter in before:
        handler.setFormatter(formatter)


@pytest.fixture
def desk(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], root_logger: logging.Logger
) -> Iterator[Deployed]:
    """The desk on moto."""
    cold_start()
    with moto_with_once_table():
        yield Deployed(monkeypatch, capsys)
    cold_start()
