"""The sweeper: publishes events that a process committed and did not publish before it died."""

from itertools import takewhile
from typing import Final

from contradance.bounds import MAX_REASON_BYTES, shortened
from contradance.errors import PublishFailed
from contradance.runtime.error_description import describe_error
from contradance.runtime.ports import Environment
from contradance.runtime.publish import publish

BATCH: Final = 25
"""Records per query."""


def sweep(environment: Environment, seconds: float) -> int:
    """Publish `done` records with an expired lease for up to `seconds`; return how many, or raise `PublishFailed`.

    A record that fails, in whatever way, does not stop those behind it.

    Raises:
        PublishFailed: some were not published, and the next run tries them again; the others were.
    """
    deadline, swept = environment.clock.now().timestamp() + seconds, 0
    failures: dict[str, str] = {}

    def seconds_left() -> float:
        """Return the seconds until the deadline."""
        return deadline - environment.clock.now().timestamp()

    while seconds_left() > 0:
        waiting = [
            (key, sealed)
            for key, sealed in environment.store.unpublished(environment.clock.now(), BATCH + len(failures))
            if str(key) not in failures
        ]
        if not waiting:
            break
        for key, sealed in takewhile(lambda _: seconds_left() > 0, waiting):
            try:
                publish(sealed, environment.events, environment.bus, environment.clock, seconds_left())
                environment.store.mark_published(key, sealed)
            except PublishFailed as failure:
                failures[str(key)] = str(failure)
            except Exception as error:  # noqa: BLE001 - reported below, after the others were published
                failures[str(key)] = f"the events of {key.function} were not published: {describe_error(error)}"
            else:
                swept += 1
    if failures:
        raise PublishFailed(shortened("\n".join(failures.values()), MAX_REASON_BYTES))
    return swept
