"""The sweeper: publishes events that a process committed and did not publish before it died."""

from typing import Final

from contradance.bounds import MAX_REASON_BYTES, shortened
from contradance.errors import PublishFailed
from contradance.runtime.ports import Environment
from contradance.runtime.publish import publish

BATCH: Final = 25
"""Records per query."""


def sweep(environment: Environment, seconds: float) -> int:
    """Publish the events of `done` records with an expired lease, for up to `seconds`; return the number of records.

    Raises:
        PublishFailed: some were not published, and the next run tries them again; the others were.
    """
    deadline, swept = environment.clock.now().timestamp() + seconds, 0
    failures: dict[str, PublishFailed] = {}
    while (left := deadline - environment.clock.now().timestamp()) > 0:
        waiting = [
            (key, sealed)
            for key, sealed in environment.store.unpublished(environment.clock.now(), BATCH + len(failures))
            if str(key) not in failures
        ]
        if not waiting:
            break
        for key, sealed in waiting:
            try:
                publish(sealed, environment.events, environment.bus, environment.clock, left)
            except PublishFailed as failure:
                failures[str(key)] = failure
            else:
                environment.store.mark_published(key)
                swept += 1
    if failures:
        raise PublishFailed(shortened("\n".join(map(str, failures.values())), MAX_REASON_BYTES))
    return swept
