"""Every command, found by walking the application, prints what other programs wrote as text that is safe to show."""

import json
import os
import re
import shlex
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from io import TextIOWrapper
from itertools import cycle, islice, product
from pathlib import Path
from typing import Any, Final

import pytest
import typer
from typer.testing import CliRunner

from contradance.cli import main
from contradance.cli.app import app
from contradance.cli.lazy import LazyCommand
from contradance.cli.narrator import Narrator
from contradance.cli.theme import Services
from contradance.errors import LaptopError
from contradance.local.state.reader import reading
from contradance.local.system.client import LaptopClient
from contradance.local.web.server import Refusal
from contradance.operate.flow import flows
from contradance.printable import printable_block
from contradance.runtime.journal_record import JournalRecord, LogEntry, PublishedEvent
from tests.fuzz.world import World, opened
from tests.local.desk import START

HOSTILE: Final = "evil\x1b[2J\x1b]0;title\x07\x9b\x7f\u202e\u2066\u200b\u2028[red]\r\nFORGED"
"""Clears a terminal, sets its title, reorders a line, counts as markup, and begins a line of its own."""
EVENT: Final = {
    "Source": "club.members",
    "DetailType": "Signed",
    "Detail": json.dumps(
        {
            "metadata": {
                "event_id": HOSTILE, "version": 1, "occurred_at": "2026-01-01T00:00:00Z", "correlation_id": HOSTILE,
                "causation_id": None, "publisher": HOSTILE, "subject": HOSTILE,
            },
            "data": {"member": HOSTILE, "name": "Zoë", "age": 1},
        }
    ),
}  # fmt: skip
COMMANDS: Final[dict[tuple[str, ...], Sequence[Sequence[str]]]] = {
    ("contracts", "check"): [[], ["--against", HOSTILE]],
    ("contracts", "diff"): [[], [HOSTILE], [HOSTILE, HOSTILE]],
    ("contracts", "export"): [
        ["--format", "jsonschema"],
        ["--format", HOSTILE],
        ["--format", "asyncapi", "--function", HOSTILE],
    ],
    ("contracts", "freeze"): [["--check"]],
    ("contracts", "list"): [[], ["--json"]],
    ("contracts", "show"): [["Signed"], [HOSTILE]],
    ("create", "event"): [[HOSTILE]],
    ("create", "route"): [[HOSTILE]],
    ("create", "schedule"): [[HOSTILE]],
    ("create", "subscriber"): [[HOSTILE]],
    ("create", "table"): [[HOSTILE]],
    ("create", "topic"): [[HOSTILE]],
    ("demo",): [[]],
    ("dlq", "list"): [[], ["--json"], ["--subscriber", HOSTILE]],
    ("dlq", "pull"): [["--subscriber", HOSTILE], ["--reveal", "--confirm", HOSTILE]],
    ("dlq", "purge"): [[], ["--json"]],
    ("dlq", "redrive"): [[], ["--json"]],
    ("dlq", "show"): [[], ["--json"]],
    ("doctor",): [[], ["--json"]],
    ("events", "list"): [[], ["--json"], ["--subject", HOSTILE], ["--since", HOSTILE]],
    ("events", "publish"): [
        ["Signed", "--data", json.dumps({"member": "m", HOSTILE: HOSTILE})],
        [HOSTILE, "--data", "{}"],
    ],
    ("events", "sample"): [["Signed"], [HOSTILE]],
    ("events", "would-match"): [["event.json"], [HOSTILE]],
    ("graph",): [[], ["--format", "mermaid"], ["--format", HOSTILE]],
    ("lint",): [[], ["--json"]],
    ("list",): [[], ["--json"]],
    ("logs",): [["--since", "2025-01-01"], ["--since", "2025-01-01", "--json"], ["--subscriber", HOSTILE]],
    ("new",): [[HOSTILE]],
    ("move",): [[HOSTILE, "--from", HOSTILE, "--to", HOSTILE]],
    ("package",): [["--out", HOSTILE]],
    ("prune",): [["--older-than", HOSTILE]],
    ("replay",): [
        ["--subscriber", "desk.greet", "--from", "2025-01-01", "--to", "2027-01-01"],
        ["--subscriber", HOSTILE, "--from", "2025-01-01", "--to", "2027-01-01"],
        ["--subscriber", "desk.greet", "--from", HOSTILE, "--to", "now"],
    ],
    ("retry",): [[HOSTILE], ["all", "--json"]],
    ("run",): [["--set", HOSTILE], ["--cors-origin", HOSTILE]],
    ("schedule", "run"): [[HOSTILE], [HOSTILE, "--json"]],
    ("trace",): [[], ["--json"], [HOSTILE], ["none of this" + HOSTILE]],
    ("why",): [[HOSTILE[:8]], [HOSTILE, "--json"], [HOSTILE, "--subscriber", HOSTILE], ["none" + HOSTILE]],
}
"""Words of each command, the hostile text among them wherever a command takes a text."""
ON_STATE: Final = ("trace", "replay", "retry", "schedule", "logs", "doctor", "why", "dlq", "events")


