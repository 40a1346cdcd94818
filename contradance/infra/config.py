"""What a stack may be configured with: `pulumi config set archiveDays 30`."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.alias_generators import to_camel

from contradance.errors import InvalidStack
from contradance.limits import MEMORY

ApiAuth = Literal["iam", "jwt", "none"]
LogLevel = Literal["DEBUG", "INFO", "WARN", "ERROR"]
LogDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
"""The retentions that CloudWatch Logs has."""

_LONGEST_SHOWN: Final = 5


class Override(BaseModel):
    """What one stack gives one function, in place of what its declaration says."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, hide_input_in_errors=True)

    memory: int | None = Field(default=None, ge=MEMORY[0], le=MEMORY[1], description="in MB")
    concurrency: int | None = Field(default=None, ge=1, description="invocations at a time")


class StackConfig(BaseModel):
    """One stack's configuration. Each field is a key of the project's namespace in `Pulumi.<stack>.yaml`."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", frozen=True, hide_input_in_errors=True, validate_by_name=True
    )

    services: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="the services to deploy; all, unless given"
    )
    bus: str | None = Field(
        default=None, description="ARN of another stack's bus, to run on that instead of a bus of its own"
    )
    bus_stack: str | None = Field(
        default=None,
        description="the same by the other stack's name, `organization/project/stack`, whose outputs are read",
    )
    archive_days: int = Field(
        default=30,
        ge=1,
        le=3650,
        description="how long the bus's archive keeps events; must be said where the bus is another stack's",
    )
    remember_days: float | None = Field(
        default=None, gt=0, description="how long a once-record lives, where longer than an event can come back"
    )
    protect: bool = Field(
        default=False, description="refuse to delete tables and bus, here and in AWS, until this is unset"
    )
    point_in_time_recovery: bool = Field(
        default=True, description="tables can be restored to any second of the last 35 days"
    )
    api_auth: ApiAuth = Field(default="iam", description="who may call the HTTP API; `none` lets everybody")
    jwt_issuer: str | None = Field(
        default=None, pattern=r"^https://", description="with `apiAuth: jwt`: who issues the tokens"
    )
    jwt_audience: tuple[str, ...] = Field(default=(), description="with `apiAuth: jwt`: for whom they are issued")
    cors_origins: tuple[str, ...] = Field(default=(), description="origins whose pages may call the HTTP API")
    throttle_rate: float = Field(default=100, gt=0, le=10_000, description="requests a second that the HTTP API takes")
    throttle_burst: int = Field(default=200, ge=1, le=5_000, description="requests at once that it takes")
    ingress: tuple[str, ...] = Field(
        default=(),
        description="detail-types that may be published by `POST /events/{detail_type}`; no such route, unless given",
    )
    log_days: LogDays = Field(default=30, description="how long logs are kept")
    log_level: LogLevel = Field(default="INFO", description="what functions log")
    tracing: bool = Field(default=False, description="trace functions with X-Ray")
    alarm_topic: str | None = Field(
        default=None, pattern=r"^arn:[^:]+:sns:", description="ARN of the SNS topic that alarms tell"
    )
    alarm_mail: str | None = Field(
        default=None,
        pattern=r"^\S+@\S+$",
        description="a mail address that alarms tell, through a topic of the stack's own",
    )
    dashboard: bool = Field(default=True, description="one CloudWatch dashboard")
    schema_registry: bool = Field(default=False, description="mirror the contracts in EventBridge's schema registry")
    secrets_key: str | None = Field(
        default=None, pattern=r"^arn:[^:]+:kms:", description="ARN of the KMS key for secrets; AWS's own, unless given"
    )
    settings: Mapping[str, str] = Field(default={}, description="values of settings, by name")
    secrets: frozenset[str] = Field(
        default=frozenset(), description="values of secrets, by name; set them with `--secret`"
    )
    functions: Mapping[str, Override] = Field(
        default={}, description="memory and concurrency by function, as `loans.lend_book`"
    )
    tags: Mapping[str, str] = Field(default={}, description="tags that every resource has besides its own four")
    rule_quota: int = Field(default=300, ge=1, description="rules a bus may have in this account and region")
    pattern_quota: int = Field(default=2048, ge=1, le=4096, description="characters an event pattern may have")

    @field_validator("log_days", mode="before")
    @classmethod
    def _as_number(cls, value: object) -> object:
        """Take the text that Pulumi has of a number: of a choice, Pydantic would not."""
        return int(value) if isinstance(value, str) and value.isdigit() else value

    @field_validator("settings", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        """Take a number or a truth value as the text that it travels as."""
        if isinstance(value, Mapping):
            return {
                name: json.dumps(one) if isinstance(one, bool | int | float) else one for name, one in value.items()
            }
        return value

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.bus and self.bus_stack:
            raise ValueError("bus and busStack both name a bus: keep one")
        if self.foreign_bus and "archive_days" not in self.model_fields_set:
            raise ValueError("archiveDays must say how long the archive of the other stack's bus keeps events")
        if self.api_auth == "jwt" and not (self.jwt_issuer and self.jwt_audience):
            raise ValueError("apiAuth: jwt needs jwtIssuer and jwtAudience")
        if self.api_auth != "jwt" and (self.jwt_issuer or self.jwt_audience):
            raise ValueError(f"jwtIssuer and jwtAudience mean nothing with apiAuth: {self.api_auth}")
        if self.alarm_topic and self.alarm_mail:
            raise ValueError("alarmTopic and alarmMail both say whom alarms tell: keep one")
        return self

    @property
    def foreign_bus(self) -> bool:
        """Whether the bus is another stack's."""
        return bool(self.bus or self.bus_stack)

    @property
    def archive_retention(self) -> timedelta:
        """How long the bus's archive keeps events."""
        return timedelta(days=self.archive_days)


