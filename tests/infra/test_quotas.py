"""What AWS would not take is said at preview."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

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

    assert "readers.remind_1 needs an environment of 4" in told


def test_more_tags_than_aws_takes_are_refused(tmp_path: Path) -> None:
    tags = "{" + ",".join(f'"tag{number}": "x"' for number in range(47)) + "}"

    assert "51 tags; a resource may have 50" in refused(tmp_path, numbered(1), tags=tags)


def test_everything_that_would_break_is_said_at_once(tmp_path: Path) -> None:
    long = numbered(1, where={"title": ["x" * 2100]})

    told = refused(tmp_path, long, numbered(2), ruleQuota="1")

    assert "3 rules" in told
    assert "event pattern" in told
