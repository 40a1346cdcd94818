from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contradance.choreography import Choreography
from contradance.errors import OperateError
from contradance.operate.aws.stack import stack_system
from contradance.operate.doctor import HealthCheck, examine
from contradance.operate.ports import System
from tests.local.desk import Desk, always_fails, ask, opened
from tests.operate.fakes import FakeAws, FakeService, LaptopAws
from tests.operate.running import operated

RULE = "rule of clerk.listen"


def troubles(stack: System, choreography: Choreography) -> list[HealthCheck]:
    return [finding for finding in examine(stack, choreography) if finding.trouble]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_laptop_that_runs_the_code_has_nothing(tmp_path: Path, desk: Desk) -> None:
    functions = (desk.clerk(), desk.clerk("queued", delivery="queue"), desk.watchman("rate(1 day)"))
    with opened(tmp_path, *functions) as laptop, operated(laptop) as stack:
        found = [*examine(stack, laptop.choreography)]

    assert [finding.trouble for finding in found] == [""] * len(found)
    assert {"bus shop", "archive shop-archive", RULE, "3 functions", "dead letters of clerk.watch"} <= {
        finding.what for finding in found
    }


@pytest.mark.parametrize(("waiting", "trouble"), [(3, ""), (0, "it is empty"), (None, None)])
def test_a_queue_that_is_drained_is_a_finding_when_it_is_empty(
    tmp_path: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch, waiting: int | None, trouble: str | None
) -> None:
    monkeypatch.setattr("contradance.local.system.adapters.LaptopHealth.waiting", lambda *_: waiting)
    with opened(tmp_path, desk.clerk(draining=True), desk.clerk("other")) as laptop, operated(laptop) as stack:
        found = [one for one in examine(stack, laptop.choreography) if one.what.startswith("queue of clerk.listen")]

    assert [one.trouble for one in found] == ([] if trouble is None else [trouble])
    assert all("Remove draining=True from clerk.listen" in one.fix for one in found if one.trouble)


def test_dead_letters_are_a_finding_with_the_way_to_see_them(tmp_path: Path, desk: Desk) -> None:
    with opened(tmp_path, desk.clerk(does=always_fails)) as laptop, operated(laptop) as stack:
        ask(laptop, "a", "b")
        laptop.drain()
        laptop.dead_letters.receive("clerk.listen", 1, 60)

        found = troubles(stack, laptop.choreography)

    fix = "See why: contradance dlq list --subscriber clerk.listen"
    assert found == [HealthCheck("dead letters of clerk.listen", "2", fix)]


def test_a_rule_whose_pattern_is_not_the_codes_is_a_finding(tmp_path: Path, desk: Desk) -> None:
    with opened(tmp_path, desk.clerk()) as laptop, operated(laptop) as stack:
        code = Choreography(
            "shop", contracts=laptop.choreography.contracts, functions=[desk.clerk(where={"item": ["a"]})]
        )

        assert troubles(stack, code) == [
            HealthCheck(RULE, "its event pattern is not the code's", "Deploy the current code: pulumi up")
        ]


def test_a_function_that_is_in_the_code_or_deployed_alone_is_a_finding(tmp_path: Path, desk: Desk) -> None:
    with opened(tmp_path, desk.clerk(), desk.clerk("old")) as laptop, operated(laptop) as stack:
        code = Choreography(
            "shop", contracts=laptop.choreography.contracts, functions=[desk.clerk(), desk.clerk("new")]
        )

        found = [(finding.what, finding.trouble) for finding in troubles(stack, code)]

    assert found == [
        ("function clerk.new", "it is in the code, but not deployed"),
        ("function clerk.old", "it is deployed, but not in the code"),
    ]


def test_a_service_that_is_not_deployed_here_at_all_is_none(tmp_path: Path, desk: Desk) -> None:
    with opened(tmp_path, desk.clerk()) as laptop, operated(laptop) as stack:
        code = Choreography("shop", contracts=laptop.choreography.contracts, functions=[desk.clerk(), desk.bystander()])

        assert troubles(stack, code) == []


def test_where_nobody_answers_there_is_one_finding(tmp_path: Path, desk: Desk) -> None:
    with opened(tmp_path, desk.clerk()) as laptop:
        with operated(laptop) as stack:
            pass
        (finding,) = troubles(stack, laptop.choreography)

    assert finding.trouble.startswith("no laptop answers at ")
    assert finding.fix.startswith("Start one with: contradance run --state ")


