"""Each benchmark runs to its end and prints its ratios; the ratios themselves are not looked at here."""

import re
from pathlib import Path

import pytest

from tests.forking import ROOT, programs

BENCHMARKS = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py"))
NUMBER = r" +[\d.,]+"
RATIO = r" +[\d.,]+x"
RATIOS = {
    "bus": [rf"{way}, 10 rules{NUMBER * 3}{RATIO}$" for way in ("drain", "run")],
    "cold_start": [
        rf"{what}{RATIO}" for what in ("cold start, of .b.", "first invocation, of .b.", "resident memory, of .b.")
    ],
    "contracts": [rf"^{NUMBER * 3}{RATIO}{NUMBER * 2}$"],
    "dead_letters": [
        rf"^{name} +server{NUMBER} +command{NUMBER}{RATIO}" for name in ("console, every function", "dlq list")
    ],
    "flow": [rf"the POST{RATIO}, all deliveries{RATIO}$"],
    "hot_path": [rf"{what}{RATIO}" for what in ("delivery, of .b.", "publish, of pydantic . boto3", "a valid one")],
    "infra": [rf"^{NUMBER * 4}{RATIO}{NUMBER * 3}$"],
    "paths": [rf"{name}{NUMBER}{RATIO}$" for name in ("contradance: seal", "contradance: unseal, read", "parse")],
    "patterns": [rf"^{NUMBER * 4}(?: +[\d.]+ us){{2}}{NUMBER}{RATIO}$"],
    "scale": [
        rf"^{NUMBER * 4}{RATIO}{NUMBER}{RATIO}{NUMBER * 3}$",
        *(rf"^{what} +[\d.]+ s  bare Typer +[\d.]+ s{RATIO}$" for what in ("--help", "completion of a command")),
        *(rf"^{what} +[\d.]+ s +\d+ MB{NUMBER} characters{RATIO}$" for what in ("logs", "events list", "prune")),
        *(rf"^{what} +[\d.]+ us  a bare write +[\d.]+ us{RATIO}$" for what in ("plain", "in colour")),
    ],
    "units": [rf"together: {course}{NUMBER * 4}{RATIO}$" for course in ("delivered", "refused")],
}
"""Lines that a benchmark prints, as patterns: each holds at least one ratio."""


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_a_benchmark_ends_and_prints_its_ratios(benchmark: str, tmp_path: Path) -> None:
    done = programs.run(ROOT / "benchmarks" / f"{benchmark}.py", "--quick", cwd=tmp_path)

    missing = [line for line in RATIOS[benchmark] if not re.search(line, done.stdout, re.MULTILINE)]
    assert (done.returncode, missing) == (0, []), done.stdout + done.stderr


def test_make_bench_runs_every_benchmark() -> None:
    run = re.findall(r"benchmarks/(\w+)\.py", (ROOT / "Makefile").read_text())

    assert sorted(run) == BENCHMARKS
