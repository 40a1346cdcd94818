import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]  # it carries no types
import pytest
from moto import mock_aws

from contradance import Retry
from contradance.choreography import AnyFunction
from contradance.deployed import Deployed, DeployedFunction
from contradance.errors import LaptopError, OperateError
from contradance.local.laptop import Laptop
from contradance.local.names import dead_letter_queue
from contradance.local.system.client import system_of_commands
from contradance.local.system.deployed import deployed
from contradance.local.web.server import Server
from contradance.operate.aws.services import BotoService, Service
from contradance.operate.aws.sqs import SqsDeadLetters
from contradance.operate.aws.stack import stack_system
from contradance.operate.dead_letters import find, purge, redrive
from contradance.operate.masking import letter_as_json, masked_event
from contradance.operate.ports import System
from functions.choreography import food_delivery
from tests.food import HAPPY, OUTAGE
from tests.local.desk import Desk, always_fails, ask, asked, invalid, opened, show_item
from tests.operate.fakes import FakeAws, FakeService, LaptopAws, WithoutWaiting
from tests.operate.running import ADAPTERS, Adapter, food_stack, letters_of, operated
from tests.runtime.fakes import recorded

LISTEN, REPAIR = "clerk.listen", "repairs.plan_repair"


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture(params=ADAPTERS)
def adapter(request: pytest.FixtureRequest) -> Adapter:
    """Return each way to operate a laptop: what they find and do is equal."""
    found: Adapter = request.param
    return found


def outcomes(
    stack: System, laptop: Laptop, *, deal: Any = redrive, really: bool = True, **which: Any
) -> list[tuple[str, str]]:
    found = [*deal(stack, laptop.choreography, **which, really=really)]
    return sorted((verdict.letter.subscriber, verdict.outcome) for verdict in found)


def mended(functions: "dict[str, bool]", desk: Desk) -> list[AnyFunction]:
    """Return clerks that fail or succeed, by name."""
    return [desk.clerk(name, always_fails) if fails else desk.clerk(name) for name, fails in functions.items()]


def test_each_function_consumes_its_own_dead_letters_and_no_others(
    tmp_path: Path, desk: Desk, adapter: Adapter
) -> None:
    with opened(tmp_path, *mended({"listen": True, "other": True, "third": False}, desk)) as laptop:
        ask(laptop, "a")
        laptop.drain()
    desk.calls.clear()

    functions = mended({"listen": False, "other": False, "third": False}, desk)
    with opened(tmp_path, *functions) as laptop, operated(laptop, adapter) as stack:
        verdicts = outcomes(stack, laptop, subscriber=LISTEN)
        laptop.drain()
        left = [letter.subscriber for letter in letters_of(stack, laptop.choreography)]

    assert verdicts == [(LISTEN, "redriven")]
    assert [call.function for call in desk.calls] == ["listen"]
    assert left == ["clerk.other"]


def test_a_function_behind_a_queue_gets_its_events_by_its_queue(tmp_path: Path, desk: Desk, adapter: Adapter) -> None:
    retry = Retry(times=1)
    with opened(tmp_path, desk.clerk("queued", always_fails, delivery="queue", retry=retry)) as laptop:
        ask(laptop, "a")
        laptop.drain()
    desk.calls.clear()

    mended_clerk = desk.clerk("queued", delivery="queue", retry=retry)
    with opened(tmp_path, mended_clerk, desk.clerk()) as laptop, operated(laptop, adapter) as stack:
        (letter,) = letters_of(stack, laptop.choreography)
        verdicts = outcomes(stack, laptop)
        laptop.drain()

    assert (letter.reason, letter.attempts) == ("failed", 2)
    assert verdicts == [("clerk.queued", "redriven")]
    assert [(call.function, call.item) for call in desk.calls] == [("queued", "a")]


def test_a_moment_of_a_schedule_is_run_again(tmp_path: Path, desk: Desk, adapter: Adapter) -> None:
    with opened(tmp_path, desk.watchman("rate(1 day)", always_fails)) as laptop:
        laptop.advance(timedelta(days=1, hours=1))
    desk.calls.clear()

    with opened(tmp_path, desk.watchman("rate(1 day)")) as laptop, operated(laptop, adapter) as stack:
        verdicts = outcomes(stack, laptop)
        laptop.drain()

    assert verdicts == [("clerk.watch", "redriven")]
    assert len(desk.calls) == 1


