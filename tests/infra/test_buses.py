"""Rules on other buses: the one rule of a subscriber is on its events' bus, and an archive there is asked for."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from contradance import Choreography, ForeignEvent, subscriber
from contradance.errors import InvalidStack
from contradance.function import Function
from contradance.pattern import EventPattern
from tests.album import album
from tests.infra.aws_calls import calls
from tests.infra.mocks import ACCOUNT, REGION, Deployment, Recorder
from tests.infra.shapes import problems
from tests.infra.stack import deployed

PARTNER = "aws.partner/printer.example/9/orders"
EVENTS = f"arn:aws:events:{REGION}:{ACCOUNT}"
NAMED = {"buses": json.dumps({"printer": PARTNER})}
ARCHIVED = {**NAMED, "archives": '{"default": 14, "printer": 3}'}


def registered(folder: Path, config: Mapping[str, str] = NAMED, choreography: Choreography = album) -> Deployment:
    return deployed(folder, choreography, config=config, secrets=None)


def refusal(folder: Path, choreography: Choreography = album, **config: object) -> str:
    recorder = Recorder()
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    with pytest.raises(InvalidStack) as refused:
        deployed(folder, choreography, config=texts, secrets=None, recorder=recorder)
    assert recorder.resources == []
    return str(refused.value)


def test_each_rule_and_its_target_are_on_the_bus_of_its_events(tmp_path: Path) -> None:
    stack = registered(tmp_path)

    buses = {name: rule["eventBusName"] for name, rule in stack.all("EventRule").items()}
    assert buses == {
        "gallery.index_photo": "default",
        "gallery.forget_member": "album-dev",
        "people.rename_member": "album-dev",
        "prints.note_shipment": PARTNER,
    }
    assert {name: target["eventBusName"] for name, target in stack.all("EventTarget").items()} == buses
    assert len(stack.all("EventBus")) == 1


def test_the_permissions_name_the_rule_where_it_is(tmp_path: Path) -> None:
    stack = registered(tmp_path)

    (statement,) = stack.policy("QueuePolicy", "gallery.index_photo.dead-letters")["Statement"]
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": f"{EVENTS}:rule/album-dev-gallery-index_photo"}}
    assert stack.all("Permission")["gallery.index_photo"]["sourceArn"] == f"{EVENTS}:rule/album-dev-gallery-index_photo"
    queue = stack.policy("QueuePolicy", "prints.note_shipment")["Statement"][0]
    expected = f"{EVENTS}:rule/{PARTNER}/album-dev-prints-note_shipment"
    assert queue["Condition"] == {"ArnEquals": {"aws:SourceArn": expected}}
    publish = [one for one in stack.policy("RolePolicy", "gallery.index_photo")["Statement"] if one["Sid"] == "Publish"]
    assert publish[0]["Resource"] == [f"{EVENTS}:event-bus/album-dev"]


def test_the_alarm_on_the_default_bus_has_its_one_dimension(tmp_path: Path) -> None:
    alarms = registered(tmp_path).all("MetricAlarm")

    lost = alarms["gallery.index_photo.undelivered-lost"]["dimensions"]
    assert lost == {"RuleName": "album-dev-gallery-index_photo"}
    assert alarms["prints.note_shipment.undelivered-lost"]["dimensions"]["EventBusName"] == PARTNER


def test_without_the_key_there_is_no_archive_on_another_bus(tmp_path: Path) -> None:
    assert [*registered(tmp_path).all("EventArchive")] == ["archive"]


def test_an_archive_on_another_bus_keeps_what_the_rules_match(tmp_path: Path) -> None:
    archives = registered(tmp_path, ARCHIVED).all("EventArchive")

    default, printer = archives["archive-default"], archives["archive-printer"]
    assert (default["eventSourceArn"], default["retentionDays"]) == (f"{EVENTS}:event-bus/default", 14)
    assert (printer["eventSourceArn"], printer["retentionDays"]) == (f"{EVENTS}:event-bus/{PARTNER}", 3)
    assert json.loads(default["eventPattern"]) == json.loads(album.subscriptions[0].subscription.pattern.canonical)


def several(*sources: str, where: Any = None, skip: bool = False) -> Choreography:
    def made(number: int, source: str) -> Function[..., object]:
        untyped: Any = type(ForeignEvent)
        space = {"__module__": __name__, "__annotations__": {"key": str}}
        kind = untyped(f"Made{number}", (ForeignEvent,), space, source=source, detail_type="made", bus="default")

        def handler(event: Any) -> None: ...

        handler.__name__ = f"handle_{number}"
        handler.__annotations__["event"] = kind
        return subscriber(service="gallery", where=where, on_replay="skip" if skip else "run")(handler)

    functions = [made(number, source) for number, source in enumerate(sources)]
    return Choreography("album", contracts=album.contracts, functions=functions)


def test_the_archive_of_several_rules_matches_what_any_of_them_matches_once(tmp_path: Path) -> None:
    choreography = several("aws.s3", "aws.ec2", "aws.s3", skip=True)
    stack = registered(tmp_path, {"archives": '{"default": 1}'}, choreography)

    text = stack.all("EventArchive")["archive-default"]["eventPattern"]
    assert json.loads(text) == {
        "$or": [{"detail-type": ["made"], "source": ["aws.s3"]}, {"detail-type": ["made"], "source": ["aws.ec2"]}]
    }
    event = {"source": "aws.ec2", "detail-type": "made", "detail": {}}
    assert EventPattern(text).matches(event)


def test_a_pattern_that_is_too_long_for_an_archive_leaves_the_filters_out(tmp_path: Path) -> None:
    where = {"key": [f"key-{number}" for number in range(150)]}
    choreography = several(*(f"aws.s{number}" for number in range(3)), where=where)

    text = registered(tmp_path, {"archives": '{"default": 1}'}, choreography).all("EventArchive")["archive-default"]
    assert "key-1" not in text["eventPattern"]
    assert len(json.loads(text["eventPattern"])["$or"]) == 3


def test_a_pattern_that_is_too_long_without_filters_is_refused(tmp_path: Path) -> None:
    choreography = several(*(f"aws.s{number}{'x' * 200}" for number in range(20)))

    told = refusal(tmp_path, choreography, archives={"default": 1})
    assert "needs an archive on the bus 'default' with a pattern of" in told
    assert "pulumi config rm --stack dev --path 'archives.default'" in told


def test_once_records_live_as_long_as_the_longest_archive(tmp_path: Path) -> None:
    stack = registered(tmp_path, {**NAMED, "archives": '{"default": 400}'})

    variables = stack.all("Function")["gallery.index_photo"]["environment"]["variables"]
    assert int(variables["CONTRADANCE_REMEMBER_SECONDS"]) > 400 * 86_400


def test_the_outputs_name_the_buses(tmp_path: Path) -> None:
    outputs = registered(tmp_path, ARCHIVED).outputs["deployed"]

    assert outputs["buses"]["default"] == {
        "name": "default",
        "arn": f"{EVENTS}:event-bus/default",
        "archiveName": "album-dev-default",
        "archiveArn": f"{EVENTS}:archive/album-dev-default",
        "archiveDays": 14,
    }
    assert outputs["functions"]["gallery.index_photo"]["bus"] == "default"
    assert outputs["functions"]["people.rename_member"]["bus"] is None


def test_every_call_is_one_that_aws_takes(tmp_path: Path) -> None:
    resources = [one for one in registered(tmp_path, ARCHIVED).resources if one.custom]

    assert [f"{one.name}: {problem}" for one in resources for call in calls(one) for problem in problems(call)] == []


@pytest.mark.parametrize(
    ("config", "problem", "fix"),
    [
        ({}, "bus 'printer' is used by functions, but not named", "--path 'buses.printer' NAME_OR_ARN"),
        (
            {"buses": {"printer": PARTNER, "shop": "shop"}},
            "buses.shop: no function of this stack consumes from the bus 'shop'",
            "pulumi config rm --stack dev --path 'buses.shop'",
        ),
        (
            {"buses": {"printer": PARTNER, "default": "other"}},
            "buses.default: the account's default bus has one name",
            "pulumi config rm --stack dev --path 'buses.default'",
        ),
        ({"buses": {"printer": "a bus"}}, "buses.printer is not the name or the ARN of a bus", "NAME_OR_ARN"),
        (
            {"buses": {"printer": PARTNER}, "archives": {"shop": 3}},
            "archives.shop: no function of this stack consumes from the bus 'shop'",
            "pulumi config rm --stack dev --path 'archives.shop'",
        ),
        ({"buses": {"printer": PARTNER}, "archives": {"default": 0}}, "archives.default", "archives.default"),
        (
            {"buses": {"printer": f"arn:aws:events:{REGION}:210987654321:event-bus/x"}},
            "names a bus in another account",
            "deploy this stack to 210987654321",
        ),
        (
            {"buses": {"printer": f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/x"}},
            "names a bus in another region",
            "deploy this stack to us-east-1",
        ),
        (
            {"buses": {"printer": "arn:aws:sqs:x"}},
            "has the key buses.printer, which is not the ARN of an event bus",
            "--path 'buses.printer' arn:aws:events",
        ),
        (
            {"buses": {"printer": f"{EVENTS}:event-bus/"}},
            "has the key buses.printer, which is not the ARN of an event bus",
            "--path 'buses.printer' arn:aws:events",
        ),
    ],
    ids=str,
)
def test_a_configuration_that_does_not_fit_is_refused_with_the_fix(
    tmp_path: Path, config: dict[str, Any], problem: str, fix: str
) -> None:
    told = refusal(tmp_path, **config)

    assert problem in told
    assert fix in told


OTHERS = f"{EVENTS}:event-bus/shop"
"""Another stack's bus, which this stack uses in place of a bus of its own."""