ODD: Final = (
    *("", "-x", "--", "=", "@/nonexistent", "a\nb", "1e999", "x" * 300, "x" * 4_096, "9" * 4_096, "[" * 4_096),
    *("\x1b" * 4_096, "\u202e" * 4_096, "\udcff\udcfe", "x" * 1_000_000),
)
"""Values that no option and no argument expects; the last but one is two bytes that are not UTF-8."""
NEEDED: Final = {"--from": "2025-01-01", "--to": "2027-01-01", "--format": "asyncapi", "--data": "{}"}
"""Values of options that a command needs."""


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the words of each command, and the command."""
    if hasattr(command, "commands"):
        for name, listed in command.commands.items():
            yield from leaves(listed.loaded if isinstance(listed, LazyCommand) else listed, (*path, name))
    else:
        yield path, command


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A laptop with hostile events, deliveries and dead letters, and the project of its choreography."""
    project = Path(str(tmp_path_factory.mktemp("project")))
    (project / "pyproject.toml").write_text('[tool.contradance]\nchoreography = "tests.fuzz.world:club"\n')
    (project / "event.json").write_text(json.dumps({"source": HOSTILE, "detail-type": HOSTILE, "detail": {}}))
    with pytest.MonkeyPatch.context() as patched, opened(tmp_path_factory.mktemp("state")) as found:
        patched.chdir(project)
        found.laptop.bus.put_events(Entries=[EVENT])
        found.laptop.drain()
        attributes = {"REASON": "invalid", "ERROR_MESSAGE": HOSTILE}
        texts = {name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()}
        found.laptop.dead_letters.put(
            "desk.greet", json.dumps({"detail-type": HOSTILE, "id": HOSTILE, "detail": 1}), texts
        )
        found.laptop.journal.write(record())
        found.laptop.database.flush()
        yield found


def record() -> JournalRecord:
    return JournalRecord(
        function="desk.greet", trigger=HOSTILE, event_id=HOSTILE, subject=HOSTILE, correlation_id=HOSTILE, causation_id=HOSTILE,
        attempt=1, outcome="failed", retries_left=1, started_at=START, duration_ms=1.0, error=HOSTILE,
        published=(PublishedEvent(event_id=HOSTILE, contract=HOSTILE),),
    )  # fmt: skip


def check(text: str, *, own: bool = False) -> None:
    """Refuse text that does anything but show; only a user's own words may begin a line."""
    assert printable_block(text) == text
    assert own or not [line for line in text.splitlines() if line.startswith("FORGED")]
    for command in re.findall("contradance .*evil.*", text):
        assert ";" not in shlex.shlex(command, posix=True, punctuation_chars=True), "it can be pasted into a shell"


def test_every_command_is_tried() -> None:
    assert sorted(words for words, _ in leaves(typer.main.get_command(app))) == sorted(COMMANDS)


def odd_lines(words: tuple[str, ...], command: Any) -> Iterator[list[str]]:
    """Yield command lines with one odd value each: two for each option and argument, in turn."""
    values = islice(cycle(ODD), sum(map(len, words)), None)  # so that commands with few of them try others
    texts = [one for one in command.params if one.name != "help" and not getattr(one, "is_flag", False)]
    for odd in (*texts, *texts):
        options, arguments = [*words], []
        for one in texts:
            given = next(values) if one is odd else NEEDED.get(one.opts[0], "x")
            if (one is odd or one.required) and one.param_type_name == "option":
                options.append(f"{one.opts[0]}={given}")
            elif one is odd or one.required:
                arguments.append(given)
        yield [*options, "--", *arguments]


def options_of(world: World, words: tuple[str, ...]) -> list[str]:
    """Return the options that name the laptop, for a command that has them."""
    options = ["--state", str(world.state), "--port", world.url.rpartition(":")[2]] if words[0] in ON_STATE else []
    if words in (("events", "publish"), ("why",)):
        options = options[2:] if words[0] == "events" else options[:2]
    if words in (("events", "sample"), ("events", "would-match")):
        options = []
    return options


