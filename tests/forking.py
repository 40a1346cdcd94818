"""Python programs that start in milliseconds: each is a fork of a process that has imported what the programs need.

Importing is most of what a short program costs. Everything else happens in a process of its own, as it does for a user.
"""

import atexit
import fcntl
import gc
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
import traceback
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from importlib import import_module
from io import BufferedReader, BufferedWriter, FileIO, TextIOWrapper
from pathlib import Path
from pkgutil import iter_modules
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any, Final, NamedTuple

_CLIENT: Final = """\
#!{python} -IS
import json, os, signal, socket, sys

before, after = {before!r}, sys.argv[1:]
if not before and (not after or after[0].startswith("-") and after[0] not in ("-", "-c", "-m")):
    os.execv({python!r}, [{python!r}, *after])
connection = socket.socket(socket.AF_UNIX)
connection.connect({address!r})
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, _: connection.send(bytes([number])))
executable = os.path.join(os.path.dirname(os.path.abspath(__file__)), "python")
request = json.dumps([before + after, os.getcwd(), dict(os.environ), executable]).encode()
socket.send_fds(connection, [len(request).to_bytes(4, "big")], [0, 1, 2])
connection.sendall(request)
code = int(connection.recv(16) or b"1")
if code < 0:
    if -code != signal.SIGKILL:
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
"""
"""A program that has a fork of the server do its work, with its arguments, folder, environment and streams."""

ROOT: Final = Path(__file__).parents[1]
Ended = subprocess.CompletedProcess[str]


class ForkServer:
    """A process that has imported modules, and runs each Python program that it is asked for in a fork of itself."""

    def __init__(self, *modules: str) -> None:
        self._modules = modules
        self._process: subprocess.Popen[bytes] | None = None
        self._starting = threading.Lock()

    @cached_property
    def _folder(self) -> TemporaryDirectory[str]:
        return TemporaryDirectory()

    @property
    def _address(self) -> str:
        """The socket of the process, which is started at the first use."""
        with self._starting:
            address = str(Path(self._folder.name, "socket"))
            if self._process is None:
                self._process = self._start(address)
        return address

    def _start(self, address: str) -> "subprocess.Popen[bytes]":
        """Start the process, and wait until it listens."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COLUMNS"))}
        command = [sys.executable, __file__, address, *self._modules]
        process = subprocess.Popen(command, env=kept, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        return process

    @cached_property
    def python(self) -> str:
        """A program that is used as `python` is, for `subprocess.Popen`."""
        path = Path(self._folder.name, "python")
        self.write_command(path)
        return str(path)

    def close(self) -> None:
        """End the process, if it was started."""
        if self._process is not None:
            self._process.communicate()
            self._folder.cleanup()

    def run(self, *words: str | Path, cwd: Path, env: Mapping[str, str] | None = None, typed: str = "") -> Ended:
        """Run Python with these arguments, as `subprocess.run` does with `text=True`; both outputs are captured.

        Args:
            words: Python's arguments: `-m` and a module, `-c` and code, or the path of a program.
            cwd: the folder in which it runs.
            env: its environment; by default this process's.
            typed: its standard input.
        """
        given = [*map(str, words)]
        with TemporaryFile() as read, TemporaryFile() as out, TemporaryFile() as err:
            read.write(typed.encode())
            read.seek(0)
            request = json.dumps([given, str(cwd), dict(os.environ if env is None else env), sys.executable]).encode()
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(self._address)
                streams = [read.fileno(), out.fileno(), err.fileno()]
                socket.send_fds(connection, [len(request).to_bytes(4, "big")], streams)
                connection.sendall(request)
                code = int(connection.recv(16))
            out.seek(0)
            err.seek(0)
            return Ended(given, code, out.read().decode(), err.read().decode())

    def write_command(self, path: Path, *before: str) -> None:
        """Write a program that runs Python with the arguments `before` and its own; without any `before` it is a `python`."""
        text = _CLIENT.format(python=sys.executable, address=self._address, before=[*before])
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)


commands: Final = ForkServer(
    "contradance.cli.app",
    *(f"contradance.cli.{found.name}" for found in iter_modules([str(ROOT / "contradance" / "cli")])),
    "boto3",
)
"""Runs `-m contradance`. It has imported nothing of an application: a program may run in the folder of another one."""
tools: Final = ForkServer(
    *("asyncio", "execnet", "mypy.main", "platformdirs", "pydantic.json_schema", "pytest", "rich.console", "ssl"),
    *("sortedcontainers", "typer", "unittest.mock", "xml.etree.ElementTree"),
)
"""Runs `-m pytest` and `-m mypy`. It has imported no package with a plugin of pytest, which rewrites their assertions."""
programs: Final = ForkServer(
    *("contradance.cli.running", "functions.choreography", "tests.durability.crasher", "tests.durability.storm_shop"),
    *("tests.durability.killer", "tests.durability.replayer", "tests.durability.server"),
)
"""Runs programs of these tests over the food delivery system, in the folder of the repository."""
aws: Final = ForkServer("awscli.clidriver", "boto3", "botocore.parsers", "botocore.auth")
"""Runs AWS's command line."""
bare: Final = ForkServer("pydantic")
"""Runs programs that are about the modules which they load. It has imported Pydantic and nothing of ours."""


def close_servers() -> None:
    """End the processes of this module."""
    for server in (commands, tools, programs, aws, bare):
        server.close()


