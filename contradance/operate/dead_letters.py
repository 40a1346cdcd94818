"""The dead letters of a system: found, grouped by cause, redriven, purged.

A redrive sends the event to the one function that did not consume it, not to the bus: no other subscriber consumes it again.
Redriving twice is safe: each function processes an event once.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from contradance.choreography import Choreography
from contradance.envelope import unseal
from contradance.errors import ContractViolation, OperateError
from contradance.foreign import id_at
from contradance.function import Schedule
from contradance.operate.dead_letter import DeadLetter, LetterOutcome, Reason
from contradance.operate.ports import LetterView, System
from contradance.runtime.consume import read_event
from contradance.subscription import Subscription


@dataclass(frozen=True, slots=True)
class Group:
    """Dead letters of one function with one cause."""

    subscriber: str
    reason: Reason
    cause: str
    count: int
    first_seen: datetime
    last_seen: datetime
    example: DeadLetter


@dataclass(frozen=True, slots=True)
class FoundLetters:
    """Dead letters of a system, grouped."""

    groups: tuple[Group, ...]
    """The largest group of the first function first."""
    letters: tuple[DeadLetter, ...]
    """Those that were to be kept; the groups count all."""
    hidden: int
    """About how many more another client has received."""
    cut: tuple[str, ...] = ()
    """Functions that may have more, because a queue is read up to a limit of the system."""

    @property
    def count(self) -> int:
        """How many dead letters were found, those that were not kept included."""
        return sum(group.count for group in self.groups)


def find(
    system: System,
    choreography: Choreography,
    subscriber: str | None = None,
    reason: Reason | None = None,
    *,
    wanted: Callable[[DeadLetter], bool] | None = None,
    limit: int | None = None,
    keep: int = 0,
) -> FoundLetters:
    """Return a system's dead letters in groups, and the first `keep` of them; only those that all filters take.

    Only those that are kept stay in memory.

    Args:
        system: has the dead letters.
        choreography: the code.
        subscriber: takes those of this function.
        reason: takes those with this reason.
        wanted: takes those for which it returns True.
        limit: takes at most so many of each function; without a reason and `wanted`, no others are read.
        keep: the number of letters to return.

    Raises:
        OperateError: the function is missing, it has no dead letter queue, or a queue cannot be read.
    """
    groups: dict[tuple[str, Reason, str], Group] = {}
    kept: list[DeadLetter] = []
    taken: Counter[str] = Counter()
    reads_all = reason is not None or wanted is not None
    with system.dead_letters.look(_with_queues(system, subscriber)) as view:
        hidden = view.hidden()
        for letter in _read(view, choreography, reason, limit=None if reads_all else limit):
            if taken[letter.subscriber] == limit or not (wanted is None or wanted(letter)):
                continue
            taken[letter.subscriber] += 1
            if len(kept) < keep:
                kept.append(letter)
            key = (letter.subscriber, letter.reason, letter.cause)
            groups[key] = _with(groups.get(key), key, letter)
        cut = tuple(view.cut())
    found = sorted(groups.values(), key=lambda group: (group.subscriber, -group.count, group.reason, group.cause))
    return FoundLetters(tuple(found), tuple(kept), hidden, cut)


def _with(group: Group | None, key: tuple[str, Reason, str], letter: DeadLetter) -> Group:
    """Return a group with one letter more; for None a new group with this key (function, reason, cause)."""
    if group is None:
        return Group(*key, 1, letter.first_seen, letter.last_seen, letter)
    return replace(
        group,
        count=group.count + 1,
        first_seen=min(group.first_seen, letter.first_seen),
        last_seen=max(group.last_seen, letter.last_seen),
    )


def redrive(
    system: System,
    choreography: Choreography,
    subscriber: str | None = None,
    reason: Reason | None = None,
    *,
    only: Container[str] | None = None,
    really: bool = False,
    when_cut: Callable[[str], None] = lambda _: None,
) -> Iterator[LetterOutcome]:
    """Yield the outcome of each dead letter: its event sent to its function, or kept; without `really` nothing is sent.

    With `only`, those with these message ids. An event that the function would still refuse is kept, and so is one that
    cannot be sent. A letter is deleted only when its event has been accepted. `when_cut` is called with each function that
    may have more letters.
    """
    for name in _with_queues(system, subscriber):
        with system.dead_letters.look([name]) as view:
            for letters in _batches(_read(view, choreography, reason, only), view.together):
                refusals = [(letter, refusal(choreography, letter)) for letter in letters]
                yield from (LetterOutcome(letter, "kept", why) for letter, why in refusals if why is not None)
                valid = [letter for letter, why in refusals if why is None]
                if really:
                    yield from view.redrive(valid)
                else:
                    yield from (LetterOutcome(letter, "redrivable") for letter in valid)
            for cut in view.cut():
                when_cut(cut)


def purge(
    system: System,
    choreography: Choreography,
    subscriber: str | None = None,
    reason: Reason | None = None,
    *,
    only: Container[str] | None = None,
    really: bool = False,
    when_cut: Callable[[str], None] = lambda _: None,
) -> Iterator[LetterOutcome]:
    """Delete dead letters, with `only` those with these message ids; yield outcomes; without `really` delete none.

    `when_cut` is called with each function that may have more letters.
    """
    for name in _with_queues(system, subscriber):
        with system.dead_letters.look([name]) as view:
            for letters in _batches(_read(view, choreography, reason, only), view.together):
                if really:
                    yield from view.delete(letters)
                else:
                    yield from (LetterOutcome(letter, "deletable") for letter in letters)
            for cut in view.cut():
                when_cut(cut)


def flow_and_subject(choreography: Choreography, letter: DeadLetter) -> tuple[str, str]:
    """Return (correlation id, subject) of a letter's event, "" if missing; of an event of others by its class."""
    event = letter.event or {}
    foreign = choreography.foreign_of(event.get("source"), event.get("detail-type"))
    if foreign is not None:
        return id_at(event, foreign.origin.correlation), id_at(event, foreign.origin.subject)
    found = letter.metadata
    return str(found.get("correlation_id") or ""), str(found.get("subject") or "")


