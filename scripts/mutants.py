"""Change the code in one place at a time, and count how often a test fails: what no test notices is not tested.

    make mutants
    make mutants ARGS="local/bus runtime --sample 30 --seed 7"

A room is a module or a folder of `contradance`. Its tests are those that have its name, and those of `ALSO`; of these, a
mutant runs the ones that reach its line, as one run with coverage has found. Each mutant is a copy of the tree with one
change of `mutations.py`; one that runs too long is caught. The same seed chooses the same mutants. A survivor is printed
with its change: write the test that it lacks, or see that the change makes no difference.
"""

import argparse
import json
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from coverage import CoverageData
from mutations import Mutation, mutations

ROOT = Path(__file__).parents[1]
ROOMS: Final = ("contract", "envelope", "registry", "subscription", "runtime", "local/bus")
"""What is mutated unless rooms are given."""
ALSO: Final[Mapping[str, Sequence[str]]] = {
    "contract": ("tests/test_pii.py", "tests/contracts"),
    "envelope": ("tests/runtime",),
    "subscription": ("tests/test_function.py", "tests/test_choreography.py"),
}
"""Tests of a room that do not have its name."""
LEFT_OUT: Final = shutil.ignore_patterns(
    ".git", ".venv*", "__pycache__", ".*cache", ".contradance", ".hypothesis", "dist"
)
PYTEST: Final = (
    sys.executable,
    "-m",
    "pytest",
    "-x",
    "-q",
    "-p",
    "no:cacheprovider",
    "-n0",
)
SLACK_SECONDS: Final = 30.0
"""What a mutant gets beside ten times the time of its tests."""
PLUGIN: Final = '''
import json, os, time
import pytest

seconds = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Name the test whose lines are recorded, its fixtures included."""
    name = item.nodeid.partition("[")[0]
    if "MUTANTS_TIMES" in os.environ:
        from coverage import Coverage

        Coverage.current().switch_context(name)
    began = time.perf_counter()
    try:
        return (yield)
    finally:
        seconds[name] = seconds.get(name, 0) + time.perf_counter() - began


def pytest_sessionfinish():
    if "MUTANTS_TIMES" in os.environ:
        with open(os.environ["MUTANTS_TIMES"], "w") as file:
            json.dump(seconds, file)
'''
"""A plugin of pytest: the tests that reach a line, and how long each takes."""


@dataclass(frozen=True)
class Mutant:
    """One mutation of one module."""

    room: str
    path: Path
    """From the root."""
    mutation: Mutation
    source: bytes

    def __str__(self) -> str:
        before = self.source[self.mutation.start : self.mutation.end].decode()
        lines = self.source.decode().splitlines()
        first, last = lines[self.mutation.line - 1], lines[self.mutation.end_line - 1]
        whole = self.mutation.apply(self.source).decode().splitlines()
        after = whole[self.mutation.line - 1 : self.mutation.line + len(self.mutation.text.splitlines()) - 1]
        old = first if first == last else f"{first.strip()} ... {last.strip()}" if "\n" in before else first
        return f"{self.path}:{self.mutation.line}\n  - {old.strip()}\n  + {' '.join(line.strip() for line in after)}"


@dataclass
class Reach:
    """The tests of a room: what each runs, and how long it takes."""

    seconds: Mapping[str, float]
    """By the name of a test, parameters left out."""
    tests: Mapping[Path, Mapping[int, Sequence[str]]] = field(default_factory=dict)
    """By module and line."""

    def of(self, mutant: Mutant) -> list[str]:
        """Return the tests that reach a mutant, the quickest first; all, where none is known.

        A line that runs when its module is imported runs once, in the first test of many: each test of the module counts.
        """
        lines = self.tests.get(mutant.path, {})
        reached = lines if mutant.mutation.at_import else range(mutant.mutation.line, mutant.mutation.end_line + 1)
        found = {name for line in reached for name in lines.get(line, ())}
        return [name for name in self.all if name in found] or self.all

    @property
    def all(self) -> list[str]:
        """Every test, the quickest first."""
        return sorted(self.seconds, key=lambda name: self.seconds[name])


