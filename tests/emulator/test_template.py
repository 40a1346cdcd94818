"""The inputs of every resource, against AWS's own schemas of its resources in cfn-lint."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from contradance.project import find_project
from functions.choreography import food_delivery
from tests.emulator.ministack import ENVIRONMENT
from tests.emulator.template import NOT_LINTED, ROWS, template
from tests.infra.aws_calls import _TRANSLATIONS
from tests.infra.library import library
from tests.infra.mocks import Registered
from tests.infra.stack import SECRETS, deployed
from tests.infra.test_shapes import FULL
from tests.packaging.project import ROOT

pytestmark = pytest.mark.emulator

PHOTOS: Final = {
    "buses": '{"print_shop": "aws.partner/printshop.example/4711/orders"}',
    "archives": '{"default": 14, "print_shop": 14}',
}
MAIL: Final = {"alarmMail": "ada@example.com"}
ALLOWED: Final[frozenset[str]] = frozenset()
"""Rules of cfn-lint whose findings are right as they are, each with a comment that has the reason. There are none."""


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    if not (ENVIRONMENT / "ready").exists():
        pytest.skip("NOT RUN: cfn-lint is not installed; `make emulator` installs it and runs these tests")


def findings(folder: Path, systems: Mapping[str, dict[str, Any]]) -> list[tuple[str, str]]:
    """Return the place and the message of each error and warning of cfn-lint."""
    files = {str(folder / f"{name}.json"): each for name, each in systems.items()}
    for path, each in files.items():
        Path(path).write_text(json.dumps(each), encoding="utf-8")
    command = [str(ENVIRONMENT / "bin" / "cfn-lint"), "--format", "json", "--regions", "eu-central-1", "--", *files]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.stderr == ""
    found = [one for one in json.loads(run.stdout) if one["Rule"]["Id"] not in ALLOWED]
    return [(_place(files[one["Filename"]], one), f"{one['Rule']['Id']} {one['Message']}") for one in found]


def _place(written: dict[str, Any], finding: dict[str, Any]) -> str:
    """Return the resource that a finding is about, as the program names it."""
    path = [str(part) for part in finding["Location"]["Path"] or ()]
    if len(path) < 2:
        return "the template"
    return ".".join([f"{path[1]} {written['Resources'][path[1]]['Metadata']['name']}", *path[3:]])


def test_cloudformation_takes_every_resource(tmp_path: Path) -> None:
    photos = find_project(ROOT / "examples" / "photos").choreography()
    registered: dict[str, list[Registered]] = {}
    for choreography, config, secrets in (
        (food_delivery, MAIL, SECRETS),
        (photos, {**MAIL, **PHOTOS}, {}),
        (library, FULL, {"mail_key": "hush"}),
    ):
        (folder := tmp_path / choreography.name).mkdir()
        stack = deployed(folder, choreography, config=config, secrets=secrets)
        registered[choreography.name] = [each for each in stack.resources if each.custom]

    assert findings(tmp_path, {name: template(each) for name, each in registered.items()}) == []
    assert {each.type for system in registered.values() for each in system} == {*ROWS, *NOT_LINTED, "EventTarget"}
    assert {*ROWS, *NOT_LINTED, "EventTarget"} == set(_TRANSLATIONS)


def test_what_cloudformation_would_not_take_is_found(tmp_path: Path) -> None:
    rule = {"eventBusName": "default", "eventPattern": '{"source": ["a"]}', "state": "ENABLED"}
    target = {"eventBusName": "default", "targetId": "f", "arn": "arn:aws:sqs:eu-central-1:123456789012:q"}
    faults: dict[str, list[tuple[str, dict[str, Any]]]] = {
        "EventBus0 colour.Colour": [("EventBus", {"name": "b", "colour": "red"})],
        "Queue1 large.VisibilityTimeout": [("Queue", {"visibilityTimeoutSeconds": 43_201})],
        "LogGroup2 choice.RetentionInDays": [("LogGroup", {"retentionInDays": 8})],
        "RolePolicy3 text.PolicyDocument.Statement": [
            ("RolePolicy", {"name": "p", "role": "r", "policy": '{"Version": "2012-10-17", "Statement": "all"}'})
        ],
        "EventRule4 part.Targets.0.RetryPolicy.MaximumRetryAttempts": [
            ("EventRule", {**rule, "name": "r"}),
            ("EventTarget", {**target, "rule": "r", "retryPolicy": {"maximumRetryAttempts": 186}}),
        ],
        "EventRule5 pattern.EventPattern": [
            ("EventRule", {**rule, "name": "s", "eventPattern": "[]"}),
            ("EventTarget", {**target, "rule": "s"}),
        ],
    }
    resources = [
        Registered(kind, place.partition(" ")[2].partition(".")[0], inputs, custom=True)
        for place, each in faults.items()
        for kind, inputs in each
    ]

    assert {place for place, _ in findings(tmp_path, {"faults": template(resources)})} == {*faults}


def test_a_type_without_a_row_is_refused() -> None:
    with pytest.raises(KeyError, match="Bucket"):
        template([Registered("Bucket", "zips", {"name": "zips"}, custom=True)])
