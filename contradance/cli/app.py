"""The `contradance` command: every command by its purpose, with the module that it is in and the first line of its help.

A module is imported when its command runs, so that help and shell completion load no more than their names.
"""

from collections.abc import Mapping
from typing import Any, Final

import typer

from contradance.cli.command import SafeGroup
from contradance.cli.lazy import Declared, LazyCommand

COMMANDS: Final[Mapping[str, Mapping[str, Declared]]] = {
    "Build": {
        "new": Declared("new:new", "Create a new project: a route, an event, a subscriber, and their tests."),
        "create": Declared(
            "creating:create", "Write a new part of the project, with a test beside it, and list it where it belongs."
        ),
        "list": Declared("inspecting:list_", "List every function and event, with triggers, publishers and consumers."),
        "graph": Declared(
            "drawing:graph", "Draw the choreography: every route, event and function, with alternate and error paths."
        ),
        "lint": Declared(
            "inspecting:lint",
            "Print the gaps in the choreography, such as an event without a subscriber, each with a fix; exit with 1 if any.",
        ),
        "contracts": Declared("contracts:contracts", "Freeze, check, list, show, compare and export contracts."),
    },
    "Run": {
        "run": Declared("laptop:run", "Run the choreography on this machine: its HTTP API, its bus, its functions."),
        "demo": Declared(
            "laptop:demo", "Send the project's example requests to a temporary bus, and show the flow of each."
        ),
        "events": Declared("events:events", "List events, publish them, and print examples."),
        "schedule": Declared("now:schedule", "Run scheduled functions now."),
        "prune": Declared(
            "pruning:prune",
            "Delete old events of a stopped laptop, and their journal; exit with 1 if it runs, because it deletes them itself.",
        ),
    },
    "Find out why": {
        "trace": Declared(
            "tracing:trace",
            "Show what happened: each delivery, what it caused, and its attempts; exit with 1 if nothing did.",
        ),
        "logs": Declared(
            "logs:logs",
            "Print what the functions logged, each delivery, and each failure with its traceback: the latest 500 lines.",
        ),
        "why": Declared(
            "inspecting:why",
            "Print an event's status at each subscriber or one, and why; exit with 1 if that one has not completed it.",
        ),
        "doctor": Declared(
            "health:doctor",
            "Compare the running system with the code, and list problems; exit with 1 if there are any.",
        ),
    },
    "Repair": {
        "retry": Declared(
            "now:retry",
            "Make the next attempt of waiting deliveries now, instead of after their pause; exit with 1 if none waits.",
        ),
        "dlq": Declared("dlq:dlq", "Look at dead letters, redrive them, purge them."),
        "replay": Declared(
            "replaying:replay",
            "Replay a window of the archive to one subscriber; events that it has completed have no effect without "
            "--again.",
        ),
    },
    "Deploy": {
        "package": Declared(
            "package:package", "Build what Lambda runs: one layer for all functions, and a zip for each."
        ),
        "move": Declared(
            "moving:move",
            "Copy a service's tables and once-records to another stack; it can be repeated. With --yes, exit with 1 until it is complete.",
        ),
    },
}
"""By purpose and name, in the order of the help."""


class _Commands(SafeGroup):
    """The group of all commands."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for purpose, commands in COMMANDS.items():
            for name, declared in commands.items():
                self.add_command(LazyCommand(name, declared, purpose))


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
