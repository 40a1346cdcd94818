"""The ports of `contradance.operate`, over the laptop's file and its actions."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from functools import cache
from itertools import groupby
from typing import Final, Literal, Protocol

from contradance.deployed import Deployed, DeployedBus
from contradance.errors import OperateError
from contradance.local.dead_letter_queues import LETTER_COLUMNS, stored_letter
from contradance.local.events.replay import find_replay
from contradance.local.state.database import Database
from contradance.local.state.reader import Reader
from contradance.local.state.stored import stored_time
from contradance.local.system.protocol import SystemDescription
from contradance.operate.dead_letter import DeadLetter, LetterOutcome
from contradance.operate.ports import AlarmState, Hang, ReplayStatus, RuleTarget, RunningRule, System

OpenFile = Callable[[], AbstractContextManager[Reader | Database]]
_NO_LIMIT: Final = -1
"""SQLite's own value for a LIMIT that limits nothing."""
_NO_OTHER_STACK: Final = (
    "the laptop's bus has no rules of other stacks.\n  Name one of its functions: --subscriber NAME"
)
_BUSY: Final = "another client has received the message, or it is not on the queue any more"


class LaptopActions(Protocol):
    """The actions of an operator: done directly, or sent to the laptop's process."""

    def redrive(self, function: str, messages: Sequence[str]) -> Collection[str]:
        """Redrive dead letters of one function, by their message ids; return the ids of those that were redriven."""
        ...

    def delete(self, function: str, messages: Sequence[str]) -> Collection[str]:
        """Delete dead letters of one function, by their message ids; return the ids of those that were deleted."""
        ...

    def replay(self, name: str, function: str, first: datetime, last: datetime) -> None:
        """Start a replay of events from `first` until before `last` to one function; `ContradanceError` if refused."""


def laptop_system(
    stack: Deployed, open_file: OpenFile, actions: LaptopActions, running: Callable[[], SystemDescription]
) -> System:
    """Return the `System` for a laptop, over its file and the actions that change it.

    Args:
        stack: its description.
        open_file: opens its file.
        actions: change it.
        running: returns the description of what runs now.
    """
    return System(
        stack,
        dead_letters=LaptopDeadLetters(open_file, actions),
        replays=LaptopReplays(open_file, actions),
        health=LaptopHealth(running),
    )


class LaptopDeadLetters:
    """`contradance.operate.ports.DeadLetterAccess` over the laptop's file: letters are read without being received."""

    exact = True

    def __init__(self, open_file: OpenFile, actions: LaptopActions) -> None:
        self._open_file = open_file
        self._actions = actions

    @contextmanager
    def look(self, functions: Sequence[str]) -> Iterator["LaptopLetterView"]:
        """Yield a view of these functions' dead letters, open while the block runs; it hides no letter from others."""
        with self._open_file() as reader:
            yield LaptopLetterView(reader, functions, self._actions)

    def count(self, function: str) -> int:
        """Return how many dead letters a function has, the hidden ones too."""
        with self._open_file() as reader:
            return int(reader.read("SELECT count(*) FROM dead_letter WHERE function = ?", (function,))[0][0])


class LaptopLetterView:
    """`contradance.operate.ports.LetterView` over the laptop's file."""

    together = 500  # each call is one transaction

    def __init__(self, reader: Reader | Database, functions: Sequence[str], actions: LaptopActions) -> None:
        self._reader = reader
        self._functions = functions
        self._actions = actions

    def letters(self, limit: int | None = None) -> Iterator[DeadLetter]:
        """Yield the dead letters, the oldest of each function first; `limit` counts for each function, None is all."""
        query = f"SELECT {LETTER_COLUMNS} FROM dead_letter WHERE function = ? ORDER BY sent, id LIMIT ?"  # noqa: S608 - constants
        for function in self._functions:
            for row in self._reader.rows(query, (function, _NO_LIMIT if limit is None else limit)):
                yield stored_letter(function, row)

    def cut(self) -> Sequence[str]:
        """Return an empty sequence: all letters are read."""
        return ()

    def hidden(self) -> int:
        """Return 0: letters are read even while another client has received them."""
        return 0

    def redrive(self, letters: Sequence[DeadLetter]) -> list[LetterOutcome]:
        """Redrive letters; return the outcome of each: redriven, or kept when another client has it or it is gone."""
        return self._changed(letters, self._actions.redrive, "redriven")

    def delete(self, letters: Sequence[DeadLetter]) -> list[LetterOutcome]:
        """Delete letters; return the outcome of each: deleted, or kept when another client has it or it is gone."""
        return self._changed(letters, self._actions.delete, "deleted")

    def _changed(
        self,
        letters: Sequence[DeadLetter],
        change: Callable[[str, Sequence[str]], Collection[str]],
        outcome: Literal["redriven", "deleted"],
    ) -> list[LetterOutcome]:
        """Call `change` for each function; return `outcome` for each letter that it changed, `kept` for others."""
        outcomes = []
        for function, some in groupby(letters, key=lambda letter: letter.subscriber):
            of_one = [*some]
            changed = frozenset(change(function, [letter.message.id for letter in of_one]))
            outcomes += [
                LetterOutcome(letter, outcome) if letter.message.id in changed else LetterOutcome(letter, "kept", _BUSY)
                for letter in of_one
            ]
        return outcomes