def parse_config(values: Mapping[str, str], *, project: str, stack: str) -> StackConfig:
    """Return the configuration that Pulumi's texts spell.

    Args:
        values: by key, without the project's name; objects and lists as JSON. Of secrets, the names alone are needed:
            `{"secrets": '["gateway_key"]'}`.
        project: namespace of the keys.
        stack: whose configuration it is.

    Raises:
        InvalidStack: a key is unknown, a value does not fit, or two do not fit together.
    """
    try:
        return StackConfig.model_validate({key: _decoded(value) for key, value in values.items()})
    except ValidationError as error:
        found = [_told(problem, project, stack) for problem in error.errors(include_input=False, include_url=False)]
        raise InvalidStack(f"stack {stack!r} has a configuration that does not work:\n" + "\n".join(found)) from error


def _decoded(value: str) -> object:
    """Return a list or an object as what its JSON says, anything else as it is."""
    if value[:1] not in ("[", "{"):
        return value
    try:
        decoded: object = json.loads(value)
    except ValueError:
        return value
    return decoded


def _told(problem: Any, project: str, stack: str) -> str:
    """Say which key is wrong, and what sets it right."""
    key, *rest = (str(part) for part in problem["loc"]) if problem["loc"] else ("",)
    if not key:
        return f"  {problem['ctx']['error']}\n  Fix: edit Pulumi.{stack}.yaml."
    path = key + "".join(f'["{part}"]' if "." in part else f".{part}" for part in rest)
    if problem["type"] == "extra_forbidden":
        known = sorted((to_camel(name) for name in StackConfig.model_fields), key=lambda name: _distance(name, key))[
            :_LONGEST_SHOWN
        ]
        unset = f"pulumi config rm --stack {stack} {'--path ' if rest else ''}'{path}'"
        nearest = f"The nearest keys are {', '.join(known)}." if not rest else "It has memory and concurrency."
        return f"  {project}:{path} is no key of this program. {nearest}\n  Fix: {unset}"
    flag = "--path " if rest else ""
    return f"  {project}:{path}: {problem['msg']}.\n  Fix: pulumi config set --stack {stack} {flag}'{path}' <value>"


def _distance(one: str, other: str) -> tuple[int, str]:
    """Return how little two names have in common, by their pairs of letters."""
    pairs = [{name[at : at + 2].lower() for at in range(len(name) - 1)} for name in (one, other)]
    return -len(pairs[0] & pairs[1]), one
