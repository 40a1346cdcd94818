"""`contradance dlq ...`: the dead letters of a running system."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Final

import typer

from contradance.cli.command import AsJson, print_json, reporting
from contradance.cli.moment import format_moment
from contradance.cli.target import Target, of_a_system
from contradance.cli.theme import out
from contradance.operate.dead_letter import Reason
from contradance.operate.dead_letters import LetterOutcome, find, grouped
from contradance.operate.dead_letters import purge as purged
from contradance.operate.dead_letters import redrive as redriven
from contradance.operate.masking import shown

dlq = typer.Typer(help="Look at dead letters, redrive them, purge them.", no_args_is_help=True)
_APPROXIMATE: Final = (
    "Counts are approximate: SQS cannot be browsed, so each was received, hidden for a moment and shown again."
)

_SAID: Final = {
    "redriven": "redriven",
    "redrivable": "would be redriven",
    "deleted": "deleted",
    "deletable": "would be deleted",
    "kept": "kept",
}

SubscriberOption = Annotated[str | None, typer.Option(help="Only this function's.", metavar="NAME")]
ByReason = Annotated[Reason | None, typer.Option(help="Only those that are dead letters for this reason.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; without this, only say what would be done.")]


@dlq.command("list")
@reporting
@of_a_system
def list_dead_letters(
    target: Target, *, subscriber: SubscriberOption = None, reason: ByReason = None, as_json: AsJson = False
) -> None:
    """List the dead letters, grouped by what they died of; exit with 1 where there are any."""
    found = find(target.stack, target.choreography, subscriber, reason)
    groups = grouped(found.letters)
    if as_json:
        told = [
            {
                "subscriber": group.subscriber,
                "reason": group.reason,
                "cause": group.cause,
                "count": group.count,
                "first_seen": group.first_seen.isoformat(),
                "last_seen": group.last_seen.isoformat(),
                "example": {"event_id": group.example.event_id, "what": group.example.what},
            }
            for group in groups
        ]
        print_json({"groups": told, "count": len(found.letters), "hidden": found.hidden, "approximate": True})
    else:
        for group in groups:
            head = f"{group.subscriber}  {group.count} {group.reason}  {group.example.what}"
            out.print(head, style="bold", markup=False)
            for line in group.cause.splitlines():
                out.print(f"  {line}", markup=False)
            out.print(f"  first {format_moment(group.first_seen)}, last {format_moment(group.last_seen)}", style="dim")
            out.print(f"  see one: contradance trace {group.example.event_id}\n", style="dim", markup=False)
        out.print(_total(len(found.letters), found.hidden))
        out.print(_APPROXIMATE, style="dim")
    if found.letters:
        raise typer.Exit(1)


@dlq.command()
@reporting
@of_a_system
def show(
    target: Target,
    *,
    subscriber: SubscriberOption = None,
    reason: ByReason = None,
    limit: Annotated[int, typer.Option(min=1, help="Look at so many of each function's at most.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show dead letters with their events, personal data masked; exit with 1 where there are none."""
    found = find(target.stack, target.choreography, subscriber, reason, limit)
    letters = [shown(target.choreography, letter) for letter in found.letters]
    if as_json:
        print_json({"dead_letters": letters})
    else:
        for letter in letters:
            event = letter.pop("event")
            for name, value in letter.items():
                for line in str(value).splitlines() or [""]:
                    out.print(f"{name:10}  {line}", markup=False)
                    name = ""  # noqa: PLW2901 - said once
            out.print(json.dumps(event, indent=2, ensure_ascii=False) + "\n", markup=False, style="dim")
        out.print(_total(len(letters), found.hidden))
    if not letters:
        raise typer.Exit(1)


@dlq.command()
@reporting
@of_a_system
def redrive(
    target: Target,
    *,
    subscriber: SubscriberOption = None,
    reason: ByReason = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Have each function consume its own dead letters again, and nobody else; exit with 1 where one is kept."""
    verdicts = redriven(target.stack, target.choreography, subscriber, reason, really=yes)
    kept = _report(verdicts, as_json=as_json)
    if not (yes or as_json):
        out.print("Dry run: nothing was sent. Send it: add --yes", style="yellow")
    if kept:
        raise typer.Exit(1)


@dlq.command()
@reporting
@of_a_system
def purge(
    target: Target,
    *,
    subscriber: SubscriberOption = None,
    reason: ByReason = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete dead letters for good; their events are still in the archive."""
    _report(purged(target.stack, target.choreography, subscriber, reason, really=yes), as_json=as_json)
    if not (yes or as_json):
        out.print("Dry run: nothing was deleted. Delete it: add --yes", style="yellow")


def _report(verdicts: Iterable[LetterOutcome], *, as_json: bool) -> int:
    """Print what became of dead letters, those that were kept one by one, and return how many those are."""
    counts: Counter[tuple[str, str]] = Counter()
    told = []
    for letter, outcome, why in verdicts:
        counts[letter.subscriber, outcome] += 1
        told.append(
            {"subscriber": letter.subscriber, "event_id": letter.event_id, "outcome": outcome, "why": why or None}
        )
        if why and not as_json:
            out.print(f"{outcome}: {letter.subscriber}  {letter.what} {letter.event_id}", style="yellow", markup=False)
            for line in why.splitlines():
                out.print(f"  {line}", markup=False)
    if as_json:
        print_json({"dead_letters": told})
    else:
        for (name, became), count in sorted(counts.items()):
            out.print(f"{name}: {count} {_SAID[became]}", markup=False)
        if not counts:
            out.print("No dead letters.")
    return sum(count for (_, became), count in counts.items() if became == "kept")


def _total(count: int, hidden: int) -> str:
    said = "No dead letters" if count == 0 else f"{count} dead {'letter' if count == 1 else 'letters'}"
    return said + (f"; about {hidden} more are being looked at elsewhere." if hidden else ".")
