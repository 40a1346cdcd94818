"""`contradance dlq pull`: brings dead letters of a stack to the laptop, where they are debugged."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import typer

from contradance.cli.command import AsJson, print_json, reporting
from contradance.cli.target import Target, of_a_system, state_option
from contradance.cli.theme import err, out
from contradance.errors import LaptopError, OperateError
from contradance.operate.dead_letter import DeadLetter, Reason
from contradance.printable import printable

if TYPE_CHECKING:
    from contradance.choreography import Choreography
    from contradance.local.state.pulled import PulledLetter

_MOST: Final = 1_000


class _Pulled(NamedTuple):
    letter: DeadLetter
    event: Mapping[str, Any] | None
    error: str
    why: str
    """Why it stays where it is; empty for one that can be pulled."""


@reporting
@of_a_system
def pull(
    target: Target,
    *,
    subscriber: Annotated[str | None, typer.Option(help="Only those of this function.", metavar="NAME")] = None,
    reason: Annotated[Reason | None, typer.Option(help="Only those with this reason.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only those about this.", metavar="ID")] = None,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="Most dead letters to pull.")] = 20,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Keep personal data as it is, instead of fakes; --confirm is needed.")
    ] = False,
    confirm: Annotated[
        str | None, typer.Option(help="With --reveal: the stack's application, to confirm.", metavar="APP")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Copy dead letters of a stack to the laptop, to debug them; they stay on the stack.

    Personal data becomes valid fakes, the same fake for the same value. With --reveal it stays, and who did that is
    recorded in revealed.jsonl in the laptop's folder. Redrive on the laptop with dlq redrive, and when the fault is
    mended, on the stack.
    """
    if target.is_laptop:
        raise typer.BadParameter("name the stack that the dead letters come from.", param_hint="--stack")
    app = target.system.deployed.app
    if reveal and confirm != app:
        raise typer.BadParameter(
            f"personal data of {target.name} would be written to this machine. To confirm, add: --confirm {app}",
            param_hint="--reveal",
        )
    from contradance.operate.dead_letters import find  # noqa: PLC0415 - loaded with the project

    found = find(target.system, target.choreography, subscriber, reason, keep=_MOST).letters
    about = [one for one in found if subject in (None, one.metadata.get("subject"))][:limit]
    pulled = [_prepared(target.choreography, one, reveal=reveal) for one in about]
    good = [one for one in pulled if not one.why]
    if reveal:
        from contradance.local.state.pulled import record_reveal  # noqa: PLC0415 - only this command needs it

        record_reveal(target.state, target.name, [(one.letter.subscriber, one.letter.event_id) for one in good])
    new = _keep(target, good)
    _report(target, pulled, new, as_json=as_json)
    if not good:
        raise typer.Exit(1)


def _prepared(choreography: "Choreography", letter: DeadLetter, *, reveal: bool) -> _Pulled:
    """Return a letter with its event, personal data faked unless `reveal`; with `why` if it cannot be pulled."""
    from contradance.identity import Identity  # noqa: PLC0415 - loaded with the project

    if letter.event is None:
        return _Pulled(letter, None, "", "the message does not hold the event")
    if reveal or "detail" not in letter.event:
        return _Pulled(letter, letter.event, letter.error, "")
    try:
        from contradance.testing.fakes import CannotFake, faked  # noqa: PLC0415 - it needs Hypothesis
    except ModuleNotFoundError as error:
        raise OperateError(
            "fakes for personal data need Hypothesis.\n  Install it: pip install hypothesis; or pull with --reveal."
        ) from error
    detail, metadata = letter.event["detail"], letter.metadata
    version = metadata.get("version")
    identity = Identity(str(letter.event.get("source")), str(letter.event.get("detail-type")), version)  # type: ignore[arg-type]  # any value is looked up
    contract = choreography.contracts.by_identity.get(identity)
    if contract is None:
        return _Pulled(
            letter, None, "", f"the code has no contract {identity}, so that it cannot be faked; see --reveal"
        )
    try:
        data, replaced = faked(contract, detail.get("data"))
    except CannotFake as error:
        return _Pulled(letter, None, "", f"{error}; see --reveal")
    message = letter.error
    for real, fake in sorted(replaced.items(), key=lambda pair: -len(pair[0])):
        message = message.replace(real, fake)
    return _Pulled(letter, {**letter.event, "detail": {"metadata": {**metadata}, "data": data}}, message, "")


def _keep(target: Target, pulled: list[_Pulled]) -> set[str]:
    """Put letters on the laptop's queues: through the running laptop, else into its file; return the new ones' ids."""
    from contradance.local.state.database import Database  # noqa: PLC0415 - only this command needs it
    from contradance.local.state.journal_table import STATE_FILE  # noqa: PLC0415 - the same
    from contradance.local.state.pulled import keep_pulled  # noqa: PLC0415 - the same
    from contradance.local.system.address import url_of  # noqa: PLC0415 - the same
    from contradance.local.system.client import LaptopClient  # noqa: PLC0415 - the same

    letters = [_message(one) for one in pulled]
    client = LaptopClient(url_of(target.state, target.port), target.state)
    try:
        client.description()
    except LaptopError:
        database = Database(target.state / STATE_FILE)
        try:
            return {*database.write(lambda connection: keep_pulled(connection, letters))}
        finally:
            database.close()
    return {*client.pulled(letters)}


def _message(one: _Pulled) -> "PulledLetter":
    """Return a letter as it is put on the laptop's queue: as Lambda's record of a failure, sent now."""
    from contradance.local.state.pulled import PulledLetter  # noqa: PLC0415 - only this command needs it

    body = {
        "version": "1.0",
        "timestamp": one.letter.last_seen.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "requestContext": {"condition": "RetriesExhausted", "approximateInvokeCount": one.letter.attempts},
        "requestPayload": one.event,
        "responsePayload": {"errorMessage": one.error},
    }
    at = datetime.now(UTC).timestamp()
    return PulledLetter(
        message_id=one.letter.message.id, function=one.letter.subscriber, body=json.dumps(body), sent=at
    )


def _report(target: Target, pulled: list[_Pulled], new: set[str], *, as_json: bool) -> None:
    """Print what was pulled or kept, and the commands to continue; as JSON, the outcome of each letter."""
    if as_json:
        listed = [
            {
                "subscriber": one.letter.subscriber,
                "event_id": one.letter.event_id,
                "outcome": "kept" if one.why else "pulled" if one.letter.message.id in new else "here already",
                "why": one.why or None,
            }
            for one in pulled
        ]
        print_json({"dead_letters": listed})
        return
    for one in pulled:
        if one.why:
            err.print(f"kept: {one.letter.subscriber}  {printable(one.letter.event_id)}: {one.why}", style="yellow")
    for name in sorted({one.letter.subscriber for one in pulled if not one.why}):
        count = sum(one.letter.subscriber == name for one in pulled if not one.why)
        out.print(f"{name}: {count} pulled")
        here = state_option(target.state)
        out.print(f"  Consume them here: contradance dlq redrive --subscriber {name} --yes{here}", style="dim")
        out.print(
            f"  When the fault is mended: contradance dlq redrive --subscriber {name} --yes{target.options}",
            style="dim",
        )
    if not pulled:
        out.print("No dead letters.")
