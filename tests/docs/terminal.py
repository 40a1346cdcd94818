"""The terminal of a page's reader, in which `contradance` is on the PATH."""

import os
import sys
from pathlib import Path
from typing import Final

from tests.forking import Forks
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
COMMANDS: Final = ("contradance", "mypy", "pytest")
"""The commands of an environment that a page's terminal has in its own way."""


class PageTerminal(Terminal):
    """A terminal in a project's folder, whose laptop has the terminal's port without being asked."""

    def __init__(self, folder: Path, scratch: Path, forks: Forks) -> None:
        self._root = folder
        super().__init__(folder, scratch, forks.caches)
        program = scratch / "contradance.py"
        program.write_text(_CONTRADANCE.format(port=self.port), encoding="utf-8")
        forks.commands.write_command(self.commands / "contradance", str(program))
        forks.commands.write_command(self.commands / "python")
        for name in ("mypy", "pytest"):
            forks.tools.write_command(self.commands / name, "-m", name)

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
