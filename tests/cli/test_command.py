import ast
import json
import os
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from io import StringIO
from itertools import count
from pathlib import Path

import pytest
import typer.core
import typer.main
from typer.testing import CliRunner

from contradance import Choreography, subscriber
from contradance.cli import command, main, moving
from contradance.cli.app import app
from contradance.cli.command import full_name
from contradance.cli.lazy import LazyCommand
from contradance.errors import ContradanceError, DeclarationError
from food_contracts.orders import OrderPlaced
from functions.choreography import food_delivery
from tests.cli.project import ROOT

COMMANDS_LISTED: list[LazyCommand] = [*typer.main.get_command(app).commands.values()]  # type: ignore[attr-defined]  # a group
COMMANDS = ("new", "create", "list", "lint", "why", "run", "demo", "graph", "trace", "package", "events")


def python(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_terminal_that_cannot_show_every_sign_is_shown_the_others() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "contradance", "graph"]

    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert (result.returncode, result.stderr) == (0, "")
    assert "payments.process_payment ?6 queued" in result.stdout


def test_the_package_can_be_run_as_a_module() -> None:
    result = python("-m", "contradance", "--help")

    assert (result.returncode, result.stderr) == (0, "")
    assert all(f"│ {command} " in result.stdout for command in COMMANDS)
    panels = re.findall(r"╭─ ([\w ]+?) ─", result.stdout)
    assert panels == ["Options", "Build", "Run", "Find out why", "Repair", "Deploy"]


@pytest.mark.parametrize("option", ["--help", "-h"])
@pytest.mark.parametrize(
    "command",
    [
        [],
        *([command] for command in COMMANDS),
        ["events", "publish"],
        ["events", "sample"],
        ["create", "event"],
        ["create", "route"],
        ["create", "subscriber"],
        ["create", "topic"],
    ],
)
def test_every_command_has_help_that_fits_80_columns(command: list[str], option: str) -> None:
    result = CliRunner().invoke(app, [*command, option])

    assert result.exit_code == 0
    assert max(len(line.rstrip()) for line in result.stdout.splitlines()) <= 80


@pytest.mark.parametrize("command", COMMANDS_LISTED, ids=lambda command: command.name)
def test_the_list_of_commands_has_the_first_line_of_each_command_s_own_help(command: LazyCommand) -> None:
    line, _, _ = (command.loaded.help or "").partition("\n")

    assert (command.help, command.loaded.name) == (line, command.name)


def helps(command: typer.core.TyperGroup | typer.core.TyperCommand) -> Iterator[str]:
    yield command.help or ""
    yield from (getattr(parameter, "help", None) or "" for parameter in command.params)
    for inner in getattr(command, "commands", {}).values():
        yield from helps(inner)


@cache
def functions_of_the_cli() -> set[str]:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "contradance" / "cli").glob("*.py")]
    return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("command", COMMANDS_LISTED, ids=lambda command: command.name)
def test_no_help_holds_the_name_of_a_function_of_ours(command: LazyCommand) -> None:
    words = {word for text in helps(command.loaded) for word in re.findall(r"\w+_\w+", text)}

    assert words & functions_of_the_cli() == set()


LOADED = """\
import json
import os
import sys

from contradance.cli.app import app

for words in json.loads(sys.argv[1]):
    if os.fork() == 0:
        app(words, standalone_mode=False)
        heavy = ("contradance.contract", "contradance.wire", "boto3", "starlette", "jinja2", "sqlite3")
        print(json.dumps([words, [name for name in heavy if name in sys.modules]]), file=sys.stderr)
        os._exit(0)
    os.wait()
"""
"""Runs each command in a fork of itself, and prints what each has loaded."""


def test_help_loads_neither_the_project_nor_what_it_needs() -> None:
    asked: list[list[str]] = [["--help"], *([str(command.name), "--help"] for command in COMMANDS_LISTED)]

    result = python("-c", LOADED, json.dumps(asked))

    # the help of `create` lists the types of fields, which are Pydantic's; `new` shares its questions
    shared = {name: ["contradance.contract", "contradance.wire"] for name in ("new", "create")}
    assert [json.loads(line) for line in result.stderr.splitlines()] == [
        [words, shared.get(words[0], [])] for words in asked
    ]


