import logging
from collections.abc import Iterator

import pytest

from contradance.runtime.aws import logs


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """Take back what `listen_to_functions` changed in the loggers of this process."""
    known, configured = logging.root.manager.loggerDict, [*logs._configured]
    before = {name: {**vars(logger)} for name, logger in known.items() if isinstance(logger, logging.Logger)}
    handlers = {name: [*changes["handlers"]] for name, changes in before.items()}
    levels = {handler: handler.level for own in handlers.values() for handler in own}
    yield
    logs._configured[:] = configured
    for name, changes in before.items():
        vars(known[name]).update(changes, handlers=handlers[name])
    for handler, level in levels.items():
        handler.setLevel(level)
    logging.getLogger().setLevel(logging.getLogger().level)  # loggers remember what they were asked
