"""However an application fails when it is imported, the error is at the author's line."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contradance.cli.app import app
from contradance.errors import DeclarationError
from contradance.project import Project

HEAD = "from contradance import Contract, Registry, subscriber, route, schedule, Table\n"
LINE = 2
"""The line of what fails, below `HEAD`."""


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
        ("raise type('Odd', (Exception,), {'__str__': lambda self: exit(0)})", "Odd: its text cannot be made"),
        ("import sys; sys.exit('no key')", "SystemExit: no key"),
        ("raise BaseExceptionGroup('two', [ValueError('a'), KeyError('b')])", "ExceptionGroup: two"),
        ("raise type('Odd', (Exception,), {'__str__': lambda self: 1 / 0})", "Odd: its text cannot be made"),
        ("raise ValueError('\\x1b[2J' + 'x' * 100_000)", r"ValueError: \x1b[2Jxxx"),
        ("raise ValueError('\\ud800')", r"ValueError: \ud800"),
        ("def deep(): deep()\ndeep()", "RecursionError: maximum recursion depth exceeded"),
        ("assert not HEAD if (HEAD := 'x') else 0", "AssertionError"),
        ("open('no/such/file')", "FileNotFoundError"),
        ("int('1' * 5000)", "ValueError: Exceeds the limit"),
        ("import pydantic; pydantic.TypeAdapter(object())", "PydanticSchemaGenerationError"),
        (
            "@subscriber(retrys=1)\ndef handle(): ...",
            "TypeError: subscriber() got an unexpected keyword argument 'retrys'",
        ),
    ],
    ids=range(25),
)
def test_an_exception_is_reported_at_the_line_of_the_author(root: Path, code: str, raised: str) -> None:
    message = failure(root, HEAD + code + "\n")
    first, line, *rest = message.splitlines()

    place, _, reason = first.partition(": ")
    file, _, number = place.partition(", line ")
    assert file.endswith("/broken.py")
    assert int(number) >= LINE
    assert reason.startswith(raised)
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
