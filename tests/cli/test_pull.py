"""`contradance dlq pull`, from another laptop's AWS endpoint in place of a stack."""

import json
from bdb import BdbQuit
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import pytest
from moto import mock_aws
from pydantic import AwareDatetime, BaseModel, Field
from typer.testing import CliRunner, Result

from contradance import PII, Choreography, ForeignEvent, Table, subscriber
from contradance.cli import pulling
from contradance.cli.app import app
from contradance.cli.command import the_project
from contradance.cli.pulled import row_for_laptop, taken_letter
from contradance.cli.target import Target
from contradance.deployed import DeployedTable
from contradance.local.rehearsal import Rehearsed
from contradance.local.state.database import Database
from contradance.local.state.journal_table import STATE_FILE
from contradance.local.state.pulled import PulledLetter, keep_pulled
from contradance.local.state.reader import reading
from contradance.local.system.deployed import deployed
from contradance.local.web.server import Server
from contradance.operate.aws import services
from contradance.operate.aws.stack import stack_system
from contradance.operate.copying import RowKey
from contradance.operate.dead_letter import DeadLetter, QueueMessage
from contradance.operate.row_names import NamedRow
from contradance.runtime.aws import layout
from functions.choreography import food_delivery
from tests.cli.project import ROOT
from tests.food import OUTAGE, Food, food
from tests.local.desk import START, Asked, registry
from tests.operate.fakes import FakeAws, LaptopAws
from tests.operate.moving import dynamodb
from tests.runtime.aws.moto import CREDENTIALS, client, make_table

PAYMENT = "payments.process_payment"
NAME = "Ada Example"
ORDERS, AWARDS = "orders.orders", "loyalty.awards"
TABLES = {
    ORDERS: DeployedTable(table_name="prod-orders", sorted=False),
    AWARDS: DeployedTable(table_name="prod-awards", sorted=True),
}


class Stack:
    """A stand-in of a stack with dead letters, and commands that pull from it into a folder."""

    def __init__(self, system: Food, outputs: Path, here: Path) -> None:
        self.system = system
        self.orders = [system.order(OUTAGE) for _ in range(2)]
        self.here = here
        self._outputs = outputs

    def pull(self, *words: str, port: str = "9") -> Result:
        """Pull dead letters to the folder."""
        options = ["--outputs", str(self._outputs), "--state", str(self.here), "--port", port]
        return CliRunner().invoke(app, ["dlq", "pull", *words, *options], terminal_width=200)

    def redrive(self) -> Result:
        """Redrive the stack's own dead letters."""
        words = ["dlq", "redrive", "--yes", "--outputs", str(self._outputs)]
        return CliRunner().invoke(app, words, terminal_width=200)

    def debug(self, *words: str, typed: str = "q\n") -> Result:
        """Debug a dead letter in the folder, typing at pdb."""
        options = ["--pdb", "--state", str(self.here), "--port", "9"]
        return CliRunner().invoke(app, ["retry", *words, *options], input=typed, terminal_width=200)

    def items(self) -> list[tuple[str, str, str, str]]:
        """Return the rows of the folder's tables: table, partition, sort, document."""
        with reading(self.here / STATE_FILE) as reader:
            return reader.read("SELECT table_name, partition, sort, document FROM item ORDER BY 1, 2, 3")

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
        described = (
            deployed(food_delivery, url).model_copy(update={"tables": TABLES}).model_dump(mode="json", by_alias=True)
        )
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

    revealed = stack.pull("--reveal", "--confirm", "food-delivery")

    assert f"{PAYMENT}: 0 pulled, 2 here already" in revealed.stdout
    assert [NAME in body for body in stack.bodies()] == [True, True], "what is revealed replaces the fakes"


def test_nothing_to_pull_leaves_no_folder(stack: Stack) -> None:
    assert stack.pull("--subject", "nothing").exit_code == 1
    assert not stack.here.exists()


