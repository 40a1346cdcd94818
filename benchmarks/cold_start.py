"""What a cold start costs: import and first invocation in a fresh interpreter, beside the same function written otherwise.

    python benchmarks/cold_start.py [--quick]

A subscriber validates an event, writes a row, is idempotent and publishes an event. It is written (a) with contradance,
(b) with Powertools (parser, idempotency, logger, metrics; no Tracer) and boto3, and (c) as the floor: Pydantic and two
requests signed by hand, which do none of the rest. AWS is a server on loopback that speaks TLS; modules are compiled
before. Times are CPU milliseconds, net of an empty interpreter: the least of many interpreters, which take turns.
Memory is the highest resident set of the whole process, and beside it net of an empty interpreter.
"""

import argparse
import compileall
import json
import os
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from lambdas.fixture import ENVIRON, answer, write_contracts

from tests.runtime.aws.server import make_certificate

HERE = Path(__file__).parent
MANY = 200
AIMS = (
    ("cold start, of (b)", "ours", "powertools", "cold", 0.40),
    ("cold start, of (c)", "ours", "floor", "cold", 1.35),
    ("first invocation, of (b)", "ours", "powertools", "first", 0.20),
    ("resident memory, of (b)", "ours", "powertools", "memory", 0.60),
    (f"with {MANY} contracts, of one", "ours, 200 contracts", "ours", "cold", 1.05),
)
PROGRAM = """
import sys, time, json, os
sys.stdout = open(os.devnull, "w")
sys.path[:0] = {path!r}
{load}
from lambdas.fixture import EVENT, Context
event, context = EVENT, Context()
begun = time.process_time()
{invoke}
first = time.process_time() - begun
high = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
modules = len(sys.modules)
sys.__stdout__.write(json.dumps([first * 1000, int(high.split()[1]) / 1024, modules]))
sys.__stdout__.flush()
os._exit(0)
"""
CONTESTANTS = {
    "empty": ("", ""),
    "ours": ("from contradance.runtime.aws.entry import handler", "handler(event, context)"),
    "ours, 200 contracts": ("from contradance.runtime.aws.entry import handler", "handler(event, context)"),
    "ours, over boto3": (
        "os.environ['CONTRADANCE_AWS_CLIENT'] = 'boto3'; from contradance.runtime.aws.entry import handler",
        "handler(event, context)",
    ),
    "powertools": ("from lambdas.powertools import invoke", "invoke(event, context)"),
    "floor": ("from lambdas.floor import invoke", "invoke(event, context)"),
}


class Cost(NamedTuple):
    """What one interpreter cost."""

    cold: float
    """CPU milliseconds of the whole process."""
    first: float
    """CPU milliseconds of the first invocation."""
    memory: float
    """Highest resident set in MB."""
    modules: int


class Handler(BaseHTTPRequestHandler):
    """AWS on loopback."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65_536

    def do_POST(self) -> None:
        """Answer one request."""
        text = answer(self.headers["x-amz-target"], self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Keep silent."""


@contextmanager
def aws(certificate: Path) -> Iterator[str]:
    """Serve AWS on loopback; the value is its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run(program: Path, environ: dict[str, str]) -> Cost:
    """Run one interpreter."""
    process = subprocess.Popen(  # noqa: S603 - ours
        [sys.executable, "-X", "frozen_modules=on", program], env=environ, stdout=subprocess.PIPE, cwd=program.parent
    )
    assert process.stdout is not None
    said = process.stdout.read()
    process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, program
    first, memory, modules = json.loads(said)
    return Cost((usage.ru_utime + usage.ru_stime) * 1000, first, memory, modules)


def best(costs: Sequence[Cost]) -> Cost:
    """Return the least of each."""
    return Cost(*(min(values) for values in zip(*costs, strict=True)))


def programs(folder: Path) -> dict[str, Path]:
    """Write every contestant's program, with its modules compiled."""
    for contracts in (2, MANY):
        package = folder / str(contracts) / "lambdas"
        copytree(HERE / "lambdas", package, ignore=ignore_patterns("__pycache__", "contracts"))
        write_contracts(package / "contracts", contracts)
        compileall.compile_dir(package, quiet=1)
    found = {}
    for number, (name, (load, invoke)) in enumerate(CONTESTANTS.items()):
        path = [str(folder / str(MANY if "200" in name else 2))]
        found[name] = folder / f"{number}.py"
        found[name].write_text(PROGRAM.format(path=path, load=load, invoke=invoke))
    return found


def measure(rounds: int, unmeasured: int = 1) -> dict[str, Cost]:
    """Return what each contestant costs, with the empty interpreter's time taken off.

    Args:
        rounds: how often each runs.
        unmeasured: how often each runs before, so that what is read from the disk for the first time is not measured.
    """
    compileall.compile_dir(HERE.parent / "contradance", quiet=1)
    with tempfile.TemporaryDirectory(prefix="contradance-bench-") as name:
        folder = Path(name)
        certificate = make_certificate(folder / "loopback.pem")
        found = programs(folder)
        with aws(certificate) as address:
            environ = {
                "PATH": os.environ["PATH"],
                "HOME": name,
                **ENVIRON,
                "AWS_ENDPOINT_URL": address,
                "AWS_CA_BUNDLE": str(certificate),
            }
            costs: dict[str, list[Cost]] = {contestant: [] for contestant in found}
            for turn in range(unmeasured + rounds):
                for contestant, program in found.items():
                    cost = run(program, environ)
                    if turn >= unmeasured:
                        costs[contestant].append(cost)
    least = {contestant: best(taken) for contestant, taken in costs.items()}
    empty = least["empty"]
    return {
        name: cost._replace(cold=cost.cold - (empty.cold if name != "empty" else 0)) for name, cost in least.items()
    }


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What a cold start costs, beside the same function written otherwise.")
    parser.add_argument("--quick", action="store_true", help="few interpreters, for a first look")
    costs = measure(1, 0) if parser.parse_args(arguments).quick else measure(30)
    empty = costs["empty"]
    print(f"{'':24} {'cold ms':>9} {'first ms':>9} {'memory MB':>10} {'net MB':>8} {'modules':>8}")
    for name, cost in costs.items():
        shown = f"{cost.cold:>9.1f} {cost.first:>9.2f} {cost.memory:>10.1f} {cost.memory - empty.memory:>8.1f}"
        print(f"{name:24} {shown} {cost.modules:>8}")
    for what, name, other, field, aim in AIMS:
        ratio = getattr(costs[name], field) / getattr(costs[other], field)
        print(f"{what:32} {ratio:>6.2f}x   aim <= {aim:.2f}x   {'met' if ratio <= aim else 'NOT MET'}")


if __name__ == "__main__":
    main(sys.argv[1:])
