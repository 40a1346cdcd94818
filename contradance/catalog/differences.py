"""Formats differences between contracts and their frozen schemas: for a terminal, as JSON, for GitHub."""

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from contradance.gate import Difference
from contradance.quantity import counted


def format_text(found: Sequence[Difference], frozen_count: int, _: Path) -> str:
    """Return breaking changes as text for a terminal; without any, the number of frozen contracts."""
    if not found:
        return f"{counted(frozen_count, 'frozen contract')}, no breaking change.\n"
    return (
        "\n".join([f"{counted(len(found), 'breaking change')}:", *(f"  {difference}" for difference in found)]) + "\n"
    )


def format_json(found: Sequence[Difference], _: int, __: Path) -> str:
    """Return differences as JSON text: a list with an object for each; the other arguments are not used."""
    return (
        json.dumps(
            [
                {
                    "contract": str(one.identity),
                    "path": one.change.path,
                    "rule": one.change.rule,
                    "breaks": sorted(one.change.breaks),
                    "message": one.change.message,
                    "publishers": one.publishers,
                    "victims": one.victims,
                    "file": one.defined,
                    "fix": one.fix,
                }
                for one in found
            ],
            indent=2,
        )
        + "\n"
    )


def format_annotations(found: Sequence[Difference], _: int, root: Path) -> str:
    """Return differences as GitHub's workflow commands, a line each, which GitHub shows at files below `root`."""
    return "".join(f"{_github_annotation(one, root)}\n" for one in found)


def _github_annotation(one: Difference, root: Path) -> str:
    """Return an `::error` for a breaking change, else a `::notice`, at the contract's file if it is below `root`."""
    level = "error" if one.change.breaks else "notice"
    affects = f" Affects {', '.join(one.victims)}." if one.victims else ""
    place = _contract_file(one.defined)
    file = (
        f"file={_escape_property(place.relative_to(root).as_posix())}," if place and place.is_relative_to(root) else ""
    )
    return f"::{level} {file}title={_escape_property(str(one.identity))}::{_escape_data(f'{one.change.message}{affects} {one.fix}')}"


def _contract_file(defined: str) -> Path | None:
    """Return the file of the module that `library_contracts/loans.py` names; None for an empty text or no module."""
    spec = find_spec(defined.removesuffix(".py").replace("/", ".")) if defined else None
    return Path(spec.origin) if spec and spec.origin else None


def _escape_data(text: str) -> str:
    """Escape the message of a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    """Escape the value of a workflow command's property, such as `file`."""
    return _escape_data(text).replace(":", "%3A").replace(",", "%2C")
