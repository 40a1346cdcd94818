"""The functions' dead letter queues. They behave like SQS's standard queues; each message is one row in the database.

A received message is hidden for its visibility timeout, as on AWS, and is then visible again. The end of that time is
stored, so the message becomes visible again even if the process that received it ends.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from uuid import uuid4

from contradance.choreography import Choreography
from contradance.envelope import derived_id
from contradance.function import Schedule
from contradance.local.refusal import Refused
from contradance.local.state.database import Database
from contradance.local.state.stored import stored_object, stored_time
from contradance.operate.dead_letter import DeadLetter, QueueMessage, read_dead_letter
from contradance.printable import printable_block
from contradance.runtime.once import scheduled_key
from contradance.runtime.ports import Clock

MessageAttributes = Mapping[str, Mapping[str, str]]
"""Message attributes as SQS has them: `{"REASON": {"DataType": "String", "StringValue": "invalid"}}`."""
VISIBILITY_SECONDS: Final = 30
"""Visibility timeout of a received message, in seconds, unless the receiver gives another. SQS's default."""
LETTER_COLUMNS: Final = "id, sent, body, attributes, source, receives"
"""The columns of a row for `stored_letter`."""
_NAMED: Final = "id IN (SELECT value FROM json_each(?)) AND +function = ? AND +visible <= ?"
"""Selects the visible dead letters of a function with these ids.

The plus signs force SQLite to use the index on `id`; otherwise it would read all letters of the function.
"""
_IN_FLIGHT: Final = "SELECT visible FROM dead_letter WHERE function = ? AND receipt = ?"


class DeadLetterMessage(NamedTuple):
    """One message on a dead letter queue."""

    id: str
    sent: float
    """In seconds since the epoch. A message that SQS moves keeps the time at which it was sent to the first queue."""
    body: str
    attributes: MessageAttributes = MappingProxyType({})
    source_arn: str | None = None
    """ARN of the queue from which SQS moved the message; None if SQS did not move it."""
    receives: int = 0
    first_received: float | None = None
    receipt: str | None = None


class QueueCounts(NamedTuple):
    """How many messages a queue holds."""

    visible: int
    hidden: int


class DeadLetterQueues:
    """Every function's dead letter queue, by the function's name."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def send(self, function: str, body: str, attributes: Mapping[str, str]) -> None:
        """Put one message with text attributes on the queue of `function`; it is visible at once."""
        self.put(function, body, text_attributes(attributes))

    def put(self, function: str, body: str, attributes: MessageAttributes, delay_seconds: float = 0) -> str:
        """Put one message on the queue of `function`, visible after the delay, and return the message's id."""
        now = self._clock.now().timestamp()
        message = DeadLetterMessage(str(uuid4()), now, body, attributes)
        visible = now + delay_seconds if delay_seconds else 0.0
        self._database.write(lambda connection: keep(connection, function, message, visible))
        return message.id

    def receive(self, function: str, limit: int, visibility_seconds: float) -> list[DeadLetterMessage]:
        """Return up to `limit` visible messages, each with a new receipt, and hide them for `visibility_seconds`."""
        now = self._clock.now().timestamp()

        def change(connection: sqlite3.Connection) -> list[DeadLetterMessage]:
            rows = connection.execute(
                "SELECT id, sent, body, attributes, source, receives, first_received FROM dead_letter "
                "WHERE function = ? AND visible <= ? ORDER BY visible, sent LIMIT ?",
                (function, now, limit),
            ).fetchall()
            received = []
            for id_, sent, body, attributes, source, receives, first in rows:
                message = DeadLetterMessage(
                    id_,
                    sent,
                    body,
                    _attributes(attributes) or {},
                    source,
                    receives + 1,
                    first or now,
                    f"{id_}.{uuid4().hex}",
                )
                connection.execute(
                    "UPDATE dead_letter SET visible = ?, receives = ?, first_received = ?, receipt = ? WHERE id = ?",
                    (now + visibility_seconds, message.receives, message.first_received, message.receipt, id_),
                )
                received.append(message)
            return received

        return self._database.write(change)

    def delete(self, function: str, receipt: str) -> None:
        """Delete the message with this receipt; an old one deletes nothing, one of another format raises `Refused`."""
        _check_receipt(receipt)
        self._database.write(
            lambda connection: connection.execute(
                "DELETE FROM dead_letter WHERE function = ? AND receipt = ?", (function, receipt)
            )
        )

    def change_visibility(self, function: str, receipt: str, seconds: float) -> None:
        """Hide a received message for `seconds` from now, 0 for no time; raise `Refused` unless it is hidden."""
        _check_receipt(receipt)
        now = self._clock.now().timestamp()

        def change(connection: sqlite3.Connection) -> None:
            row = connection.execute(_IN_FLIGHT, (function, receipt)).fetchone()
            if row is None or row[0] <= now:
                raise Refused(
                    "MessageNotInflight",
                    f"Value {receipt} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not "
                    "available for visibility timeout change.",
                )
            connection.execute("UPDATE dead_letter SET visible = ? WHERE receipt = ?", (now + seconds, receipt))

        self._database.write(change)

    def purge(self, function: str) -> None:
        """Delete every message of a function's queue, the hidden ones too."""
        self._database.write(
            lambda connection: connection.execute("DELETE FROM dead_letter WHERE function = ?", (function,))
        )

    def delete_messages(self, function: str, messages: Sequence[str]) -> list[str]:
        """Delete messages by id, except hidden ones; return the ids of those that were deleted."""
        now = self._clock.now().timestamp()
        rows: list[tuple[str]] = self._database.write(
            lambda connection: connection.execute(
                f"DELETE FROM dead_letter WHERE {_NAMED} RETURNING id",  # noqa: S608 - constant
                (json.dumps([*messages]), function, now),
            ).fetchall()
        )
        return [identifier for (identifier,) in rows]

    def counts(self, function: str) -> QueueCounts:
        """Return how many messages of a function's queue are visible, and how many are hidden."""
        now = self._clock.now().timestamp()
        query = "SELECT count(*) FILTER (WHERE visible <= ?), count(*) FILTER (WHERE visible > ?) FROM dead_letter"
        return QueueCounts(*self._database.read(f"{query} WHERE function = ?", (now, now, function))[0])