def test_an_event_that_would_still_be_invalid_is_kept_and_said_to_be(
    tmp_path: Path, desk: Desk, adapter: Adapter
) -> None:
    with opened(tmp_path, desk.clerk()) as laptop, operated(laptop, adapter) as stack:
        laptop.bus.put_events(Entries=[invalid(5)])
        laptop.drain()

        (verdict,) = redrive(stack, laptop.choreography, really=True)
        left = letters_of(stack, laptop.choreography)

    assert verdict.outcome == "kept"
    assert verdict.why.startswith("still invalid: event event-odd breaks shop.desk/Asked v1\n  data.item: ")
    assert len(left) == 1
    assert desk.calls == []


def test_a_message_that_holds_no_event_is_kept_and_said_to_be(tmp_path: Path, desk: Desk, adapter: Adapter) -> None:
    with opened(tmp_path, desk.clerk()) as laptop, operated(laptop, adapter) as stack:
        laptop.dead_letters.send(LISTEN, "no event", {})

        (verdict,) = redrive(stack, laptop.choreography, really=True)

    assert (verdict.letter.reason, verdict.outcome) == ("unreadable", "kept")
    assert verdict.why == "the message does not hold the event; replay it from the archive"


def test_what_cannot_be_sent_is_kept(tmp_path: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path, desk.clerk(does=always_fails)) as laptop, operated(laptop, "aws") as stack:
        ask(laptop, "a", "b")
        laptop.drain()
        monkeypatch.setattr("contradance.local.aws.functions._MOST_ASYNCHRONOUS", 1, raising=True)
        verdicts = [*redrive(stack, laptop.choreography, really=True)]
        left = letters_of(stack, laptop.choreography)

    assert {verdict.outcome for verdict in verdicts} == {"kept"}
    assert "AWS refused lambda invoke: RequestTooLargeException" in verdicts[0].why
    assert len(left) == 2


def test_only_what_has_the_reason_that_is_asked_for_is_redriven(tmp_path: Path, desk: Desk, adapter: Adapter) -> None:
    with opened(tmp_path, desk.clerk(does=always_fails)) as laptop, operated(laptop, adapter) as stack:
        laptop.bus.put_events(Entries=[invalid(5), asked("a")])
        laptop.drain()

        verdicts = outcomes(stack, laptop, reason="failed", really=False)
        reasons = sorted(letter.reason for letter in letters_of(stack, laptop.choreography))

    assert verdicts == [(LISTEN, "redrivable")]
    assert reasons == ["failed", "invalid"]


def test_only_the_messages_that_are_named_are_redriven_or_purged(tmp_path: Path, desk: Desk, adapter: Adapter) -> None:
    with opened(tmp_path, desk.clerk(does=always_fails)) as laptop, operated(laptop, adapter) as stack:
        ask(laptop, "a", "b", "c")
        laptop.drain()
        one, two, three = (letter.message.id for letter in letters_of(stack, laptop.choreography))

        redriven = [*redrive(stack, laptop.choreography, only={one}, really=True)]
        purged = [*purge(stack, laptop.choreography, only={two}, really=True)]
        left = [letter.message.id for letter in letters_of(stack, laptop.choreography)]

    assert [verdict.letter.message.id for verdict in redriven] == [one]
    assert [verdict.letter.message.id for verdict in purged] == [two]
    assert left == [three]


def test_what_eventbridge_could_not_deliver_is_redriven_like_the_others(
    tmp_path: Path, desk: Desk, adapter: Adapter
) -> None:
    with opened(tmp_path, desk.clerk()) as laptop, operated(laptop, adapter) as stack:
        event = {**recorded("eventbridge"), "source": "shop.desk", "detail-type": "Asked"}
        event["detail"] = json.loads(asked("a")["Detail"])
        attributes = {
            name: value["StringValue"]
            for name, value in recorded("dead_letter_undelivered")["MessageAttributes"].items()
        }
        laptop.dead_letters.send(LISTEN, json.dumps(event), attributes)

        (letter,) = letters_of(stack, laptop.choreography)
        verdicts = outcomes(stack, laptop)
        laptop.drain()

    assert (letter.reason, verdicts, desk.items()) == ("undelivered", [(LISTEN, "redriven")], ["a"])


def test_what_another_client_has_received_is_hidden_on_aws(tmp_path: Path, desk: Desk) -> None:
    with opened(tmp_path, desk.clerk(does=always_fails)) as laptop, operated(laptop, "aws") as stack:
        ask(laptop, "a", "b", "c")
        laptop.drain()
        laptop.dead_letters.receive(LISTEN, 2, 60)

        found = find(stack, laptop.choreography)
        purged = [*purge(stack, laptop.choreography, really=True)]
        laptop.advance(timedelta(minutes=1))
        left = letters_of(stack, laptop.choreography)

    assert (found.count, found.hidden) == (1, 2)
    assert (len(purged), len(left)) == (1, 2)


