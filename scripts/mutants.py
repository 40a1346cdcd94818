"""Change the code in one place at a time, and count how often a test fails: what no test notices is not tested.

    make mutants
    make mutants ARGS="local/events/bus runtime --sample 30 --seed 7"

A room is a module or a folder of `contradance`. Its tests are those that have its name, and those of `ALSO`; of these, a
mutant runs the ones that reach its line, as one run with coverage has found, and then the others. Each mutant is a copy of the tree with one
change of `mutations.py`; one that runs too long is caught. The same seed chooses the same mutants. A survivor is printed
with its change: write the test that it lacks, or see that the change makes no difference.
"""

import argparse
import queue
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from mutations import mutations
from sandbox import Mutant, Reach, Sandbox

ROOT = Path(__file__).parents[1]
ROOMS: Final = (
    "contract",
    "envelope",
    "registry",
    "subscription",
    "runtime",
    "local/events/bus",
    "local/events/deliveries",
)
"""What is mutated unless rooms are given."""
ALSO: Final[Mapping[str, Sequence[str]]] = {
    "contract": ("tests/wire", "tests/test_evolving.py", "tests/test_pii.py", "tests/contracts"),
    "envelope": ("tests/wire", "tests/test_evolving.py", "tests/runtime/test_publish.py"),
    "registry": ("tests/wire",),
    "proof": ("tests/wire", "tests/test_envelope.py", "tests/test_table_declaration.py"),
    "equality": ("tests/wire", "tests/test_envelope.py"),
    "unreadable": ("tests/wire", "tests/test_contract.py", "tests/test_table_declaration.py"),
    "ambiguity": ("tests/wire", "tests/test_contract.py"),
    "tableitem": ("tests/wire", "tests/test_table_declaration.py", "tests/local"),
    "contentfilter": ("tests/wire", "tests/test_subscription.py", "tests/test_function.py"),
    "largeinput": ("tests/test_bounds.py", "tests/wire/test_wire.py"),
    "subscription": ("tests/test_function.py", "tests/test_choreography.py"),
    "cron": ("tests/test_timetable.py", "tests/test_function.py", "tests/local/test_schedules.py"),
    "violation": ("tests/test_bounds.py", "tests/test_envelope.py", "tests/wire", "tests/test_pii.py"),
    "infra/planning/alarm": (
        "tests/infra/test_subscribers.py",
        "tests/infra/test_program.py",
        "tests/infra/test_api.py",
    ),
    "infra/planning/succession": ("tests/infra/test_changes.py",),
    "infra/planning/quotas": ("tests/infra/test_quotas.py",),
    "runtime/attempt": ("tests/runtime/test_consume.py", "tests/runtime/test_queue.py", "tests/runtime/test_spans.py"),
    "runtime/consume": (
        "tests/runtime/test_perform.py",
        "tests/runtime/test_queue.py",
        "tests/runtime/test_foreign.py",
        "tests/runtime/test_shapes.py",
        "tests/runtime/test_spans.py",
        "tests/local/test_isolation.py",
        "tests/local/test_recovery.py",
    ),
    "runtime/perform": (
        "tests/runtime/test_answer.py",
        "tests/runtime/test_consume.py",
        "tests/runtime/test_foreign.py",
        "tests/runtime/test_work.py",
    ),
    "runtime/batch": ("tests/runtime/test_queue.py", "tests/runtime/test_shapes.py"),
    "runtime/entry": (
        "tests/runtime/test_foreign.py",
        "tests/runtime/test_perform.py",
        "tests/runtime/test_shapes.py",
        "tests/local/test_schedules.py",
    ),
    "runtime/error_description": ("tests/test_bounds.py",),
    "runtime/frames": ("tests/runtime/test_error_description.py",),
    "runtime/once": ("tests/runtime/test_entry.py", "tests/runtime/test_store.py"),
    "runtime/sweep": ("tests/runtime/test_crash.py",),
    "bounds": ("tests/test_strictjson.py",),
    "local/events": (
        "tests/local/test_buses.py",
        "tests/local/test_clock_jumps.py",
        "tests/local/test_delivery.py",
        "tests/local/test_postponed.py",
        "tests/local/test_put_events.py",
        "tests/local/test_rehearsal.py",
        "tests/local/test_replays.py",
        "tests/local/test_restart.py",
        "tests/local/test_schedules.py",
        "tests/local/test_threads.py",
    ),
    "local/invocation": (
        "tests/local/test_clock_jumps.py",
        "tests/local/test_delivery.py",
        "tests/local/test_gateway.py",
        "tests/local/test_in_flight.py",
        "tests/local/test_isolation.py",
        "tests/local/test_limits.py",
        "tests/local/test_record.py",
        "tests/local/test_recovery.py",
        "tests/local/test_restart.py",
        "tests/local/test_schedules.py",
        "tests/local/test_threads.py",
        "tests/local/test_workers.py",
    ),
    "local/events/bus": (
        "tests/local/test_buses.py",
        "tests/local/test_clock_jumps.py",
        "tests/local/test_delivery.py",
        "tests/local/test_put_events.py",
        "tests/local/test_replays.py",
        "tests/local/test_schedules.py",
        "tests/local/test_workers.py",
    ),
    "local/events/deliveries": (
        "tests/local/test_delivery.py",
        "tests/local/test_postponed.py",
        "tests/local/test_clock_jumps.py",
    ),
    "local/invocation/gateway": ("tests/local/test_gateway.py", "tests/local/test_hygiene.py::TestOurOwnTrouble"),
    "local/invocation/in_flight": (
        "tests/local/test_in_flight.py",
        "tests/local/test_watchdog.py",
        "tests/local/test_workers.py",
    ),
    "local/invocation/recovery": ("tests/local/test_recovery.py",),
    "local/invocation/runner": (
        "tests/local/test_runner.py",
        "tests/local/test_threads.py",
        "tests/local/test_delivery.py",
        "tests/local/test_clock_jumps.py",
        "tests/local/test_record.py",
    ),
    "local/invocation/record": ("tests/local/test_record.py", "tests/local/test_gateway.py"),
    "local/invocation/worker_queue": ("tests/local/test_workers.py",),
    "local/invocation/workers": ("tests/local/test_workers.py", "tests/local/test_threads.py"),
    "local/state/slots": ("tests/local/test_slots.py", "tests/local/test_recovery.py"),
    "local/state/database": ("tests/local/test_state.py", "tests/local/test_limits.py"),
    "local/state/journal_table": (
        "tests/local/console/test_cost.py::test_a_search_for_flows_reads_at_most_so_many_attempts_and_reports_a_cut",
        "tests/local/console/test_history.py",
        "tests/operate/test_journal.py",
        "tests/local/test_journal.py",
        "tests/local/test_pruning.py",
        "tests/local/test_state.py",
        "tests/local/test_tail.py",
    ),
    "local/state/reader": (
        "tests/fuzz/test_damaged_rows.py",
        "tests/local/test_journal.py",
        "tests/local/test_state.py",
        "tests/local/test_tail.py",
    ),
    "local/state": (
        "tests/local/test_journal.py",
        "tests/local/test_limits.py",
        "tests/local/test_pruning.py",
        "tests/local/test_recovery.py",
        "tests/local/test_replays.py",
        "tests/local/test_restart.py",
        "tests/local/test_slots.py",
        "tests/local/test_state.py",
        "tests/local/test_tail.py",
    ),
    "local/web": (
        "tests/local/test_browsers.py",
        "tests/local/test_hygiene.py",
        "tests/local/test_isolation.py",
        "tests/local/test_server.py",
        "tests/local/test_slow_clients.py",
    ),
    "local/web/application": (
        "tests/local/test_server.py",
        "tests/local/test_slow_clients.py",
        "tests/local/test_hygiene.py",
        "tests/local/test_browsers.py",
    ),
    "local/web/browsers": ("tests/local/test_browsers.py",),
    "local/web/connection": ("tests/local/test_slow_clients.py", "tests/local/test_hygiene.py"),
    "local/web/loop_failures": ("tests/local/test_server.py",),
    "local/web/server": (
        "tests/local/test_server.py",
        "tests/local/test_browsers.py",
        "tests/local/console/test_console.py::test_the_stream_tells_of_a_delivery_and_ends_with_the_laptop",
    ),
    "local/captured": ("tests/cli/test_log_lines.py", "tests/local/test_isolation.py"),
    "local/printed": ("tests/local/test_captured.py", "tests/cli/test_run.py"),
}
"""Tests of a room that do not have its name; a room in a file of its own may have no other, and a folder's rooms have its."""


