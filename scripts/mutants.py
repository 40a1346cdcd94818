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
    "contract": ("tests/test_evolving.py", "tests/test_pii.py", "tests/contracts"),
    "envelope": ("tests/runtime", "tests/test_evolving.py"),
    "subscription": ("tests/test_function.py", "tests/test_choreography.py"),
}
"""Tests of a room that do not have its name."""
LEFT_OUT: Final = shutil.ignore_patterns(
    ".git", ".venv*", "__pycache__", ".*cache", ".contradance", ".hypothesis", "dist"
)
PYTEST: Final = ("-x", "-q", "-n0", "-p", "no:cacheprovider", "-p", "mutants_plugin")
_EXPECTED: Final = (0, 1, 2, 4, -signal.SIGKILL)
"""Exit codes: passed, failed, a module that cannot be imported, a conftest.py that cannot, too long."""
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


RUNNER: Final = """
import json, os, signal, sys, time
import botocore.loaders, hypothesis.strategies, pydantic, pytest

for line in sys.stdin:
    arguments, seconds, output = json.loads(line)
    child = os.fork()
    if not child:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        os.dup2(1, 2)
        code = pytest.main(["-W", "ignore:Module already imported", *arguments])
        sys.stdout.flush()
        os._exit(code)
    deadline = time.monotonic() + seconds
    while not (ended := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < deadline:
        time.sleep(0.01)
    if not ended[0]:
        os.killpg(child, signal.SIGKILL)
        ended = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(ended[1]), flush=True)
"""
"""A process that has loaded what does not change, and runs pytest in a copy of itself; negative is the code of a kill."""


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
        command = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash"]
        subprocess.run([*command, str(self.root / package)], check=True)  # noqa: S603 - ours
        path = os.pathsep.join(str(one) for one in (self.root, self.root / "contracts", folder))
        self._environ = {**os.environ, "PYTHONPATH": path}
        self._runner = subprocess.Popen(  # noqa: S603 - ours
            [sys.executable, "-c", RUNNER],
            cwd=self.root,
            env=self._environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        """End the process that runs the tests."""
        self._runner.kill()
        self._runner.communicate()

    def reach(self, tests: Sequence[str]) -> Reach:
        """Run tests without a mutation, and return what they reach."""
        times, data, config = (self._folder / name for name in ("times.json", "coverage", "coverage.ini"))
        config.write_text(f"[run]\nsource = {self.root / self._package}\ndata_file = {data}\n")
        command = [sys.executable, "-m", "coverage", "run", f"--rcfile={config}", "-m", "pytest", *PYTEST, *tests]
        environ = {**self._environ, "MUTANTS_TIMES": str(times)}
        done = subprocess.run(command, cwd=self.root, env=environ, capture_output=True, text=True, check=False)  # noqa: S603 - ours
        if done.returncode:
            sys.exit(f"the tests fail without a mutation:\n{done.stdout}{done.stderr}")
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
        code, output = self._run(reach.all, reach)
        if code:
            sys.exit(f"the tests fail without a mutation in another order:\n{output}")
        return reach

    def outcome(self, mutant: Mutant, reach: Reach) -> str:
        """Test one mutant: it is caught, or it survives."""
        path = self.root / mutant.path
        path.write_bytes(mutant.mutation.apply(mutant.source))
        try:
            code, output = self._run(reach.of(mutant), reach)
        finally:
            path.write_bytes(mutant.source)
        if code not in _EXPECTED:
            sys.exit(f"pytest ended with {code} for\n{mutant}\n{output}")
        return "caught" if code else "survived"

    def _run(self, tests: Sequence[str], reach: Reach) -> tuple[int, str]:
        """Return pytest's exit code and output."""
        if self._runner.stdin is None or self._runner.stdout is None:
            raise AssertionError("both are pipes")
        output = self._folder / "output.txt"
        seconds = SLACK_SECONDS + 10 * sum(reach.seconds[name] for name in tests)
        print(json.dumps([[*PYTEST, *tests], seconds, str(output)]), file=self._runner.stdin, flush=True)
        return int(self._runner.stdout.readline()), output.read_text()


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
        while not shops.empty():
            shops.get().close()
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