@pytest.mark.parametrize("adapter", ["process", "commands"])
def test_what_another_client_has_received_is_counted_on_the_laptop_and_not_touched(
    tmp_path: Path, desk: Desk, adapter: Adapter
) -> None:
    with opened(tmp_path, desk.clerk(does=always_fails)) as laptop, operated(laptop, adapter) as stack:
        ask(laptop, "a", "b", "c")
        laptop.drain()
        laptop.dead_letters.receive(LISTEN, 1, 60)

        found = find(stack, laptop.choreography)
        purged = outcomes(stack, laptop, deal=purge, only={found.groups[0].example.message.id})
        redriven = outcomes(stack, laptop)
        left = letters_of(stack, laptop.choreography)

    assert (found.count, found.hidden) == (3, 0)
    assert purged == [(LISTEN, "kept")]
    assert redriven == [(LISTEN, "kept"), (LISTEN, "redriven"), (LISTEN, "redriven")]
    assert [letter.message.id for letter in left] == [found.groups[0].example.message.id]


def test_no_more_are_looked_at_than_are_asked_for(tmp_path: Path, desk: Desk, adapter: Adapter) -> None:
    with opened(tmp_path, desk.clerk(does=always_fails)) as laptop, operated(laptop, adapter) as stack:
        ask(laptop, *"abcdefghijklmno")
        laptop.drain()

        assert [find(stack, laptop.choreography, limit=limit).count for limit in (1, 12, 99)] == [1, 12, 15]


def test_a_limit_counts_the_letters_that_the_filters_take(tmp_path: Path, desk: Desk, adapter: Adapter) -> None:
    with opened(tmp_path, desk.clerk(does=always_fails)) as laptop, operated(laptop, adapter) as stack:
        ask(laptop, *"abc")
        laptop.drain()
        laptop.bus.put_events(Entries=[invalid(5), invalid(6)])
        laptop.drain()

        broken = find(stack, laptop.choreography, reason="invalid", limit=1, keep=9)
        last = find(stack, laptop.choreography, wanted=lambda letter: letter.reason == "invalid", keep=1)
        none = find(stack, laptop.choreography, LISTEN, wanted=lambda _: False, limit=1, keep=1)

    assert [letter.reason for letter in broken.letters] == ["invalid"]
    assert (broken.count, last.count, [letter.reason for letter in last.letters]) == (1, 2, ["invalid"])
    assert (none.count, none.letters) == (0, ())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("clerk.nobody", r"shop has no function clerk\.nobody here\.\n  It has: clerk\.listen, desk\.show_item\."),
        ("desk.show_item", r"desk\.show_item has no dead letter queue: a route returns its failure to the caller"),
    ],
)
def test_a_function_without_a_dead_letter_queue_is_said_to_have_none(
    tmp_path: Path, desk: Desk, name: str, message: str
) -> None:
    with opened(tmp_path, desk.clerk(), show_item) as laptop, operated(laptop) as stack:  # noqa: SIM117 - what raises is one call
        with pytest.raises(OperateError, match=message):
            find(stack, laptop.choreography, name)


def test_dead_letters_of_a_laptop_that_does_not_run_are_read_and_not_changed(tmp_path: Path, desk: Desk) -> None:
    with opened(tmp_path, desk.clerk(does=always_fails)) as laptop:
        ask(laptop, "a")
        laptop.drain()
        with operated(laptop) as stack:
            pass
    (letter,) = letters_of(stack, laptop.choreography)
    with pytest.raises(LaptopError, match=r"no laptop answers at http://127\.0\.0\.1:\d+: .*\n  Start one with: "):
        [*redrive(stack, laptop.choreography, really=True)]

    assert (letter.reason, letter.attempts) == ("failed", 3)


def test_a_command_changes_no_other_laptop_than_the_one_it_reads(tmp_path: Path, desk: Desk) -> None:
    with opened(tmp_path / "one", desk.clerk(does=always_fails)) as one, opened(tmp_path / "two", desk.clerk()) as two:
        ask(one, "a")
        one.drain()
        with Server(two, 0).serving() as url:
            mixed = system_of_commands(one.choreography, url, one.state)
            with pytest.raises(LaptopError, match=r"refused: it runs on the state in \S*two, not on \S*one\.\n  Name "):
                [*redrive(mixed, one.choreography, really=True)]
        left = letters_of(mixed, one.choreography)

    assert len(left) == 1


