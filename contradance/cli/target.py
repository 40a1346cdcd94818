"""Which system a command is about: the laptop, a stack that Pulumi knows, or one whose outputs a file holds."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, update_wrapper
from pathlib import Path
from typing import Annotated, Any, Concatenate, Final, ParamSpec, TypeVar

import typer

from contradance.choreography import Choreography
from contradance.cli.command import Port, StateFolder, the_project
from contradance.local.names import DEFAULT_PORT, HOST
from contradance.operate.aws import aws_of
from contradance.operate.forecast import Forecast, from_archive, from_journal
from contradance.operate.insights import InsightsJournal
from contradance.operate.journal import JournalReader
from contradance.operate.replay import ReplayPlan
from contradance.operate.stack import Stack, outputs_in, outputs_of
from contradance.project import Project

P = ParamSpec("P")
R = TypeVar("R")

Local = Annotated[bool, typer.Option("--local", help="The laptop on this machine; the default.")]
StackName = Annotated[str | None, typer.Option("--stack", help="A deployed stack, by Pulumi's name.", metavar="NAME")]
OutputsFile = Annotated[
    Path | None, typer.Option("--outputs", help="A deployed stack, by a file of its outputs in JSON.", metavar="FILE")
]
SEARCH: Final = timedelta(days=1)
"""How far back a stack's logs are searched for a flow, where nobody says."""


@dataclass(frozen=True)
class Target:
    """What `--local`, `--stack` and `--outputs` say, and where the laptop would be."""

    project: Project
    stack_name: str | None
    outputs: Path | None
    port: int
    state: Path

    @property
    def is_laptop(self) -> bool:
        """Whether it is the laptop."""
        return self.stack_name is None and self.outputs is None

    @property
    def name(self) -> str:
        """What a person calls it."""
        return f"the stack {self.stack_name}" if self.stack_name else str(self.outputs or self.state)

    @cached_property
    def choreography(self) -> Choreography:
        """The choreography of the project, as its code says it."""
        return self.project.choreography()

    @cached_property
    def stack(self) -> Stack:
        """The system."""
        if self.outputs is not None:
            found = outputs_in(self.outputs)
        elif self.stack_name is not None:
            found = outputs_of(self.stack_name, self.project.root)
        else:
            from contradance.local.deployed import deployed  # noqa: PLC0415 - only for the laptop

            url = f"http://{HOST}:{self.port}"
            laptop = deployed(self.choreography, url)
            return Stack(laptop, aws_of(laptop, url), is_laptop=True)
        return Stack(found, aws_of(found))

    @contextmanager
    def journal(self, since: datetime | None = None) -> Iterator[JournalReader]:
        """Open the system's journal; on AWS, flows are searched from `since` on."""
        if self.is_laptop:
            from contradance.local.state.journal_table import open_journal  # noqa: PLC0415 - only for the laptop

            with open_journal(self.state) as found:
                yield found
        else:
            yield InsightsJournal(self.stack, since or datetime.now(UTC) - SEARCH, lambda: datetime.now(UTC))

    def forecast(self, planned: ReplayPlan) -> Forecast:
        """Count what a replay would do: in the laptop's archive, or as far as a stack's journal tells."""
        if self.is_laptop:
            from contradance.local.state.archive import open_archive  # noqa: PLC0415 - only for the laptop

            with open_archive(self.state) as archive:
                return from_archive(planned, archive)
        with self.journal() as journal:
            return from_journal(planned, journal)


def of_a_system(command: Callable[Concatenate[Target, P], R]) -> Callable[..., R]:
    """Give a command the options that say which system it is about; it takes them as one `Target`."""

    def chosen(
        *,
        local: Local = False,
        stack: StackName = None,
        outputs: OutputsFile = None,
        port: Port = DEFAULT_PORT,
        state: StateFolder = Path(".contradance"),
        **own: Any,
    ) -> R:
        given = [name for name, said in (("--local", local), ("--stack", stack), ("--outputs", outputs)) if said]
        if len(given) > 1:
            raise typer.BadParameter("each names another system: give one.", param_hint=" and ".join(given))
        return command(Target(the_project(), stack, outputs, port, state), **own)  # type: ignore[call-arg]  # Typer names them

    own = [*inspect.signature(command).parameters.values()][1:]
    shared = [*inspect.signature(chosen).parameters.values()][:-1]
    update_wrapper(chosen, command)
    chosen.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]  # what Typer reads
    chosen.__annotations__ = {one.name: one.annotation for one in (*own, *shared)}
    return chosen