def mutants(root: Path, package: str, room: str, sample: int, seed: int) -> list[Mutant]:
    """Return the mutants of a room, or as many of them as are asked for."""
    place = root / package / room
    modules = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    found = []
    for module in modules:
        source = module.read_bytes()
        found += [Mutant(room, module.relative_to(root), mutation, source) for mutation in mutations(source)]
    chosen = random.Random(f"{seed} {room}").sample(found, min(sample, len(found)))  # noqa: S311 - the same for everybody
    return sorted(chosen, key=lambda one: (one.path, one.mutation))


def tests_of(root: Path, room: str) -> list[str]:
    """Return the tests of a room: those of its name and of `ALSO`, else those of the nearest folder, but not all tests."""
    place = Path("tests", room)
    while True:
        own = [one for one in (place.with_name(f"test_{place.name}.py"), place) if (root / one).exists()]
        found = [*map(str, own), *ALSO.get(place.relative_to("tests").as_posix(), ())]
        if found or place.parent == Path("tests"):
            return found
        place = place.parent


def tested(sandboxes: "queue.Queue[Sandbox]", todo: Sequence[tuple[Mutant, Reach]]) -> Iterator[tuple[Mutant, str]]:
    """Test mutants, as many at a time as there are sandboxes."""

    def test(one: tuple[Mutant, Reach]) -> tuple[Mutant, str]:
        sandbox = sandboxes.get()
        try:
            return one[0], sandbox.outcome(*one)
        finally:
            sandboxes.put(sandbox)

    with ThreadPoolExecutor(sandboxes.qsize()) as threads:
        yield from threads.map(test, todo)