def test_dead_letters_of_two_causes_are_two_groups_the_larger_first(tmp_path: Path) -> None:
    with food_stack(tmp_path) as (system, stack):
        system.ask("POST", "/orders", OUTAGE)
        system.laptop.drain()
        system.laptop.bus.put_events(Entries=[broken_order()])
        system.laptop.bus.put_events(Entries=[broken_order()])
        system.laptop.drain()

        groups = find(stack, food_delivery).groups

    assert [(group.subscriber, group.reason, group.count) for group in groups] == [
        ("payments.process_payment", "invalid", 2),
        ("payments.process_payment", "failed", 1),
    ]


def broken_order() -> dict[str, str]:
    """Return the entry of an order whose total is missing, about a customer by name."""
    detail = {
        "metadata": {
            "event_id": "e", "version": 1, "occurred_at": "2026-01-01T00:00:00Z", "subject": "s",
            "correlation_id": "c", "publisher": "p.q", "surprise": "Zebra",
        },
        "data": {"customer": HAPPY["customer"], "restaurant_id": "luigis", "surprise": "Zebra"},
    }  # fmt: skip
    return {"Source": "food.orders", "DetailType": "OrderPlaced", "Detail": json.dumps(detail)}


def test_a_dead_letter_is_shown_without_personal_data(tmp_path: Path) -> None:
    with food_stack(tmp_path) as (system, stack):
        system.laptop.bus.put_events(Entries=[broken_order()])
        system.laptop.drain()

        (letter,) = letters_of(stack, food_delivery)
        told = letter_as_json(food_delivery, letter)

    assert told["event"]["detail"]["data"]["restaurant_id"] == "luigis"
    assert told["event"]["detail"]["metadata"]["subject"] == "s"
    for secret in ("Ada", "example.com", "Zebra"):
        assert secret not in json.dumps(told)


@pytest.mark.parametrize(
    "changes",
    [
        {"detail-type": "Nothing"},
        {"source": "food.nobody"},
        {"detail": {"metadata": {"version": 99}, "data": {"name": "Ada"}}},
        {"detail": {"metadata": {"version": "1"}, "data": {"name": "Ada"}}},
        {"detail": {"name": "Ada"}},
        {"detail": "Ada"},
    ],
)
def test_of_an_event_whose_contract_is_unknown_nothing_is_shown(changes: dict[str, object]) -> None:
    entry = broken_order()
    event = {"source": entry["Source"], "detail-type": entry["DetailType"], "detail": json.loads(entry["Detail"])}

    assert masked_event(food_delivery, {**event, **changes})["detail"] == "***"


def test_what_is_no_event_at_all_is_masked_by_its_fields() -> None:
    assert masked_event(food_delivery, {"name": "Ada"}) == {"name": "***"}
    assert masked_event(food_delivery, recorded("scheduler")) == recorded("scheduler")


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return another implementation of SQS than ours."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("sqs", region_name="us-east-1")
        yield client
        client.close()


def test_a_look_works_on_another_sqs_than_the_laptops(sqs: Any) -> None:
    url = sqs.create_queue(QueueName=dead_letter_queue("repairs.plan_repair"))["QueueUrl"]
    names = ["dead_letter_undelivered", "dead_letter_failed", "dead_letter_invalid"]
    for name in names * 8:
        message = recorded(name)
        own = message.get("MessageAttributes", {})
        sqs.send_message(QueueUrl=url, MessageBody=message["Body"], MessageAttributes=own)
    aws = FakeAws(sqs=WithoutWaiting(BotoService("sqs", sqs)))
    deployed = Deployed(
        app="repairs", account="1", region="us-east-1", bus_name="repairs", bus_arn="arn", fingerprint="",
        functions={REPAIR: DeployedFunction(kind="subscriber", function_name="f", log_group="g", dead_letter_queue_url=url)},
    )  # fmt: skip
    queues = SqsDeadLetters(deployed, aws)

    with queues.look([REPAIR]) as view:
        letters = [*view.letters()]
        view.delete(letters[:1])
    with queues.look([REPAIR]) as view:
        again = [*view.letters()]

    assert len(letters) == 24
    assert {letter.reason for letter in letters} == {"undelivered", "failed", "invalid"}
    assert len(again) == queues.count(REPAIR) == 23