def test_personal_data_is_revealed_only_when_confirmed_and_that_is_recorded(stack: Stack) -> None:
    refused = stack.pull("--reveal")
    wrong = stack.pull("--reveal", "--confirm", "another")
    assert refused.exit_code == wrong.exit_code == 2
    assert "food-delivery" in refused.stderr  # the message is wrapped at the terminal's width
    assert not stack.here.exists()

    done = stack.pull("--reveal", "--confirm", "food-delivery", "--limit", "1")

    assert "The first 1 of 2 dead letters. More: add --limit N, up to 1,000" in done.stderr
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


def letter_of(event: Mapping[str, Any]) -> DeadLetter:
    message = QueueMessage("m", "", {}, START, 1, moved=False)
    return DeadLetter("desk.greet", "failed", event, f"no {NAME}", None, START, START, message)


class Uploaded(ForeignEvent, source="scans", detail_type="Uploaded", subject="key"):
    key: str
    owner: Annotated[str, PII]


@subscriber(service="desk")
def greet(uploaded: Uploaded | Asked) -> None: ...


gallery = Choreography("gallery", contracts=registry, functions=[greet])
UPLOAD = {"id": "x", "source": "scans", "detail-type": "Uploaded", "detail": {"key": "a/b", "owner": NAME, "by": NAME}}
ASKED = {
    "id": "x",
    "source": "shop.desk",
    "detail-type": "Asked",
    "detail": {"metadata": {"event_id": "e", "version": 1, "subject": "tea", "by": NAME}, "data": {"item": "tea"}},
}


def test_an_event_of_others_comes_without_personal_data_too() -> None:
    taken = taken_letter(gallery, letter_of(UPLOAD), reveal=False)

    assert taken.why == ""
    assert taken.event is not None
    assert taken.event["detail"].keys() == {"key", "owner"}
    assert taken.event["detail"]["key"] == "a/b"
    assert taken.event["id"] == "x"
    assert taken.error == f"no {taken.event['detail']['owner']}"
    assert NAME not in json.dumps(taken.event)


@pytest.mark.parametrize(
    "event", [{**ASKED, "name": NAME}, {**ASKED, "resources": [{"name": NAME}]}, {**UPLOAD, "account": {"name": NAME}}]
)
def test_fields_around_the_data_that_may_be_personal_are_left_out(event: dict[str, Any]) -> None:
    taken = taken_letter(gallery, letter_of(event), reveal=False)

    assert taken.why == ""
    assert NAME not in json.dumps(taken.event)
    if event["source"] == "shop.desk":
        assert taken.event is not None
        assert taken.event["detail"]["metadata"] == {"event_id": "e", "version": 1, "subject": "tea"}


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ({"name": NAME}, "it is not an event"),
        ({"schedule": "s", "scheduled_time": {"name": NAME}}, "it is not an event"),
        *(
            (
                {**ASKED, "detail": {"metadata": {"version": version}, "data": {"name": NAME}}},
                "the code has no contract",
            )
            for version in (2, "1", None, [1], {"name": 1})
        ),
        ({**ASKED, "detail": NAME}, "the code has no contract"),
        ({**ASKED, "detail": {"metadata": {"version": 1}, "data": NAME}}, "the data of shop.desk/Asked v1 is not an"),
    ],
    ids=str,
)
def test_what_cannot_be_faked_is_kept_unless_it_is_revealed(event: dict[str, Any], why: str) -> None:
    kept, revealed = (taken_letter(gallery, letter_of(event), reveal=reveal) for reveal in (False, True))

    assert (kept.event, kept.error) == (None, "")
    assert why in kept.why
    assert NAME not in kept.why
    assert (revealed.event, revealed.why) == (event, "")


def test_the_printed_command_to_debug_a_letter_quotes_its_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    letter = letter_of({"id": "a b; c"})
    target = Target(the_project(), "prod", None, None, tmp_path)

    taken = pulling._Taken([taken_letter(target.choreography, letter, reveal=True)], [])
    pulling._print_taken(target, taken, {"m"})

    assert "contradance retry --pdb 'a b; c' --state" in capsys.readouterr().out


