"""Variables that stop an application when Powertools does not accept their value."""

import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import aws_lambda_powertools
import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.exceptions import InvalidLoggerSamplingRateError
from aws_lambda_powertools.shared import constants
from aws_lambda_powertools.shared.functions import strtobool
from typer.testing import CliRunner

from contradance.cli.app import app
from contradance.errors import DeclarationError
from contradance.runtime.aws import powertools_variables, variable_names
from contradance.runtime.aws.powertools_variables import odd_variables
from contradance.runtime.aws.variable_value import read_variable
from tests.cli.project import ROOT
from tests.runtime.aws.desk import FUNCTIONS, Deployed
from tests.runtime.fakes import recorded

LEVELS = ("POWERTOOLS_LOG_LEVEL", "LOG_LEVEL")
RATE = "POWERTOOLS_LOGGER_SAMPLE_RATE"
SWITCHES = powertools_variables._SWITCHES
VALUES = ("", "LOUD", "info", "WARN", "10", "-1", "0.5", "nan", "true", "Off", "y", " ", "1 ", "none")


def is_refused(name: str, value: str) -> bool:
    """Return whether Powertools raises an error for a variable that is set."""
    try:
        if name in SWITCHES:
            strtobool(value)
        else:
            Logger(service=f"{name} {value}")
    except (ValueError, InvalidLoggerSamplingRateError):
        return True
    return False


@pytest.mark.parametrize("name", [*LEVELS, RATE, *SWITCHES])
def test_a_value_is_odd_if_powertools_refuses_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for other in (*LEVELS, RATE, *SWITCHES, "AWS_LAMBDA_LOG_LEVEL"):
        monkeypatch.delenv(other, raising=False)
    for value in VALUES:
        monkeypatch.setenv(name, value)

        assert [one.name for one in odd_variables(os.environ)] == [name] * is_refused(name, value), value


def test_every_switch_that_the_used_parts_of_powertools_read_is_checked() -> None:
    """A later version of Powertools may have more."""
    root = Path(aws_lambda_powertools.__file__).parent
    files = [root / "shared" / "functions.py", root / "logging" / "logger.py", root / "metrics" / "functions.py"]
    read = re.compile(r"(?:strtobool|resolve_truthy_env_var_choice)\(\s*(?:env=)?os\.getenv\(constants\.(\w+)")
    names = {name for file in files for name in read.findall(file.read_text(encoding="utf-8"))}

    assert {getattr(constants, name) for name in names} == {*SWITCHES}


@pytest.mark.parametrize("name", [*LEVELS, RATE, *SWITCHES])
@pytest.mark.parametrize("command", ["run", "list"])
def test_a_command_names_the_variable_and_the_fix(name: str, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("POWERTOOLS_LOG_LEVEL", raising=False)
    monkeypatch.setenv(name, "LOUD")

    ended = CliRunner().invoke(app, [command], terminal_width=200)

    assert ended.exit_code == 1
    assert ended.stderr.startswith(
        f"DeclarationError: {name} is 'LOUD', which Powertools does not accept.\n  Set it to "
    )


def test_on_lambda_an_odd_variable_is_reported_and_events_are_consumed(desk: Deployed) -> None:
    odd = {name: "LOUD" for name in (*LEVELS[:1], RATE, *SWITCHES) if name != "POWERTOOLS_DEBUG"}
    desk.configure(**odd, **{variable_names.FUNCTION: f"{FUNCTIONS}:plan_repair"})

    desk.invoke("plan_repair", recorded("eventbridge"))

    warned = [str(line["message"]).partition(" ")[0] for line in desk.lines() if line.get("level") == "WARNING"]
    assert sorted(warned) == sorted(odd)
    assert len(desk.published()) == 1
    assert logging.getLogger().level == logging.INFO


def test_what_powertools_reads_when_it_is_imported_fails_no_import_of_a_function(tmp_path: Path) -> None:
    program = "from contradance.runtime.aws import entry, logs, sweeper, ingress; logs.install()"

    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, powertools_variables.READ_AT_IMPORT: "LOUD"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.count("POWERTOOLS_DEBUG is 'LOUD', which Powertools does not accept") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (variable_names.REMEMBER_SECONDS, "LOUD"),
        (variable_names.TABLES, "LOUD"),
        (variable_names.SECRETS, "[1]"),
        ("AWS_MAX_ATTEMPTS", "LOUD"),
    ],
)
def test_a_wrong_variable_of_a_function_is_refused_by_name(desk: Deployed, name: str, value: str) -> None:
    client = {variable_names.CLIENT: ""} if name == "AWS_MAX_ATTEMPTS" else {}
    desk.configure(**{variable_names.FUNCTION: f"{FUNCTIONS}:plan_repair", name: value, **client})

    with pytest.raises(DeclarationError, match=rf"{name} is '.+': .+\.\n  \w+"):
        desk.invoke("plan_repair", recorded("eventbridge"))


def test_an_empty_variable_is_not_set() -> None:
    assert read_variable({"X": ""}, "X", int, 7) == read_variable({}, "X", int, 7) == 7
