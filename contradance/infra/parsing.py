"""Reads a stack's configuration from Pulumi's texts; describes what is invalid, with the command that corrects it."""

import json
import re
from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from contradance.errors import InvalidStack
from contradance.infra.config import AlarmThresholds, Override, StackConfig

_INNER: Final[Mapping[str | int, type[BaseModel]]] = {"alarms": AlarmThresholds, "functions": Override}
"""The models inside the configuration, by key."""
_NEAREST_SHOWN: Final = 5


def parse_config(values: Mapping[str, str], *, project: str, stack: str) -> StackConfig:
    """Return a stack's configuration from Pulumi's texts; raise `InvalidStack` for unknown keys and invalid values.

    Args:
        values: texts by key, without the project's name; objects and lists as JSON; of secrets the names only:
            `{"secrets": '["gateway_key"]'}`.
        project: namespace of the keys.
        stack: name of the stack.

    Raises:
        InvalidStack: a key is unknown, a value is invalid, or two values contradict each other.
    """
    try:
        return StackConfig.model_validate({key: _parse_json(value) for key, value in values.items()}, by_name=False)
    except ValidationError as error:
        found = [
            _describe_problem(problem, project, stack)
            for problem in error.errors(include_input=False, include_url=False)
        ]
        raise InvalidStack(f"stack {stack!r} has an invalid configuration:\n" + "\n".join(found)) from error


def _parse_json(value: str) -> object:
    """Return the list or object that a JSON text holds; any other text, also invalid or too deep JSON, unchanged."""
    if value[:1] not in ("[", "{"):
        return value
    try:
        decoded: object = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return decoded


def _describe_problem(problem: ErrorDetails, project: str, stack: str) -> str:
    """Return a message with the wrong key and the command that corrects it; with the file if no one key is wrong."""
    message = problem["msg"].removeprefix("Value error, ")
    if not problem["loc"]:
        return f"  {message}\n  Fix: edit Pulumi.{stack}.yaml."
    key, *inner = problem["loc"]
    path, flag = _property_path(problem["loc"]), "--path " if inner else ""
    if problem["type"] == "extra_forbidden":
        fields = (_INNER[key] if inner else StackConfig).model_fields
        known = sorted(map(to_camel, fields), key=lambda name: _distance(name, str(problem["loc"][-1])))
        nearest = ", ".join(known[:_NEAREST_SHOWN])
        unset = f"pulumi config rm --stack {stack} {flag}'{path}'"
        return f"  {project}:{path} is not a key of this program. The nearest keys are {nearest}.\n  Fix: {unset}"
    return f"  {project}:{path}: {message}.\n  Fix: pulumi config set --stack {stack} {flag}'{path}' VALUE"


def _property_path(location: tuple[int | str, ...]) -> str:
    """Return a value's place in Pulumi's form: `services[0]`, `archives.default`, `functions["loans.lend"].memory`."""
    path = str(location[0])
    for part in location[1:]:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if re.fullmatch(r"[\w-]+", part) else f'["{part}"]'
    return path


def _distance(one: str, other: str) -> tuple[int, str]:
    """Return a key that sorts `one` by its likeness to `other`: more pairs of letters in common come first."""
    pairs = [{name[at : at + 2].lower() for at in range(len(name) - 1)} for name in (one, other)]
    return -len(pairs[0] & pairs[1]), one