def test_a_pull_names_a_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)

    ended = CliRunner().invoke(app, ["dlq", "pull", "--state", str(tmp_path)])

    assert ended.exit_code == 2
    assert "name the stack" in " ".join(ended.stderr.split())


@pytest.fixture
def rows(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """The stack with its tables in moto, with the orders' rows."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        for table in TABLES.values():
            make_table(table.table_name, sort_key=table.sorted)
        found = stack.system.laptop.database.read(
            "SELECT partition, document FROM item WHERE table_name = ?", (ORDERS,)
        )
        award = json.dumps({"customer_id": "a/b", "order_id": stack.orders[0], "points": 7})
        items = [("prod-orders", {layout.PARTITION: key}, document) for key, document in found]
        items.append(("prod-awards", {layout.PARTITION: "a/b", layout.SORT: stack.orders[0]}, award))
        for table_name, key, document in items:
            texts = {**key, layout.VERSION: "1", layout.DOCUMENT: document}
            client("dynamodb").put_item(TableName=table_name, Item={name: {"S": text} for name, text in texts.items()})
        monkeypatch.setattr(services, "Boto", lambda _: FakeAws(dynamodb=dynamodb()))
        yield stack


def test_named_rows_come_without_personal_data_and_the_handlers_here_read_them(rows: Stack) -> None:
    order, other = rows.orders

    ended = rows.pull("--subject", order, "--rows", f"{ORDERS}/{order}", "--rows", f"{AWARDS}/a%2Fb/{order}")

    assert ended.exit_code == 0, ended.output
    assert f"{ORDERS}/{order}: pulled" in ended.stdout
    assert [item[:3] for item in rows.items()] == [(AWARDS, "a/b", order), (ORDERS, order, "")]
    assert NAME not in rows.items()[1][3]
    letter = json.loads(rows.bodies()[0])["requestPayload"]["detail"]["data"]
    with food(rows.here) as system:
        shown = system.show(f"/orders/{order}")
        missing, _ = system.ask("GET", f"/orders/{other}")
    assert shown["customer"] == letter["customer"], "the same value has the same fake in an event and in a row"
    assert missing == 404, "only the row that was named"


def test_a_row_is_revealed_only_when_confirmed_and_replaces_the_row_of_a_laptop_that_runs(rows: Stack) -> None:
    order = rows.orders[0]
    name = f"{ORDERS}/{order}"
    rows.pull("--rows", name)
    with food(rows.here) as system, Server(system.laptop, 0).serving() as url:
        before = system.show(f"/orders/{order}")

        refused = rows.pull("--rows", name, "--reveal", port=url.rpartition(":")[2])
        assert system.show(f"/orders/{order}") == before
        done = rows.pull("--rows", name, "--reveal", "--confirm", "food-delivery", port=url.rpartition(":")[2])
        after = system.show(f"/orders/{order}")

    assert (refused.exit_code, done.exit_code) == (2, 0), done.output
    assert before["customer"]["name"] != NAME
    assert after["customer"]["name"] == NAME
    lines = [json.loads(line) for line in (rows.here / "revealed.jsonl").read_text().splitlines()]
    assert [line["row"] for line in lines if "row" in line] == [name]


class Reader(BaseModel):
    name: Annotated[str, PII] = Field(alias="reader", min_length=1)
    born: Annotated[date, PII]
    seen: Annotated[AwareDatetime, PII] = Field(alias="lastSeen")
    at: AwareDatetime
    city: str = Field(alias="in")


DOCUMENT = {
    "reader": NAME,
    "born": "1815-12-10",
    "lastSeen": "2026-01-02T03:04:05Z",
    "at": "2026-01-02T03:04:05Z",
    "in": "London",
}
INSTANT = "2026-01-02T03:04:05.000000+00:00"
KEYS = {"name": NAME, "born": "1815-12-10", "seen": INSTANT, "at": INSTANT, "city": "London"}


@pytest.mark.parametrize(
    "fields", [(one,) for one in KEYS] + [("name", "at"), ("at", "seen"), ("city", "born")], ids=str
)
def test_a_row_is_stored_under_the_key_of_its_fake_and_else_under_the_key_of_the_stack(fields: tuple[str, ...]) -> None:
    table = Table("readers", key=fields, model=Reader, service="desk")
    wanted = NamedRow("typed", table.read, RowKey(*(KEYS[name] for name in fields)))

    faked, revealed = (row_for_laptop(wanted, json.dumps(DOCUMENT), reveal=reveal).row for reveal in (False, True))

    assert faked is not None
    assert revealed is not None
    assert list(revealed.key) == [KEYS[name] for name in fields]
    item = Reader.model_validate_json(faked.document)
    assert list(faked.key) == table._key_texts(tuple(getattr(item, name) for name in fields))
    for name, text in zip(fields, faked.key, strict=True):
        assert (text == KEYS[name]) == (name in ("at", "city")), name
    assert not {NAME, "1815-12-10"} & {*faked.key}


def test_a_row_that_no_longer_is_an_item_comes_only_without_personal_data_in_its_key() -> None:
    document = json.dumps(DOCUMENT | {"at": "long ago"})
    plain, personal = (
        NamedRow("typed", Table("readers", key=(name,), model=Reader, service="desk").read, RowKey(KEYS[name]))
        for name in ("city", "name")
    )

    found, kept = row_for_laptop(plain, document, reveal=False), row_for_laptop(personal, document, reveal=False)

    assert found.row is not None
    assert list(found.row.key) == ["London"]
    assert kept.row is None
    assert "its key cannot be faked, because at: Input should be a valid datetime" in kept.why
    assert NAME not in kept.why


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("orders.nothing/x", "no function uses a table 'orders.nothing'"),
        ("orders.orders", "'orders.orders' is not the name of a row"),
        ("orders.orders/", "'orders.orders/' is not the name of a row"),
        ("loyalty.awards/ada", "Write loyalty.awards/CUSTOMER_ID/ORDER_ID"),
        ("loyalty.awards/a/b/c", "the key of loyalty.awards is customer_id, order_id"),
        ("payments.charges/x", "the stack has no table payments.charges"),
        ("orders.orders/x", "kept: orders.orders/x: the stack has no such row"),
    ],
)
def test_a_row_that_cannot_be_pulled_is_named_with_the_reason(rows: Stack, name: str, why: str) -> None:
    ended = rows.pull("--rows", name)

    assert ended.exit_code == 1
    assert why in ended.stderr


def test_a_pulled_letter_stops_in_the_debugger_where_its_handler_raises_and_a_redrive_heals_the_stack(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = stack.orders[0]
    stack.pull("--reveal", "--confirm", "food-delivery")
    before = (stack.bodies(), stack.items())

    stopped = stack.debug(order, typed="p token\nup\np placed.order_id\nq\n")

    assert stopped.exit_code == 1
    assert "GatewayOutage" in stopped.stderr
    assert "gateway.py" in stopped.stderr
    assert "(Pdb) 'tok_outage'" in stopped.stdout
    assert f"UUID('{order}')" in stopped.stdout
    assert "Nothing was kept" in stopped.stdout
    assert (stack.bodies(), stack.items()) == before

    monkeypatch.setattr("functions.payments.gateway._OUTAGE", "mended")
    passed = stack.debug(order)
    healed = stack.redrive()
    stack.system.laptop.drain()

    assert passed.exit_code == 0, passed.output
    assert "It would publish food.payments/PaymentSuccess v1, and write 1 row." in passed.stdout
    assert (stack.bodies(), stack.items()) == before
    assert f"contradance dlq redrive --subscriber {PAYMENT} --yes" in passed.stdout
    assert f"{PAYMENT}: 2 redriven" in healed.stdout
    assert {stack.system.show(f"/orders/{one}")["status"] for one in stack.orders} == {"delivery_assigned"}


def replaced(text: str) -> Exception:
    """Return an error that a handler raises in place of the one that ends the debugger."""
    found = RuntimeError(text)
    found.__context__ = BdbQuit()
    return found


def test_a_delivery_that_waits_can_be_debugged_by_its_function_and_nothing_else_is_selected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    with food(tmp_path) as system:
        system.ask("POST", "/orders", OUTAGE)
        options = ["--pdb", "--state", str(tmp_path), "--port", "9"]
        waiting = CliRunner().invoke(app, ["retry", PAYMENT, *options], input="q\n", terminal_width=200)
        quits = []
        for error in (BdbQuit, replaced):
            monkeypatch.setattr("functions.payments.gateway.GatewayOutage", error)
            quits.append(CliRunner().invoke(app, ["retry", PAYMENT, *options], input="", terminal_width=200))
        nothing = CliRunner().invoke(app, ["retry", "payments.reverse_payment", *options])
        given: list[Mapping[str, str]] = []

        def fake(*arguments: Any) -> Rehearsed:
            given.append(arguments[-1])
            return Rehearsed(None, (), (), "")

        monkeypatch.setattr("contradance.local.rehearsal.rehearse", fake)
        for words in (["--set", "refusal_rate=0.5"], ["--set", "refusal_rate=two"]):
            CliRunner().invoke(app, ["retry", PAYMENT, *options, *words])
        misplaced = CliRunner().invoke(app, ["retry", PAYMENT, "--set", "refusal_rate=0.5", *options[1:]])
        left = system.laptop.deliveries.backlog(PAYMENT)

    assert "GatewayOutage" in waiting.stderr
    assert "Make an attempt that counts: contradance retry " in waiting.stdout
    assert [one["SETTING_REFUSAL_RATE"] for one in given] == ["0.5"]
    assert (misplaced.exit_code, "only --pdb takes it" in misplaced.stderr) == (2, True)
    for quit_ in quits:
        assert (quit_.exit_code, quit_.stderr) == (0, ""), "what `q` raises at a breakpoint() of the handler"
        assert "You quit the debugger before it returned.\nNothing was kept." in quit_.stdout
    assert nothing.exit_code == 1
    assert "No delivery waits and no dead letter is here that is about payments.reverse_payment." in nothing.stderr
    assert sum(left) == 1


def test_the_debugger_takes_a_dead_letter_by_a_beginning_that_no_other_id_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)

    def letter(event_id: str) -> PulledLetter:
        detail = {"metadata": {"event_id": event_id, "correlation_id": f"{event_id[::-1]}", "version": 1}, "data": {}}
        event = {"id": "x", "source": "food.orders", "detail-type": "OrderPlaced", "detail": detail}
        failed = {"requestContext": {"condition": "RetriesExhausted"}, "requestPayload": event, "responsePayload": {}}
        return PulledLetter(message_id=event_id, function=PAYMENT, body=json.dumps(failed), sent=0)

    database = Database(tmp_path / STATE_FILE)
    database.write(lambda connection: keep_pulled(connection, [*map(letter, ("order-1000", "order-10001"))]))
    database.close()

    def debug(term: str) -> Result:
        words = ["retry", term, "--pdb", "--state", str(tmp_path), "--port", "9"]
        return CliRunner().invoke(app, words, terminal_width=200)

    several = debug("order-10")
    found = {term: debug(term).stdout.partition("\n")[0] for term in ("order-1000", "order-10001", "10001-re")}

    assert several.exit_code == 1
    assert (
        "'order-10' is the beginning of several ids.\n  Name one of them whole: order-1000, order-10001"
        in several.stderr
    )
    assert found["order-1000"] == f"{PAYMENT}  event order-1000"
    assert found["order-10001"] == found["10001-re"] == f"{PAYMENT}  event order-10001"
