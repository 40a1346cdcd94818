"""The protocols with which the commands and the console operate a running system."""

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
    """An open view of the dead letters of some functions, to read, redrive and delete them."""

    @property
    def together(self) -> int:
        """How many letters are redriven or deleted in one call: outcomes are known only after it."""
        ...

    def letters(self, limit: int | None = None) -> Iterator[DeadLetter]:
        """Yield each dead letter once, function by function; `limit` is for each function, None for no limit.

        A letter that arrives after the first letter of its function was yielded may be missing.
        """
        ...

    def cut(self) -> Sequence[str]:
        """Return the functions of which `letters` without a limit may have left some out, after it was read."""
        ...

    def hidden(self) -> int:
        """Return about how many letters cannot be read now because another client has received them."""
        ...

    def redrive(self, letters: Sequence[DeadLetter]) -> list[LetterOutcome]:
        """Send each letter's event to its own function, delete accepted letters; return an outcome for every letter."""
        ...

    def delete(self, letters: Sequence[DeadLetter]) -> list[LetterOutcome]:
        """Delete letters; return an outcome for every letter, `kept` if another client has it or the system refuses."""
        ...


class DeadLetterAccess(Protocol):
    """The dead letter queues of a system."""

    @property
    def exact(self) -> bool:
        """Whether counts are exact: True for the laptop, False for SQS, where reading a message means receiving it."""
        ...

    def look(self, functions: Sequence[str]) -> AbstractContextManager[LetterView]:
        """Return a context with a view of the dead letter queues of these functions."""
        ...

    def count(self, function: str) -> int:
        """Return how many dead letters a function has, only approximately unless `exact`."""
        ...


@dataclass(frozen=True, slots=True)
class ReplayStatus:
    """The state of one replay."""

    name: str
    state: str
    """As EventBridge names it: STARTING, RUNNING, CANCELLING, COMPLETED, CANCELLED or FAILED."""
    last_replayed: datetime | None
    """The time of the last event that was replayed; None before the first."""
    reason: str = ""

    @property
    def ended(self) -> bool:
        """Whether the replay has ended: completed, cancelled or failed."""
        return self.state in _REPLAY_ENDED


class ReplayAccess(Protocol):
    """The archive of a system, and its replays."""

    def start(self, name: str, function: str, first: datetime, last: datetime) -> ReplayStatus:
        """Replay to one function the events with `first` <= time < `last`; return the replay's state."""
        ...

    def start_to_rule(self, name: str, rule: str, first: datetime, last: datetime) -> ReplayStatus:
        """Replay to another stack's rule, by its name on the bus; return the state. `OperateError` on the laptop."""
        ...

    def status(self, name: str) -> ReplayStatus:
        """Return the state of the replay with this name; `OperateError` if there is none."""
        ...


class RuleTarget(NamedTuple):
    """The target of a rule."""

    name: str
    """Name of the function or of the queue."""
    has_dead_letters: bool
    """Whether undeliverable events go to a dead letter queue."""


@dataclass(frozen=True, slots=True)
class RunningRule:
    """A rule of the running system."""

    state: str
    """The state of the rule, as EventBridge names it: ENABLED or DISABLED."""
    pattern: str
    """The event pattern, as JSON."""
    targets: tuple[RuleTarget, ...]


@dataclass(frozen=True, slots=True)
class AlarmState:
    """A CloudWatch alarm of the running system."""

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
    """Reads the parts of a system as they are now: functions, bus, rules, archive and alarms."""

    def deployed(self) -> Deployed:
        """Return the description of what runs now; `ContradanceError` if nothing runs."""
        ...

    def account(self) -> str | None:
        """Return the AWS account of the credentials in use; None when the system needs no credentials."""
        ...

    def bus_arn(self) -> str:
        """Return the ARN of the system's bus as it is now."""
        ...

    def has_bus(self, bus: DeployedBus) -> bool:
        """Whether a bus of events of others exists, found by its ARN."""
        ...

    def rule(self, function: str) -> RunningRule:
        """Return the rule of one subscriber as it is now, with its targets; `ContradanceError` if it cannot be read."""
        ...

    def bus_rule(self, name: str) -> RunningRule:
        """Return a rule on the system's bus as it is now, also of another stack; `OperateError` if there is none."""
        ...

    def can_run(self, function: str) -> bool:
        """Whether a function may run: False when its reserved concurrency is 0."""
        ...

    def bus_rules(self) -> Sequence[str]:
        """Return the names of all rules on the system's bus except AWS's own, in order; empty on the laptop."""
        ...

    def waiting(self, function: str) -> int | None:
        """Return about how many events wait in the queue before a function; None without a queue."""
        ...

    def archive_state(self, archive: str) -> str:
        """Return ENABLED, or an archive's other state, followed by its reason if it has one."""
        ...

    def alarms(self, names: Sequence[str]) -> Mapping[str, AlarmState]:
        """Return the state of each alarm in `names` that exists, by name."""
        ...

    def hangs(self) -> Sequence[Hang]:
        """Return the invocations whose threads still run after their timeouts; none on AWS, where Lambda ends them."""
        ...


@dataclass(frozen=True, slots=True)
class System:
    """A running system: one stack on AWS, or the laptop."""

    deployed: Deployed
    dead_letters: DeadLetterAccess
    replays: ReplayAccess
    health: HealthAccess

    def function(self, name: str) -> DeployedFunction:
        """Return a function of the system, by its name in the choreography; raise `OperateError` if there is none."""
        found = self.deployed.functions.get(name)
        if found is None:
            known = ", ".join(sorted(self.deployed.functions)) or "none"
            raise OperateError(f"{self.deployed.app} has no function {name} here.\n  It has: {known}.")
        return found
