"""Formats differences between contracts and their frozen schemas: for a terminal, as JSON, for GitHub."""

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from contradance.gate import Difference


def as_text(found: Sequence[Difference], promised: int, _: Path) -> str:
    """Return differences as text for a terminal."""
    if not found:
        return f"{promised} frozen contracts, no breaking change.\n"
    count = "1 breaking change" if len(found) == 1 else f"{len(found)} breaking changes"
    return "\n".join([f"{count}:", *(f"  {difference}" for difference in found)]) + "\n"


def to_json(found: Sequence[Difference], _: int, __: Path) -> str:
    """Return differences as JSON: a list of objects."""
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
    """Return differences as GitHub's workflow commands, which GitHub shows at the contract."""
    return "".join(f"{_annotation(one, root)}\n" for one in found)


def _annotation(one: Difference, root: Path) -> str:
    level = "error" if one.change.breaks else "notice"
    affects = f" Affects {', '.join(one.victims)}." if one.victims else ""
    place = _place(one.defined)
    file = f"file={_property(place.relative_to(root).as_posix())}," if place and place.is_relative_to(root) else ""
    return f"::{level} {file}title={_property(str(one.identity))}::{_data(f'{one.change.message}{affects} {one.fix}')}"


def _place(defined: str) -> Path | None:
    """Return the file of a contract that is defined in `library_contracts/loans.py`; None when it does not exist."""
    spec = find_spec(defined.removesuffix(".py").replace("/", ".")) if defined else None
    return Path(spec.origin) if spec and spec.origin else None


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
