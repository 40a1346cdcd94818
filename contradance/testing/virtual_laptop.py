"""A laptop with a virtual clock, which runs a choreography in the process of a test."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from contradance.choreography import Choreography
from contradance.local.captured import logging_kept
from contradance.local.clock import VirtualClock
from contradance.local.laptop import Laptop
from contradance.runtime.journal_record import JournalRecord
from contradance.testing.run import Run
from contradance.testing.unit import variables_of


@contextmanager
def running(
    choreography: Choreography,
    state: Path,
    *,
    seed: int = 0,
    settings: Mapping[str, object] | None = None,
    only: str | Sequence[str] | None = None,
    when_journaled: Callable[[JournalRecord], None] = lambda _: None,
) -> Iterator[Laptop]:
    """Run a choreography on a laptop with a virtual clock while the `with` block runs; its value is the laptop.

    Args:
        choreography: the choreography to run.
        state: the folder of the state file.
        seed: the seed of the random order in which deliveries are made.
        settings: values of settings by name.
        only: functions and services that events are delivered to; all of them unless given.
        when_journaled: called with each journal record.
    """
    with (
        logging_kept(choreography),
        Laptop(
            choreography,
            state,
            clock=VirtualClock(),
            variables=variables_of(settings or {}),
            synchronous="OFF",
            seed=seed,
            when_journaled=when_journaled,
        ) as laptop,
    ):
        if only is not None:
            Run(laptop, [], state).only(*([only] if isinstance(only, str) else only))
        yield laptop
