"""Events a second through a RuleIndex of 1 to 10,000 rules, beside moto's `EventPattern` on the same rules and events.

    python benchmarks/patterns.py [--quick] [--without-moto]

Every rule of a shape differs from every other and every event matches one of them. "1/n cost" is what an event costs at
that many rules, in terms of what it costs at one. JSON text is read with orjson where that is installed, else with json.
moto is not a dependency of this project: `pip install moto` to compare.
"""

import argparse
import gc
import itertools
import json
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parents[1]))

from contradance.pattern import EventPattern, RuleIndex

SIZES = [1, 100, 1_000, 10_000]
QUICK_SIZES = [1, 10]
EVENTS = 200
T = TypeVar("T")
Pattern = dict[str, object]
Shape = Callable[[int], Pattern]

SHAPES: dict[str, Shape] = {
    "source + detail-type": lambda i: {"source": [f"app.service-{i % 50}"], "detail-type": [f"Thing{i}Happened"]},
    "exact values": lambda i: {"source": ["app.orders"], "detail": {"state": ["open", "paid"], "id": [f"id-{i:06}"]}},
    "prefixes": lambda i: {"source": ["app.orders"], "detail": {"key": [{"prefix": f"bucket-{i:06}/"}]}},
    "numeric ranges": lambda i: {
        "source": ["app.orders"],
        "detail": {"total": [{"numeric": [">=", 10 * i, "<", 10 * i + 10]}]},
    },
    "suffixes": lambda i: {"source": ["app.orders"], "detail": {"key": [{"suffix": f"/{i:06}.json"}]}},
    "wildcards": lambda i: {"source": ["app.orders"], "detail": {"key": [{"wildcard": f"*{i:06}/*.json"}]}},
    "$or": lambda i: {"$or": [{"detail": {"id": [f"id-{i:06}"]}}, {"detail": {"total": [10 * i + 0.5]}}]},
}
ISSUED = list(itertools.islice(SHAPES, 4))


def event_for(i: int) -> dict[str, object]:
    """Make an event that matches the i-th rule of every shape."""
    return {
        "version": "0",
        "id": f"6a7e8feb-b491-4cf7-a9f1-{i:012}",
        "detail-type": f"Thing{i}Happened",
        "source": "app.orders",
        "account": "111122223333",
        "time": "2026-11-23T18:43:48Z",
        "region": "eu-central-1",
        "resources": ["arn:aws:states:eu-central-1:111122223333:stateMachine:orders"],
        "detail": {
            "id": f"id-{i:06}",
            "state": "paid",
            "total": 10 * i + 3,
            "key": f"bucket-{i:06}/2026/11/{i:06}.json",
            "customer": {"name": "A. Dancer", "since": 2019},
        },
    }


def events_a_second(look: Callable[[T], object], events: Sequence[T], seconds: float) -> float:
    """Return the best of five runs over the events, each at least a fifth of `seconds` long."""
    best = 0.0
    for _ in range(5):
        done = 0
        start = time.perf_counter()
        stop = start + seconds / 5
        while (now := time.perf_counter()) < stop or not done:
            for event in events:
                look(event)
            done += len(events)
        now = time.perf_counter()
        best = max(best, done / (now - start))
    return best


