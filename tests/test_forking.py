"""A program in a fork starts, ends and is stopped as with a Python of its own."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.forking import bare


@pytest.mark.parametrize(
    ("code", "ended"),
    [
        ("print('out'); import sys; print('err', file=sys.stderr)", (0, "out\n", "err\n")),
        ("import sys; sys.exit(3)", (3, "", "")),
        ("import sys; sys.exit('why')", (1, "", "why\n")),
        ("import os; os._exit(4)", (4, "", "")),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", (-signal.SIGKILL, "", "")),
        ("import atexit; atexit.register(print, 'at last')", (0, "at last\n", "")),
        ("import sys; print(sys.stdin.read(), sys.argv, __name__)", (0, "typed ['-c', 'a'] __main__\n", "")),
        ("import os, sys; print(os.environ, sys.path[:2])", (0, "environ({'PYTHONPATH': '/p'}) ['', '/p']\n", "")),
    ],
    ids=["streams", "code", "message", "_exit", "signal", "atexit", "input", "environment"],
)
def test_a_program_ends_as_with_a_python_of_its_own(code: str, ended: tuple[int, str, str], tmp_path: Path) -> None:
    done = bare.run("-c", code, "a", cwd=tmp_path, env={"PYTHONPATH": "/p"}, typed="typed")

    assert (done.returncode, done.stdout, done.stderr) == ended


def test_an_exception_is_printed_without_the_frames_of_the_server(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("1 / 0\n")

    done = bare.run("-m", "one", cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr.splitlines()[1].startswith(f'  File "{tmp_path / "one.py"}", line 1')
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")


def test_a_command_forwards_a_signal_and_its_end_is_that_of_the_program() -> None:
    code = "import time; print('ready', flush=True); time.sleep(600)"
    with subprocess.Popen([bare.python, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        process.stdout.readline()

        process.send_signal(signal.SIGINT)

        assert process.wait() == -signal.SIGINT


def test_a_program_ends_with_its_killed_command() -> None:
    read, write = os.pipe()
    code = "import time; print('ready', flush=True); time.sleep(600)"
    with subprocess.Popen([bare.python, "-c", code], stdout=write) as process:
        os.close(write)
        assert os.read(read, 6) == b"ready\n"

        process.kill()

        assert os.read(read, 1) == b""  # the program has ended: it had the other end
    os.close(read)


def test_other_options_are_those_of_python_itself() -> None:
    printed = subprocess.run([bare.python, "-V"], capture_output=True, text=True, check=True).stdout

    assert printed.startswith("Python 3.")
