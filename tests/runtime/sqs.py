"""A queue with SQS's rules and Lambda's polling of it, on a virtual clock."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from contradance.choreography import AnyFunction
from contradance.errors import HandlerTimedOut
from contradance.local.clock import VirtualClock
from contradance.retry import VISIBILITY_FACTOR
from contradance.runtime.entry import invoke
from contradance.runtime.ports import Environment
from tests.runtime.fakes import World, recorded

NEVER = timedelta(days=365)


class Killed(BaseException):
    """The process of an invocation ended: Lambda ended it at its timeout, or the handler did."""


class LambdaClock(VirtualClock):
    """A clock whose `sleep` ends where Lambda, or the limit of one attempt, ends the handler that sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self._dead = False
        self.invocation_ends = self.now() + NEVER
        self.attempt_ends = self.now() + NEVER
        self.late = timedelta()
        """How much of the first invocation's time is gone when it begins."""

    def now(self) -> datetime:
        if self._dead:  # no code runs after the end of a process, whatever catches this
            raise Killed
        return super().now()

    def die(self) -> None:
        """End the process."""
        self._dead = True
        raise Killed

    def restart(self) -> None:
        """Run in a new process."""
        self._dead = False

    def sleep(self, seconds: float) -> None:
        until = self.now() + timedelta(seconds=seconds)
        if until < min(self.attempt_ends, self.invocation_ends):
            self.move_to(until)
            return
        interrupted = self.attempt_ends < self.invocation_ends
        self.move_to(min(self.attempt_ends, self.invocation_ends))
        if interrupted:
            raise HandlerTimedOut("The handler took longer than its timeout.")
        self.die()

    def begin(self, seconds: float) -> None:
        """`Limiter`: AWS calls take no time here."""

    @contextmanager
    def handler(self, seconds: float) -> Iterator[None]:
        """`Limiter`: interrupt a sleeping handler after `seconds`."""
        self.attempt_ends = self.now() + timedelta(seconds=seconds)
        try:
            yield
        finally:
            self.attempt_ends = self.now() + NEVER


@dataclass(frozen=True)
class _Context:
    aws_request_id: str
    clock: LambdaClock

    def get_remaining_time_in_millis(self) -> int:
        return max(int((self.clock.invocation_ends - self.clock.now()).total_seconds() * 1000), 0)


@dataclass
class _Message:
    id: str
    body: str
    sent: datetime
    visible: datetime
    receives: int = 0


@dataclass
class Queue:
    """A function's queue: visibility, receive counts and the redrive policy of SQS, partial batches of Lambda.

    Args:
        world: what the function runs in; its clock is a `LambdaClock`.
        function: polls the queue.
        bodies: the events that are sent, as message-0, message-1, ...
        random: the order in which messages are received.
        interrupts: whether a handler can be interrupted at the end of its own time, as on AWS.
    """

    world: World
    function: AnyFunction
    bodies: Sequence[Mapping[str, Any]]
    random: Random
    interrupts: bool = True
    throttled: int = 0
    """Invocations that Lambda refuses, before it runs any."""
    moved: list[str] = field(default_factory=list)
    """Messages that the redrive policy moved to the dead letter queue."""
    invocations: int = 0

    def __post_init__(self) -> None:
        self._clock = self.world.clock
        assert isinstance(self._clock, LambdaClock)
        self._limiter = self._clock
        now = self._clock.now()
        self._messages = {
            f"message-{n}": _Message(f"message-{n}", json.dumps(body), now, now) for n, body in enumerate(self.bodies)
        }

    @property
    def environment(self) -> Environment:
        """The world's environment, with this queue."""
        found = replace(self.world.environment, messages=self)
        return replace(found, limiter=self._limiter) if self.interrupts else found

    def hide(self, message: Mapping[str, Any], seconds: float) -> None:
        """`Messages`: SQS's ChangeMessageVisibility."""
        self._messages[message["messageId"]].visible = self._clock.now() + timedelta(seconds=seconds)

    def give_back(self, message: Mapping[str, Any], seconds: float) -> None:
        """`Messages`: SQS's ChangeMessageVisibility."""
        self.hide(message, seconds)

    def delete(self, message: Mapping[str, Any]) -> None:
        """`Messages`: SQS's DeleteMessage."""
        self._messages.pop(message["messageId"], None)

    def age(self, message: str, age: timedelta) -> None:
        """Have a message sent so long before now."""
        self._messages[message].sent = self._clock.now() - age

    def run(self) -> None:
        """Receive and invoke until the queue is empty."""
        while self._messages:
            self._clock.move_to(min(message.visible for message in self._messages.values()))
            batch = self._receive()
            if batch:
                self._invoke(batch)

    def _receive(self) -> list[_Message]:
        now = self._clock.now()
        visible = [message for message in self._messages.values() if message.visible <= now]
        chosen = self.random.sample(visible, min(len(visible), self.function.batch or 1))
        hidden = now + VISIBILITY_FACTOR * self.function.invocation_timeout
        batch = []
        for message in chosen:
            message.receives += 1
            if message.receives > self.function.retry.receives:
                self.moved.append(message.id)
                del self._messages[message.id]
            else:
                message.visible = hidden
                batch.append(message)
        return batch

    def _invoke(self, batch: Sequence[_Message]) -> None:
        if self.throttled:
            self.throttled -= 1
            return
        self.invocations += 1
        assert self.invocations < 10_000, "the queue never empties"
        clock = self._clock
        assert isinstance(clock, LambdaClock)
        clock.invocation_ends = clock.now() + self.function.invocation_timeout - clock.late
        clock.late = timedelta()
        try:
            context = _Context(f"request-{self.invocations}", clock)
            answer: Any = invoke(self.function, {"Records": [*map(_record, batch)]}, context, self.environment)
        except Killed:
            clock.restart()
            return
        finally:
            clock.invocation_ends = clock.attempt_ends = clock.now() + NEVER
        failed = {item["itemIdentifier"] for item in answer["batchItemFailures"]}
        for message in batch:
            if message.id not in failed:
                self._messages.pop(message.id, None)


def _record(message: _Message) -> dict[str, Any]:
    (record,) = recorded("sqs_batch")["Records"]
    attributes = {
        **record["attributes"],
        "ApproximateReceiveCount": str(message.receives),
        "SentTimestamp": str(int(message.sent.timestamp() * 1000)),
    }
    return {**record, "messageId": message.id, "body": message.body, "attributes": attributes}