class Workshop:
    """A copy of the tree, in which one mutant at a time is tested."""

    def __init__(self, root: Path, folder: Path, package: str) -> None:
        self.root = folder / "tree"
        self._folder = folder
        self._package = package
        shutil.copytree(root, self.root, ignore=LEFT_OUT, symlinks=True)
        if (root / ".venv").exists():
            (self.root / ".venv").symlink_to((root / ".venv").resolve())
        (folder / "mutants_plugin.py").write_text(PLUGIN)
        # a module is compiled anew when its text differs, though its size and time do not
        command = [
            sys.executable,
            "-m",
            "compileall",
            "-q",
            "--invalidation-mode",
            "checked-hash",
            str(self.root / package),
        ]
        subprocess.run(command, check=True)  # noqa: S603 - ours

    def reach(self, tests: Sequence[str]) -> Reach:
        """Run tests without a mutation, and return what they reach."""
        times, data, config = (self._folder / name for name in ("times.json", "coverage", "coverage.ini"))
        config.write_text(f"[run]\nsource = {self.root / self._package}\ndata_file = {data}\n")
        command = [sys.executable, "-m", "coverage", "run", f"--rcfile={config}", *PYTEST[1:], *tests]
        code, output = self._run(command, None, MUTANTS_TIMES=str(times))
        if code:
            sys.exit(f"the tests fail without a mutation:\n{output}")
        found = CoverageData(str(data))
        found.read()
        reach = Reach(
            json.loads(times.read_text()),
            {
                Path(path).relative_to(self.root): {
                    line: [name for name in names if name] for line, names in found.contexts_by_lineno(path).items()
                }
                for path in found.measured_files()
            },
        )
        code, output = self._run([*PYTEST, *reach.all], None)
        if code:
            sys.exit(f"the tests fail without a mutation in another order:\n{output}")
        return reach

    def outcome(self, mutant: Mutant, reach: Reach) -> str:
        """Test one mutant: it is caught, or it survives."""
        path, tests = self.root / mutant.path, reach.of(mutant)
        path.write_bytes(mutant.mutation.apply(mutant.source))
        try:
            code, output = self._run([*PYTEST, *tests], SLACK_SECONDS + 10 * sum(reach.seconds[name] for name in tests))
        finally:
            path.write_bytes(mutant.source)
        if code not in (None, 0, 1, 2, 4):
            sys.exit(f"pytest ended with {code}:\n{output}")
        return "survived" if code == 0 else "caught"

    def _run(self, command: Sequence[str], seconds: float | None, **environ: str) -> tuple[int | None, str]:
        """Run a command in the tree; its code is None where it ran too long."""
        path = os.pathsep.join(str(one) for one in (self.root, self.root / "contracts", self._folder))
        process = subprocess.Popen(  # noqa: S603 - ours
            [*command, "-p", "mutants_plugin"],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": path, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            return None, output
        return process.returncode, output


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
    """Return the tests of a room: those that have its name, or of the nearest folder that has a part of it."""
    *folders, name = room.split("/")
    folder = "/".join(["tests", *folders])
    own = [one for one in (f"{folder}/test_{name}.py", f"{folder}/{name}") if (root / one).exists()] or [folder]
    return [*own, *ALSO.get(room, ())]


def tested(shops: "queue.Queue[Workshop]", todo: Sequence[tuple[Mutant, Reach]]) -> Iterator[tuple[Mutant, str]]:
    """Test mutants, as many at a time as there are workshops."""

    def test(one: tuple[Mutant, Reach]) -> tuple[Mutant, str]:
        shop = shops.get()
        try:
            return one[0], shop.outcome(*one)
        finally:
            shops.put(shop)

    with ThreadPoolExecutor(shops.qsize()) as threads:
        yield from threads.map(test, todo)


def main(arguments: Sequence[str]) -> None:
    """Mutate, test and count."""
    options = parsed(arguments)
    began = time.monotonic()
    counts: dict[str, Counter[str]] = {room: Counter() for room in options.rooms}
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        shops: queue.Queue[Workshop] = queue.Queue()
        for number in range(options.jobs):
            folder = Path(name).resolve() / str(number)
            folder.mkdir()
            shops.put(Workshop(options.root, folder, options.package))
        for room in options.rooms:
            shop = shops.get()
            reach = shop.reach(tests_of(options.root, room))
            chosen = mutants(shop.root, options.package, room, options.sample, options.seed)
            shops.put(shop)
            for mutant, outcome in tested(shops, [(one, reach) for one in chosen]):
                counts[room][outcome] += 1
                if outcome == "survived":
                    out(str(mutant))
    out(f"{'room':20} {'mutants':>8} {'caught':>8} {'survived':>9} {'score':>7}")
    for room, count in counts.items():
        out(f"{room:20} {count.total():>8} {count['caught']:>8} {count['survived']:>9} {score(count):>7}")
    out(f"seed {options.seed}, {time.monotonic() - began:.0f} s")


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description="How many small mistakes the tests would notice.")
    parser.add_argument("rooms", nargs="*", default=ROOMS, help=f"modules or folders; unless given: {' '.join(ROOMS)}")
    parser.add_argument("--sample", type=int, default=40, help="how many mutants of each room (default: 40)")
    parser.add_argument("--seed", type=int, default=1, help="of their choice (default: 1)")
    parser.add_argument("--jobs", type=int, default=2, help="how many are tested at a time (default: 2)")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    parser.add_argument("--package", default="contradance", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def out(text: str) -> None:
    """Print at once."""
    print(text, flush=True)  # noqa: T201 - a command


def score(count: Counter[str]) -> str:
    """Return the share that was caught."""
    return f"{count['caught'] / count.total():.0%}" if count else "-"


if __name__ == "__main__":
    main(sys.argv[1:])