class Refusing(WithoutWaiting):
    """SQS that deletes the first message of a batch, refuses the others, and every call after `calls` of them."""

    def __init__(self, service: Service, calls: int) -> None:
        super().__init__(service)
        self._calls = calls

    def ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        if operation != "delete_message_batch":
            return super().ask(operation, **parameters)
        self._calls -= 1
        if self._calls < 0:
            raise OperateError("AWS refused sqs delete_message_batch: Throttling: slower")
        first, *rest = parameters["Entries"]
        super().ask(operation, **{**parameters, "Entries": [first]})
        return {"Failed": [{"Id": one["Id"], "Code": "InternalError", "Message": "again"} for one in rest]}


def test_what_was_deleted_before_aws_refuses_is_reported_and_counted(tmp_path: Path, desk: Desk) -> None:
    with opened(tmp_path, desk.clerk(does=always_fails)) as laptop, Server(laptop, 0).serving() as url:
        ask(laptop, *"abcdefghijklmnopqrstuvwxy")
        laptop.drain()
        aws = LaptopAws(url)
        refusing = FakeAws(sqs=Refusing(aws.service("sqs"), calls=2), **{"lambda": aws.service("lambda")})
        stack = stack_system(deployed(laptop.choreography, url), refusing)

        found = Counter((one.outcome, one.why) for one in purge(stack, laptop.choreography, really=True))
        left = len(letters_of(stack, laptop.choreography))
        redriven = Counter((one.outcome, bool(one.why)) for one in redrive(stack, laptop.choreography, really=True))

    assert found == {
        ("deleted", ""): 2,
        ("kept", "AWS refused it: InternalError: again"): 18,
        ("kept", "AWS refused sqs delete_message_batch: Throttling: slower"): 5,
    }
    assert left == 23
    assert redriven == {("redriven", True): 23}


def test_a_queue_with_more_letters_than_are_read_is_reported(
    tmp_path: Path, desk: Desk, adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contradance.operate.aws.sqs.MOST", 3)
    with opened(tmp_path, desk.clerk(does=always_fails)) as laptop, operated(laptop, adapter) as stack:
        ask(laptop, *"abcd")
        laptop.drain()
        cut: dict[str, list[str]] = {"redrive": [], "purge": [], "rest": []}

        found = find(stack, laptop.choreography)
        few = find(stack, laptop.choreography, limit=1)
        checked = [*redrive(stack, laptop.choreography, when_cut=cut["redrive"].append)]
        purged = [*purge(stack, laptop.choreography, really=True, when_cut=cut["purge"].append)]
        rest = [*purge(stack, laptop.choreography, really=True, when_cut=cut["rest"].append)]

    is_aws = adapter == "aws"
    assert (found.count, found.cut, few.cut) == ((3, (LISTEN,), ()) if is_aws else (4, (), ()))
    assert [len(one) for one in (checked, purged, rest)] == ([3, 3, 1] if is_aws else [4, 4, 0])
    assert cut == {"redrive": [LISTEN] * is_aws, "purge": [LISTEN] * is_aws, "rest": []}


def test_a_queue_that_shows_the_same_letters_again_and_again_may_have_more() -> None:
    message = {"MessageId": "m", "ReceiptHandle": "r", "Body": "{}", "Attributes": {"SentTimestamp": "0"}}
    function = DeployedFunction(kind="subscriber", function_name="x", log_group="x", dead_letter_queue_url="q")
    stack = Deployed.model_construct(functions={LISTEN: function})
    sqs = FakeService({"receive_message": {"Messages": [message]}, "change_message_visibility_batch": {}})

    with SqsDeadLetters(stack, FakeAws(sqs=sqs)).look([LISTEN]) as view:
        letters = [*view.letters()]
        cut = view.cut()

    assert (len(letters), cut) == (1, [LISTEN])


def test_of_large_letters_only_so_many_are_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contradance.operate.aws.sqs._MOST_CHARACTERS", 2_000)
    messages = [
        {"MessageId": f"m-{number}", "ReceiptHandle": "r", "Body": "x" * 150, "Attributes": {"SentTimestamp": "0"}}
        for number in range(40)
    ]
    received = iter([{"Messages": messages[first : first + 10]} for first in range(0, 40, 10)])
    function = DeployedFunction(kind="subscriber", function_name="x", log_group="x", dead_letter_queue_url="q")
    stack = Deployed.model_construct(functions={LISTEN: function})
    sqs = FakeService({"receive_message": lambda **_: next(received), "change_message_visibility_batch": {}})

    with SqsDeadLetters(stack, FakeAws(sqs=sqs)).look([LISTEN]) as view:
        letters = [*view.letters()]
        cut = view.cut()

    assert (len(letters), cut) == (20, [LISTEN])