class Forks(NamedTuple):
    """What generated projects share."""

    commands: ForkServer
    tools: ForkServer
    cache: Path
    """A folder that the workers of a parallel run share: what mypy and Hypothesis computed from source files."""

    @property
    def caches(self) -> dict[str, str]:
        """Environment variables by which mypy and Hypothesis use the folder."""
        return {
            "MYPY_CACHE_DIR": str(self.cache / "mypy"),
            "HYPOTHESIS_STORAGE_DIRECTORY": str(self.cache / "hypothesis"),
        }

    @contextmanager
    def typing(self) -> Iterator[None]:
        """Let no other worker run mypy, which shares its folder with no other process."""
        with (self.cache / "mypy.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class _Server:
    """Forks for each request; forwards signals to the fork, and its exit status to the client."""

    def __init__(self, address: str, environment: Mapping[str, str]) -> None:
        """Listen at an address.

        Args:
            address: the path of a socket.
            environment: the variables that the imported modules have set, which they set in each program.
        """
        self._environment = environment
        self._selector = selectors.DefaultSelector()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(address)
        self._listener.listen(64)
        self._clients: dict[int, socket.socket] = {}
        self._ended, ending = os.pipe()
        os.set_blocking(self._ended, False)
        os.set_blocking(ending, False)
        signal.set_wakeup_fd(ending, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def serve(self) -> None:
        """Serve until standard input closes: until the process that started this one has ended."""
        self._selector.register(0, selectors.EVENT_READ, lambda: None)
        self._selector.register(self._ended, selectors.EVENT_READ, self._send_statuses)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        while True:
            for key, _ in self._selector.select():
                if key.fd == 0:
                    return
                key.data()

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        length, streams, *_ = socket.recv_fds(client, 4, 3)
        request = b""
        while len(request) < int.from_bytes(length, "big"):
            request += client.recv(1 << 20)
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            self._selector.close()
            for each in (self._listener, client, *self._clients.values()):
                each.close()
            words, folder, environment, executable = json.loads(request)
            _run(streams, words, folder, {**self._environment, **environment}, executable)
        for stream in streams:
            os.close(stream)
        self._clients[pid] = client
        self._selector.register(client, selectors.EVENT_READ, lambda: self._forward(pid, client))

    def _forward(self, pid: int, client: socket.socket) -> None:
        """Send a client's signal to its fork; kill the fork if the client has ended."""
        received = client.recv(1)
        if not received:
            self._selector.unregister(client)
        os.kill(pid, received[0] if received else signal.SIGKILL)

    def _send_statuses(self) -> None:
        os.read(self._ended, 4096)
        while self._clients:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            client = self._clients.pop(pid)
            if client in self._selector.get_map():
                self._selector.unregister(client)
            with client, suppress(BrokenPipeError):  # the client was killed
                client.send(b"%d" % os.waitstatus_to_exitcode(status))


def _run(streams: list[int], words: list[str], folder: str, environment: dict[str, str], executable: str) -> None:
    """Run a program in this fork, and end the process as Python does."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    for number, handler in ((signal.SIGCHLD, signal.SIG_DFL), (signal.SIGINT, signal.default_int_handler)):
        signal.signal(number, handler)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.executable = executable
    sys.dont_write_bytecode = bool(environment.get("PYTHONDONTWRITEBYTECODE"))
    sys.pycache_prefix = environment.get("PYTHONPYCACHEPREFIX")
    sys.stdin = TextIOWrapper(BufferedReader(FileIO(0, closefd=False)))
    unbuffered = bool(environment.get("PYTHONUNBUFFERED"))
    sys.stdout = _output(1, line_buffering=os.isatty(1), write_through=unbuffered)
    sys.stderr = _output(2, line_buffering=True, errors="backslashreplace")
    code = _exit_code(words, [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path])
    threading._shutdown()  # type: ignore[attr-defined]  # what Python does at its end
    atexit._run_exitfuncs()
    for output in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # there is no reader
            output.flush()
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def _output(number: int, **options: Any) -> TextIOWrapper:
    return TextIOWrapper(BufferedWriter(FileIO(number, "w", closefd=False)), **options)


def _exit_code(words: list[str], path: list[str]) -> int:
    """Run what Python's arguments say; return Python's exit code, or a negative signal that ends Python."""
    try:
        match words:
            case ["-m", module, *rest]:
                sys.argv, sys.path[:0] = [module, *rest], [os.getcwd(), *path]  # noqa: PTH109 - as Python writes it
                runpy.run_module(module, run_name="__main__", alter_sys=True)
            case ["-c", code, *rest]:
                sys.argv, sys.path[:0] = ["-c", *rest], ["", *path]
                _run_text(code, "<string>")
            case ["-", *rest]:
                sys.argv, sys.path[:0] = ["-", *rest], ["", *path]
                _run_text(sys.stdin.read(), "<stdin>")
            case [program, *rest]:
                sys.argv, sys.path[:0] = [program, *rest], [str(Path(program).resolve().parent), *path]
                runpy.run_path(program, run_name="__main__")
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return ended.code or 0
        print(ended.code, file=sys.stderr)  # noqa: T201 - as Python does
        return 1
    except BaseException as error:  # noqa: BLE001 - printed, as Python does
        frame = error.__traceback__
        while frame is not None and frame.tb_frame.f_code.co_filename in (__file__, "<frozen runpy>"):
            frame = frame.tb_next
        traceback.print_exception(error.with_traceback(frame))
        return -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _run_text(code: str, name: str) -> None:
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    exec(compile(code, name, "exec"), main.__dict__)  # noqa: S102 - that is what was asked for


def main(address: str, modules: Sequence[str]) -> None:
    """Import the modules, and serve."""
    sys.path.pop(0)
    before = set(os.environ)
    for module in modules:
        import_module(module)
    gc.freeze()  # a collection in a fork would copy the memory of all modules
    server = _Server(address, {name: value for name, value in os.environ.items() if name not in before})
    os.write(1, b"ready\n")
    os.dup2(2, 1)
    server.serve()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
