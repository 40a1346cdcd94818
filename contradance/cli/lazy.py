"""Commands whose modules are imported when they run: help and shell completion list them by name and first line alone."""

from functools import cached_property
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup


class Declared(NamedTuple):
    """Where a command is, and the first line of its help."""

    where: str
    """`module:attribute` in this package: a function, or a `typer.Typer` with commands of its own."""
    help: str


class LazyCommand(TyperCommand):
    """Stands for a command or a group of commands; it imports the module when one is run, or asked for its own help."""

    def __init__(self, name: str, declared: Declared, purpose: str) -> None:
        super().__init__(name, help=declared.help, rich_help_panel=purpose)
        self._where = declared.where

    @cached_property
    def loaded(self) -> TyperCommand | TyperGroup:
        """The command or group itself; its module is imported at the first use."""
        module, _, attribute = self._where.partition(":")
        found = getattr(import_module(f"{__package__}.{module}"), attribute)
        if isinstance(found, typer.Typer):
            group = typer.main.get_group(found)
            group.name = self.name
            return group
        single = typer.Typer(add_completion=False)
        single.command(self.name)(found)
        command: TyperCommand = typer.main.get_command(single)  # type: ignore[assignment]  # one command is no group
        return command

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Return the context of the loaded command, its arguments parsed: from here on, Typer uses that one."""
        return self.loaded.make_context(*args, **extra)
