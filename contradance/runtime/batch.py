"""Consumes the SQS messages of one invocation, one after the other."""

import json
import random
from collections.abc import Mapping, Sequence
from contextvars import copy_context
from typing import Any, Final

from contradance.errors import Conflict
from contradance.function import AnyFunction
from contradance.runtime.consume import consume, sent_at
from contradance.runtime.own_time import RESERVE_SECONDS, is_enough
from contradance.runtime.ports import Context, Environment
from contradance.subscription import Subscription

Message = Mapping[str, Any]
"""One record of the event with which Lambda invokes a function for a queue."""

_LONGEST_RETURN_SECONDS: Final = 5.0
"""Longest pause of a message whose attempt lost every conflict: jitter, so that those that collided come back apart."""


def messages_in(event: object) -> Sequence[Message] | None:
    """Return the messages of an SQS batch; None for any other event and for a malformed message."""
    records = event.get("Records") if isinstance(event, Mapping) else None
    if isinstance(records, list) and all(map(_is_message, records)):
        return records
    return None


def consume_batch(
    function: AnyFunction,
    subscription: Subscription,
    messages: Sequence[Message],
    context: Context,
    environment: Environment,
) -> dict[str, list[dict[str, str]]]:
    """Consume each message within its own time; return those that the queue repeats, in Lambda's form.

    A message that could not end before the invocation does is not begun: it returns to the queue at once, and no attempt
    is counted. The first message always begins.
    """
    failures = []
    for position, message in enumerate(messages):
        if position and not is_enough(context, function.limits.timeout):
            environment.messages.give_back(message, 0)
        elif _consume_message(function, subscription, message, context, environment):
            continue
        failures.append({"itemIdentifier": message["messageId"]})
    return {"batchItemFailures": failures}


def _consume_message(
    function: AnyFunction, subscription: Subscription, message: Message, context: Context, environment: Environment
) -> bool:
    """Make one attempt in a context of its own; return whether it is done, False when the queue repeats the message.

    After a conflict it is repeated soon, and after another failure when the retry policy's pause is over.
    """
    environment.limiter.begin(function.limits.timeout.total_seconds() + RESERVE_SECONDS)
    try:
        dead_lettered = copy_context().run(
            consume,
            function,
            subscription,
            _event_in(message),
            holder=message["messageId"],
            queued_at=sent_at(message["attributes"]["SentTimestamp"]),
            receives=int(message["attributes"]["ApproximateReceiveCount"]),
            environment=environment,
            context=context,
        )
    except Conflict:
        environment.messages.give_back(message, random.uniform(0, _LONGEST_RETURN_SECONDS))  # noqa: S311 - jitter is not a secret
        return False
    except Exception:  # noqa: BLE001 - journaled by consume; the queue repeats this message alone
        environment.messages.hide(message, function.retry.queue_pause(function.limits.timeout).total_seconds())
        return False
    if dead_lettered:  # at once: if this invocation dies, the message would return and be dead-lettered twice
        environment.messages.delete(message)
    return True


def _is_message(record: object) -> bool:
    """Whether a record has the fields of an SQS message."""
    if not isinstance(record, Mapping) or not isinstance(record.get("attributes"), Mapping):
        return False
    return isinstance(record.get("messageId"), str) and isinstance(record.get("body"), str)


def _event_in(message: Message) -> Mapping[str, Any]:
    """Return the event in an SQS message; another body is wrapped, so that validation refuses it."""
    try:
        event = json.loads(message["body"])
    except (ValueError, RecursionError):
        event = None
    return event if isinstance(event, dict) else {"id": message["messageId"], "detail": message["body"]}
