"""What grows with the size of a choreography or of a state, in CPU seconds, memory and counts.

    python benchmarks/scale.py [--quick] [--only PART]

"choreography": generated projects of 75, 150 and 300 subscribers over 30, 70 and 150 events in ten services. "load" is a
command that only loads the project, "page" a page of the console with the picture. "of linear" is how much more a page
costs than that of the smallest project, over the growth in subscribers.
"commands": help and completion of the shell, beside a bare Typer application with as many commands.
"state": a state of 100,000 events; what commands that read or prune it cost, beside one that only loads the project.
"lines": microseconds that the terminal of `run` costs per delivery, beside writing the same text.

Figures are CPU time, the least of several runs: neighbours on the machine disturb them least.
"""

import argparse
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

import typer

from benchmarks.scaled.bare import bare_program
from benchmarks.scaled.process import CONTRADANCE, Used, cpu_seconds, fewest, run, serving, status
from benchmarks.scaled.project import QUICK_SIZES, SIZES, write_project
from benchmarks.scaled.state import write_state
from contradance.local.state.journal_table import STATE_FILE

ROOT: Final = Path(__file__).parents[1]
EVENTS: Final = 100_000
QUICK_EVENTS: Final = 100
_OLD: Final = timedelta(days=40)
_LATE: Final = timedelta(minutes=10)


def choreography(folder: Path, *, quick: bool) -> None:
    """Measure lint, the picture and the laptop's threads for each size."""
    print(f"{'subscribers':>11} {'events':>7} {'load s':>8} {'lint s':>8} {'of load':>10} ", end="")
    print(f"{'page ms':>8} {'of linear':>10} {'first ms':>9} {'threads':>8} {'MB':>5}")
    smallest: tuple[int, float] | None = None
    rounds, pages = (1, 2) if quick else (5, 20)
    for size in QUICK_SIZES if quick else SIZES:
        project = folder / str(size.subscribers)
        write_project(project, size)
        if not quick:
            run([*CONTRADANCE, "list"], project)  # compiles
        load = fewest([*CONTRADANCE, "list", "--json"], project, rounds).seconds
        lint = fewest([*CONTRADANCE, "lint", "--json"], project, rounds).seconds
        with serving(project, project / "state") as (pid, url):
            first = page_milliseconds(pid, url, 1)
            page = max(page_milliseconds(pid, url, pages), 0.1)
            threads, memory = status(pid, "Threads"), status(pid, "VmRSS") // 1024
        smallest = smallest or (size.subscribers, page)
        growth = size.subscribers / smallest[0]
        print(f"{size.subscribers:>11} {size.events:>7} {load:>8.2f} {lint:>8.2f} ", end="")
        print(f"{lint / load:>9.2f}x {page:>8.0f} {page / smallest[1] / growth:>9.2f}x ", end="")
        print(f"{first:>9.0f} {threads:>8} {memory:>5}", flush=True)


def page_milliseconds(pid: int, url: str, times: int) -> float:
    """Return the CPU milliseconds that one Live page costs the laptop."""
    before = cpu_seconds(pid)
    for _ in range(times):
        with urllib.request.urlopen(f"{url}/_contradance/live", timeout=600) as answer:  # noqa: S310 - loopback
            assert b"<svg" in answer.read()
    return (cpu_seconds(pid) - before) / times * 1000


