"""A stack on AWS, found by the outputs of its Pulumi program."""

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import ValidationError

from contradance.deployed import OUTPUT, Deployed
from contradance.errors import OperateError
from contradance.operate.aws.eventbridge import AwsHealth, EventBridgeReplays
from contradance.operate.aws.services import Aws, Boto
from contradance.operate.aws.sqs import SqsDeadLetters
from contradance.operate.ports import System
from contradance.violation import problems

RunCommand = Callable[[Sequence[str]], tuple[int, str, str]]
"""Runs a command and returns (exit code, standard output, standard error)."""


def stack_system(deployed: Deployed, aws: Aws | None = None) -> System:
    """Return a stack as a system to operate; through boto3, unless other services are given."""
    services = aws or Boto(deployed.region)
    return System(
        deployed,
        dead_letters=SqsDeadLetters(deployed, services),
        replays=EventBridgeReplays(deployed, services),
        health=AwsHealth(deployed, services),
    )


def read_outputs(text: str, source: str) -> Deployed:
    """Return a stack's description from its outputs as JSON; `OperateError`, which names `source`, for other text.

    Raises:
        OperateError: they are not the outputs of a Contradance stack.
    """
    try:
        outputs = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise OperateError(f"{source} is not JSON: {error}.") from error
    if not isinstance(outputs, dict) or OUTPUT not in outputs:
        raise OperateError(
            f"{source} has no output {OUTPUT!r}, which describes the stack.\n"
            "  Is it the stack of this project, and was it deployed with this version?"
        )
    try:
        return Deployed.model_validate(outputs[OUTPUT])
    except ValidationError as error:
        lines = [f"{source} has an output {OUTPUT!r} that this version cannot read"]
        lines += [f"  {path}: {message}" for path, message in problems(error, OUTPUT)]
        lines.append("  Deploy the stack with this version, or operate it with the version that deployed it.")
        raise OperateError("\n".join(lines)) from error


def outputs_in(path: Path) -> Deployed:
    """Return the description of the stack whose outputs are in a file; `OperateError` for a file without them."""
    try:
        return read_outputs(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or error) if isinstance(error, OSError) else "it is not UTF-8"
        raise OperateError(f"{path} cannot be read: {reason}.") from error


def outputs_of(stack: str, folder: Path, run: RunCommand | None = None) -> Deployed:
    """Return a stack's description by its Pulumi name, for the project in `folder`; `OperateError` without outputs."""
    command = ["pulumi", "stack", "output", "--json", "--stack", stack, "--cwd", str(folder)]
    try:
        code, outputs, errors = (run or _run)(command)
    except FileNotFoundError as error:
        raise OperateError(
            "the stack's outputs need the command `pulumi`, which is not installed.\n"
            "  Install it, or save the outputs on a machine that has it and give the file: --outputs FILE"
        ) from error
    except OSError as error:
        raise OperateError(
            f"the command `pulumi`, which prints the stack's outputs, cannot be run: {error}."
        ) from error
    if code != 0:
        reason = errors.strip() or f"exit code {code}"
        raise OperateError(f"pulumi did not print the outputs of the stack {stack!r}: {reason}")
    return read_outputs(outputs, f"the stack {stack!r}")


def _run(command: Sequence[str]) -> tuple[int, str, str]:
    """Run a command and return (exit code, standard output, standard error)."""
    ended = subprocess.run(command, check=False, capture_output=True, encoding="utf-8", errors="replace")  # noqa: S603 - ours
    return ended.returncode, ended.stdout, ended.stderr
