"""The tables of the page about cost, from the calls and units that `benchmarks/units.py` counts."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

_ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(_ROOT))

from functions.choreography import food_delivery  # noqa: E402 - the project's root has to be importable first

_COUNTED: Final = _ROOT / "tests" / "runtime" / "aws" / "units.json"
_ORDERS: Final = 1_000
_ORDER: Final = "delivered"
"""The course whose invocations one successful order causes."""
_MILLION: Final = 1_000_000
_QUEUE_REQUESTS: Final = 3
"""SQS requests of a delivery behind a queue: send, receive and delete."""

# List prices in US East, 2026, in dollars.
_EVENT: Final = 1.00 / _MILLION
_ARCHIVED_GB: Final = 0.10
_INVOCATION: Final = 0.20 / _MILLION
_GB_SECOND: Final = 0.0000133334
_WRITE_UNIT: Final = 0.625 / _MILLION
_READ_UNIT: Final = 0.125 / _MILLION
_QUEUE_REQUEST: Final = 0.40 / _MILLION
_HTTP_REQUEST: Final = 1.00 / _MILLION
_LOGGED_GB: Final = 0.50

# Estimates.
_EVENT_KB: Final = 2
_SECONDS: Final = 0.1
_MEMORY_GB: Final = 0.25
_LOGGED_KB: Final = 4
_KB_A_GB: Final = 1_000_000


def _courses() -> dict[str, list[dict[str, Any]]]:
    """Return the counted invocations of each course."""
    found: dict[str, list[dict[str, Any]]] = json.loads(_COUNTED.read_text(encoding="utf-8"))
    return found


def orders() -> str:
    """Return the table of what 1,000 successful orders cost."""
    rows = _courses()[_ORDER]
    events = sum(row["calls"].get("events.PutEvents", 0) for row in rows)
    write, read = (sum(row[kind] for row in rows) for kind in ("write", "read"))
    queue = _QUEUE_REQUESTS * sum(food_delivery.functions[row["function"]].delivery == "queue" for row in rows)
    prices = {
        "EventBridge": (
            f"{_ORDERS * events:,} events × 1.00 a million; {_EVENT_KB * events} MB into the archive × 0.10 a GB",
            events * (_EVENT + _EVENT_KB / _KB_A_GB * _ARCHIVED_GB),
        ),
        "Lambda": (
            f"{_ORDERS * len(rows):,} × 0.20 a million; {_ORDERS * len(rows):,} × 100 ms × 256 MB × 0.0000133 a GB-second",
            len(rows) * (_INVOCATION + _SECONDS * _MEMORY_GB * _GB_SECOND),
        ),
        "DynamoDB": (
            f"{write:g} write units an order × 0.625 a million; {read:g} read units × 0.125",
            write * _WRITE_UNIT + read * _READ_UNIT,
        ),
        "SQS, HTTP API": (
            f"{_ORDERS * queue:,} requests × 0.40 a million; {_ORDERS:,} × 1.00 a million",
            queue * _QUEUE_REQUEST + _HTTP_REQUEST,
        ),
        "logs": (
            f"{len(rows)} × {_LOGGED_KB} KB an order × 0.50 a GB",
            len(rows) * _LOGGED_KB / _KB_A_GB * _LOGGED_GB,
        ),
    }
    total = sum(price for _, price in prices.values())
    lines = [f"| {what} | {how} | {_ORDERS * price:.3f} |" for what, (how, price) in prices.items()]
    head = [f"| {_ORDERS:,} successful orders | | |", "|---|---|---:|"]
    return "\n".join([*head, *lines, f"| sum | | **{_ORDERS * total:.2f}** |"])


def units() -> str:
    """Return the table of the calls and units of each invocation of a successful order."""
    rows = _courses()[_ORDER]
    together = Counter[str]()
    lines = []
    for row in rows:
        calls = Counter({"calls": sum(row["calls"].values()), "read": row["read"], "write": row["write"]})
        together.update(calls)
        lines.append(
            f"| `{row['function']}` | {row['trigger']} | {calls['calls']} | {calls['read']:g} | {calls['write']:g} |"
        )
    head = ["| function | by | calls to AWS | read units | write units |", "|---|---|---:|---:|---:|"]
    total = f"| one order | | **{together['calls']}** | **{together['read']:g}** | **{together['write']:g}** |"
    return "\n".join([*head, *lines, total])
