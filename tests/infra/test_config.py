"""A stack's configuration: what is wrong is said with its key, its stack and what sets it right."""

import re
from collections.abc import Mapping
from pathlib import Path

import pulumi
import pytest
import yaml  # type: ignore[import-untyped]  # it has none

from contradance.errors import InvalidStack
from contradance.infra.config import StackConfig
from contradance.infra.parsing import parse_config
from contradance.infra.reading import read_config
from tests.infra.mocks import ACCOUNT, REGION, run
from tests.infra.stack import SECRETS

ROOT = Path(__file__).parent.parent.parent
BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/theirs"


def parse(**values: str) -> StackConfig:
    return parse_config(values, project="city", stack="dev")


def refused(**values: str) -> str:
    with pytest.raises(InvalidStack) as refusal:
        parse(**values)
    return str(refusal.value)


def test_everything_has_a_default() -> None:
    config = parse()

    assert config.api_auth == "iam"
    assert config.archive_days == 30
    assert config.services is None


def test_texts_become_what_they_spell() -> None:
    config = parse(
        archiveDays="7",
        protect="true",
        services='["loans"]',
        settings='{"fee": 0.5, "open": true, "name": "a"}',
        functions='{"loans.lend": {"memory": 512}}',
        corsOrigins='["https://example.com", "http://localhost:3000", "https://*", "*", "http://[::1]:3000", "chrome-extension://abc", "http://xn--mnchen-3ya.example:8080"]',
    )

    assert (config.archive_days, config.protect, config.services) == (7, True, ("loans",))
    assert config.settings == {"fee": "0.5", "open": "true", "name": "a"}
    assert config.functions["loans.lend"].memory == 512


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"archiveDay": "7"}, "city:archiveDay is not a key of this program. The nearest keys are archiveDays"),
        ({"archiveDays": "long"}, "city:archiveDays: Input should be a valid integer"),
        ({"archiveDays": "0"}, "city:archiveDays: Input should be greater than or equal to 1"),
        ({"apiAuth": "basic"}, "city:apiAuth: Input should be 'iam', 'jwt' or 'none'"),
        ({"logDays": "8"}, "city:logDays: Input should be 1, 3, 5"),
        ({"services": "loans"}, "city:services: Input should be a valid tuple"),
        ({"functions": '{"loans.lend": {"cpu": 2}}'}, 'city:functions["loans.lend"].cpu is not a key'),
        (
            {"functions": '{"loans.lend": {"memory": 64}}'},
            'city:functions["loans.lend"].memory: Input should be greater',
        ),
        ({"apiAuth": "jwt"}, "apiAuth: jwt needs jwtIssuer and jwtAudience"),
        ({"jwtIssuer": "https://example.com"}, "jwtIssuer and jwtAudience have no effect with apiAuth: iam"),
        ({"bus": BUS}, "archiveDays is required with another stack's bus"),
        ({"busArchive": BUS.replace("event-bus", "archive")}, "busArchive is the archive of the bus that the key bus"),
        ({"busArchive": BUS}, "city:busArchive: this is not the ARN of an archive, like arn:aws:events:"),
        ({"paused": "sometimes"}, "city:paused: Input should be true, false or a list of different services.\n"),
        ({"paused": "[1]"}, "city:paused: Input should be true, false or a list of different services.\n"),
        ({"corsOrigins": "[1]"}, "--path 'corsOrigins[0]' VALUE"),
        ({"tags": '{"a b": 1}'}, "--path 'tags[\"a b\"]' VALUE"),
        (
            {"alarms": '{"deadLetter": 2}'},
            "city:alarms.deadLetter is not a key of this program. The nearest keys are deadL",
        ),
        ({"bus": BUS, "busStack": "a/b/c", "archiveDays": "7"}, "bus and busStack both name a bus"),
        (
            {"alarmMail": "ada@example.com", "alarmTopic": "arn:aws:sns:eu-central-1:123456789012:x"},
            "alarmTopic and alarmMail both name a target for alarms",
        ),
        (
            {"corsOrigins": '["https://shop.example/"]'},
            "city:corsOrigins[0]: an origin is a scheme and a host",
        ),
        *(
            ({"corsOrigins": f'["{origin}"]'}, "city:corsOrigins[0]: an origin is a scheme")
            for origin in (
                *(
                    "https://Shop.example",
                    "null",
                    "https://*.example",
                    "http://user@host",
                    "http://münchen.example",
                    "http://host?q",
                ),
                *(
                    "http://[::1",
                    "http://.",
                    "http://a.",
                    "http://host:",
                    "http://host:0",
                    "http://host:08",
                    "http://a, http://b",
                    "://a",
                ),
            )
        ),
        (
            {"corsOrigins": '["http://localhost:80"]'},
            "city:corsOrigins[0]: browsers leave out the default port: http://localhost",
        ),
        ({"corsOrigins": '["https://a:443"]'}, "city:corsOrigins[0]: browsers leave out the default port: https://a"),
        ({"corsOrigins": '["http://localhost:65536"]'}, "city:corsOrigins[0]: a port is at most 65535"),
        (
            {"corsOrigins": '["shop.example"]'},
            "city:corsOrigins[0]: an origin is a scheme and a host in lower case",
        ),
        ({"alarmTopic": "watch"}, "city:alarmTopic: this is not the ARN of a standard SNS topic"),
    ],
)
def test_what_does_not_work_is_refused_with_its_key_its_stack_and_a_fix(values: Mapping[str, str], says: str) -> None:
    told = refused(**values)

    assert "stack 'dev'" in told
    assert says in told
    assert told.count("Fix: ") == 1
    assert re.search(r"Fix: (pulumi config (set|rm) --stack dev|edit Pulumi\.dev\.yaml)", told)