@pytest.mark.parametrize("words", sorted(COMMANDS), ids=" ".join)
def test_a_command_shows_hostile_text_escaped(world: World, words: tuple[str, ...]) -> None:
    options = options_of(world, words)
    for more in COMMANDS[words]:
        result = CliRunner().invoke(app, [*words, *more, *options], terminal_width=300)

        assert result.exit_code in (0, 1, 2), result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        check(result.output, own="FORGED" in " ".join(more))


@pytest.mark.parametrize("words", sorted(COMMANDS), ids=" ".join)
def test_a_command_refuses_or_takes_an_odd_value_in_few_lines(
    world: World, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contradance.cli.running.run_laptop", lambda *_, **__: None)
    command = dict(leaves(typer.main.get_command(app)))[words]
    for line in odd_lines(words, command):
        own = {one.partition("=")[0] for one in line}
        known = options_of(world, words)
        options = [f"{name}={value}" for name, value in zip(known[::2], known[1::2], strict=True) if name not in own]
        result = CliRunner().invoke(app, [*line[: len(words)], *options, *line[len(words) :]], terminal_width=300)

        shown = [one[:50] for one in line]
        assert result.exit_code in (0, 1, 2), shown
        assert result.exception is None or isinstance(result.exception, SystemExit), shown
        assert "contradance/cli/" not in result.output, shown
        assert len(result.output) < 60_000, shown
        check(result.output, own=True)


class WatchedOutput(TextIOWrapper):
    """Standard output that records whether anything was written to it."""

    has_text = False

    def write(self, text: str) -> int:
        self.has_text = True
        return super().write(text)


def full() -> int:
    """Return a descriptor of a full device."""
    return os.open("/dev/full", os.O_WRONLY)


def closed() -> int:
    """Return a descriptor that cannot be written."""
    return os.open(os.devnull, os.O_RDONLY)


def without_reader() -> int:
    """Return a pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize("words", sorted(COMMANDS), ids=" ".join)
def test_a_command_whose_output_cannot_be_written_fails_with_one_line(
    world: World, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    monkeypatch.setattr("contradance.cli._end_threads", lambda *_: None)  # those of the laptop are in this process
    for more, output in [
        (["--help"], full),
        *product(COMMANDS[words][:2], (full, closed, without_reader) if words[0] == "trace" else (full,)),
    ]:
        raw = os.fdopen(output(), "wb", 0 if output is closed else -1)
        with suppress(OSError), WatchedOutput(raw) as stream:  # its end writes the buffer once more  # type: ignore[arg-type]
            monkeypatch.setattr(sys, "argv", ["contradance", *words, *more, *options_of(world, words)])
            monkeypatch.setattr(sys, "stdout", stream)
            with pytest.raises(SystemExit) as ended:
                main()
            *before, last = ["", *capsys.readouterr().err.splitlines()]
            assert stream.has_text or more != ["--help"]
            assert "Traceback" not in "\n".join(before), before
            if stream.has_text and output is without_reader:
                assert (ended.value.code, last) == (141, "")
            elif stream.has_text:
                assert ended.value.code == 1
                assert last.startswith("standard output cannot be written: ")


@pytest.mark.parametrize(
    "words", [("dlq", "list"), ("dlq", "show"), ("trace", HOSTILE), ("logs", "--since", "2025-01-01"), ("events", "list", "--since", "2025-01-01"), ("why", HOSTILE)], ids=lambda words: words[0] + words[-1][:4]
)  # fmt: skip
def test_the_hostile_text_is_among_what_is_shown(world: World, words: tuple[str, ...]) -> None:
    printed = world.types(*words)

    assert r"evil\x1b[2J\x1b]0;title\x07" in printed or r"evil\u001b[2J\u001b]0;title\u0007" in printed


def test_a_printed_command_quotes_the_folder_of_the_state(tmp_path: Path) -> None:
    state = tmp_path / "my state; x"

    for call in (lambda: LaptopClient("http://127.0.0.1:9", state).description(), reading(state / "x").__enter__):
        with pytest.raises(LaptopError) as caught:
            call()

        command = re.findall("contradance run.*", str(caught.value))[0]
        assert shlex.split(command) == ["contradance", "run", "--state", str(state)]


def test_the_running_laptop_prints_hostile_text_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    narrator = Narrator(Services(["desk"]))
    line = LogEntry(at=START, level="ERROR", logger="desk.greet", message=f"it failed: {HOSTILE}", exception=HOSTILE)

    narrator.delivery(record())
    narrator.refused(Refusal(START, "GET", f"/{HOSTILE}", 404))
    narrator.logged(line, "desk")
    for flow in flows([record()]):
        narrator.settled(flow)

    captured = capsys.readouterr().out
    assert captured.count(r"evil\x1b[2J") >= 4
    check(captured)
