"""Values in the stack files `Pulumi.<stack>.yaml`, read without Pulumi."""

import json
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]  # PyYAML has no types

from contradance.bounds import MAX_REASON_BYTES, shortened
from contradance.errors import InvalidStack
from contradance.infra.config import StackConfig
from contradance.infra.parsing import parse_config

_ARCHIVE_DAYS: Final = str(StackConfig.model_fields["archive_days"].alias)
_CORS_ORIGINS: Final = str(StackConfig.model_fields["cors_origins"].alias)
_MOST_VALUES: Final = 10_000
"""Most values of one key."""


def archive_days(root: Path) -> dict[str, int]:
    """Return how many days each stack's archive keeps events, by stack: its own number or the default.

    Raises:
        InvalidStack: a file is not YAML, or its number of days is not valid.
    """
    return {stack: config.archive_days for stack, config in _configs(root, _ARCHIVE_DAYS).items()}


def cors_origins(root: Path) -> frozenset[str]:
    """Return the origins whose pages may call the HTTP API of any stack in the folder `root`.

    Raises:
        InvalidStack: a file is not YAML, or its origins are not valid.
    """
    return frozenset(origin for config in _configs(root, _CORS_ORIGINS).values() for origin in config.cors_origins)


def _configs(root: Path, key: str) -> dict[str, StackConfig]:
    """Return each stack's configuration by name, read of `key` alone; raise `InvalidStack` for an invalid value."""
    project = _read_yaml(root / "Pulumi.yaml").get("name", "")
    found = {}
    for file in sorted(root.glob("Pulumi.*.yaml")):
        stack = file.name.removeprefix("Pulumi.").removesuffix(".yaml")
        config = _read_yaml(file).get("config")
        value = config.get(f"{project}:{key}") if isinstance(config, dict) else None
        if not _is_bounded(value):
            raise InvalidStack(f"{file} has more than {_MOST_VALUES:,} values in {key}.\n  Write them without aliases.")
        values = {} if value is None else {key: _as_text(value)}
        found[stack] = parse_config(values, project=project, stack=stack)
    return found


def _is_bounded(value: object) -> bool:
    """Whether a value holds at most `_MOST_VALUES` others: aliases of YAML may repeat a value without end."""
    level, number = [value], 0
    while level := [item for item in level if isinstance(item, list | dict)]:
        number += sum(map(len, level))
        if number > _MOST_VALUES:
            return False
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return True


def _as_text(value: object) -> str:
    """Return a stack file's value as text: a list or an object as JSON, any other by `str`, so a boolean as `True`."""
    return json.dumps(value) if isinstance(value, list | dict) else str(value)


def _read_yaml(file: Path) -> dict[str, Any]:
    """Return the YAML object in a file, empty without a file or an object; raise `InvalidStack` if it is not YAML."""
    try:
        content = yaml.safe_load(file.read_bytes()) if file.is_file() else None
    except OSError as error:
        raise InvalidStack(f"{file} cannot be read: {error.strerror or error}.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a date or a number may be none that Python has
        raise InvalidStack(f"{file} is not YAML: {shortened(str(error), MAX_REASON_BYTES)}") from error
    return content if isinstance(content, dict) else {}
