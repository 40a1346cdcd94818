"""The plan of the HTTP API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from contradance.httproute import CORS_HEADERS, CORS_SIGNED_HEADERS
from contradance.infra.planning.alarm import AlarmPlan, api_alarms
from contradance.infra.planning.function import Setup
from contradance.infra.planning.trigger import RoutePlan

Authorization = Literal["AWS_IAM", "JWT", "NONE"]
_AUTHORIZATIONS: Final[Mapping[str, Authorization]] = {"iam": "AWS_IAM", "jwt": "JWT", "none": "NONE"}


@dataclass(frozen=True, slots=True)
class ApiPlan:
    """One HTTP API."""

    name: str
    log_group: str
    """Log group of the access log. Below `/aws/vendedlogs/` it uses no space in the account's only log resource policy."""
    authorization: Authorization
    issuer: str | None
    audience: tuple[str, ...]
    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...]
    throttle_rate: float
    throttle_burst: int
    tags: Mapping[str, str]
    alarms: tuple[AlarmPlan, ...]


def plan_api(setup: Setup, routes: Sequence[RoutePlan]) -> ApiPlan | None:
    """Return the plan of an API with these routes, as the stack configures it; None when the stack has no routes."""
    if not routes:
        return None
    config = setup.config
    name = setup.names.name("api")
    return ApiPlan(
        name,
        f"/aws/vendedlogs/apis/{name}",
        _AUTHORIZATIONS[config.api_auth],
        config.jwt_issuer,
        config.jwt_audience,
        config.cors_origins,
        tuple(sorted({route.key.partition(" ")[0] for route in routes})),
        CORS_HEADERS + (CORS_SIGNED_HEADERS if config.api_auth == "iam" else ()),
        config.throttle_rate,
        config.throttle_burst,
        setup.tags(),
        api_alarms(setup.names, setup.site.stack, config.alarms, setup.tags()),
    )
