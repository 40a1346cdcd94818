"""`contradance dlq pull`, from another laptop's AWS endpoint in place of a stack."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from contradance.cli.app import app
from contradance.local.state.journal_table import STATE_FILE
from contradance.local.state.reader import reading
from contradance.local.system.deployed import deployed
from contradance.local.web.server import Server
from contradance.operate.aws.stack import stack_system
from functions.choreography import food_delivery
from tests.cli.project import ROOT
from tests.food import OUTAGE, Food, food
from tests.operate.fakes import LaptopAws

PAYMENT = "payments.process_payment"
NAME = "Ada Example"


class Stack:
    """A stand-in of a stack with dead letters, and commands that pull from it into a folder."""

    def __init__(self, system: Food, outputs: Path, here: Path) -> None:
        self.orders = [system.order(OUTAGE) for _ in range(2)]
        self.here = here
        self._outputs = outputs

    def pull(self, *words: str) -> Result:
        """Pull dead letters to the folder."""
        options = ["--outputs", str(self._outputs), "--state", str(self.here), "--port", "9"]
        return CliRunner().invoke(app, ["dlq", "pull", *words, *options], terminal_width=200)

    def bodies(self) -> list[str]:
        """Return what the folder's queues hold."""
        with reading(self.here / STATE_FILE) as reader:
            return [body for (body,) in reader.read("SELECT body FROM dead_letter ORDER BY id")]


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    monkeypatch.chdir(ROOT)
    with food(tmp_path / "stack") as system, Server(system.laptop, 0).serving() as url:
        monkeypatch.setattr(
            "contradance.operate.aws.stack.stack_system", lambda found: stack_system(found, LaptopAws(url))
        )
        outputs = tmp_path / "outputs.json"
        described = deployed(food_delivery, url).model_dump(mode="json", by_alias=True)
        outputs.write_text(json.dumps({"deployed": described}))
        yield Stack(system, outputs, tmp_path / "here")


def test_a_dead_letter_comes_without_personal_data_and_is_consumed_here(stack: Stack) -> None:
    ended = stack.pull("--subject", stack.orders[0])

    assert ended.exit_code == 0, ended.output
    assert f"{PAYMENT}: 1 pulled" in ended.stdout
    (body,) = stack.bodies()
    event = json.loads(body)["requestPayload"]
    assert event["detail"]["metadata"]["subject"] == stack.orders[0]
    assert event["detail"]["data"]["order_id"] == stack.orders[0]
    assert NAME not in body
    assert not (stack.here / "revealed.jsonl").exists()

    with food(stack.here) as system:
        listed = CliRunner().invoke(app, ["dlq", "list", "--state", str(stack.here)])
        with Server(system.laptop, 0).serving() as url:
            options = ["--state", str(stack.here), "--port", url.rpartition(":")[2]]
            redriven = CliRunner().invoke(app, ["dlq", "redrive", "--yes", *options])
        system.laptop.drain()
        attempts = system.laptop.journal.flows(stack.orders[0])
    assert "1 failed  OrderPlaced" in listed.stdout
    assert "the payment gateway does not answer" in listed.stdout or "failed on every attempt" in listed.stdout
    assert f"{PAYMENT}: 1 redriven" in redriven.stdout
    assert (attempts[0].function, attempts[0].outcome) == (PAYMENT, "done"), "the faked token is not the one that fails"


def test_pulling_twice_gives_the_same_fakes_and_no_second_letter(stack: Stack) -> None:
    first = stack.pull("--json")
    before = stack.bodies()
    second = stack.pull("--json")

    assert [one["outcome"] for one in json.loads(first.stdout)["dead_letters"]] == ["pulled"] * 2
    assert [one["outcome"] for one in json.loads(second.stdout)["dead_letters"]] == ["here already"] * 2
    assert stack.bodies() == before
    assert len(before) == 2


def test_personal_data_is_revealed_only_when_confirmed_and_that_is_recorded(stack: Stack) -> None:
    refused = stack.pull("--reveal")
    wrong = stack.pull("--reveal", "--confirm", "another")
    assert refused.exit_code == wrong.exit_code == 2
    assert "food-delivery" in refused.stderr  # the message is wrapped at the terminal's width
    assert not stack.here.exists()

    done = stack.pull("--reveal", "--confirm", "food-delivery", "--limit", "1")

    assert done.exit_code == 0, done.output
    (body,) = stack.bodies()
    assert NAME in body
    (line,) = map(json.loads, (stack.here / "revealed.jsonl").read_text().splitlines())
    assert line["function"] == PAYMENT
    assert line["event_id"] == json.loads(body)["requestPayload"]["detail"]["metadata"]["event_id"]
    assert line["by"]
    with food(stack.here) as system, Server(system.laptop, 0).serving() as url:
        options = ["--state", str(stack.here), "--port", url.rpartition(":")[2]]
        CliRunner().invoke(app, ["dlq", "redrive", "--yes", *options])
        system.laptop.drain()
        attempts = system.laptop.journal.flows(json.loads(body)["requestPayload"]["detail"]["metadata"]["subject"])
    assert [one.function for one in attempts] == [PAYMENT] * 6
    assert all("gateway.py" in (one.traceback or "") for one in attempts)


def test_a_pull_names_a_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)

    ended = CliRunner().invoke(app, ["dlq", "pull", "--state", str(tmp_path)])

    assert ended.exit_code == 2
    assert "name the stack" in " ".join(ended.stderr.split())
