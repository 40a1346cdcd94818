"""Follows a journal whose lines become visible late and out of order, as those of CloudWatch do."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from contradance.operate.journal import JournalAccess, LogLine, Wanted

_LATE: Final = timedelta(minutes=2)
"""Longest time until a line is visible in CloudWatch Logs, with a margin."""


def follow(
    journal: JournalAccess, wanted: Wanted, pauses: Iterable[object], now: Callable[[], datetime]
) -> Iterator[LogLine]:
    """Yield each wanted line once, as lines become visible; each item of `pauses` starts a search.

    Lines become visible late, so each search begins some time before the last one began. If `wanted.latest` left out older
    lines, no search begins before the first line that was found.
    """
    seen: dict[str, datetime] = {}
    for _ in pauses:
        began = now()
        found = [*journal.lines(wanted)]
        for line in found:
            if line.id not in seen:
                seen[line.id] = line.at
                yield line
        first = [line.at for line in found[:1] if len(found) == wanted.latest]
        since = max(wanted.since, began - _LATE, *first)
        seen = {identifier: at for identifier, at in seen.items() if at >= since}
        wanted = replace(wanted, since=since, latest=None)
