"""What AWS would not take is said at preview."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import Field

from contradance import Choreography, Contract, Registry, Setting, subscriber
from contradance.errors import InvalidStack
from contradance.function import Function
from tests.infra.mocks import Recorder
from tests.infra.stack import deployed


class BookLent(Contract, source="library.loans", subject="loan_id"):
    """A reader took a book home."""

    loan_id: UUID
    title: str


contracts = Registry("library", [BookLent])


def numbered(number: int, **options: Any) -> Function[..., object]:
    def handler(lent: BookLent) -> None:
        pass

    handler.__name__ = f"remind_{number}"
    return subscriber(service="readers", **options)(handler)


def refused(folder: Path, *functions: Function[..., object], region: str = "eu-central-1", **config: str) -> str:
    """Return why a stack of these functions is refused; it has to be refused before any resource."""
    recorder = Recorder(region=region)
    crowd = Choreography("crowd", contracts=contracts, functions=functions)
    with pytest.raises(InvalidStack) as refusal:
        deployed(folder, crowd, secrets=None, recorder=recorder, config=config)
    assert recorder.resources == []
    return str(refusal.value)


def accepted(folder: Path, *functions: Function[..., object], config: Mapping[str, str] | None = None) -> None:
    crowd = Choreography("crowd", contracts=contracts, functions=functions)
    deployed(folder, crowd, secrets=None, config=config)


def test_more_rules_than_a_bus_may_have_are_refused(tmp_path: Path) -> None:
    told = refused(tmp_path, *map(numbered, range(300)))

    assert "301 rules on crowd-dev; a bus may have 300" in told
    assert "pulumi config set ruleQuota 301" in told


def test_some_regions_have_fewer_rules(tmp_path: Path) -> None:
    assert "101 rules on crowd-dev; a bus may have 100" in refused(
        tmp_path, *map(numbered, range(100)), region="eu-south-1"
    )


def test_a_quota_that_aws_has_raised_is_believed(tmp_path: Path) -> None:
    assert "4 rules on crowd-dev; a bus may have 3" in refused(tmp_path, *map(numbered, range(3)), ruleQuota="3")
    accepted(tmp_path, *map(numbered, range(3)), config={"ruleQuota": "4"})


def test_a_pattern_that_is_too_long_is_refused_naming_its_function(tmp_path: Path) -> None:
    long = numbered(1, where={"title": [f"a title of many words, number {number}" for number in range(60)]})

    assert "readers.remind_1 has an event pattern of 2" in refused(tmp_path, long)
    accepted(tmp_path, long, config={"patternQuota": "4096"})


def test_more_wildcards_than_a_bus_takes_are_refused(tmp_path: Path) -> None:
    wild = [numbered(number, where={"title": [{"wildcard": f"{number}*x"}]}) for number in range(32)]

    told = refused(tmp_path, *wild)

    assert "32 rules have a wildcard; a bus may have 30" in told
    assert "in readers.remind_30, readers.remind_31." in told


def test_an_environment_that_is_too_large_is_refused(tmp_path: Path) -> None:
    essay = Setting("essay", str, default="")
    told = refused(tmp_path, numbered(1, uses=[essay]), settings='{"essay": "' + "long " * 800 + '"}')

    size = re.search(r"readers.remind_1 needs an environment of (\d+) bytes; it may have 4096", told)
    assert size is not None
    fitting = 4_000 - (int(size[1]) - 4_096)
    accepted(tmp_path, numbered(1, uses=[essay]), config={"settings": json.dumps({"essay": "x" * fitting})})
    one_more = refused(tmp_path, numbered(1, uses=[essay]), settings=json.dumps({"essay": "x" * (fitting + 1)}))
    assert "an environment of 4097 bytes" in one_more


def test_more_tags_than_aws_takes_are_refused(tmp_path: Path) -> None:
    def tags(count: int) -> str:
        return json.dumps({f"tag{number}": "x" for number in range(count)})

    assert "51 tags; a resource may have 50" in refused(tmp_path, numbered(1), tags=tags(47))
    accepted(tmp_path, numbered(1), config={"tags": tags(46)})


def test_everything_that_would_break_is_said_at_once(tmp_path: Path) -> None:
    long = numbered(1, where={"title": ["x" * 2100]})

    told = refused(tmp_path, long, numbered(2), ruleQuota="1")

    assert "3 rules" in told
    assert "event pattern" in told


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        ({"App": "x"}, "the tags 'App' and 'app' differ in case only"),
        ({"SERVICE": "x"}, "the tags 'SERVICE' and 'service' differ in case only"),
        ({"team": "x", "Team": "y"}, "differ in case only"),
        ({"stack": "x"}, "the tag 'stack' is set by contradance"),
        ({"aws:team": "x"}, "begins with aws:"),
        ({"x" * 129: "y"}, "is too long"),
        ({"x": "y" * 257}, "is too long"),
        ({"team": "a&b"}, "the tag 'team' has '&': AWS accepts letters, numbers, spaces and _.:/=+-@"),
        ({"a,b": "x"}, "the tag 'a,b' has ','"),
        ({"team": "a\nb"}, "has '\\n'"),
        ({"": "x"}, "a tag has an empty key"),
    ],
)
def test_tags_that_iam_refuses_are_refused(tags: dict[str, str], says: str, tmp_path: Path) -> None:
    told = refused(tmp_path, numbered(1), tags=json.dumps(tags))

    assert says in told
    assert "pulumi config rm --stack dev --path 'tags[" in told


def test_tags_that_differ_in_more_than_case_are_accepted(tmp_path: Path) -> None:
    accepted(tmp_path, numbered(1), config={"tags": json.dumps({"team": "Küche 7", "Teams": "", "a_.:/=+-@": "x"})})


@pytest.mark.parametrize(("quota", "fits"), [("10", False), ("149", False), ("150", True), ("1000", True)])
def test_reserved_concurrency_is_held_against_the_accounts(quota: str, *, fits: bool, tmp_path: Path) -> None:
    functions = [numbered(1, concurrency=30), numbered(2, concurrency=20), numbered(3)]
    if fits:
        accepted(tmp_path, *functions, config={"concurrencyQuota": quota})
        return

    told = refused(tmp_path, *functions, concurrencyQuota=quota)

    assert (
        f"50 concurrent executions are reserved (readers.remind_1 30, readers.remind_2 20); the account has {quota}"
        in told
    )
    assert "pulumi config set --stack dev concurrencyQuota 150" in told


def test_without_reserved_concurrency_a_small_account_is_enough(tmp_path: Path) -> None:
    accepted(tmp_path, numbered(1), config={"concurrencyQuota": "10"})


@pytest.mark.parametrize("key", ["alarmTopic", "pageTopic", "secretsKey"])
def test_a_topic_or_a_key_of_another_region_is_refused(key: str, tmp_path: Path) -> None:
    arn = "arn:aws:kms:us-east-1:123456789012:key/x" if key == "secretsKey" else "arn:aws:sns:us-east-1:123456789012:x"

    told = refused(tmp_path, numbered(1), **{key: arn})

    assert f"{key} is in us-east-1" in told
    accepted(tmp_path, numbered(1), config={key: arn.replace("us-east-1", "eu-central-1")})


@pytest.mark.parametrize(
    ("quota", "most", "says"),
    [
        ("WIDGETS", 4, "5 widgets on the dashboard; it may have 4"),
        ("WIDGET_METRICS", 2, "3 metrics in a widget on the dashboard; it may have 2"),
        ("DASHBOARD_METRICS", 14, "15 metrics on the dashboard; it may have 14"),
    ],
)
def test_a_dashboard_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, most: int, says: str
) -> None:
    monkeypatch.setattr(f"contradance.infra.planning.quotas.{quota}", most)

    told = refused(tmp_path, *map(numbered, range(3)))

    assert says in told
    assert "pulumi config set --stack dev dashboard false" in told


def test_without_a_dashboard_it_is_never_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contradance.infra.planning.quotas.WIDGETS", 0)

    accepted(tmp_path, numbered(0), config={"dashboard": "false"})


def test_a_schema_that_is_too_long_for_the_registry_is_refused(tmp_path: Path) -> None:
    class BookDescribed(Contract, source="library.loans", subject="loan_id"):
        """A reader described a book."""

        loan_id: UUID = Field(description="a" * 100_000)

    described = Choreography("crowd", contracts=Registry("library", [BookDescribed]), functions=[])
    with pytest.raises(InvalidStack, match=r"the schema library\.loans@BookDescribed-v1 has 1\d{5} characters"):
        deployed(tmp_path, described, secrets=None, config={"schemaRegistry": "true"})
