"""However an application fails when it is imported, the error is at the author's line."""

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from contradance import authorimport
from contradance.cli.app import app
from contradance.errors import DeclarationError
from contradance.project import Project
from tests.patience import LONG

HEAD = "from contradance import Choreography, Contract, Registry, subscriber, route, schedule, Table\n"
LINE = 2
"""The line of what fails, below `HEAD`."""
UNREADABLE = "def __getattribute__(self, name): return exit(1)"
"""Makes each attribute raise."""


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A project with a package of its own, which is forgotten at the end."""
    package = f"app_{tmp_path.name}".replace("-", "_")
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").touch()
    (tmp_path / package / "choreography.py").write_text("from .broken import system\n")
    (tmp_path / "pyproject.toml").write_text(f'[tool.contradance]\nchoreography = "{package}.choreography:system"\n')
    yield tmp_path
    sys.path[:] = [folder for folder in sys.path if not folder.startswith(str(tmp_path))]
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]


def failure(root: Path, code: str) -> str:
    (package,) = [folder for folder in root.iterdir() if folder.is_dir()]
    (package / "broken.py").write_bytes(code.encode(errors="surrogateescape"))
    with pytest.raises(DeclarationError) as caught:
        Project(root, {"choreography": f"{package.name}.choreography:system"}).choreography()
    return str(caught.value)


@pytest.mark.parametrize(
    ("code", "raised"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import os; os.environ['NO_SUCH_KEY_HERE']", "KeyError: 'NO_SUCH_KEY_HERE'"),
        ("nothing_of_this_name", "NameError: name 'nothing_of_this_name' is not defined"),
        ("[].none", "AttributeError: 'list' object has no attribute 'none'"),
        ("import no_such_package_at_all", "ModuleNotFoundError: No module named 'no_such_package_at_all'"),
        ("from json import nothing", "ImportError: cannot import name 'nothing' from 'json'"),
        ("from .choreography import system", "ImportError: cannot import name 'system' from partially initialized"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise SystemExit(0)", "SystemExit: 0"),
        ("raise GeneratorExit('g')", "GeneratorExit: g"),
        ("import asyncio; raise asyncio.CancelledError('c')", "CancelledError: c"),
        ("raise type('Own', (BaseException,), {})('b')", "Own: b"),
        ("raise BaseExceptionGroup('own', [SystemExit(0)])", "BaseExceptionGroup: own"),
        ("raise type('Odd', (Exception,), {'__str__': lambda self: exit(0)})", "Odd: its text cannot be read"),
        ("import sys; sys.exit('no key')", "SystemExit: no key"),
        ("raise BaseExceptionGroup('two', [ValueError('a'), KeyError('b')])", "ExceptionGroup: two"),
        ("raise type('Odd', (Exception,), {'__str__': lambda self: 1 / 0})", "Odd: its text cannot be read"),
        ("raise ValueError('\\x1b[2J' + 'x' * 100_000)", r"ValueError: \x1b[2Jxxx"),
        ("raise ValueError('\\ud800')", r"ValueError: \ud800"),
        ("def deep(): deep()\ndeep()", "RecursionError: maximum recursion depth exceeded"),
        ("assert not HEAD if (HEAD := 'x') else 0", "AssertionError"),
        ("open('no/such/file')", "FileNotFoundError"),
        ("int('1' * 5000)", "ValueError: Exceeds the limit"),
        ("import pydantic; pydantic.TypeAdapter(object())", "PydanticSchemaGenerationError"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        (
            "import dataclasses\n@dataclasses.dataclass(frozen=True)\nclass Fixed(Exception):\n    a: int\nraise Fixed(1)",
            "Fixed: 1",
        ),
        ("class Fixed(Exception):\n    __traceback__ = property(lambda self: None)\nraise Fixed", "Fixed"),
        ("import os; os._exit(0)", "SystemExit: os._exit(0)"),
        ("raise SyntaxError('x' * 100_000)", "SyntaxError: xxx"),
        ("raise SyntaxError(5)", "SyntaxError: 5"),
        ("raise SyntaxError('m', ('\\0/etc', 3, 3, 'x'))", "SyntaxError: m"),
        ("eval('1 +')", "SyntaxError: invalid syntax (<string>, line 1)"),
        ("import json; json.loads('{')", "JSONDecodeError: "),
        ("exec(compile('1 / 0', '', 'exec').replace(co_filename='x' * 5_000))", "ZeroDivisionError: division by zero"),
        ("raise ModuleNotFoundError('no' * 100_000, name=__name__)", "ModuleNotFoundError: nono"),
        (f"class Odd(Exception):\n    {UNREADABLE}\nraise Odd", "<class 'app_"),
        (f"class Meta(type):\n    {UNREADABLE}\nclass Odd(Exception, metaclass=Meta): ...\nraise Odd", "<class 'app_"),
        (
            "raise type('Odd', (Exception,), {'__str__': lambda self: type('S', (str,), {'__str__': exit})('s')})",
            "Odd: s",
        ),
        (
            "@subscriber(retrys=1)\ndef handle(): ...",
            "TypeError: subscriber() got an unexpected keyword argument 'retrys'",
        ),
    ],
    ids=range(39),
)
def test_an_exception_is_reported_at_the_line_of_the_author(root: Path, code: str, raised: str) -> None:
    message = failure(root, HEAD + code + "\n")
    first, line, *rest = message.splitlines()

    place, _, reason = first.partition(": ")
    file, _, number = place.partition(", line ")
    assert file.endswith("/broken.py")
    assert int(number) >= LINE
    assert reason.startswith(raised)
    assert reason == reason.rstrip(": ")
    assert line.startswith("    ")
    assert rest[-1].startswith("  Correct it: loading ")
    assert "importlib" not in message
    assert "site-packages" not in message
    assert len(message) < 10_000


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("def f(:\n", "line 2: invalid syntax"),
        ("  x = 1\n", "line 2: unexpected indent"),
        ("x = '\n", "line 2: unterminated string literal"),
        ("\udcff = 1\n", "(unicode error)"),
        ("x = 1\0\n", "source code string cannot contain null bytes"),
    ],
    ids=["syntax", "indent", "string", "not UTF-8", "null byte"],
)
def test_code_that_is_no_python_is_reported_at_its_file(root: Path, code: str, reason: str) -> None:
    message = failure(root, HEAD + code)

    assert reason in message
    assert "importlib" not in message


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "@subscriber\ndef handle(x): ...",
            "@subscriber has handle ({}, line 2) as its argument, and takes none by position.",
        ),
        ("@route\ndef answer(): ...", "@route has answer ({}, line 2) as its argument, instead of a text."),
        ("@schedule\ndef tick(): ...", "@schedule has tick ({}, line 2) as its argument, instead of a text."),
    ],
)
def test_a_decorator_that_is_not_called_is_refused_at_its_line(root: Path, code: str, message: str) -> None:
    (package,) = [folder.name for folder in root.iterdir() if folder.is_dir()]

    first, fix = failure(root, HEAD + code + "\n").splitlines()

    assert first == message.format(f"{package}/broken.py")
    assert "@" in fix


def test_a_name_that_cannot_be_imported_is_reported_with_a_similar_one_and_with_what_imports_it(root: Path) -> None:
    (package,) = [folder for folder in root.iterdir() if folder.is_dir()]
    (package / "names.py").write_text("class ParcelDeposited: ...\n")

    message = failure(root, f"from {package.name}.names import ParcelDeposed\n")

    assert ". Did you mean ParcelDeposited?" in message.splitlines()[0]
    assert "imported by" in message
    assert "called by" not in message


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("subscriber()(5)", "5 is not a plain function."),
        ("Registry('r', [None])", "registry 'r' lists None, which is not a contract."),
        ("Table('T', key=('k',), model=int)", "has a name that AWS does not accept."),
        ("class Asked(Contract, source='a.b'): ...", "is missing `subject=`."),
    ],
    ids=["handler", "registry", "table", "contract"],
)
def test_an_error_of_ours_has_the_line_of_the_author(root: Path, code: str, message: str) -> None:
    (package,) = [folder.name for folder in root.iterdir() if folder.is_dir()]

    first, *_, place = failure(root, f"{HEAD}{code}\n").splitlines()

    assert message in first
    assert place == f"  {package}/broken.py, line {LINE}: {code}"


def test_a_line_that_an_error_of_ours_has_is_not_repeated(root: Path) -> None:
    assert failure(root, f"{HEAD}@subscriber()\ndef handle(x): ...\n").count("broken.py, line 2") == 1


def test_a_module_that_waits_is_reported_with_its_line(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reported = threading.Event()
    warned: list[tuple[Any, ...]] = []

    def warn(*warning: object) -> None:
        warned.append(warning)
        reported.set()

    monkeypatch.setattr(authorimport, "_SLOW", 0.01)
    monkeypatch.setattr(authorimport, "reported", reported, raising=False)
    monkeypatch.setattr("warnings.warn_explicit", warn)

    failure(root, f"from contradance import authorimport\nauthorimport.reported.wait({LONG})\n1 / 0\n")

    [(text, _, file, line)] = warned
    assert text.endswith(f"it is at authorimport.reported.wait({LONG})")
    assert (Path(file).name, line) == ("broken.py", 2)


def test_what_a_module_prints_is_not_in_the_output_of_a_command(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (package,) = [folder for folder in root.iterdir() if folder.is_dir()]
    (package / "broken.py").write_text(
        f"{HEAD}import sys\nprint('loading')\nsystem = Choreography('s', contracts=Registry('s', []), functions=[])\n"
        "sys.stdout = None\n"
    )
    monkeypatch.chdir(root)

    result = CliRunner().invoke(app, ["list", "--json"])

    assert (result.exit_code, json.loads(result.stdout)) == (0, {"functions": [], "events": [], "events_of_others": []})
    assert result.stderr == "loading\n"


@pytest.mark.parametrize(
    ("code", "exit_code"), [("raise KeyboardInterrupt", 130), ("import os; os._exit(0)", 1), ("raise SystemExit(0)", 1)]
)
def test_a_command_whose_project_cannot_be_loaded_fails(
    root: Path, code: str, exit_code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (package,) = [folder for folder in root.iterdir() if folder.is_dir()]
    monkeypatch.chdir(root)

    for module in (f"{code}\n", f"def __getattr__(name): {code}\n"):
        (package / "choreography.py").write_text(module)
        result = CliRunner().invoke(app, ["list"], terminal_width=200)
        sys.modules.pop(f"{package.name}.choreography", None)

        assert result.exit_code == exit_code
        assert f"{package.name}/choreography.py, line 1: " in result.stderr


def test_the_command_prints_the_error_and_no_frame_of_its_own(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (package,) = [folder for folder in root.iterdir() if folder.is_dir()]
    (package / "broken.py").write_text("system = 1\n\nsystem / 0\n")
    monkeypatch.chdir(root)

    result = CliRunner().invoke(app, ["graph"], terminal_width=200)

    assert result.exit_code == 1
    assert result.output.startswith(f"DeclarationError: {package.name}/broken.py, line 3: ZeroDivisionError")
    assert "    system / 0\n" in result.output
    assert len(result.output.splitlines()) <= 5
    assert "click" not in result.output
    assert "typer" not in result.output


def test_an_unexpected_exception_is_printed_from_the_command_on(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Path) -> Project:
        raise RuntimeError("a fault")

    monkeypatch.setattr("contradance.project.find_project", fail)

    result = CliRunner().invoke(app, ["graph"], terminal_width=200)

    assert result.exit_code == 1
    assert "RuntimeError: a fault" in result.output
    assert "click" not in result.output
    assert "typer" not in result.output
