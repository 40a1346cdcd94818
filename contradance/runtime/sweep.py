"""The sweeper: it publishes what was committed by a process that died before it could publish."""

from typing import Final

from contradance.errors import PublishFailed
from contradance.runtime.ports import Environment
from contradance.runtime.publish import publish

BATCH: Final = 25
"""Records that are looked at together."""


def sweep(environment: Environment, seconds: float) -> int:
    """Publish the `done` records whose holder is gone, for up to `seconds`; return how many were published.

    Raises:
        PublishFailed: some could not be published; the others were, and these are tried again by the next run.
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
        raise PublishFailed("\n".join(map(str, failures.values())))
    return swept
