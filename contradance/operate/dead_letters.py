"""What lies on the dead letter queues of a stack: looked at, grouped by what it died of, redriven, purged.

A redrive goes to the one function whose dead letter it is, past the bus: nobody else consumes the event again. What that
function has done before it does not do twice, since its once-record knows the event.
"""

import json
from collections.abc import Container, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple

from contradance.choreography import Choreography
from contradance.envelope import unseal
from contradance.errors import ContractViolation, OperateError
from contradance.function import Schedule
from contradance.operate.dead_letter import DeadLetter, Reason
from contradance.operate.dead_letter_queue import QueuePeek
from contradance.operate.stack import Stack
from contradance.runtime.consume import read_event
from contradance.subscription import Subscription

MOST: Final = 10_000
"""Dead letters of one queue that are looked at, where the caller asks for no other number."""
_LOOKS: Final = 8
"""Queues that are looked into at a time."""


class Found(NamedTuple):
    """What one look into the dead letter queues saw."""

    letters: list[DeadLetter]
    hidden: int
    """About how many more somebody else is looking at; 0 may be wrong for a minute."""


@dataclass(frozen=True, slots=True)
class Group:
    """Dead letters of one function that died of the same."""

    subscriber: str
    reason: Reason
    cause: str
    count: int
    first_seen: datetime
    last_seen: datetime
    example: DeadLetter


class LetterOutcome(NamedTuple):
    """What became of one dead letter, or would."""

    letter: DeadLetter
    outcome: Literal["redriven", "redrivable", "deleted", "deletable", "kept"]
    why: str = ""
    """Why it was kept, or what is left to do."""


def find(
    stack: Stack,
    choreography: Choreography,
    subscriber: str | None = None,
    reason: Reason | None = None,
    limit: int = MOST,
) -> Found:
    """Return the dead letters of a stack, or of one subscriber, or with one reason; `limit` is for each queue.

    Raises:
        OperateError: there is no such function, it has no dead letter queue, or a queue cannot be read.
    """

    def look(name: str) -> Found:
        with _look(stack, choreography, name) as queue:
            hidden = queue.hidden()
            letters = [letter for letter in queue.letters(limit) if _meant(letter, reason)]
        return Found(letters, hidden)

    stack.aws.service("sqs")  # made here, so that the threads share it
    with ThreadPoolExecutor(_LOOKS) as threads:
        found = [*threads.map(look, _with_queues(stack, subscriber))]
    return Found([letter for one in found for letter in one.letters], sum(one.hidden for one in found))


def grouped(letters: Iterable[DeadLetter]) -> list[Group]:
    """Return dead letters by function, reason and cause, the largest group of the first function first."""
    groups: dict[tuple[str, Reason, str], list[DeadLetter]] = {}
    for letter in letters:
        groups.setdefault((letter.subscriber, letter.reason, letter.cause), []).append(letter)
    found = [
        Group(
            *key,
            count=len(of_one),
            first_seen=min(letter.first_seen for letter in of_one),
            last_seen=max(letter.last_seen for letter in of_one),
            example=of_one[0],
        )
        for key, of_one in groups.items()
    ]
    return sorted(found, key=lambda group: (group.subscriber, -group.count, group.reason, group.cause))


def redrive(
    stack: Stack,
    choreography: Choreography,
    subscriber: str | None = None,
    reason: Reason | None = None,
    *,
    only: Container[str] | None = None,
    really: bool = False,
) -> Iterator[LetterOutcome]:
    """Have each dead letter's function consume its event again, and yield what became of each; else say what would.

    With `only`, those of these message ids.

    An event that the function could still not read is kept, and so is one that cannot be sent. A dead letter is deleted
    only when its event has been accepted. All are looked at before the first is sent: what comes back meanwhile stays.
    """
    for name in _with_queues(stack, subscriber):
        with _look(stack, choreography, name) as queue:
            for letter in [*queue.letters(MOST)]:
                if _meant(letter, reason, only):
                    yield _redrive(stack, choreography, queue, letter, really=really)