ALARM = {"AlarmName": "shop-lost", "ActionsEnabled": True, "AlarmActions": ["arn:x"], "StateValue": "OK"}


def on_aws(stack: System, **changes: Any) -> System:
    """Return the laptop as a stack on AWS, with an account and alarms, which a laptop does not have."""
    told = {"account": "111111111111", "alarms": [ALARM], "events": {}, **changes}
    answers: dict[str, Any] = {}
    laptop = LaptopAws(str(stack.deployed.api_url))
    events = laptop.service("events")
    for operation in ("describe_event_bus", "describe_rule", "list_targets_by_rule", "describe_archive"):
        answers[operation] = changed(events, operation, told["events"].get(operation, {}))
    deployed = stack.deployed.model_copy(update={"account": "111111111111", "alarms": ("shop-lost",)})
    aws = FakeAws(
        events=FakeService(answers),
        sqs=laptop.service("sqs"),
        sts=FakeService({"get_caller_identity": {"Account": told["account"]}}),
        cloudwatch=FakeService({"describe_alarms": told.get("cloudwatch", {"MetricAlarms": told["alarms"]})}),
    )
    return stack_system(deployed, aws)


def changed(service: Any, operation: str, changes: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    def answer(**asked: object) -> dict[str, Any]:
        found: dict[str, Any] = service.ask(operation, **asked)
        return {**found, **changes}

    return answer


def refused(**asked: object) -> dict[str, Any]:
    raise OperateError("AWS refused: AccessDenied")


@pytest.mark.parametrize(
    ("changes", "what", "trouble"),
    [
        ({"account": "222222222222"}, "credentials", "they are for account 222222222222; the stack is in 111111111111"),
        ({"alarms": []}, "alarm shop-lost", "it does not exist"),
        ({"alarms": [{**ALARM, "ActionsEnabled": False}]}, "alarm shop-lost", "its actions are disabled"),
        ({"alarms": [{**ALARM, "AlarmActions": []}]}, "alarm shop-lost", "it notifies no one"),
        ({"alarms": [{**ALARM, "StateValue": "ALARM"}]}, "alarm shop-lost", "it is in alarm"),
        ({"events": {"describe_event_bus": {"Arn": "arn:other"}}}, "bus shop", "its ARN is arn:other, the stack has"),
        ({"events": {"describe_rule": {"State": "DISABLED"}}}, RULE, "it is DISABLED: no event reaches the function"),
        ({"events": {"describe_rule": {"EventPattern": "{"}}}, RULE, "its event pattern is not the code's"),
        ({"events": {"list_targets_by_rule": {"Targets": []}}}, RULE, "it has 0 targets, not one"),
        ({"events": {"list_targets_by_rule": {"Targets": [{"Arn": "arn:aws:lambda:x"}]}}}, RULE,
         "its target is neither the function nor its queue"),
        ({"events": {"list_targets_by_rule": {"Targets": [{"Arn": "arn:function:clerk-listen"}]}}}, RULE,
         "its target has no dead letter queue: an undeliverable event is lost"),
        ({"events": {"describe_archive": {"State": "DISABLED"}}}, "archive shop-archive", "it is DISABLED"),
    ],
)  # fmt: skip
def test_what_is_wrong_on_aws_is_a_finding_with_its_fix(
    tmp_path: Path, desk: Desk, changes: dict[str, Any], what: str, trouble: str
) -> None:
    with opened(tmp_path, desk.clerk()) as laptop, operated(laptop) as stack:
        (finding,) = troubles(on_aws(stack, **changes), laptop.choreography)

    assert finding.what == what
    assert finding.trouble.startswith(trouble)
    assert finding.fix


def test_a_stack_on_aws_that_is_as_it_should_be_has_nothing(tmp_path: Path, desk: Desk) -> None:
    with opened(tmp_path, desk.clerk()) as laptop, operated(laptop) as stack:
        found = [*examine(on_aws(stack), laptop.choreography)]

    assert [finding for finding in found if finding.trouble] == []
    assert {"credentials", "1 alarm"} <= {finding.what for finding in found}


def test_what_one_is_not_allowed_to_look_at_is_a_finding(tmp_path: Path, desk: Desk) -> None:
    with opened(tmp_path, desk.clerk()) as laptop, operated(laptop) as stack:
        (finding,) = troubles(on_aws(stack, cloudwatch=refused), laptop.choreography)

    assert finding == HealthCheck("alarms", "AWS refused: AccessDenied", "Allow yourself cloudwatch:DescribeAlarms.")