def main(arguments: Sequence[str]) -> None:
    """Mutate, test and count."""
    options = parsed(arguments)
    began = time.monotonic()
    counts: dict[str, Counter[str]] = {room: Counter() for room in options.rooms}
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        sandboxes: queue.Queue[Sandbox] = queue.Queue()
        for number in range(options.jobs):
            folder = Path(name).resolve() / str(number)
            folder.mkdir()
            sandboxes.put(Sandbox(options.root, folder, options.package))
        for room in options.rooms:
            sandbox = sandboxes.get()
            reach = sandbox.reach(tests_of(options.root, room))
            chosen = mutants(sandbox.root, options.package, room, options.sample, options.seed)
            sandboxes.put(sandbox)
            for mutant, outcome in tested(sandboxes, [(one, reach) for one in chosen]):
                counts[room][outcome] += 1
                if outcome == "survived":
                    out(str(mutant))
        while not sandboxes.empty():
            sandboxes.get().close()
    out(f"{'room':20} {'mutants':>8} {'caught':>8} {'survived':>9} {'score':>7}")
    for room, count in counts.items():
        out(f"{room:20} {count.total():>8} {count['caught']:>8} {count['survived']:>9} {score(count):>7}")
    out(f"seed {options.seed}, {time.monotonic() - began:.0f} s")


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options; a room that does not exist is refused."""
    parser = argparse.ArgumentParser(description="How many small mistakes the tests would notice.")
    parser.add_argument("rooms", nargs="*", default=ROOMS, help=f"modules or folders; unless given: {' '.join(ROOMS)}")
    parser.add_argument("--sample", type=int, default=40, help="how many mutants of each room (default: 40)")
    parser.add_argument("--seed", type=int, default=1, help="of their choice (default: 1)")
    parser.add_argument("--jobs", type=int, default=2, help="how many are tested at a time (default: 2)")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    parser.add_argument("--package", default="contradance", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    for room in options.rooms:
        place = options.root / options.package / room
        if not place.is_dir() and not place.with_suffix(".py").is_file():
            parser.error(f"{options.package} has no room {room}: it is neither a module nor a folder")
        if not tests_of(options.root, room):
            parser.error(f"no tests have the name of {room}: name them in ALSO of scripts/mutants.py")
    return options


def out(text: str) -> None:
    """Print at once."""
    print(text, flush=True)  # noqa: T201 - a command


def score(count: Counter[str]) -> str:
    """Return the share that was caught."""
    return f"{count['caught'] / count.total():.0%}" if count else "-"


if __name__ == "__main__":
    main(sys.argv[1:])
