"""The dead letters and rows that `contradance dlq pull` takes from a stack, with fakes for personal data."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import BaseModel

from contradance.choreography import Choreography
from contradance.errors import OperateError
from contradance.foreign import ForeignEvent
from contradance.local.state.pulled import PulledLetter, PulledRow
from contradance.operate.aws.rows import DynamoDBRows
from contradance.operate.aws.services import Aws
from contradance.operate.dead_letter import DeadLetter
from contradance.operate.masking import class_of, masked_event
from contradance.operate.row_names import NamedRow
from contradance.pii import MASK, is_marked
from contradance.runtime.aws.layout import DOCUMENT
from contradance.table import key_part_text
from contradance.tableitem import ItemFormat, UnreadableError


class TakenLetter(NamedTuple):
    """A dead letter of a stack, as it is put on the laptop; or the reason why it is not."""

    letter: DeadLetter
    event: Mapping[str, Any] | None
    error: str
    why: str
    """Why it is not put on the laptop; empty for one that is."""

    @property
    def message(self) -> PulledLetter:
        """The message for the laptop's queue: Lambda's record of a failure, whatever the letter's reason, sent now."""
        body = {
            "version": "1.0",
            "timestamp": self.letter.last_seen.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "requestContext": {"condition": "RetriesExhausted", "approximateInvokeCount": self.letter.attempts},
            "requestPayload": self.event,
            "responsePayload": {"errorMessage": self.error},
        }
        at = datetime.now(UTC).timestamp()
        return PulledLetter(
            message_id=self.letter.message.id, function=self.letter.subscriber, body=json.dumps(body), sent=at
        )


class TakenRow(NamedTuple):
    """A row of a stack, as it is put into the laptop's table; or the reason why it is not."""

    name: str
    row: PulledRow | None
    why: str
    """Why it is not put on the laptop; empty for one that is."""


def taken_letter(choreography: Choreography, letter: DeadLetter, *, reveal: bool) -> TakenLetter:
    """Return a letter with its event, personal data faked unless `reveal`; with `why` if there is no event or fake."""
    if letter.event is None:
        return TakenLetter(letter, None, "", "the message does not hold the event")
    if reveal:
        return TakenLetter(letter, letter.event, letter.error, "")
    shown = masked_event(choreography, letter.event)
    if "detail" not in shown:
        why = "it is not an event, so that it cannot be faked; see --reveal" if MASK in shown.values() else ""
        return TakenLetter(letter, None if why else letter.event, "" if why else letter.error, why)
    model, detail = class_of(choreography, letter.event), letter.event["detail"]
    if model is None:
        version = letter.metadata.get("version")
        name = f"{letter.event.get('source')}/{letter.what}" + (f" v{version}" if isinstance(version, int) else "")
        why = f"the code has no contract {name}, so that it cannot be faked; see --reveal"
        return TakenLetter(letter, None, "", why)
    is_foreign = issubclass(model, ForeignEvent)
    data, replaced, why = _faked(model, detail if is_foreign else detail.get("data"))
    if why:
        return TakenLetter(letter, None, "", why)
    message = letter.error
    for real, fake in sorted(replaced.items(), key=lambda pair: -len(pair[0])):
        message = message.replace(real, fake)
    faked = data if is_foreign else {"metadata": _unmasked(shown["detail"]["metadata"]), "data": data}
    return TakenLetter(letter, {**_unmasked(shown), "detail": faked}, message, "")


def _unmasked(shown: Mapping[str, object]) -> dict[str, object]:
    """Return the fields without those that are masked: an envelope and metadata have fakes for none."""
    return {name: value for name, value in shown.items() if value != MASK}


def taken_row(aws: Aws, table: str, wanted: NamedRow, *, reveal: bool) -> TakenRow:
    """Return a row of a DynamoDB table, faked unless `reveal`; with `why` if it is missing or cannot be faked."""
    found = DynamoDBRows(aws, table).find([wanted.key]).get(wanted.key)
    if found is None:
        return TakenRow(wanted.text, None, "the stack has no such row")
    return row_for_laptop(wanted, found.content[DOCUMENT]["S"], reveal=reveal)


def row_for_laptop(wanted: NamedRow, text: str, *, reveal: bool) -> TakenRow:
    """Return a row with the document `text`, personal data faked unless `reveal`; with `why` if it cannot be faked.

    Its key is the one of the stack, but a key field that is personal data has the key text of its fake.
    """
    table = wanted.table
    key = dict(zip(table.key, wanted.key, strict=False))
    if not reveal:
        document, _, why = _faked(table.model, json.loads(text))
        if why:
            return TakenRow(wanted.text, None, why)
        text = json.dumps(document, ensure_ascii=False)
        personal = [name for name in table.key if is_marked(table.model.model_fields[name])]
        try:
            item = ItemFormat(table.table, (), table.model).read(text, ()) if personal else None
        except UnreadableError as error:
            return TakenRow(wanted.text, None, f"its key cannot be faked, because {error.problem}; see --reveal")
        key |= {name: key_part_text(getattr(item, name)) for name in personal}
    return TakenRow(wanted.text, PulledRow(table=table.table, key=[*key.values()], document=text), "")


def _faked(model: type[BaseModel], data: object) -> tuple[Any, dict[str, str], str]:
    """Return (data with fakes, fakes by the texts that they replace, ""); or (None, {}, why it cannot be faked).

    Raises:
        OperateError: Hypothesis, which makes the fakes, is not installed.
    """
    try:
        from contradance.testing.fakes import CannotFake, faked  # noqa: PLC0415 - it needs Hypothesis
    except ModuleNotFoundError as error:
        raise OperateError(
            "fakes for personal data need Hypothesis.\n  Install it: pip install hypothesis; or pull with --reveal."
        ) from error
    try:
        return *faked(model, data), ""
    except CannotFake as error:
        return None, {}, f"{error}; see --reveal"