class LaptopReplays:
    """`contradance.operate.ports.ReplayAccess` over the laptop's file."""

    def __init__(self, open_file: OpenFile, actions: LaptopActions) -> None:
        self._open_file = open_file
        self._actions = actions

    def start(self, name: str, function: str, first: datetime, last: datetime) -> ReplayStatus:
        """Start a replay of events from `first` until before `last` to one function; return its status, STARTING."""
        self._actions.replay(name, function, first, last)
        return ReplayStatus(name, "STARTING", None)

    def start_to_rule(self, name: str, rule: str, first: datetime, last: datetime) -> ReplayStatus:  # noqa: ARG002 - the port's
        """Raise `OperateError`: the laptop's bus has only its own rules."""
        raise OperateError(_NO_OTHER_STACK)

    def status(self, name: str) -> ReplayStatus:
        """Return the state of one replay; raise `OperateError` for an unknown one."""
        with self._open_file() as reader:
            replay = find_replay(reader, name)
        if replay is None:
            raise OperateError(f"the laptop has no replay {name}.")
        last = None if replay.replayed is None else stored_time(replay.replayed)
        return ReplayStatus(name, replay.state, last)


class LaptopHealth:
    """`contradance.operate.ports.HealthAccess` over the description of what the laptop runs."""

    def __init__(self, running: Callable[[], SystemDescription]) -> None:
        self._running = cache(running)

    def deployed(self) -> Deployed:
        """Return the description of what runs; it is requested once."""
        return self._running().deployed

    def account(self) -> None:
        """Return None: the laptop checks no credentials."""

    def bus_arn(self) -> str:
        """Return the ARN of the application's own bus."""
        return self._running().deployed.bus_arn

    def has_bus(self, bus: DeployedBus) -> bool:
        """Return whether the laptop has this bus, one beside the application's own."""
        return bus in self._running().deployed.buses.values()

    def rule(self, function: str) -> RunningRule:
        """Return the rule of one subscriber with its target; raise `KeyError` for another function."""
        one = self._running().deployed.functions[function]
        target = (one.queue_url or "").rpartition("/")[2] or one.function_name
        return RunningRule("ENABLED", self._running().patterns[function], (RuleTarget(target, has_dead_letters=True),))

    def bus_rule(self, name: str) -> RunningRule:  # noqa: ARG002 - the port's
        """Raise `OperateError`: the laptop's bus has only its own rules."""
        raise OperateError(_NO_OTHER_STACK)

    def can_run(self, function: str) -> bool:  # noqa: ARG002 - the port's
        """Return True: the laptop has no reserved concurrency."""
        return True

    def bus_rules(self) -> Sequence[str]:
        """Return an empty sequence: no other stack is on the laptop's bus."""
        return ()

    def waiting(self, function: str) -> None:
        """Return None: the laptop has no queues before functions."""

    def archive_state(self, archive: str) -> str:  # noqa: ARG002 - the port's
        """Return ENABLED: the laptop archives every event."""
        return "ENABLED"

    def alarms(self, names: Sequence[str]) -> Mapping[str, AlarmState]:  # noqa: ARG002 - the port's
        """Return an empty mapping: the laptop has no alarms."""
        return {}

    def hangs(self) -> Sequence[Hang]:
        """Return the invocations that hang, as of the first request for the description."""
        return self._running().hangs
