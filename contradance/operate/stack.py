"""A running system: what it is made of, and how it is asked."""

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from contradance.deployed import OUTPUT, Deployed, DeployedFunction
from contradance.errors import OperateError
from contradance.operate.aws import Aws
from contradance.violation import problems

RunCommand = Callable[[Sequence[str]], tuple[int, str, str]]
"""Runs a command and returns (exit code, standard output, standard error)."""


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack on AWS, or the laptop."""

    deployed: Deployed
    aws: Aws
    is_laptop: bool = False

    @property
    def wait_seconds(self) -> int:
        """How long a look into a queue waits: on AWS a short wait asks all of SQS's servers. The laptop has one."""
        return 0 if self.is_laptop else 1

    def function(self, name: str) -> DeployedFunction:
        """Return a function of the stack, by its name in the choreography."""
        found = self.deployed.functions.get(name)
        if found is None:
            known = ", ".join(sorted(self.deployed.functions)) or "none"
            raise OperateError(f"{self.deployed.app} has no function {name} here.\n  It has: {known}.")
        return found


def read_outputs(text: str, source: str) -> Deployed:
    """Return what a stack's outputs say of it; `source` is where they came from.

    Raises:
        OperateError: they are not the outputs of a stack of ours.
    """
    try:
        outputs = json.loads(text)
    except ValueError as error:
        raise OperateError(f"{source} is not JSON: {error}.") from error
    if not isinstance(outputs, dict) or OUTPUT not in outputs:
        raise OperateError(
            f"{source} has no output {OUTPUT!r}, by which a stack says what it is made of.\n"
            "  Is it the stack of this project, and has it been deployed by this version?"
        )
    try:
        return Deployed.model_validate(outputs[OUTPUT])
    except ValidationError as error:
        lines = [f"{source} has an output {OUTPUT!r} that this version cannot read"]
        lines += [f"  {path}: {message}" for path, message in problems(error, OUTPUT)]
        lines.append("  Deploy the stack with this version, or operate it with the version that deployed it.")
        raise OperateError("\n".join(lines)) from error


def outputs_in(path: Path) -> Deployed:
    """Return the stack whose outputs a file holds."""
    try:
        return read_outputs(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or error) if isinstance(error, OSError) else "it is not UTF-8"
        raise OperateError(f"{path} cannot be read: {reason}.") from error


def outputs_of(stack: str, folder: Path, run: RunCommand | None = None) -> Deployed:
    """Return the stack that Pulumi knows by a name, in the project that lies in `folder`."""
    command = ["pulumi", "stack", "output", "--json", "--stack", stack, "--cwd", str(folder)]
    try:
        code, said, complaint = (run or _run)(command)
    except FileNotFoundError as error:
        raise OperateError(
            "there is no pulumi here to ask for the stack's outputs.\n"
            "  Install it, or save the outputs where it is and give the file: --outputs FILE"
        ) from error
    if code != 0:
        reason = complaint.strip() or f"exit code {code}"
        raise OperateError(f"pulumi does not tell the outputs of the stack {stack!r}: {reason}")
    return read_outputs(said, f"the stack {stack!r}")


def _run(command: Sequence[str]) -> tuple[int, str, str]:
    ended = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - ours
    return ended.returncode, ended.stdout, ended.stderr
