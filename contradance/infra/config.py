"""The configuration of a stack: `pulumi config set archiveDays 30`. `parsing` reads it from Pulumi's texts."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from contradance.infra.arn import ArchiveArn, KeyArn, TopicArn
from contradance.limits import MEMORY
from contradance.pattern.syntax import MAX_CHARACTERS
from contradance.weborigin import checked_origin

ApiAuth = Literal["iam", "jwt", "none"]
LogLevel = Literal["DEBUG", "INFO", "WARN", "ERROR"]
LogDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
"""The retention periods that CloudWatch Logs supports."""


def _once_each(values: tuple[str, ...]) -> tuple[str, ...]:
    """Return the texts without repetitions, in their order."""
    return tuple(dict.fromkeys(values))


def _check_distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    """Return a list of texts; raise ValueError for one that is in it twice: `pulumi config rm` would leave the other."""
    if len({*values}) < len(values):
        raise ValueError("Input should be a list of different services")
    return values


Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[tuple[Text, ...], AfterValidator(_once_each)]
"""Texts that are not empty; a repetition has no effect."""
Removable = Annotated[tuple[Text, ...], AfterValidator(_check_distinct)]
"""Different texts that are not empty; a command removes one by its position."""
WebOrigin = Annotated[str, AfterValidator(checked_origin)]
"""The origin of a web page, as browsers send it; `*` for all."""


class Override(BaseModel):
    """Limits of one function in one stack, instead of those of its declaration."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, hide_input_in_errors=True)

    memory: int | None = Field(default=None, ge=MEMORY[0], le=MEMORY[1], description="in MB")
    concurrency: int | None = Field(default=None, ge=1, description="invocations at a time")


