"""`contradance dlq ...`: the dead letters of a running system."""

import shlex
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Final

import typer

from contradance.cli.command import MOST, AsJson, print_json, reporting
from contradance.cli.moment import format_moment
from contradance.cli.pulling import pull
from contradance.cli.target import Target, of_a_system
from contradance.cli.theme import err, out
from contradance.operate.dead_letter import Reason
from contradance.printable import printable, printable_json
from contradance.quantity import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from contradance.operate.dead_letter import LetterOutcome

dlq = typer.Typer(help="Look at dead letters, redrive them, purge them.", no_args_is_help=True)
_APPROXIMATE: Final = (
    "Counts are approximate: SQS cannot be read without receiving each message, which hides it for a time."
)

_OUTCOMES: Final = {
    "redriven": "redriven",
    "redrivable": "would be redriven",
    "deleted": "deleted",
    "deletable": "would be deleted",
    "kept": "kept",
}

SubscriberOption = Annotated[str | None, typer.Option(help="Only those of this function.", metavar="NAME")]
ByReason = Annotated[Reason | None, typer.Option(help="Only those with this reason.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; without this, only print what would be done.")]


@dlq.command("list")
@reporting
@of_a_system
def list_dead_letters(
    target: Target, *, subscriber: SubscriberOption = None, reason: ByReason = None, as_json: AsJson = False
) -> None:
    """List the dead letters, grouped by cause; exit with 1 if there are any."""
    from contradance.operate.dead_letters import find  # noqa: PLC0415 - loaded with the project

    system = target.system
    found = find(system, target.choreography, subscriber, reason)
    if as_json:
        groups = [
            {
                "subscriber": group.subscriber,
                "reason": group.reason,
                "cause": group.cause,
                "count": group.count,
                "first_seen": group.first_seen.isoformat(),
                "last_seen": group.last_seen.isoformat(),
                "example": {"event_id": group.example.event_id, "what": group.example.what},
            }
            for group in found.groups
        ]
        approximate = not system.dead_letters.exact
        counts = {"count": found.count, "hidden": found.hidden, "approximate": approximate, "cut": [*found.cut]}
        print_json({"groups": groups, **counts})
    else:
        for group in found.groups:
            head = f"{group.subscriber}  {group.count} {group.reason}  {printable(group.example.what)}"
            out.print(head, style="bold")
            for line in group.cause.splitlines():
                out.print(f"  {line}")
            out.print(f"  first {format_moment(group.first_seen)}, last {format_moment(group.last_seen)}", style="dim")
            event = shlex.quote(printable(group.example.event_id))
            out.print(f"  see one: contradance trace {event}{target.options}\n", style="dim")
        out.print(_total(found.count, found.hidden))
        if not system.dead_letters.exact:
            out.print(_APPROXIMATE, style="dim")
    _print_cut(found.cut)
    if found.groups:
        raise typer.Exit(1)


@dlq.command()
@reporting
@of_a_system
def show(
    target: Target,
    *,
    subscriber: SubscriberOption = None,
    reason: ByReason = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="Show at most so many of each function.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show dead letters with their events, personal data masked; exit with 1 if there are none."""
    from contradance.operate.dead_letters import find  # noqa: PLC0415 - loaded with the project
    from contradance.operate.masking import letter_as_json  # noqa: PLC0415 - loaded with the project

    functions = len(target.system.deployed.functions)
    found = find(target.system, target.choreography, subscriber, reason, limit=limit, keep=limit * functions)
    letters = [letter_as_json(target.choreography, letter) for letter in found.letters]
    if as_json:
        print_json({"dead_letters": letters})
    else:
        for letter in letters:
            event = letter.pop("event")
            for name, value in letter.items():
                for line in str(value).splitlines() or [""]:
                    out.print(f"{name:10}  {line}")
                    name = ""  # noqa: PLW2901 - only the first line has the name
            out.print(printable_json(event, indent=2) + "\n", style="dim")
        out.print(_total(len(letters), found.hidden))
        if limit in Counter(letter.subscriber for letter in found.letters).values():
            out.print(f"At most {limit} of each function are shown. More: add --limit N", style="dim")
    _print_cut(found.cut)
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
    """Send each dead letter's event again, only to its own function; exit with 1 if a dead letter remains."""
    from contradance.operate.dead_letters import redrive as redriven  # noqa: PLC0415 - loaded with the project

    cut: list[str] = []
    outcomes = redriven(target.system, target.choreography, subscriber, reason, really=yes, when_cut=cut.append)
    kept = _print_outcomes(outcomes, as_json=as_json)
    if not (yes or as_json):
        out.print("Dry run: nothing was sent. Send it: add --yes", style="yellow")
    _print_cut(cut, again=yes)
    if kept or cut:
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
    """Delete dead letters for good; their events are still in the archive. Exit with 1 if one could not be deleted."""
    from contradance.operate.dead_letters import purge as purged  # noqa: PLC0415 - loaded with the project

    cut: list[str] = []
    outcomes = purged(target.system, target.choreography, subscriber, reason, really=yes, when_cut=cut.append)
    kept = _print_outcomes(outcomes, as_json=as_json)
    if not (yes or as_json):
        out.print("Dry run: nothing was deleted. Delete it: add --yes", style="yellow")
    _print_cut(cut, again=yes)
    if kept or cut:
        raise typer.Exit(1)


def _print_outcomes(outcomes: "Iterable[LetterOutcome]", *, as_json: bool) -> int:
    """Print how many letters have which outcome, and each letter with a reason; return how many were kept.

    If an error or Ctrl-C ends it, the outcomes until then are printed, too.
    """
    counts: Counter[tuple[str, str]] = Counter()
    letters: list[dict[str, str | None]] = []
    try:
        for letter, outcome, why in outcomes:
            counts[letter.subscriber, outcome] += 1
            letters.append(
                {"subscriber": letter.subscriber, "event_id": letter.event_id, "outcome": outcome, "why": why or None}
            )
            if why and not as_json:
                event = printable(f"{letter.what} {letter.event_id}")
                out.print(f"{outcome}: {letter.subscriber}  {event}", style="yellow")
                for line in why.splitlines():
                    out.print(f"  {line}")
    except BaseException:
        if letters:
            _print_counts(counts, letters, as_json=as_json)
        raise
    _print_counts(counts, letters, as_json=as_json)
    return sum(count for (_, result), count in counts.items() if result == "kept")


def _print_counts(counts: Counter[tuple[str, str]], letters: list[dict[str, str | None]], *, as_json: bool) -> None:
    """Print how many letters of each function have which outcome, or every letter as JSON."""
    if as_json:
        print_json({"dead_letters": letters})
        return
    for (name, result), count in sorted(counts.items()):
        out.print(f"{name}: {count} {_OUTCOMES[result]}")
    if not counts:
        out.print("No dead letters.")


def _print_cut(functions: "Sequence[str]", *, again: bool = False) -> None:
    """Print, on standard error, each function whose queue was read up to its limit; `again`: how to handle the rest."""
    for name in functions:
        rest = " Run it again for the rest." if again else ""
        err.print(f"{name} may have more dead letters: one run reads only so many of a queue.{rest}", style="yellow")


def _total(count: int, hidden: int) -> str:
    """Return a sentence with the number of dead letters, and with the number that other clients have, if any."""
    total = "No dead letters" if count == 0 else counted(count, "dead letter")
    return total + (f"; other clients have received about {hidden} more." if hidden else ".")


dlq.command()(pull)
