"""Looking into a dead letter queue. SQS cannot be browsed: what is looked at is received, hidden for a while, and shown again.

So whatever is counted here is approximate: another reader may hide messages at the same time, and on AWS a look may miss
some, or see one twice.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

from contradance.errors import OperateError
from contradance.operate.aws import Service
from contradance.operate.dead_letter import DeadLetter, read_dead_letter

VISIBILITY_SECONDS: Final = 60
"""How long a message is hidden from others while it is looked at."""
_BATCH: Final = 10
"""Most messages that SQS receives, deletes or shows together."""
_NOTHING_NEW: Final = 3
"""Looks in a row that saw nothing new, after which all has been seen."""


class QueuePeek:
    """One look into one queue: a context, at whose end whatever was not deleted is shown again.

    Args:
        subscriber: whose queue.
        queue_url: where it is.
        sqs: how it is asked.
        wait_seconds: how long SQS waits for messages before it says that there are none.
        most: how often the function is tried, where that is known.
    """

    def __init__(self, subscriber: str, queue_url: str, sqs: Service, wait_seconds: int, most: int | None) -> None:
        self._subscriber = subscriber
        self._queue_url = queue_url
        self._sqs = sqs
        self._wait_seconds = wait_seconds
        self._most = most
        self._receipts: dict[str, str] = {}
        self._deleted: set[str] = set()

    def letters(self, limit: int) -> Iterator[DeadLetter]:
        """Yield each dead letter once, up to `limit` of them."""
        nothing_new = 0
        while len(self._receipts) < limit and nothing_new < _NOTHING_NEW:
            received = self._receive(min(_BATCH, limit - len(self._receipts)))
            if not received:
                return
            fresh = [message for message in received if message["MessageId"] not in self._receipts]
            nothing_new = 0 if fresh else nothing_new + 1
            self._receipts |= {message["MessageId"]: message["ReceiptHandle"] for message in received}
            for message in fresh:
                yield read_dead_letter(self._subscriber, self._queue_url, message, self._most)

    def delete(self, letter: DeadLetter) -> None:
        """Delete a dead letter."""
        receipt = self._receipts[letter.message.id]
        self._sqs.ask("delete_message", QueueUrl=self._queue_url, ReceiptHandle=receipt)
        self._deleted.add(letter.message.id)

    def hidden(self) -> int:
        """Return about how many messages somebody else is looking at."""
        name = "ApproximateNumberOfMessagesNotVisible"
        answer = self._sqs.ask("get_queue_attributes", QueueUrl=self._queue_url, AttributeNames=[name])
        return int(answer["Attributes"][name])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        left = [receipt for message, receipt in self._receipts.items() if message not in self._deleted]
        with suppress(OperateError):  # what is not shown now shows itself when its time is over
            for receipts in _in_batches(left):
                entries = [
                    {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                    for number, receipt in enumerate(receipts)
                ]
                self._sqs.ask("change_message_visibility_batch", QueueUrl=self._queue_url, Entries=entries)

    def _receive(self, number: int) -> Sequence[Mapping[str, Any]]:
        answer = self._sqs.ask(
            "receive_message",
            QueueUrl=self._queue_url,
            MaxNumberOfMessages=number,
            VisibilityTimeout=VISIBILITY_SECONDS,
            WaitTimeSeconds=self._wait_seconds,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        found: Sequence[Mapping[str, Any]] = answer.get("Messages", [])
        return found


def _in_batches(receipts: Iterable[str]) -> Iterator[Sequence[str]]:
    found = [*receipts]
    return (found[first : first + _BATCH] for first in range(0, len(found), _BATCH))
