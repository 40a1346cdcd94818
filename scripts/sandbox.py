"""A copy of the tree in which mutants are tested, and the tests that reach each line of it."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from coverage import CoverageData
from mutations import Mutation

HERE: Final = Path(__file__).parent
_LEFT_OUT: Final = shutil.ignore_patterns(
    ".git", ".venv*", "__pycache__", ".*cache", ".contradance", ".hypothesis", "dist"
)
_PYTEST: Final = ("-x", "-q", "-n0", "-p", "no:cacheprovider", "-p", "mutants_plugin")
_EXPECTED: Final = (0, 1, 2, 4, -signal.SIGKILL)
"""Exit codes: passed, failed, a module that cannot be imported, a conftest.py that cannot, too long."""
_SLACK_SECONDS: Final = 30.0
"""What a mutant gets beside ten times the time of its tests."""


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


class Sandbox:
    """A copy of the tree, in which one mutant at a time is tested."""

    def __init__(self, root: Path, folder: Path, package: str) -> None:
        self.root = folder / "tree"
        self._folder = folder
        self._package = package
        shutil.copytree(root, self.root, ignore=_LEFT_OUT, symlinks=True)
        if (root / ".venv").exists():
            (self.root / ".venv").symlink_to((root / ".venv").resolve())
        # a module is compiled anew when its text differs, though its size and time do not
        command = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash"]
        subprocess.run([*command, str(self.root / package)], check=True)  # noqa: S603 - ours
        path = os.pathsep.join(str(one) for one in (self.root, self.root / "contracts", HERE))
        self._environ = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "0"}  # each run is like the one before
        self._runner = subprocess.Popen(  # noqa: S603 - ours
            [sys.executable, str(HERE / "mutants_runner.py")],
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
        command = [sys.executable, "-m", "coverage", "run", f"--rcfile={config}", "-m", "pytest", *_PYTEST, *tests]
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
        """Test one mutant: it is caught, or it survives.

        What one test computes and keeps, in a fixture of a module or in a cache, others read without reaching the line:
        so only a mutant that passes all tests survives.
        """
        path = self.root / mutant.path
        path.write_bytes(mutant.mutation.apply(mutant.source))
        near = reach.of(mutant)
        try:
            code, output = self._run(near, reach)
            if not code and (others := [name for name in reach.all if name not in near]):
                code, output = self._run(others, reach)
        finally:
            path.write_bytes(mutant.source)
        if code not in _EXPECTED:
            sys.exit(f"pytest ended with {code} for\n{mutant}\n{output}")
        return "caught" if code else "survived"

    def _run(self, tests: Sequence[str], reach: Reach) -> tuple[int, str]:
        """Return pytest's exit code and output."""
        output = self._folder / "output.txt"
        seconds = _SLACK_SECONDS + 10 * sum(reach.seconds[name] for name in tests)
        print(json.dumps([[*_PYTEST, *tests], seconds, str(output)]), file=self._runner.stdin, flush=True)
        code = int(self._runner.stdout.readline())  # type: ignore[union-attr]  # it is a pipe
        return code, output.read_text()