def test_shell_completion_lists_commands_and_options_without_loading_the_project() -> None:
    program = (
        "import sys, atexit; from contradance.cli import main; sys.argv = ['contradance']; "
        "atexit.register(lambda: print('contradance.wire' in sys.modules)); main()"
    )
    found = {}
    for line in ("contradance ru", "contradance dlq re", "contradance logs --sub"):
        variables = {"_CONTRADANCE_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        found[line] = done.stdout.split()

    assert found == {
        "contradance ru": ["run", "False"],
        "contradance dlq re": ["redrive", "False"],
        "contradance logs --sub": ["--subscriber", "--subject", "False"],
    }


def test_without_a_command_it_shows_its_help_as_a_mistake_of_usage() -> None:
    result = CliRunner().invoke(app, [])

    assert result.exit_code == 2
    assert "Usage: " in result.output


def test_an_unknown_command_is_a_mistake_of_usage() -> None:
    result = CliRunner().invoke(app, ["dance"])

    assert result.exit_code == 2
    assert "No such command 'dance'" in result.output


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_the_extra_it_says_what_to_install(missing: str) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None; from contradance.cli import main; main()"

    result = python("-c", program)

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        f"contradance's commands need {missing}.\n  Install them: pip install 'contradance[local]'\n"
    )


PRINTS_NO_DATA = {
    "create event",
    "create route",
    "create schedule",
    "create subscriber",
    "create table",
    "create topic",
    "demo",
    "graph",
    "new",
    "run",
}
"""Commands that write files, run, or draw."""
PRINTS_A_FORMAT = {"contracts export", "events sample"}
"""Commands that print JSON, or a format that is asked for."""


def commands(group: typer.core.TyperGroup, before: str = "") -> Iterator[tuple[str, typer.core.TyperCommand]]:
    """Yield each command with its words."""
    for name, listed in group.commands.items():
        one = listed.loaded if isinstance(listed, LazyCommand) else listed
        words = f"{before}{name}"
        if isinstance(one, typer.core.TyperGroup):
            yield from commands(one, f"{words} ")
        else:
            assert isinstance(one, typer.core.TyperCommand)
            yield words, one


def test_every_command_that_prints_data_prints_it_as_json_too() -> None:
    root = typer.main.get_command(app)
    assert isinstance(root, typer.core.TyperGroup)
    without = {words for words, one in commands(root) if not any("--json" in option.opts for option in one.params)}

    assert without == PRINTS_NO_DATA | PRINTS_A_FORMAT


def test_a_name_that_several_functions_have_is_refused_with_them() -> None:
    @subscriber(service="desk")
    def notify_customer(placed: OrderPlaced) -> None: ...

    functions = [*food_delivery.functions.values(), notify_customer]
    both = Choreography("both", contracts=food_delivery.contracts, functions=functions)

    with pytest.raises(DeclarationError, match=r"desk\.notify_customer"):
        full_name("notify_customer", both)

    assert full_name("process_payment", both) == "payments.process_payment"
    assert full_name("desk.notify_customer", both) == "desk.notify_customer"
    assert full_name("nothing", both) == "nothing"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(["list"], 141, id="lines"),
        pytest.param(["graph"], 141, id="a tree"),
        pytest.param(["graph", "--format", "svg"], 141, id="a file's text"),
        pytest.param(["list", "--json"], 141, id="JSON"),
        pytest.param(["trace", "--help"], 1, id="help"),
    ],
)
def test_a_command_whose_reader_has_gone_ends_quietly(
    arguments: list[str], code: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["contradance", *arguments])
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)

    with open(writer, "w", encoding="utf-8") as broken:  # noqa: PTH123 - a descriptor, not a path
        monkeypatch.setattr(sys, "stdout", broken)
        with pytest.raises(SystemExit) as ended:
            main()

    assert ended.value.code == code
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("code", [0, 3, "no key"])
def test_a_command_fails_when_code_of_the_application_exits(
    code: int | str, capsys: pytest.CaptureFixture[str]
) -> None:
    def validate() -> None:
        sys.exit(code)

    with pytest.raises(typer.Exit) as ended:
        command.reporting(validate)()

    assert ended.value.exit_code == 1
    assert f"SystemExit: {code}" in capsys.readouterr().err


def test_an_error_of_the_system_is_reported_as_it_is_after_standard_output_was_closed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)

    with pytest.raises(typer.Exit):
        command.reporting(Path("no/such/file").read_text)()

    printed = capsys.readouterr().err
    assert "FileNotFoundError: " in printed
    assert "ValueError" not in printed


def test_a_broken_pipe_that_is_not_the_output_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    def call() -> None:
        raise BrokenPipeError(32, "Broken pipe")

    with pytest.raises(typer.Exit) as ended:
        command.reporting(call)()

    assert ended.value.exit_code == 1
    assert "BrokenPipeError: [Errno 32] Broken pipe" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["e", "1"])
