"""`paused`: the rules and schedules of a stack, or of some of its services, are disabled; nothing else changes."""

from pathlib import Path

import pytest

from contradance import Choreography, subscriber
from contradance.deployed import Deployed
from contradance.errors import InvalidStack
from tests.album import album
from tests.infra.library import BookLent, contracts, library
from tests.infra.mocks import Deployment, Recorder
from tests.infra.stack import deployed


@subscriber(service="readers", on_replay="skip")
def greet_reader(lent: BookLent) -> None:
    """Greet a reader, but not for an old loan."""


MAIL = {"mail_key": "a key that opens nothing"}


def states(stack: Deployment) -> dict[str, str]:
    """Return the state of each rule and schedule, by the function's name."""
    return {name: one["state"] for kind in ("EventRule", "Schedule") for name, one in stack.all(kind).items()}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return deployed(tmp_path_factory.mktemp("zips"), library, secrets=MAIL)


def everything_else(stack: Deployment) -> list[object]:
    """Return every resource but its state."""
    return [
        (one.type, one.name, {key: value for key, value in one.inputs.items() if key not in ("state", "code")})
        for one in sorted(stack.resources, key=lambda one: (one.type, one.name))
    ]


def test_a_paused_stack_has_all_its_resources_and_only_the_sweeper_runs(
    tmp_path: Path, running: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    paused = deployed(tmp_path, library, secrets=MAIL, config={"paused": "true"})

    assert {name for name, state in states(paused).items() if state == "ENABLED"} == {"contradance.sweeper"}
    assert set(states(running).values()) == {"ENABLED"}
    assert everything_else(paused) == everything_else(running)
    told = Deployed.model_validate(paused.outputs["deployed"])
    assert {name for name, one in told.functions.items() if one.paused} == states(paused).keys() - {
        "contradance.sweeper"
    }
    warned = caplog.text
    assert "paused: this stack disables" in warned
    assert all(name in warned for name in states(paused).keys() - {"contradance.sweeper"})


def test_one_service_is_paused_by_its_name(tmp_path: Path, running: Deployment) -> None:
    services = sorted({name.partition(".")[0] for name in states(running)} - {"contradance"})
    first, *others = services

    paused = deployed(tmp_path, library, secrets=MAIL, config={"paused": f'["{first}"]'})

    assert others
    assert {name.partition(".")[0] for name, state in states(paused).items() if state == "DISABLED"} == {first}


def test_a_stopped_service_is_paused_and_lambda_does_not_run_it(tmp_path: Path, running: Deployment) -> None:
    stack = deployed(tmp_path, library, secrets=MAIL, config={"stopped": '["readers"]'})

    before = {name: one.get("reservedConcurrentExecutions") for name, one in running.all("Function").items()}
    reserved = {name: one.get("reservedConcurrentExecutions") for name, one in stack.all("Function").items()}
    stopped = {name for name in reserved if name.startswith("readers.")}
    assert stopped
    assert reserved == {**before, **dict.fromkeys(stopped, 0)}
    assert {name for name, state in states(stack).items() if state == "DISABLED"} == stopped & states(stack).keys()
    assert {one["enabled"] for one in stack.all("EventSourceMapping").values()} == {False}
    told = Deployed.model_validate(stack.outputs["deployed"])
    assert {name for name, one in told.functions.items() if one.stopped} == stopped


def test_a_service_that_the_stack_does_not_have_cannot_be_paused(tmp_path: Path) -> None:
    recorder = Recorder()

    with pytest.raises(InvalidStack, match=r"paused names 'loan', which is not a service of this stack") as refusal:
        deployed(tmp_path, library, secrets=MAIL, config={"paused": '["loan"]'}, recorder=recorder)

    assert "pulumi config rm --stack dev --path 'paused[0]'" in str(refusal.value)
    assert recorder.resources == []


@pytest.mark.parametrize(
    ("config", "commands"),
    [
        ({"paused": "[]", "stopped": "[]"}, []),  # what is left when the last entry is removed
        ({"paused": "true"}, ["pulumi config rm --stack dev paused; pulumi up"]),
        (
            {"paused": '["loans", "readers"]', "stopped": '["readers"]'},
            [
                "loans: pulumi config rm --stack dev --path 'paused[0]'; pulumi up",
                (
                    "readers: pulumi config rm --stack dev --path 'paused[1]'; "
                    "pulumi config rm --stack dev --path 'stopped[0]'; pulumi up"
                ),
            ],
        ),
    ],
)
def test_a_command_continues_one_service_and_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, config: dict[str, str], commands: list[str]
) -> None:
    deployed(tmp_path, library, secrets=MAIL, config=config)

    assert [line.strip() for line in caplog.text.splitlines() if "pulumi config rm" in line] == commands


def test_a_paused_function_that_ignores_replays_loses_its_events(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    skipping = Choreography(library.name, contracts=contracts, functions=[*library.functions.values(), greet_reader])

    deployed(tmp_path, skipping, secrets=MAIL, config={"paused": "true"})

    assert "and loses, because they ignore replays, the events of: readers.greet_reader\n" in caplog.text


def test_events_that_no_archive_keeps_are_named_before_they_are_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    printer = '{"printer": "aws.partner/printer.example/9/orders"}'
    lost = "and loses the events of: gallery.index_photo, prints.note_shipment"

    deployed(tmp_path, album, secrets=None, config={"buses": printer, "paused": "true"})
    assert lost in caplog.text
    caplog.clear()
    archives = '{"default": 14, "printer": 3}'
    deployed(tmp_path, album, secrets=None, config={"buses": printer, "archives": archives, "paused": "true"})

    assert "and loses" not in caplog.text
    assert "pulumi config rm --stack dev paused; pulumi up" in caplog.text


def test_on_a_bus_of_another_stack_without_a_known_archive_the_events_are_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bus = {"bus": "arn:aws:events:eu-central-1:123456789012:event-bus/theirs", "archiveDays": "14"}
    archive = {"busArchive": "arn:aws:events:eu-central-1:123456789012:archive/theirs"}
    skipping = Choreography(library.name, contracts=contracts, functions=[greet_reader])

    deployed(tmp_path, skipping, secrets=None, config={**bus, "paused": "true"})
    assert "and loses the events of: readers.greet_reader\n" in caplog.text
    caplog.clear()
    deployed(tmp_path, skipping, secrets=None, config={**bus, **archive, "paused": "true"})

    assert "and loses the events of" not in caplog.text