class AlarmThresholds(BaseModel):
    """When the alarms of a stack begin."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", frozen=True, hide_input_in_errors=True, validate_by_name=True
    )

    dead_letters: int = Field(default=1, ge=1, description="dead letters of one function")
    backlog_minutes: int = Field(default=30, ge=1, le=14_400, description="minutes that an event waits in a queue")
    api_errors: int = Field(default=5, ge=1, description="failed requests (status 5xx) within 5 minutes")
    api_latency_ms: int = Field(default=3000, ge=1, le=30_000, description="the 95th percentile, in milliseconds")
    behind_minutes: int = Field(default=5, ge=2, le=60, description="minutes without a successful run of the sweeper")

    def __str__(self) -> str:
        """Return an empty text: the table of keys has the defaults in its description."""
        return ""


class StackConfig(BaseModel):
    """One stack's configuration. Each field is a key of the project's namespace in `Pulumi.<stack>.yaml`."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", frozen=True, hide_input_in_errors=True, validate_by_name=True
    )

    services: Texts | None = Field(default=None, min_length=1, description="services to deploy; default: all")
    bus: Text | None = Field(default=None, description="ARN of another stack's bus, to use instead of a bus of its own")
    bus_stack: Text | None = Field(
        default=None,
        description="the other stack by name, instead of `bus`: `organization/project/stack`",
    )
    bus_archive: ArchiveArn | None = Field(
        default=None,
        description="with `bus`: ARN of that bus's archive, to replay from; `busStack` finds it by itself",
    )
    paused: bool | Removable = Field(
        default=False,
        description="services whose rules and schedules are disabled, or `true` for all: their events wait in the archive",
    )
    stopped: Removable = Field(
        default=(),
        description="services whose functions do not run at all, as in a move to another stack; they are paused, too",
    )
    archive_days: int = Field(
        default=30,
        ge=1,
        le=3650,
        description="days that the bus's archive keeps events; required with another stack's bus",
    )
    buses: Mapping[str, Text] = Field(
        default={}, description="names or ARNs of the buses of events of others, by their names in the declarations"
    )
    archives: Mapping[str, Annotated[int, Field(ge=1, le=3650)]] = Field(
        default={}, description="days that an archive of this stack's events on another bus keeps them: `default: 14`"
    )
    remember_days: float | None = Field(
        default=None,
        gt=0,
        le=36_500,
        description="days to keep a once-record; at least as long as events can be redelivered",
    )
    protect: bool = Field(
        default=False,
        description="Pulumi refuses to delete tables, bus and archive, and AWS refuses to delete tables, while this is true",
    )
    point_in_time_recovery: bool = Field(
        default=True, description="make tables restorable to any second of the last 35 days"
    )
    api_auth: ApiAuth = Field(default="iam", description="authorization of the HTTP API; with `none` it is public")
    jwt_issuer: str | None = Field(
        default=None, pattern=r"^https://[^\s/?#]+[^\s?#]*$", description="with `apiAuth: jwt`: issuer of the tokens"
    )
    jwt_audience: Texts = Field(default=(), description="with `apiAuth: jwt`: audience of the tokens")
    cors_origins: Annotated[tuple[WebOrigin, ...], AfterValidator(_once_each)] = Field(
        default=(), description="origins whose pages may call the HTTP API"
    )
    throttle_rate: float = Field(
        default=100, gt=0, le=10_000, description="maximum requests per second to the HTTP API"
    )
    throttle_burst: int = Field(default=200, ge=1, le=5_000, description="maximum burst of requests to the HTTP API")
    ingress: Texts = Field(
        default=(),
        description="detail-types that `POST /events/{detail_type}` may publish; without it there is no such route",
    )
    log_days: LogDays = Field(default=30, description="days that logs are kept")
    log_level: LogLevel = Field(default="INFO", description="lowest level of log lines")
    tracing: bool = Field(default=False, description="trace functions with X-Ray")
    alarm_topic: TopicArn | None = Field(default=None, description="ARN of the SNS topic for alarms")
    alarm_mail: str | None = Field(
        default=None,
        pattern=r"^[^\s@]+@[^\s@]+$",
        description="mail address for alarms; the stack creates an SNS topic for it",
    )
    page_topic: TopicArn | None = Field(
        default=None, description="ARN of the SNS topic for alarms of severity `page`; default: that of all alarms"
    )
    alarms: AlarmThresholds = Field(
        default=AlarmThresholds(),
        description="thresholds of alarms: `deadLetters` (1), `backlogMinutes` (30), `apiErrors` (5 in 5 minutes), "
        "`apiLatencyMs` (3000), `behindMinutes` (5)",
    )
    dashboard: bool = Field(default=True, description="create a CloudWatch dashboard")
    schema_registry: bool = Field(default=False, description="mirror the contracts in EventBridge's schema registry")
    secrets_key: KeyArn | None = Field(
        default=None, description="ARN of the KMS key for secrets, not of an alias; default: AWS's own key"
    )
    settings: Mapping[str, str] = Field(default={}, description="values of settings, by name")
    secrets: frozenset[str] = Field(
        default=frozenset(), description="values of secrets, by name; set them with `--secret`"
    )
    functions: Mapping[str, Override] = Field(
        default={}, description="memory and concurrency of functions, by name: `loans.lend_book`"
    )
    tags: Mapping[str, str] = Field(
        default={}, description="tags of every resource, in addition to `app`, `stack`, `service` and `function`"
    )
    rule_quota: int = Field(default=300, ge=1, description="maximum rules per bus in this account and region")
    concurrency_quota: int = Field(
        default=1000, ge=10, description="concurrent executions of this account and region; new accounts have 10"
    )
    pattern_quota: int = Field(default=2048, ge=1, le=MAX_CHARACTERS, description="maximum length of an event pattern")

    @field_validator("paused", mode="wrap")
    @classmethod
    def _as_one_problem(cls, value: object, validate: ValidatorFunctionWrapHandler) -> object:
        """Return the valid value; raise one error for the key, where Pydantic raises one for each type of the union."""
        try:
            return validate(value)
        except ValidationError as error:
            raise ValueError("Input should be true, false or a list of different services") from error

    @field_validator("log_days", mode="before")
    @classmethod
    def _as_number(cls, value: object) -> object:
        """Convert Pulumi's text of digits to a number, as a `Literal` requires; return other values unchanged."""
        return int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() else value

    @field_validator("settings", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        """Convert an object's numbers and booleans to texts of environment variables: `true`; keep any other value."""
        if isinstance(value, Mapping):
            return {
                name: json.dumps(one) if isinstance(one, bool | int | float) else one for name, one in value.items()
            }
        return value

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        """Raise ValueError when two keys contradict each other, or when one needs another that is not set."""
        if self.bus and self.bus_stack:
            raise ValueError("bus and busStack both name a bus: keep one")
        if self.bus_archive and not self.bus:
            raise ValueError(
                "busArchive is the archive of the bus that the key bus names: set bus, or remove busArchive"
            )
        if self.foreign_bus and "archive_days" not in self.model_fields_set:
            raise ValueError("archiveDays is required with another stack's bus: the days that its archive keeps events")
        if self.api_auth == "jwt" and not (self.jwt_issuer and self.jwt_audience):
            raise ValueError("apiAuth: jwt needs jwtIssuer and jwtAudience")
        if self.api_auth != "jwt" and (self.jwt_issuer or self.jwt_audience):
            raise ValueError(f"jwtIssuer and jwtAudience have no effect with apiAuth: {self.api_auth}")
        if self.alarm_topic and self.alarm_mail:
            raise ValueError("alarmTopic and alarmMail both name a target for alarms: keep one")
        return self

    @property
    def foreign_bus(self) -> bool:
        """Whether the bus belongs to another stack, which `bus` or `bus_stack` names."""
        return bool(self.bus or self.bus_stack)

    @property
    def archive_retention(self) -> timedelta:
        """The longest time that any archive of the stack keeps events."""
        return timedelta(days=max(self.archive_days, *self.archives.values(), 0))