@pytest.mark.parametrize("named", ["album-dev", f"{EVENTS}:event-bus/album-dev"])
def test_the_stacks_own_bus_is_not_a_bus_of_others(tmp_path: Path, named: str) -> None:
    told = refusal(tmp_path, buses={"printer": named})

    assert "buses.printer names 'album-dev', the stack's own bus" in told
    assert "declare its events without bus='printer'" in told
    assert "pulumi config rm --stack dev --path 'buses.printer'" in told
    assert "pulumi config set --stack dev --path 'buses.printer' NAME_OR_ARN" in told


@pytest.mark.parametrize("named", ["shop", OTHERS])
def test_another_stacks_bus_that_the_stack_uses_as_its_own_is_not_a_bus_of_others(tmp_path: Path, named: str) -> None:
    told = refusal(tmp_path, buses={"printer": named}, bus=OTHERS, archiveDays=7)

    assert "buses.printer names 'shop', the stack's own bus" in told


@pytest.mark.parametrize("named", ["city-library-dev", "album-prod", OTHERS])
def test_the_bus_of_another_stack_is_a_bus_of_others(tmp_path: Path, named: str) -> None:
    stack = registered(tmp_path, {"buses": json.dumps({"printer": named})})

    assert stack.all("EventRule")["prints.note_shipment"]["eventBusName"] == named.rpartition("/")[2]


