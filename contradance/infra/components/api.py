"""The HTTP API of a stack."""

from collections.abc import Mapping, Sequence
from typing import Final

import pulumi
import pulumi_aws as aws

from contradance.httproute import CORS_MAX_AGE_SECONDS
from contradance.infra.components.alarm import create_alarm
from contradance.infra.components.function import FunctionComponent
from contradance.infra.components.shared_resources import SharedResources
from contradance.infra.planning.api import ApiPlan
from contradance.infra.planning.statement import canonical
from contradance.infra.planning.trigger import RoutePlan

_GATEWAY: Final = "apigateway.amazonaws.com"
_ACCESS: Final = canonical(
    {
        "requestId": "$context.requestId",
        "time": "$context.requestTime",
        "routeKey": "$context.routeKey",
        "status": "$context.status",
        "latency": "$context.responseLatency",
        "bytes": "$context.responseLength",
        "sourceIp": "$context.identity.sourceIp",
        "error": "$context.error.message",
        "integrationError": "$context.integrationErrorMessage",
    }
)
"""One line of the access log. It has the route instead of the path, because a path contains ids."""


class HttpApi(pulumi.ComponentResource):
    """An HTTP API with one route for each function that answers requests."""

    def __init__(
        self, plan: ApiPlan, routes: Sequence[RoutePlan], shared: SharedResources, *, parent: pulumi.Resource
    ) -> None:
        super().__init__("contradance:aws:HttpApi", "api", None, pulumi.ResourceOptions(parent=parent))
        self._plan, self._shared = plan, shared
        self._mine = pulumi.ResourceOptions(parent=self)
        self._api = self._create_api()
        self._authorizer = self._create_authorizer()
        self.functions: Mapping[str, FunctionComponent] = {
            route.function.name: self._create_route(route) for route in routes
        }
        self._create_stage(self._create_access_log())
        for alarm in plan.alarms:
            create_alarm(alarm, "api", shared.topics, dimensions={"ApiId": self._api.id}, parent=self)
        self.url: pulumi.Output[str] = self._api.api_endpoint
        self.register_outputs({"url": self.url})

    def _create_api(self) -> aws.apigatewayv2.Api:
        """Create and return the HTTP API of the plan; with CORS only when the plan has origins."""
        plan = self._plan
        return aws.apigatewayv2.Api(
            "api",
            name=plan.name,
            protocol_type="HTTP",
            cors_configuration={
                "allow_origins": list(plan.origins),
                "allow_methods": list(plan.methods),
                "allow_headers": list(plan.headers),
                "max_age": CORS_MAX_AGE_SECONDS,
            }
            if plan.origins
            else None,
            tags=plan.tags,
            opts=self._mine,
        )

    def _create_authorizer(self) -> aws.apigatewayv2.Authorizer | None:
        """Create and return the JWT authorizer; None when the plan has another authorization."""
        plan = self._plan
        if plan.authorization != "JWT":
            return None
        return aws.apigatewayv2.Authorizer(
            "api",
            name=plan.name,
            api_id=self._api.id,
            authorizer_type="JWT",
            identity_sources=["$request.header.Authorization"],
            jwt_configuration={"issuer": plan.issuer, "audiences": list(plan.audience)},
            opts=self._mine,
        )

    def _create_access_log(self) -> aws.cloudwatch.LogGroup:
        """Create and return the log group of the access log."""
        return aws.cloudwatch.LogGroup(
            "api",
            name=self._plan.log_group,
            retention_in_days=self._shared.log_days,
            tags=self._plan.tags,
            opts=self._mine,
        )

    def _create_stage(self, log: aws.cloudwatch.LogGroup) -> None:
        """Create the stage `$default`, which deploys changes by itself, with access log and throttling."""
        plan = self._plan
        aws.apigatewayv2.Stage(
            "api",
            api_id=self._api.id,
            name="$default",
            auto_deploy=True,
            access_log_settings={"destination_arn": log.arn, "format": _ACCESS},
            default_route_settings={
                "throttling_rate_limit": plan.throttle_rate,
                "throttling_burst_limit": plan.throttle_burst,
                "detailed_metrics_enabled": False,  # they cost as much as the functions' metrics, which have the same counts
            },
            tags=plan.tags,
            opts=self._mine,
        )

    def _create_route(self, plan: RoutePlan) -> FunctionComponent:
        """Create the function of a route, the route that invokes it, and its alarms; return the function."""
        name = plan.function.identity
        function = self._shared.create_function(plan.function, parent=self)
        permission = function.permit(
            _GATEWAY, pulumi.Output.concat(self._api.execution_arn, "/", plan.source), parent=self
        )
        integration = aws.apigatewayv2.Integration(
            name,
            api_id=self._api.id,
            integration_type="AWS_PROXY",
            integration_uri=function.arn,
            payload_format_version="2.0",
            timeout_milliseconds=30_000,
            opts=self._mine,
        )
        aws.apigatewayv2.Route(
            name,
            api_id=self._api.id,
            route_key=plan.key,
            target=pulumi.Output.concat("integrations/", integration.id),
            authorization_type=self._plan.authorization,
            authorizer_id=self._authorizer.id if self._authorizer else None,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission]),
        )
        self._shared.create_alarms(plan.alarms, name, parent=self)
        return function
