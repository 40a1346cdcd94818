"""The system that a command operates: the laptop, a stack by its name in Pulumi, or a stack by a file of its outputs."""

import inspect
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, Final, ParamSpec, TypeVar

import typer

from contradance.cli.command import Port, StateFolder, full_name, the_project
from contradance.cli.theme import err
from contradance.local.names import DEFAULT_STATE

if TYPE_CHECKING:
    from contradance.choreography import Choreography
    from contradance.deployed import Deployed
    from contradance.operate.forecast import Forecast
    from contradance.operate.journal import JournalAccess
    from contradance.operate.ports import System
    from contradance.operate.replay import ReplayPlan
    from contradance.project import Project

P = ParamSpec("P")
R = TypeVar("R")

Local = Annotated[bool, typer.Option("--local", help="The laptop on this machine; the default.")]
StackName = Annotated[str | None, typer.Option("--stack", help="A deployed stack, by Pulumi's name.", metavar="NAME")]
OutputsFile = Annotated[
    Path | None, typer.Option("--outputs", help="A deployed stack, by a file of its outputs in JSON.", metavar="FILE")
]
_OF_A_FUNCTION: Final = frozenset({"function", "subscriber"})
"""Parameters of commands that name a function, which may be given without its service."""
SEARCH: Final = timedelta(days=1)
"""How far back a stack's logs are searched for a flow, unless a command has an option for it."""


@dataclass(frozen=True)
class Target:
    """The values of `--local`, `--stack` and `--outputs`, and where the laptop is."""

    project: "Project"
    stack_name: str | None
    outputs: Path | None
    port: int | None
    state: Path

    @property
    def is_laptop(self) -> bool:
        """Whether the target is the laptop: neither a stack nor a file of outputs was named."""
        return self.stack_name is None and self.outputs is None

    @property
    def name(self) -> str:
        """The target's name in messages: `the stack prod`, the file of outputs, or the laptop's folder."""
        return f"the stack {self.stack_name}" if self.stack_name else str(self.outputs or self.state)

    @property
    def options(self) -> str:
        """The options that choose the target, with a space before them; empty for the laptop in the default folder."""
        return stack_options(self.stack_name, self.outputs) or state_option(self.state)

    @cached_property
    def choreography(self) -> "Choreography":
        """The choreography of the project's code."""
        return self.project.choreography()

    @cached_property
    def system(self) -> "System":
        """The system of `contradance.operate`, made at the first use: the laptop or the stack."""
        if self._stack is not None:
            from contradance.operate.aws.stack import stack_system  # noqa: PLC0415 - only for a stack

            return stack_system(self._stack)
        from contradance.local.system.address import url_of  # noqa: PLC0415 - only for the laptop
        from contradance.local.system.client import system_of_commands  # noqa: PLC0415 - only for the laptop

        return system_of_commands(self.choreography, url_of(self.state, self.port), self.state)

    @contextmanager
    def journal(self, since: datetime | None = None) -> "Iterator[JournalAccess]":
        """Open the laptop's journal, or a stack's, which is searched from `since` on, by default for the last day."""
        if self._stack is not None:
            from contradance.operate.aws.insights import InsightsJournal  # noqa: PLC0415 - only for a stack
            from contradance.operate.aws.services import Boto  # noqa: PLC0415 - the same

            since = since or datetime.now(UTC) - SEARCH
            yield InsightsJournal(
                self._stack, Boto(self._stack.region), since, lambda: datetime.now(UTC), report=print_cut
            )
        else:
            from contradance.local.state.journal_table import open_journal  # noqa: PLC0415 - only for the laptop

            with open_journal(self.state, print_cut) as found:
                yield found

    def forecast(self, planned: "ReplayPlan") -> "Forecast":
        """Return what a replay would do, counted in the laptop's archive, or in a stack's journal."""
        from contradance.operate.forecast import from_archive, from_journal  # noqa: PLC0415 - loaded with the project

        if self.is_laptop:
            from contradance.local.state.archive import open_archive  # noqa: PLC0415 - only for the laptop

            with open_archive(self.state) as archive:
                return from_archive(planned, archive)
        with self.journal() as journal:
            return from_journal(planned, journal)

    @cached_property
    def _stack(self) -> "Deployed | None":
        """The description of the stack; None where the system is the laptop."""
        if self.is_laptop:
            return None
        from contradance.operate.aws.stack import outputs_in, outputs_of  # noqa: PLC0415 - only for a stack

        return outputs_in(self.outputs) if self.outputs else outputs_of(str(self.stack_name), self.project.root)


def print_cut(sentence: str) -> None:
    """Print on standard error that a search left out records."""
    err.print(sentence, style="yellow")


def stack_options(stack: str | None, outputs: Path | None) -> str:
    """Return ` --stack NAME`, else ` --outputs FILE`, quoted for a shell; empty without both."""
    if stack:
        return f" --stack {shlex.quote(stack)}"
    return f" --outputs {shlex.quote(str(outputs))}" if outputs else ""


def state_option(state: Path) -> str:
    """Return ` --state FOLDER`, quoted for a shell; empty for the default folder."""
    return "" if state == DEFAULT_STATE else f" --state {shlex.quote(str(state))}"


def of_a_system(command: Callable[Concatenate[Target, P], R]) -> Callable[..., R]:
    """Replace a command's first parameter, a `Target`, by the options that choose one; `BadParameter` for two of them.

    A function that the command takes by name may be given without its service.
    """

    def chosen(
        *,
        local: Local = False,
        stack: StackName = None,
        outputs: OutputsFile = None,
        port: Port = None,
        state: StateFolder = DEFAULT_STATE,
        **own: Any,
    ) -> R:
        given = [name for name, value in (("--local", local), ("--stack", stack), ("--outputs", outputs)) if value]
        if len(given) > 1:
            raise typer.BadParameter("each names another system: give only one.", param_hint=" and ".join(given))
        target = Target(the_project(), stack, outputs, port, state)
        for name in _OF_A_FUNCTION & own.keys():
            own[name] = own[name] and full_name(own[name], target.choreography)
        return command(target, **own)  # type: ignore[call-arg]  # Typer names them

    own = [*inspect.signature(command).parameters.values()][1:]
    shared = [*inspect.signature(chosen).parameters.values()][:-1]
    update_wrapper(chosen, command)
    chosen.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]  # what Typer reads
    chosen.__annotations__ = {one.name: one.annotation for one in (*own, *shared)}
    return chosen
