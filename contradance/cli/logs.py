"""`contradance logs`."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.text import Text

from contradance.cli.attempt import attempt_lines
from contradance.cli.command import AsJson, reporting
from contradance.cli.moment import moment
from contradance.cli.operating import pauses
from contradance.cli.target import Target, of_a_system
from contradance.cli.theme import Services, print_line, short
from contradance.printable import printable_json

if TYPE_CHECKING:
    from contradance.operate.journal import LogLine

_STYLES: Final = {"ERROR": "red", "CRITICAL": "red", "WARNING": "yellow"}


@reporting
@of_a_system
def logs(
    target: Target,
    *,
    subscriber: Annotated[str | None, typer.Option(help="Only this function's.", metavar="NAME")] = None,
    subject: Annotated[str | None, typer.Option(help="Only those about this.", metavar="ID")] = None,
    since: Annotated[str, typer.Option(help="2026-01-31T18:00 (UTC) or 90m (ago).", metavar="MOMENT")] = "1h",
    follows: Annotated[bool, typer.Option("--follow", "-f", help="Continue with new lines, until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the functions' logs and each delivery; for the laptop, only the deliveries."""
    from contradance.operate.journal import Wanted, follow  # noqa: PLC0415 - loaded with the project

    wanted = Wanted(moment(since, datetime.now(UTC), "--since"), function=subscriber, subject=subject)
    services = Services(target.choreography.services)
    if subscriber is not None:
        target.system.function(subscriber)
    with target.journal(wanted.since) as journal:
        lines = follow(journal, wanted, pauses(target.is_laptop)) if follows else iter(journal.lines(wanted))
        try:
            for line in lines:
                _print_line(line, services, as_json=as_json)
        except KeyboardInterrupt:
            raise typer.Exit(0) from None


def _print_line(line: "LogLine", services: Services, *, as_json: bool) -> None:
    """Print one line; as JSON, one object on one line."""
    if as_json:
        record = line.record.model_dump(mode="json") if line.record else None
        fields: dict[str, object] = {
            "at": line.at.isoformat(),
            "function": line.function,
            "level": line.level,
            "message": line.text,
        }
        fields |= {"subject": line.subject, "event_id": line.event_id, "journal": record}
        sys.stdout.write(printable_json(fields) + "\n")
    elif line.record is not None:
        for text in attempt_lines(line.record, services):
            print_line(text)
    else:
        service = line.function.partition(".")[0]
        text = Text(line.at.strftime("%H:%M:%S  "), "dim").append(
            f"{service:{services.width}}", services.style(line.function)
        )
        print_line(
            text.append(f"    {line.text}", _STYLES.get(line.level, "")).append(f"  {short(line.subject)}", "dim")
        )