def commands(folder: Path, *, quick: bool) -> None:
    """Measure help and completion beside a bare Typer application."""
    bare = folder / "bare"
    bare.write_text(bare_program(command_names()), encoding="utf-8")
    program = folder / "contradance"
    program.write_text("from contradance.cli import main\nmain()\n", encoding="utf-8")
    words = {
        "--help": "",
        "completion of a command": "contradance ru",
        "completion of an option": "contradance logs --s",
    }
    for what, typed in words.items():
        used = {}
        for name in ("bare", "contradance"):
            line = typed.replace("contradance", name)
            asked = {
                "COMP_WORDS": line,
                "COMP_CWORD": str(len(line.split()) - 1),
                f"_{name.upper()}_COMPLETE": "complete_bash",
            }
            command = [sys.executable, str(folder / name), *(() if typed else ("--help",))]
            if not quick:
                run(command, ROOT, asked if typed else None)  # compiles
            used[name] = fewest(command, ROOT, 1 if quick else 15, asked if typed else None)
            assert used[name].output, f"{name} prints nothing"
        ours, floor = used["contradance"].seconds, used["bare"].seconds
        print(f"{what:26} {ours:>8.3f} s  bare Typer {floor:>8.3f} s {ours / floor:>8.2f}x", flush=True)


def command_names() -> dict[str, list[str]]:
    """Return the names of our commands by group; those outside of groups under ''."""
    from contradance.cli.app import app  # noqa: PLC0415 - measured in processes of its own

    names: dict[str, list[str]] = {"": []}
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]  # a group
        inner = getattr(getattr(command, "loaded", command), "commands", None)
        if inner is None:
            names[""].append(name)
        else:
            names[name] = [*inner]
    return names


def state(folder: Path, *, quick: bool) -> None:
    """Measure the commands that read a large state."""
    events, now = (QUICK_EVENTS if quick else EVENTS), datetime.now(UTC)
    write_state(folder / "recent", events, [now - _LATE])
    floor = fewest([*CONTRADANCE, "list", "--json"], ROOT, 1 if quick else 3)
    acts = {"logs": ["logs"], "logs, all": ["logs", "--limit", "0"], "events list": ["events", "list"]}
    for name, words in acts.items():
        show(name, run([*CONTRADANCE, *words, "--state", str(folder / "recent")], ROOT), floor)
    write_state(folder / "old", events, [now - _OLD, now - _LATE])
    file = folder / "old" / STATE_FILE
    before = file.stat().st_size
    show("prune", run([*CONTRADANCE, "prune", "--yes", "--state", str(folder / "old")], ROOT), floor)
    print(f"the state, of {before / 1e6:,.1f} MB {file.stat().st_size / before:>8.2f}x", flush=True)


def show(name: str, used: Used, floor: Used) -> None:
    """Print what one command used."""
    print(f"{name:14} {used.seconds:>8.2f} s {used.megabytes:>8.0f} MB {len(used.output):>12,} characters ", end="")
    print(f"{used.seconds / floor.seconds:>8.2f}x", flush=True)


def lines(_: Path, *, quick: bool) -> None:
    """Measure what the terminal costs per delivery, with and without colour."""
    times = "20" if quick else "2000"
    for name, variable in {"plain": "NO_COLOR", "in colour": "FORCE_COLOR"}.items():
        used = run([sys.executable, "-m", "benchmarks.scaled.lines", times], ROOT, {variable: "1"})
        ours, floor = map(float, used.errors.split())
        print(f"{name:26} {ours:>8.1f} us  a bare write {floor:>8.1f} us {ours / floor:>8.2f}x", flush=True)


PARTS: Final[Mapping[str, Callable[..., None]]] = {
    "choreography": choreography,
    "commands": commands,
    "state": state,
    "lines": lines,
}


def main(arguments: Sequence[str]) -> None:
    """Measure each part."""
    parser = argparse.ArgumentParser(description="What grows with a choreography, and with a state.")
    parser.add_argument("--quick", action="store_true", help="small sizes, for a first look")
    parser.add_argument("--only", choices=sorted(PARTS), help="measure only this part")
    options = parser.parse_args(arguments)
    for name, part in PARTS.items():
        if options.only in (None, name):
            print(f"-- {name}", flush=True)
            with tempfile.TemporaryDirectory(prefix="contradance-bench-") as folder:
                part(Path(folder), quick=options.quick)


if __name__ == "__main__":
    main(sys.argv[1:])
