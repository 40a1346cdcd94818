"""How long each stack's archive keeps events, as the stacks' own files say it."""

import re
from pathlib import Path
from typing import Final

_DAYS: Final = re.compile(r"^\s+[\w-]+:archiveDays:\s*[\"']?(\d+)", re.MULTILINE)


def archives(root: Path) -> dict[str, int]:
    """Return the days by stack; one whose file does not say keeps events longer than any retry takes."""
    found = {}
    for file in sorted(root.glob("Pulumi.*.yaml")):
        said = _DAYS.search(file.read_text(encoding="utf-8"))
        if said:
            found[file.name.removeprefix("Pulumi.").removesuffix(".yaml")] = int(said[1])
    return found
