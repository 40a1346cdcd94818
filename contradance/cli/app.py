"""The `contradance` command: every command, with the module that it is in and the first line of its help.

A module is imported when its command runs, so that help and shell completion load no more than their names.
"""

from typing import Any, Final

import typer

from contradance.cli.command import SafeGroup
from contradance.cli.lazy import Declared, LazyCommand

_HERE: Final = "contradance.cli"
COMMANDS: Final = {
    "new": Declared(f"{_HERE}.creating:new", "Create a new project: a route, an event, a subscriber, and their tests."),
    "package": Declared(
        f"{_HERE}.package:package", "Build what Lambda runs: one layer for all functions, and a zip for each."
    ),
    "run": Declared(
        f"{_HERE}.laptop:run", "Run the choreography on this machine: its HTTP API, its bus, its functions."
    ),
    "demo": Declared(
        f"{_HERE}.laptop:demo", "Send the project's example requests to a temporary bus, and show the flow of each."
    ),
    "graph": Declared(
        f"{_HERE}.drawing:graph",
        "Draw the choreography: every route, event and function, with alternate and error paths.",
    ),
    "trace": Declared(f"{_HERE}.tracing:trace", "Show what happened: each delivery, what it caused, and its attempts."),
    "replay": Declared(
        f"{_HERE}.replaying:replay",
        "Replay a window of the archive to one subscriber; events that it has completed have no effect without --again.",
    ),
    "move": Declared(
        f"{_HERE}.moving:move",
        "Copy a service's tables and once-records to another stack; it can be repeated. Exit with 1 if a copy is incomplete.",
    ),
    "retry": Declared(
        f"{_HERE}.now:retry", "Make the next attempt of waiting deliveries now, instead of after their pause."
    ),
    "logs": Declared(
        f"{_HERE}.logs:logs",
        "Print what the functions logged, each delivery, and each failure with its traceback: the latest 500 lines.",
    ),
    "doctor": Declared(
        f"{_HERE}.health:doctor",
        "Compare the running system with the code, and list problems; exit with 1 if there are any.",
    ),
    "prune": Declared(
        f"{_HERE}.pruning:prune",
        "Delete old events of a stopped laptop, and their journal; a running one deletes them itself.",
    ),
    "list": Declared(
        f"{_HERE}.inspecting:list_", "List every function and event, with triggers, publishers and consumers."
    ),
    "lint": Declared(
        f"{_HERE}.inspecting:lint",
        "Print the gaps in the choreography, such as an event without a subscriber, with a reason and a fix for each.",
    ),
    "why": Declared(f"{_HERE}.inspecting:why", "Print the status of an event at a subscriber, and the reasons."),
    "schedule": Declared(f"{_HERE}.now:schedule", "Run scheduled functions now."),
    "dlq": Declared(f"{_HERE}.dlq:dlq", "Look at dead letters, redrive them, purge them."),
    "create": Declared(
        f"{_HERE}.creating:create",
        "Write a new part of the project, with a test beside it, and list it where it belongs.",
    ),
    "events": Declared(f"{_HERE}.events:events", "List events, publish them, and print examples."),
    "contracts": Declared(f"{_HERE}.contracts:contracts", "Freeze, check, list, show, compare and export contracts."),
}
"""By name, in the order of the help."""


class _Commands(SafeGroup):
    """The group of all commands."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, declared in COMMANDS.items():
            self.add_command(LazyCommand(name, declared))


app = typer.Typer(
    cls=_Commands,
    help="Contract-first choreography: draw it, run it, trace what happened.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _contradance() -> None:
    """Make `app` a group, although it registers no command itself."""