def text_attributes(attributes: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return text attributes in SQS's format; an unsafe character, which SQS may refuse, becomes an escape."""
    return {name: {"DataType": "String", "StringValue": printable_block(value)} for name, value in attributes.items()}


def keep(connection: sqlite3.Connection, function: str, message: DeadLetterMessage, visible: float = 0) -> None:
    """Insert one message into a function's dead letter queue, visible from the time `visible` on; 0 is at once."""
    row: tuple[Any, ...] = (
        message.id,
        function,
        message.sent,
        message.body,
        json.dumps({**message.attributes}),
        message.source_arn,
        message.receives,
        visible,
    )
    connection.execute("INSERT INTO dead_letter VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)", row)


def stored_letters(
    connection: sqlite3.Connection, function: str, messages: Sequence[str], now: datetime
) -> list[DeadLetter]:
    """Return the visible dead letters of a function with these message ids, the oldest first; others are left out."""
    rows = connection.execute(
        f"SELECT {LETTER_COLUMNS} FROM dead_letter WHERE {_NAMED}",  # noqa: S608 - constants
        (json.dumps([*messages]), function, now.timestamp()),
    )
    return sorted((stored_letter(function, row) for row in rows), key=lambda letter: letter.message.sent)


def stored_letter(function: str, row: tuple[Any, ...]) -> DeadLetter:
    """Return the dead letter in a row of `LETTER_COLUMNS`; `unreadable` if its attributes, which have the reason, are."""
    identifier, sent, body, attributes, source, receives = row
    found = _attributes(attributes)
    own = {name: str(value.get("StringValue", "")) for name, value in (found or {}).items()}
    message = QueueMessage(identifier, body, own, stored_time(sent), receives, moved=source is not None)
    return read_dead_letter(function, message if found is not None else message._replace(body="", moved=False))


def _attributes(text: str) -> dict[str, dict[str, str]] | None:
    """Return the attributes in a row's text; None for a text that is not an object of objects."""
    found = stored_object(text)
    return found if found is not None and all(isinstance(one, dict) for one in found.values()) else None


def letter_ids(choreography: Choreography, letter: DeadLetter) -> tuple[str, str]:
    """Return (event id, correlation id) of a dead letter's event, or of its scheduled run; empty texts if unknown."""
    event = letter.event
    if event is None:
        return "", ""
    function = choreography.functions.get(letter.subscriber)
    if function is not None and isinstance(function.trigger, Schedule):
        run = scheduled_key(function.deployed_name, str(event.get("schedule")), str(event.get("scheduled_time")))
        return run.event_id, derived_id(*run, "correlation")
    return choreography.event_ids({"id": "", **event})


def _check_receipt(receipt: str) -> None:
    """Raise `Refused` unless the receipt has the laptop's format: a message id, a dot and 32 characters."""
    identifier, _, tail = receipt.rpartition(".")
    if not identifier or len(tail) != len(uuid4().hex):
        raise Refused("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
