import logging
import sys
from collections.abc import Iterator

import pytest

from contradance.runtime.aws import logs
from tests.runtime.aws.desk import Deployed, cold_start
from tests.runtime.aws.moto import moto_with_once_table


class LambdaHandler(logging.Handler):
    """The handler that Lambda puts on the root logger before a function is imported."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stdout.write(self.format(record) + "\n")


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    """The root logger as Lambda has it; as it was, afterwards, with each Powertools Logger that a test made forgotten."""
    root, known = logging.getLogger(), logging.root.manager.loggerDict
    before, configured = {**vars(root)}, [*logs._configured]
    handlers, loggers = {handler: handler.formatter for handler in root.handlers}, {**known}
    root.handlers[:], logs._configured[:] = [LambdaHandler()], []
    yield root
    vars(root).clear()
    vars(root).update(before)
    root.setLevel(root.level)  # loggers remember what they were asked
    root.handlers[:], logs._configured[:] = handlers, configured
    for handler, formatter in handlers.items():
        handler.setFormatter(formatter)
    for name in {*known} - {*loggers}:
        if any(hasattr(one, "powertools_handler") for one in (known[name], getattr(known[name], "parent", None))):
            del known[name]


@pytest.fixture
def desk(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], root_logger: logging.Logger
) -> Iterator[Deployed]:
    """The desk on moto."""
    cold_start()
    with moto_with_once_table():
        yield Deployed(monkeypatch, capsys)
    cold_start()
