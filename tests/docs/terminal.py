"""The terminal of a page's reader, in which `contradance` is on the PATH."""

import os
import sys
from pathlib import Path
from typing import Final

from tests.terminal import Terminal

_CONTRADANCE: Final = """\
import sys
import typer
from contradance.cli import main
from contradance.cli.app import app

command, words = typer.main.get_command(app), sys.argv[1:]
for word in words:
    if not hasattr(command, "commands"):
        break
    command = command.commands.get(word, command)
    command = getattr(command, "loaded", command)  # a command that is imported when it runs
if any("--port" in option.opts for option in command.params) and "--port" not in words:
    words += ["--port", {port!r}]
sys.argv = ["contradance", *words]
sys.exit(main())
"""
"""The command `contradance` with this terminal's port as the default."""


class PageTerminal(Terminal):
    """A terminal in a project's folder, whose laptop has the terminal's port without being asked."""

    def __init__(self, folder: Path, scratch: Path) -> None:
        self._root = folder
        super().__init__(folder, scratch)
        self.add_command("contradance", _CONTRADANCE.format(port=self.port))

    def new_environment(self) -> dict[str, str]:
        """Return the environment with which a terminal opens, with the project's packages and this Python's commands."""
        environment = super().new_environment()
        commands, _, others = environment["PATH"].partition(os.pathsep)
        path = os.pathsep.join([commands, str(Path(sys.executable).parent), others])
        return {
            **environment,
            "PATH": path,
            "PYTHONPATH": os.pathsep.join([f"{self._root}/contracts", str(self._root)]),
        }

    def _here(self, script: str) -> str:
        """Return a script for this terminal: with its port and its command."""
        return super()._here(script).replace(".venv/bin/contradance", "contradance")