def seconds_a_rule(texts: Sequence[str]) -> tuple[float, float]:
    """Return how long compiling a rule takes, and adding it to an index."""
    rounds = max(1, 1_000 // len(texts))
    compiling = adding = 0.0
    gc.collect()
    gc.disable()  # as timeit does: it would charge each rule for the size of the heap
    for _ in range(rounds):
        start = time.perf_counter()
        compiled = {text: EventPattern(text) for text in texts}
        compiling += time.perf_counter() - start
        index = RuleIndex()
        start = time.perf_counter()
        for name, pattern in compiled.items():
            index.add(name, pattern)
        adding += time.perf_counter() - start
    gc.enable()
    return compiling / rounds / len(texts), adding / rounds / len(texts)


def json_reader() -> tuple[str, Callable[[str], dict[str, object]]]:
    """Return the fastest reader of JSON at hand, and its name."""
    try:
        return "orjson", import_module("orjson").loads
    except ImportError:
        return "json", json.loads


def text_matcher(index: RuleIndex, load: Callable[[str], dict[str, object]]) -> Callable[[str], object]:
    """Match events as they arrive: as text."""
    return lambda line: index.matching(load(line))


def moto_matcher(patterns: Sequence[Pattern]) -> Callable[[object], object]:
    """Match with every rule's `EventPattern` of moto, one after the other, as its event bus does."""
    try:
        theirs = import_module("moto.events.models").EventPattern
    except ImportError:
        sys.exit("moto is not installed: `pip install moto` to compare with it, or run with --without-moto")
    rules = [theirs(json.dumps(pattern), pattern) for pattern in patterns]
    return lambda event: [rule for rule in rules if rule.matches_event(event)]


def measure(shape: Shape, sizes: Sequence[int], *, events_for_moto: int, seconds: float) -> None:
    """Print one line for each number of rules."""
    reader, load = json_reader()
    print(f"  {'rules':>7} {'events/s':>10} {'1/n cost':>9} {'from ' + reader:>12} {'compile':>9} {'add':>8}", end="")
    print(f" {'moto':>9} {'times moto':>11}" if events_for_moto else "")
    alone = 0.0
    for size in sizes:
        patterns = [shape(i) for i in range(size)]
        texts = [json.dumps(pattern) for pattern in patterns]
        events: list[dict[str, object]] = [event_for(i * size // EVENTS) for i in range(EVENTS)]
        if shape is SHAPES["source + detail-type"]:
            events = [event | {"source": f"app.service-{(i * size // EVENTS) % 50}"} for i, event in enumerate(events)]
        compile_time, add_time = seconds_a_rule(texts)
        index = RuleIndex({f"rule-{i}": text for i, text in enumerate(texts)})
        if not all(len(index.matching(event)) == 1 for event in events):
            sys.exit("an event of the benchmark does not match one rule")
        speed = events_a_second(index.matching, events, seconds)
        alone = alone or speed
        lines = [json.dumps(event) for event in events]
        whole = events_a_second(text_matcher(index, load), lines, seconds)
        print(f"  {size:>7,} {speed:>10,.0f} {alone / speed:>9.2f} {whole:>12,.0f}", end="")
        print(f" {compile_time * 1e6:>6.1f} us {add_time * 1e6:>5.1f} us", end="")
        if events_for_moto:
            few = events[: max(1, min(EVENTS, events_for_moto // size))]
            theirs = events_a_second(moto_matcher(patterns), few, seconds if size < SIZES[-1] else 0)
            print(f" {theirs:>9,.0f} {speed / theirs:>10,.0f}x", end="")
        print(flush=True)


def warm_up() -> None:
    """Let the first rule of each shape not pay for what is done once."""
    for shape in SHAPES.values():
        RuleIndex({str(i): shape(i) for i in range(200)}).matching(event_for(0))


def main(arguments: Sequence[str]) -> None:
    """Measure every shape."""
    parser = argparse.ArgumentParser(description="Events a second through many rules.")
    parser.add_argument("--quick", action="store_true", help="few rules and short runs, for a first look")
    parser.add_argument("--without-moto", action="store_true", help="measure this library alone")
    options = parser.parse_args(arguments)
    sizes, seconds, most = (QUICK_SIZES, 0.005, 20) if options.quick else (SIZES, 0.2, 20_000)
    warm_up()
    for name, shape in SHAPES.items():
        print(f"{name}{'' if name in ISSUED else ' (not in the aims)'}")
        compared = 0 if options.without_moto or name not in ISSUED else most
        measure(shape, sizes, events_for_moto=compared, seconds=seconds)


if __name__ == "__main__":
    main(sys.argv[1:])