def test_everything_wrong_is_said_at_once() -> None:
    told = refused(archiveDays="0", logDays="8", colour="red")

    assert [key for key in ("archiveDays", "logDays", "colour") if key in told] == ["archiveDays", "logDays", "colour"]
    assert told.count("Fix:") == 3


def test_no_error_shows_a_value() -> None:
    told = refused(alarmMail="ada at example", jwtIssuer="http://ada.example")

    assert "ada" not in told


async def read() -> None:
    read_config()


def test_secrets_in_plain_text_are_refused_and_not_shown() -> None:
    with pytest.raises(InvalidStack, match=r"secrets in plain text[\s\S]*--secret --path 'secrets.NAME'") as refusal:
        run(read, config={"secrets": '{"gateway_key": "hush"}'})

    assert "hush" not in str(refusal.value)


@pytest.mark.parametrize("text", ["hush", '["hush"]', '"hush"'])
def test_a_secret_without_a_name_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(InvalidStack, match="secrets without names") as refusal:
        run(read, kept={"secrets": text})

    assert "hush" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_another_projects_configuration_is_not_ours() -> None:
    async def program() -> dict[str, int]:
        pulumi.runtime.set_config("shop:archiveDays", "7")
        return {"days": read_config().archive_days}

    deployment = run(program, project="library", config={"archiveDays": "9"})

    assert deployment.outputs == {"days": 9}


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_stacks_of_this_repository_work(stack: str, tmp_path: Path) -> None:
    written = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
    values = {key.removeprefix("food-delivery:"): str(value) for key, value in written.items()}
    region = values.pop("aws:region")

    config = parse_config(
        {k: v.lower() if v in ("True", "False") else v for k, v in values.items()}, project="x", stack=stack
    )

    assert region == REGION
    assert config.protect is (stack == "prod")


def test_this_repositorys_stacks_differ_where_they_should() -> None:
    dev, prod = (
        {
            key.partition(":")[2]: value
            for key, value in yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"].items()
        }
        for stack in ("dev", "prod")
    )

    assert prod["protect"]
    assert not dev.get("protect")
    assert prod["archiveDays"] > dev["archiveDays"]
    assert not dev["pointInTimeRecovery"]
    assert prod.get("pointInTimeRecovery", True)


def test_every_key_is_described() -> None:
    assert [name for name, field in StackConfig.model_fields.items() if not field.description] == []


def test_a_secret_is_named_but_its_value_is_not_part_of_the_configuration() -> None:
    assert parse(secrets='["gateway_key"]').secrets == frozenset(SECRETS)
