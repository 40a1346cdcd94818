"""Pulumi's engine, as the tests drive it: one workspace with an account, a backend and plugins, and the stacks in it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.engine.aws.account import Account
from tests.engine.aws.provider import ACCOUNT_FILE, ACCOUNT_NUMBER

ROOT = Path(__file__).parents[2]
ACCOUNT = "123456789012"
REGION = "eu-central-1"
LONG = 600
"""Seconds that no operation needs."""


@dataclass(frozen=True, repr=False)
class Run:
    """One operation of the engine: what it printed, and its events."""

    what: str
    """Which operation, of which stack."""
    code: int
    output: str
    events: list[dict[str, Any]]

    @cached_property
    def changes(self) -> dict[str, int]:
        """How many resources were created, updated and so on; what stayed as it was is not counted."""
        summary: dict[str, Any] = next((one["summaryEvent"] for one in self.events if "summaryEvent" in one), {})
        return {op: count for op, count in summary.get("resourceChanges", {}).items() if op != "same" and count}

    @cached_property
    def steps(self) -> list[dict[str, Any]]:
        """Each step that was taken or foreseen, other than leaving a resource as it is or reading another stack."""
        steps = [one["resourcePreEvent"]["metadata"] for one in self.events if "resourcePreEvent" in one]
        return [step for step in steps if step["op"] not in ("same", "read")]

    @property
    def touched(self) -> list[tuple[str, str, str]]:
        """Each step as its operation, its type and its logical name, sorted."""
        return sorted((step["op"], step["type"], step["urn"].rpartition("::")[2]) for step in self.steps)

    def __repr__(self) -> str:
        return "\n".join((f"<{self}>", *self.errors))

    def __str__(self) -> str:
        said = ", ".join(f"{op} {count}" for op, count in self.changes.items()) or "no changes"
        seconds = next((one["summaryEvent"]["durationSeconds"] for one in self.events if "summaryEvent" in one), 0)
        return f"{self.what}: {said}, {seconds} s" + (f" (exit {self.code})" if self.code else "")

    @cached_property
    def errors(self) -> list[str]:
        """What the engine, the program or the provider said went wrong."""
        said = [one["diagnosticEvent"] for one in self.events if "diagnosticEvent" in one]
        return [one["message"] for one in said if one["severity"] == "error"]

    @cached_property
    def warnings(self) -> list[str]:
        """What the engine, the program or the provider warned of."""
        said = [one["diagnosticEvent"] for one in self.events if "diagnosticEvent" in one]
        return [one["message"] for one in said if one["severity"] == "warning"]


@dataclass(frozen=True)
class Workspace:
    """A folder with everything that Pulumi needs: the plugins' path, a file backend, and the account."""

    folder: Path
    number: str = ACCOUNT
    runs: list[Run] = field(default_factory=list)
    """What was run in it."""

    @property
    def account(self) -> Account:
        """What is in the cloud."""
        return Account(self.folder / "account.sqlite", self.number, REGION)

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that Pulumi runs with."""
        return os.environ | {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "correct horse battery staple",
            "PULUMI_DEBUG_COMMANDS": "true",  # `--event-log`
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            ACCOUNT_FILE: str(self.folder / "account.sqlite"),
            ACCOUNT_NUMBER: self.number,
        }

    def prepare(self) -> "Workspace":
        """Make the folder what it should be, and return the workspace."""
        for name in ("bin", "home", "backend"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._plugin("pulumi-resource-aws", "tests.engine.aws.provider")
        if shutil.which("pulumi-language-python") is None:
            self._plugin("pulumi-language-python", "tests.engine.language")
        return self

    def _plugin(self, name: str, module: str) -> None:
        launcher = self.folder / "bin" / name
        lines = (
            f"#!{sys.executable}",
            f"import sys; sys.path[0] = {str(ROOT)!r}",
            f"from {module} import main; main()",
        )
        launcher.write_text("\n".join(lines) + "\n")
        launcher.chmod(0o755)


@dataclass(frozen=True)
class Stack:
    """One stack of a project in a workspace."""

    workspace: Workspace
    project: Path
    name: str
    config: Mapping[str, str] = field(default_factory=dict)

    def init(self) -> "Stack":
        """Make the stack, and return it."""
        self._said("stack", "init", self.name)
        for key, value in ({"aws:region": REGION} | dict(self.config)).items():
            self.set(key, value)
        return self

    def set(self, key: str, value: str, *options: str) -> None:
        """Set a value of the stack's configuration."""
        self._said("config", "set", "--stack", self.name, *options, key, "--", value)

    def unset(self, key: str) -> None:
        """Remove a value of the stack's configuration."""
        self._said("config", "rm", "--stack", self.name, key)

    def preview(self, *options: str) -> Run:
        """Foresee what `up` would do."""
        return self._run("preview", *options)

    def up(self, *options: str) -> Run:
        """Deploy without a preview."""
        return self._run("up", "--yes", "--skip-preview", *options)

    def refresh(self, *options: str) -> Run:
        """Learn what became of the resources."""
        return self._run("refresh", "--yes", "--skip-preview", *options)

    def destroy(self) -> Run:
        """Delete every resource."""
        return self._run("destroy", "--yes", "--skip-preview")

    @property
    def outputs(self) -> dict[str, Any]:
        """What the stack says of itself."""
        outputs = json.loads(self._said("stack", "output", "--json", "--show-secrets", "--stack", self.name))
        assert isinstance(outputs, dict)
        return outputs

    def state(self) -> list[dict[str, Any]]:
        """Return the resources that the engine knows, as it keeps them."""
        exported = json.loads(self._said("stack", "export", "--stack", self.name))
        resources = exported["deployment"].get("resources", [])
        assert isinstance(resources, list)
        return resources

    def _run(self, command: str, *options: str) -> Run:
        log = self.workspace.folder / f"{self.project.name}-{self.name}.events"
        log.unlink(missing_ok=True)
        ended = self._pulumi(command, "--stack", self.name, "--event-log", str(log), "--color", "never", *options)
        lines = log.read_text().splitlines() if log.exists() else []
        events = [json.loads(line) for line in lines]
        what = " ".join((command, self.project.name, self.name, *options))
        run = Run(what, ended.returncode, ended.stdout + ended.stderr, events)
        self.workspace.runs.append(run)
        return run

    def ask(self, *command: str) -> str:
        """Run a command of Pulumi, which has to succeed; return what it prints."""
        return self._said(*command)

    def _said(self, *command: str) -> str:
        ended = self._pulumi(*command)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def _pulumi(self, *command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["pulumi", "--non-interactive", *command],  # noqa: S607 - whichever is on the path
            cwd=self.project,
            env=self.workspace.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONG,
        )
