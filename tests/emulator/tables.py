"""Compares the documents of tables in two systems that did the same: ids and times differ, all else is equal."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)|\b\d\d:\d\d UTC")
_ID: Final = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|(?<=_)[0-9a-f]{32}\b|\b[0-9a-f]{64}\b")


def comparable(documents: Mapping[str, Iterable[Any]], subjects: Sequence[str]) -> dict[str, list[str]]:
    """Return documents by table, sorted, as text: the ids in `subjects` by their position, other ids and times masked."""
    return {name: sorted(_masked(document, subjects) for document in found) for name, found in documents.items()}


def _masked(document: Any, subjects: Sequence[str]) -> str:
    text = json.dumps(document, sort_keys=True)
    for position, subject in enumerate(subjects):
        text = text.replace(subject, f"<subject {position}>")
    return _ID.sub("<id>", _TIME.sub("<time>", text))
