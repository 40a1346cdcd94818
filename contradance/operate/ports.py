"""What a running system offers to the commands and to the console."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from contradance.deployed import Deployed, DeployedBus, DeployedFunction
from contradance.errors import OperateError
from contradance.operate.dead_letter import DeadLetter, LetterOutcome

_REPLAY_ENDED: Final = ("COMPLETED", "CANCELLED", "FAILED")


class LetterView(Protocol):
    """The dead letters of some functions, while they are read or changed."""

    def letters(self, limit: int | None = None) -> Iterator[DeadLetter]:
        """Yield each dead letter once, function by function; `limit` is for each function.

        Letters that arrive after the first was yielded are not among them.
        """

    def hidden(self) -> int:
        """Return about how many letters another client has received, so that they cannot be read now."""

    def redrive(self, letters: Sequence[DeadLetter]) -> list[LetterOutcome]:
        """Send the event of each letter to its function alone, and delete the letter when the event is accepted."""

    def delete(self, letters: Sequence[DeadLetter]) -> list[LetterOutcome]:
        """Delete letters."""


class DeadLetterAccess(Protocol):
    """The dead letter queues of a system."""

    @property
    def exact(self) -> bool:
        """Whether counts are exact. SQS has no operation that reads a queue without receiving its messages."""

    def look(self, functions: Sequence[str]) -> AbstractContextManager[LetterView]:
        """Open the dead letter queues of these functions."""

    def count(self, function: str) -> int:
        """Return how many dead letters a function has."""


@dataclass(frozen=True, slots=True)
class ReplayStatus:
    """The state of one replay."""

    name: str
    state: str
    """EventBridge's name of it: STARTING, RUNNING, CANCELLING, COMPLETED, CANCELLED or FAILED."""
    last_replayed: datetime | None
    """The time of the last event that was replayed; None before the first."""
    reason: str = ""

    @property
    def ended(self) -> bool:
        """Whether the state is final."""
        return self.state in _REPLAY_ENDED


class ReplayAccess(Protocol):
    """The archive of a system, and its replays."""

    def start(self, name: str, function: str, first: datetime, last: datetime) -> ReplayStatus:
        """Replay the events from `first` to before `last` to one function."""

    def status(self, name: str) -> ReplayStatus:
        """Return the state of one replay."""


class RuleTarget(NamedTuple):
    """Where a rule delivers."""

    name: str
    """Name of the function or of the queue."""
    has_dead_letters: bool
    """Whether undeliverable events go to a dead letter queue."""


@dataclass(frozen=True, slots=True)
class RunningRule:
    """A rule as the system has it."""

    state: str
    """ENABLED, or why no event passes."""
    pattern: str
    """The event pattern, as JSON."""
    targets: tuple[RuleTarget, ...]


@dataclass(frozen=True, slots=True)
class AlarmState:
    """A CloudWatch alarm as the system has it."""

    acts: bool
    """Whether its actions are enabled."""
    notifies: bool
    """Whether it has an action."""
    in_alarm: bool


class Hang(NamedTuple):
    """An invocation that has outlived its function's timeout while its thread still runs."""

    function: str
    seconds: float
    """How long it has run."""
    where: str
    """The application's line at which its thread is."""
    stack: str
    """The stack of its thread."""


class HealthAccess(Protocol):
    """What a system is made of, as it runs now."""

    def deployed(self) -> Deployed:
        """Return the description of what runs."""

    def account(self) -> str | None:
        """Return the account of the credentials in use; None where none are needed."""

    def bus_arn(self) -> str:
        """Return the ARN of the bus."""

    def has_bus(self, bus: DeployedBus) -> bool:
        """Return whether a bus of events of others exists."""

    def rule(self, function: str) -> RunningRule:
        """Return the rule of one subscriber."""

    def waiting(self, function: str) -> int | None:
        """Return about how many events wait in the queue before a function; None without a queue."""

    def archive_state(self, archive: str) -> str:
        """Return ENABLED, or the state of an archive and its reason."""

    def alarms(self, names: Sequence[str]) -> Mapping[str, AlarmState]:
        """Return those of the alarms that exist, by name."""

    def hangs(self) -> Sequence[Hang]:
        """Return the invocations whose threads still run after their timeouts; none on AWS, where Lambda ends them."""


@dataclass(frozen=True, slots=True)
class System:
    """A running system: one stack on AWS, or the laptop."""

    deployed: Deployed
    dead_letters: DeadLetterAccess
    replays: ReplayAccess
    health: HealthAccess

    def function(self, name: str) -> DeployedFunction:
        """Return a function of the system, by its name in the choreography."""
        found = self.deployed.functions.get(name)
        if found is None:
            known = ", ".join(sorted(self.deployed.functions)) or "none"
            raise OperateError(f"{self.deployed.app} has no function {name} here.\n  It has: {known}.")
        return found
