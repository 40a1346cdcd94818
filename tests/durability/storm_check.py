"""What must hold after a storm, read from the raw tables: nothing of the product reads them here."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

CONSUMERS: Final = {"OrderAsked": ("till.charge", "stock.count"), "OrderCharged": ("parcels.ship",)}
GUILTY: Final = {"till.charge": "", "parcels.ship": "ship: "}
"""How a mishap of a function begins; of `stock.count` there is none."""
FATAL: Final = ("raise", "exit", "interrupt", "surrogate", "large", "hang", "kill")
"""Mishaps of every attempt: they end as a dead letter."""


class Tables(NamedTuple):
    """The rows of a laptop's state file."""

    events: dict[str, dict[str, Any]]
    """Each event's envelope by its own id."""
    done: set[tuple[str, str]]
    """(function, event id) of each once-record."""
    letters: list[tuple[str, dict[str, Any], str]]
    """(function, event, error) of each dead letter."""
    records: list[dict[str, Any]]
    """The journal."""
    deliveries: int
    charges: dict[str, int]
    counts: dict[str, int]


def tables(state: Path) -> Tables:
    """Read the tables."""
    with closing(sqlite3.connect(f"file:{state / 'bus.sqlite3'}?mode=ro", uri=True)) as connection:
        events = [json.loads(text) for (text,) in connection.execute("SELECT envelope FROM event")]
        rows = {
            table: {
                document["order"]: document["times"]
                for (text,) in connection.execute("SELECT document FROM item WHERE table_name = ?", (table,))
                for document in [json.loads(text)]
            }
            for table in ("till.charges", "stock.counts")
        }
        return Tables(
            {event["detail"]["metadata"]["event_id"]: event for event in events},
            {(function, event) for function, event in connection.execute("SELECT function, event_id FROM once")},
            [_letter(*row) for row in connection.execute("SELECT function, body, attributes FROM dead_letter")],
            [json.loads(text) for (text,) in connection.execute("SELECT record FROM journal")],
            connection.execute("SELECT count(*) FROM delivery").fetchone()[0],
            rows["till.charges"],
            rows["stock.counts"],
        )


def _letter(function: str, body: str, attributes: str) -> tuple[str, dict[str, Any], str]:
    held = json.loads(body)
    error = held.get("responsePayload", {}).get("errorType", "") + attributes
    return function, held.get("requestPayload", held), error


def check(state: Path, placed: dict[str, str]) -> Counter[str]:
    """Assert what must hold for the orders that were placed, with the mishap of each; return what was counted."""
    found = tables(state)
    assert found.deliveries == 0, f"{found.deliveries} deliveries are pending"
    asked = {
        event["detail"]["data"]["order"] for event in found.events.values() if event["detail-type"] == "OrderAsked"
    }
    assert placed.keys() <= asked, f"lost: {placed.keys() - asked}"
    lost = [*_neither_consumed_nor_dead(found)]
    assert not lost, f"neither consumed nor dead-lettered: {lost[:5]}"
    _check_attempts(state, found)
    _check_blame(found)
    assert set(found.charges.values()) <= {1}, "a row was written twice"
    assert set(found.counts.values()) <= {1}, "a row was written twice"
    keys: dict[str, set[str]] = {}
    for line in (state / "gateway.log").read_text().splitlines():
        order, key = line.split()
        keys.setdefault(order, set()).add(key)
    twice = [order for order, own in keys.items() if len(own) > 1]
    assert not twice, f"charged twice: {twice}"
    return Counter(
        {
            "events": len(found.events),
            "records": len(found.records),
            "dead letters": len(found.letters),
            "interrupted": sum("runs again" in (one["error"] or "") for one in found.records),
            "ended their process": sum("nothing else did" in (one["error"] or "") for one in found.records),
            "timed out": sum("TimedOut" in (one["error"] or "") for one in found.records),
        }
    )


def _neither_consumed_nor_dead(found: Tables) -> Iterator[tuple[str, str, str]]:
    dead = {(function, event["detail"]["metadata"]["event_id"]) for function, event, _ in found.letters}
    for event_id, event in found.events.items():
        for function in CONSUMERS[event["detail-type"]]:
            if (function, event_id) not in found.done | dead:
                yield function, event_id, event["detail"]["data"]["mishap"]


def _check_attempts(state: Path, found: Tables) -> None:
    """Assert that every attempt that started has a record."""
    lines = [line.split() for line in (state / "attempts.log").read_text().splitlines()]
    started = Counter((function, event) for function, event in lines if function != "shop.place_order")
    recorded = Counter((record["function"], record["event_id"]) for record in found.records)
    missing = {key: (times, recorded[key]) for key, times in started.items() if recorded[key] < times}
    assert not missing, f"(started, recorded): {missing}"
    requests = Counter(record["function"] for record in found.records if record["event_id"] is None)
    assert requests["shop.place_order"] >= sum(function == "shop.place_order" for function, _ in lines)


def _check_blame(found: Tables) -> None:
    """Assert that only events that a function could not consume became its dead letters, also those that were redriven."""
    mishaps = {event_id: event["detail"]["data"]["mishap"] for event_id, event in found.events.items()}
    dead = [
        (record["function"], record["event_id"])
        for record in found.records
        if record["outcome"] == "failed" and record["retries_left"] == 0 and record["event_id"] is not None
    ]
    dead += [(function, event["detail"]["metadata"]["event_id"]) for function, event, _ in found.letters]
    innocent = [one for one in dead if not _is_fatal(one[0], mishaps[one[1]])]
    assert not innocent, f"innocent dead letters: {[(one, mishaps[one[1]]) for one in innocent]}"
    for function, event, error in found.letters:
        if event["detail"]["data"]["mishap"] == "ship: kill" and function == "parcels.ship":
            assert "ProcessEnded" in error


def _is_fatal(function: str, mishap: str) -> bool:
    own = GUILTY.get(function)
    return own is not None and mishap.startswith(own) and mishap.removeprefix(own) in (*FATAL, "raise until redriven")
