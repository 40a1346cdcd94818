"""Dead letters on SQS, which has no operation that reads a queue: a message is received, hidden for a time, and shown again.

So every count is approximate: another client may hide messages at the same time, and a look may miss some.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from itertools import groupby, islice
from types import TracebackType
from typing import Any, Final, Self

from contradance.deployed import Deployed
from contradance.errors import OperateError
from contradance.operate.aws.services import Aws, Service
from contradance.operate.dead_letter import DeadLetter, LetterOutcome, QueueMessage, read_dead_letter

MOST: Final = 10_000
"""Dead letters of one queue that are received, where the caller gives no other limit."""
_MOST_CHARACTERS: Final = 32 * 1024 * 1024
"""Characters of the messages of one queue that are received: they are in memory together."""
VISIBILITY_SECONDS: Final = 60
"""How long a received message is hidden from other clients."""
_WAIT_SECONDS: Final = 1
"""How long SQS waits for messages. With no wait it asks only some of its servers."""
_BATCH: Final = 10
"""Most messages of one SQS request."""
_NOTHING_NEW: Final = 3
"""Responses in a row without a new message, after which the queue counts as read."""
_AT_A_TIME: Final = 8
"""Queues that are read at the same time."""
_COUNTS: Final = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


class SqsDeadLetters:
    """`contradance.operate.ports.DeadLetterAccess` over SQS."""

    exact = False

    def __init__(self, deployed: Deployed, aws: Aws) -> None:
        self._deployed = deployed
        self._aws = aws

    def look(self, functions: Sequence[str]) -> "SqsView":
        """Return a view, for a `with` block, of the dead letter queues of these functions."""
        self._aws.service("sqs")  # made here: boto3's sessions are not safe to use from several threads
        return SqsView(
            self._deployed,
            self._aws,
            [QueuePeek(name, self._dead_letter_queue_url(name), self._aws) for name in functions],
        )

    def count(self, function: str) -> int:
        """Return about how many dead letters a function has, hidden ones included."""
        return sum(_counts(self._aws.service("sqs"), self._dead_letter_queue_url(function)))

    def _dead_letter_queue_url(self, function: str) -> str:
        """Return the URL of a function's dead letter queue; an empty text when it has none."""
        return self._deployed.functions[function].dead_letter_queue_url or ""