@pytest.mark.parametrize("named", ["default", f"{EVENTS}:event-bus/default"])
def test_one_bus_under_two_names_is_two_buses_to_the_commands(tmp_path: Path, named: str) -> None:
    config = {"buses": json.dumps({"printer": named}), "archives": '{"printer": 3}', "paused": '["prints", "gallery"]'}
    with pytest.MonkeyPatch.context() as patch:
        warned: list[str] = []
        patch.setattr("pulumi.log.warn", warned.append)
        outputs = registered(tmp_path, config).outputs["deployed"]

    assert outputs["functions"]["gallery.index_photo"]["bus"] == "default"
    assert outputs["functions"]["prints.note_shipment"]["bus"] == "printer"
    assert outputs["buses"]["default"]["archiveName"] is None
    assert outputs["buses"]["printer"]["archiveName"] == "album-dev-printer"
    assert "and loses the events of: gallery.index_photo\n" in warned[0]


def test_both_archives_of_one_bus_under_two_names_count_as_rules(tmp_path: Path) -> None:
    archives = {"printer": 3, "default": 3}

    assert "4 rules on default" in refusal(tmp_path, buses={"printer": "default"}, archives=archives, ruleQuota=3)


def test_a_bus_is_named_by_its_arn_too(tmp_path: Path) -> None:
    stack = registered(tmp_path, {"buses": json.dumps({"printer": f"{EVENTS}:event-bus/prints"})})

    assert stack.all("EventRule")["prints.note_shipment"]["eventBusName"] == "prints"


def test_the_quota_of_rules_counts_each_bus_for_itself(tmp_path: Path) -> None:
    assert "2 rules on default; a bus may have 1" in refusal(tmp_path, several("a", "b"), ruleQuota=1)
    told = refusal(tmp_path, several("a"), ruleQuota=1, archives={"default": 1})
    assert "2 rules on default; a bus may have 1" in told
    assert "album-dev" not in told


def test_the_rule_of_an_archive_counts_on_its_bus(tmp_path: Path) -> None:
    crowd = several("a", "b", "c")

    told = refusal(tmp_path, crowd, archives={"default": 1}, ruleQuota="3")

    assert "4 rules on default; a bus may have 3" in told
    assert len(registered(tmp_path, {"ruleQuota": "3"}, crowd).all("EventRule")) == 3
