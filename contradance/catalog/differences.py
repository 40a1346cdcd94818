"""Differences between contracts and what is promised, told: for a person, a machine, a pull request."""

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from contradance.gate import Difference


def as_text(found: Sequence[Difference], promised: int, _: Path) -> str:
    """Return findings for a terminal."""
    if not found:
        return f"{promised} frozen contracts, and nothing breaks.\n"
    count = "1 change breaks" if len(found) == 1 else f"{len(found)} changes break"
    return "\n".join([f"{count} what is frozen:", *(f"  {difference}" for difference in found)]) + "\n"


def to_json(found: Sequence[Difference], _: int, __: Path) -> str:
    """Return findings for a machine: a list of objects."""
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


def as_annotations(found: Sequence[Difference], _: int, root: Path) -> str:
    """Return findings as GitHub's workflow commands: each is shown at the contract it is about."""
    return "".join(f"{_annotation(one, root)}\n" for one in found)


def _annotation(one: Difference, root: Path) -> str:
    level = "error" if one.change.breaks else "notice"
    hurts = f" Hurts {', '.join(one.victims)}." if one.victims else ""
    place = _place(one.defined)
    file = f"file={_property(place.relative_to(root).as_posix())}," if place and place.is_relative_to(root) else ""
    return f"::{level} {file}title={_property(str(one.identity))}::{_data(f'{one.change.message}{hurts} {one.fix}')}"


def _place(defined: str) -> Path | None:
    """Return the file of a contract that is defined in `library_contracts/loans.py`; None where it is gone."""
    spec = find_spec(defined.removesuffix(".py").replace("/", ".")) if defined else None
    return Path(spec.origin) if spec and spec.origin else None


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