def test_an_error_of_the_system_that_names_no_file_has_its_traceback(
    given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def call(name: str) -> None:
        raise OSError(113, f"no route to {name}", None if name == "e" else 1)

    with pytest.raises(typer.Exit):
        command.reporting(call)(name=given)

    assert f"OSError: [Errno 113] no route to {given}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("outputs", "code"),
    [("", 3), ("closed stdout", 3), ("broken stdout", 141), ("broken stdout stderr", 141), ("broken stderr", 3)],
)
def test_a_thread_that_never_ends_does_not_keep_a_command(
    outputs: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    end, codes = threading.Event(), list[int]()
    state, *names = outputs.split() or [""]

    def command() -> None:
        threading.Thread(target=end.wait, name="forever").start()
        for name in names:
            reader, writer = os.pipe()
            os.close(reader)
            monkeypatch.setattr(sys, name, open(writer, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - closed below
            if state == "closed":
                getattr(sys, name).close()
        if outputs.startswith("broken stdout"):
            sys.stdout.write("x")
            sys.stdout.flush()
        raise SystemExit(3)

    monkeypatch.setattr("contradance.cli.app.app", command)
    monkeypatch.setattr("contradance.cli._THREAD_SECONDS", 0.0)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    monkeypatch.setattr("atexit._run_exitfuncs", lambda: None)
    monkeypatch.setattr(os, "_exit", codes.append)

    with pytest.raises(SystemExit):
        main()

    end.set()
    for name in names:
        getattr(sys, name).close()
    assert codes == [code]
    assert capsys.readouterr().err == (
        ""
        if "stderr" in names
        else "warning: the application's thread 'forever' still runs; the command ends without it.\n"
    )


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["replay", "--to=2026-01-01", "--from=\udcff"], "--from"),
        (["retry", "x", "--set=\udcff"], "--set"),
        (["trace", "x" * 4_097], "term"),
        (["create", "event", "x" * 4_097], "NAME"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_a_refused_text_is_named_as_on_the_command_line(words: list[str], name: str) -> None:
    result = CliRunner().invoke(app, words, terminal_width=200)

    assert result.exit_code == 2
    assert f"Invalid value for '{name}': it " in result.stderr


CLOSED = """
import os, sys
from contradance.cli import _open_closed_descriptors
_open_closed_descriptors()
number = os.open(sys.executable, os.O_RDONLY)
os.write(2, b"discarded")
try:
    print("fails", flush=True)
except OSError:
    os._exit(10 + number)
"""


def test_no_file_gets_the_number_of_a_closed_stream() -> None:
    shell = ["sh", "-c", 'exec "$0" -c "$1" <&- >&- 2>&-', sys.executable, CLOSED]

    assert subprocess.run(shell, check=False).returncode >= 13


def test_an_idle_pool_of_the_application_keeps_no_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pools, ended = list[ThreadPoolExecutor](), list[int]()

    def command() -> None:
        pools.append(ThreadPoolExecutor(1))
        pools[0].submit(int).result()
        raise SystemExit(3)

    monkeypatch.setattr("contradance.cli.app.app", command)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    monkeypatch.setattr("atexit._run_exitfuncs", lambda: None)
    monkeypatch.setattr(os, "_exit", ended.append)

    with pytest.raises(SystemExit):
        main()

    pools[0].shutdown()
    assert (ended, capsys.readouterr().err) == ([], "")


def test_a_command_prints_the_first_warnings_and_the_beginning_of_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "_warnings", count(1))

    for _ in range(300):
        command.print_warning("x" * 10_000, UserWarning, "f.py", 1)

    *lines, last = capsys.readouterr().err.splitlines()
    assert [len(line.encode()) for line in lines] == [len("warning: ") + 4_096 + len(" (f.py, line 1)")] * 100
    assert last == "warning: further warnings are left out; these were 100."


def test_a_command_in_a_folder_that_was_deleted_fails_with_the_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    result = CliRunner().invoke(app, ["list"])

    assert result.exit_code == 1
    assert result.stderr == (
        "DeclarationError: the current folder does not exist any more.\n  Change into the project.\n"
    )


def test_a_usage_error_shows_the_beginning_of_a_long_text() -> None:
    result = CliRunner().invoke(app, ["graph", "--format", "x" * 100_000])

    assert result.exit_code == 2
    assert len(result.output) < 15_000


class Unprintable(ContradanceError):
    def __str__(self) -> str:
        raise KeyError


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (ContradanceError("x" * 1_000_000), "ContradanceError: xxx"),
        (Unprintable(), "Unprintable: its text cannot be read: __str__ raised KeyError"),
    ],
    ids=["long", "unprintable"],
)
def test_a_command_prints_every_error_and_the_beginning_of_its_message(
    error: ContradanceError, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(typer.Exit):
        command.reporting(fail)()

    printed = capsys.readouterr().err
    assert printed.startswith(shown)
    assert len(printed.encode()) < 66_000


@pytest.mark.parametrize("name", ["prod", "./prod", "prod.json", "folder/prod", "acme/shop/prod", "other.json"])
def test_a_stack_is_moved_by_its_name_also_where_a_file_has_the_same_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    files = ("prod", "prod.json", "folder/prod")
    for file in files:
        (tmp_path / file).touch()

    stack, found = moving._as_options(name)

    if name in ("./prod", *files[1:]):
        assert (stack, found) == (None, Path(name))
    else:
        assert (stack, found) == (name, None)
