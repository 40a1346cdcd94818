"""How long each stack's archive keeps events, read from the stack files `Pulumi.<stack>.yaml`."""

from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # PyYAML has no types

from contradance.errors import InvalidStack
from contradance.infra.config import StackConfig, parse_config

_KEY = str(StackConfig.model_fields["archive_days"].alias)


def archive_days(root: Path) -> dict[str, int]:
    """Return the days by stack. A stack that sets none has the Pulumi program's default.

    Raises:
        InvalidStack: a file is not YAML, or its number of days is not valid.
    """
    project = _read(root / "Pulumi.yaml").get("name", "")
    found = {}
    for file in sorted(root.glob("Pulumi.*.yaml")):
        stack = file.name.removeprefix("Pulumi.").removesuffix(".yaml")
        days = (_read(file).get("config") or {}).get(f"{project}:{_KEY}")
        values = {} if days is None else {_KEY: str(days)}  # texts, as Pulumi gives them to the program
        found[stack] = parse_config(values, project=project, stack=stack).archive_days
    return found


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidStack(f"{file} is not YAML: {error}") from error
    return content if isinstance(content, dict) else {}