def purge(
    stack: Stack,
    choreography: Choreography,
    subscriber: str | None = None,
    reason: Reason | None = None,
    *,
    only: Container[str] | None = None,
    really: bool = False,
) -> Iterator[LetterOutcome]:
    """Delete dead letters, with `only` those of these message ids, and yield each; else say which would be deleted."""
    for name in _with_queues(stack, subscriber):
        with _look(stack, choreography, name) as queue:
            for letter in queue.letters(MOST):
                if _meant(letter, reason, only):
                    if really:
                        queue.delete(letter)
                    yield LetterOutcome(letter, "deleted" if really else "deletable")


def refusal(choreography: Choreography, letter: DeadLetter) -> str | None:
    """Return why a dead letter's function could not consume its event now; None where it could try."""
    function = choreography.functions.get(letter.subscriber)
    if function is None:
        return f"the code here has no function {letter.subscriber}, so nobody can say whether it would be understood"
    if letter.event is None:
        return "the message does not hold the event; replay it from the archive"
    if isinstance(function.trigger, Schedule):
        missing = {"schedule", "scheduled_time"} - letter.event.keys()
        return f"the moment of a schedule has no {' and no '.join(sorted(missing))}" if missing else None
    if not isinstance(function.trigger, Subscription):
        return f"{letter.subscriber} is a route, which consumes no events"
    try:
        read_event(function, function.trigger, unseal(letter.event, function.name))
    except ContractViolation as error:
        return f"still invalid: {error}"
    return None


def _meant(letter: DeadLetter, reason: Reason | None, only: Container[str] | None = None) -> bool:
    """Whether a dead letter died for `reason`, if one is named, and is one of the messages `only`, if some are."""
    return reason in (None, letter.reason) and (only is None or letter.message.id in only)


def _redrive(
    stack: Stack, choreography: Choreography, queue: QueuePeek, letter: DeadLetter, *, really: bool
) -> LetterOutcome:
    why = refusal(choreography, letter)
    if why is not None:
        return LetterOutcome(letter, "kept", why)
    if not really:
        return LetterOutcome(letter, "redrivable")
    try:
        _send(stack, letter)
    except OperateError as error:
        return LetterOutcome(letter, "kept", str(error))
    try:
        queue.delete(letter)
    except OperateError as error:
        return LetterOutcome(letter, "redriven", f"but it is still on the queue, and harmless there: {error}")
    return LetterOutcome(letter, "redriven")


def _send(stack: Stack, letter: DeadLetter) -> None:
    """Hand the event to its function alone: by its queue, where it has one, else as EventBridge would invoke it."""
    function = stack.function(letter.subscriber)
    event = json.dumps(letter.event, separators=(",", ":"))
    if function.queue_url is not None:
        stack.aws.service("sqs").ask("send_message", QueueUrl=function.queue_url, MessageBody=event)
    else:
        stack.aws.service("lambda").ask(
            "invoke", FunctionName=function.function_name, InvocationType="Event", Payload=event.encode()
        )


def _with_queues(stack: Stack, subscriber: str | None) -> list[str]:
    """Return the functions with a dead letter queue, or the one that is asked for."""
    if subscriber is None:
        return [name for name, one in stack.deployed.functions.items() if one.dead_letter_queue_url is not None]
    if stack.function(subscriber).dead_letter_queue_url is None:
        raise OperateError(f"{subscriber} has no dead letter queue: whoever calls a route is told of its failure.")
    return [subscriber]


def _look(stack: Stack, choreography: Choreography, name: str) -> QueuePeek:
    function = choreography.functions.get(name)
    most = function.retry.attempts(function.delivery) if function else None
    url = stack.function(name).dead_letter_queue_url or ""
    return QueuePeek(name, url, stack.aws.service("sqs"), stack.wait_seconds, most)