class SqsView:
    """`contradance.operate.ports.LetterView` over SQS; at its end, what was not deleted is shown again."""

    together = _BATCH

    def __init__(self, deployed: Deployed, aws: Aws, queues: Sequence["QueuePeek"]) -> None:
        self._deployed = deployed
        self._aws = aws
        self._queues = {queue.function: queue for queue in queues}

    def letters(self, limit: int | None = None) -> Iterator[DeadLetter]:
        """Receive up to `limit` letters of every queue (10,000 for None; fewer if they are large), and return an iterator."""
        most = MOST if limit is None else limit
        with ThreadPoolExecutor(_AT_A_TIME) as threads:
            found = [*threads.map(lambda queue: [*queue.letters(most)], self._queues.values())]
        return (letter for letters in found for letter in letters)

    def cut(self) -> Sequence[str]:
        """Return the functions with many or large letters, or of which the same ones were received: there may be more."""
        return [name for name, queue in self._queues.items() if queue.is_cut]

    def hidden(self) -> int:
        """Return about how many messages of these queues other clients have received."""
        with ThreadPoolExecutor(_AT_A_TIME) as threads:
            return sum(threads.map(QueuePeek.hidden, self._queues.values()))

    def redrive(self, letters: Sequence[DeadLetter]) -> list[LetterOutcome]:
        """Send each event to its function and delete the letter; return the outcomes, also those that AWS refused."""
        return [self._redrive_one(letter) for letter in letters]

    def delete(self, letters: Sequence[DeadLetter]) -> list[LetterOutcome]:
        """Delete letters that this view received; return the outcomes, also those that AWS refused."""
        refused: dict[str, str] = {}
        for function, some in groupby(letters, key=lambda letter: letter.subscriber):
            while batch := [*islice(some, _BATCH)]:
                refused |= self._queues[function].delete(batch)
        return [
            LetterOutcome(letter, "deleted" if why is None else "kept", why or "")
            for letter in letters
            for why in (refused.get(letter.message.id),)
        ]

    def _redrive_one(self, letter: DeadLetter) -> LetterOutcome:
        """Send a letter's event to its function again and delete the letter; an AWS error is part of the outcome."""
        try:
            self._send(letter)
        except OperateError as error:
            return LetterOutcome(letter, "kept", str(error))
        refused = self._queues[letter.subscriber].delete([letter]).get(letter.message.id)
        still = "" if refused is None else f"but it is still on the queue, where it does no harm: {refused}"
        return LetterOutcome(letter, "redriven", still)

    def _send(self, letter: DeadLetter) -> None:
        """Send the event to the function's queue, if it has one; else invoke the function as EventBridge does."""
        function = self._deployed.functions[letter.subscriber]
        event = json.dumps(letter.event, separators=(",", ":"))
        if function.queue_url is not None:
            self._aws.service("sqs").ask("send_message", QueueUrl=function.queue_url, MessageBody=event)
        else:
            self._aws.service("lambda").ask(
                "invoke", FunctionName=function.function_name, InvocationType="Event", Payload=event.encode()
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for queue in self._queues.values():
            queue.show_again()


class QueuePeek:
    """One look into one queue."""

    def __init__(self, function: str, url: str, aws: Aws) -> None:
        self.function = function
        self._url = url
        self._aws = aws
        self._receipts: dict[str, str] = {}
        self._deleted: set[str] = set()
        self._characters = 0
        self._is_repeating = False

    def letters(self, limit: int) -> Iterator[DeadLetter]:
        """Receive and yield each dead letter once, up to `limit` of them; it hides them from other clients."""
        nothing_new = 0
        while len(self._receipts) < limit and nothing_new < _NOTHING_NEW and self._characters < _MOST_CHARACTERS:
            received = self._receive(min(_BATCH, limit - len(self._receipts)))
            if not received:
                return
            fresh = [message for message in received if message["MessageId"] not in self._receipts]
            nothing_new = 0 if fresh else nothing_new + 1
            self._is_repeating = nothing_new == _NOTHING_NEW
            self._receipts |= {message["MessageId"]: message["ReceiptHandle"] for message in received}
            self._characters += sum(len(message["Body"]) for message in fresh)
            for message in fresh:
                yield read_dead_letter(self.function, queue_message(message))

    @property
    def is_cut(self) -> bool:
        """Whether `letters` ended before SQS had no more."""
        is_full = len(self._receipts) >= MOST or self._characters >= _MOST_CHARACTERS
        return is_full or self._is_repeating

    def delete(self, letters: Sequence[DeadLetter]) -> Mapping[str, str]:
        """Delete up to ten dead letters that this object received; return why AWS refused some, by message id."""
        ids = [letter.message.id for letter in letters]
        entries = [{"Id": str(number), "ReceiptHandle": self._receipts[one]} for number, one in enumerate(ids)]
        try:
            failed = self._ask("delete_message_batch", Entries=entries).get("Failed", ())
        except OperateError as error:
            return dict.fromkeys(ids, str(error))
        refused = {ids[int(one["Id"])]: f"AWS refused it: {one['Code']}: {one.get('Message', '')}" for one in failed}
        self._deleted.update(set(ids) - refused.keys())
        return refused

    def hidden(self) -> int:
        """Return about how many messages of the queue are hidden."""
        return _counts(self._aws.service("sqs"), self._url)[1]

    def show_again(self) -> None:
        """Make letters that were received and not deleted visible to other clients; ignore AWS's errors."""
        left = [receipt for message, receipt in self._receipts.items() if message not in self._deleted]
        with suppress(OperateError):  # SQS shows them by itself after the visibility timeout
            for first in range(0, len(left), _BATCH):
                entries = [
                    {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                    for number, receipt in enumerate(left[first : first + _BATCH])
                ]
                self._ask("change_message_visibility_batch", Entries=entries)

    def _receive(self, number: int) -> Sequence[Mapping[str, Any]]:
        """Receive and return up to `number` messages; that hides them from others for `VISIBILITY_SECONDS`."""
        response = self._ask(
            "receive_message",
            MaxNumberOfMessages=number,
            VisibilityTimeout=VISIBILITY_SECONDS,
            WaitTimeSeconds=_WAIT_SECONDS,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        found: Sequence[Mapping[str, Any]] = response.get("Messages", [])
        return found

    def _ask(self, operation: str, **parameters: object) -> dict[str, Any]:
        """Return the response of an SQS operation on this queue; `OperateError` if AWS refuses it."""
        return self._aws.service("sqs").ask(operation, QueueUrl=self._url, **parameters)


def queue_message(received: Mapping[str, Any]) -> QueueMessage:
    """Return a message of SQS's ReceiveMessage as a `QueueMessage`, without counting this receive."""
    system: Mapping[str, str] = received.get("Attributes", {})
    return QueueMessage(
        received["MessageId"],
        received["Body"],
        {name: str(value.get("StringValue", "")) for name, value in received.get("MessageAttributes", {}).items()},
        datetime.fromtimestamp(int(system.get("SentTimestamp", 0)) / 1000, UTC),
        receives=int(system.get("ApproximateReceiveCount", 1)) - 1,  # without this one
        moved="DeadLetterQueueSourceArn" in system,
    )


def _counts(sqs: Service, url: str) -> tuple[int, int]:
    """Return about how many messages of a queue can be received, and about how many are hidden."""
    answer = sqs.ask("get_queue_attributes", QueueUrl=url, AttributeNames=[*_COUNTS])
    visible, hidden = (int(answer["Attributes"][name]) for name in _COUNTS)
    return visible, hidden
