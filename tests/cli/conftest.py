import logging
from collections.abc import Iterator

import pytest

import functions.choreography  # noqa: F401 - its loggers exist before the first test, which would undo them at its end
from contradance.runtime.aws import logs


def _loggers() -> dict[str, logging.Logger]:
    return {name: one for name, one in logging.root.manager.loggerDict.items() if isinstance(one, logging.Logger)}


@pytest.fixture(autouse=True)
def _restore_loggers() -> Iterator[None]:
    """Undo what `listen_to_functions` changed in the loggers of this process."""
    configured = [*logs._configured]
    before = {name: ({**vars(logger)}, [*logger.handlers]) for name, logger in _loggers().items()}
    levels = {handler: handler.level for _, handlers in before.values() for handler in handlers}
    yield
    logs._configured[:] = configured
    for name, logger in _loggers().items():
        state, handlers = before.get(name, ({"level": logging.NOTSET, "propagate": True}, []))
        vars(logger).update(state, handlers=handlers)
    for handler, level in levels.items():
        handler.setLevel(level)
    logging.getLogger().setLevel(logging.getLogger().level)  # forget the levels that loggers have cached