def refusal(choreography: Choreography, letter: DeadLetter) -> str | None:
    """Return why a dead letter's event cannot be sent, or would be refused again; None when it would be handled."""
    function = choreography.functions.get(letter.subscriber)
    if function is None:
        return f"the code has no function {letter.subscriber}, so the event cannot be checked"
    if letter.event is None:
        return "the message does not hold the event; replay it from the archive"
    if isinstance(function.trigger, Schedule):
        missing = {"schedule", "scheduled_time"} - letter.event.keys()
        return f"the input of a scheduled run is missing {' and '.join(sorted(missing))}" if missing else None
    if not isinstance(function.trigger, Subscription):
        return f"{letter.subscriber} is a route, which consumes no events"
    try:
        read_event(function, function.trigger, unseal(letter.event, function.name))
    except ContractViolation as error:
        return f"still invalid: {error}"
    return None


def _read(
    view: LetterView,
    choreography: Choreography,
    reason: Reason | None,
    only: Container[str] | None = None,
    *,
    limit: int | None = None,
) -> Iterator[DeadLetter]:
    """Yield the letters with this reason and one of these message ids, None for any; `limit` are read per function."""
    for letter in view.letters(limit):
        if reason in (None, letter.reason) and (only is None or letter.message.id in only):
            yield _capped(letter, choreography)


def _capped(letter: DeadLetter, choreography: Choreography) -> DeadLetter:
    """Return the letter; a failed one with no more attempts than its function makes: SQS also counts each look."""
    function = choreography.functions.get(letter.subscriber)
    most = function.retry.attempts(function.delivery) if function else None
    if letter.reason != "failed" or letter.attempts is None or most is None or letter.attempts <= most:
        return letter
    return replace(letter, attempts=most)


def _batches(letters: Iterable[DeadLetter], size: int) -> Iterator[Sequence[DeadLetter]]:
    """Yield the letters, in order, in lists of up to `size`."""
    remaining = iter(letters)
    while batch := [*islice(remaining, size)]:
        yield batch


def _with_queues(system: System, subscriber: str | None) -> list[str]:
    """Return the functions with a dead letter queue, or `subscriber`; `OperateError` if it is missing or has none."""
    functions = system.deployed.functions
    if subscriber is None:
        return [name for name, one in functions.items() if one.dead_letter_queue_url is not None]
    if system.function(subscriber).dead_letter_queue_url is None:
        raise OperateError(f"{subscriber} has no dead letter queue: a route returns its failure to the caller.")
    return [subscriber]
