"""A Lambda function with its role and its log group."""

from collections.abc import Mapping
from pathlib import Path

import pulumi
import pulumi_aws as aws

from contradance.infra.components.retention import retainable
from contradance.infra.planning.function import FunctionPlan
from contradance.infra.planning.statement import document, trust
from contradance.infra.planning.trigger import AsyncPlan


class FunctionComponent(pulumi.ComponentResource):
    """A Lambda function. Its role may write to its own log group only, and cannot create log groups."""

    def __init__(
        self,
        plan: FunctionPlan,
        package: Path,
        layer: pulumi.Input[str],
        *,
        runtime: str,
        architecture: str,
        log_days: int,
        retain: bool,
        variables: Mapping[str, pulumi.Input[str]] | None = None,
        parent: pulumi.Resource,
        needs: tuple[pulumi.Resource, ...] = (),
    ) -> None:
        super().__init__("contradance:aws:Function", plan.identity, None, pulumi.ResourceOptions(parent=parent))
        self._plan, self._runtime, self._architecture = plan, runtime, architecture
        self._mine = pulumi.ResourceOptions(parent=self)
        logs = self._create_log_group(log_days, retain=retain)
        role = self._create_role()
        self.policy = self._create_policy(role)
        self.function = self._create_function(package, layer, variables or {}, role, (logs, self.policy, *needs))
        self.arn: pulumi.Output[str] = self.function.arn
        self.name: pulumi.Output[str] = self.function.name
        self.register_outputs({"arn": self.arn})

    def _create_log_group(self, days: int, *, retain: bool) -> aws.cloudwatch.LogGroup:
        """Create and return the log group, which also holds the journal; `days` is the retention of its lines."""
        plan = self._plan
        return aws.cloudwatch.LogGroup(
            plan.identity,
            name=plan.log_group,
            retention_in_days=days,
            tags=plan.tags,
            opts=retainable(self, retain=retain),
        )

    def _create_role(self) -> aws.iam.Role:
        """Create and return the role that Lambda assumes to run the function."""
        plan = self._plan
        return aws.iam.Role(
            plan.identity,
            name=plan.role_name,
            assume_role_policy=trust("lambda.amazonaws.com"),
            tags=plan.tags,
            opts=self._mine,
        )

    def _create_policy(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Give the role the permissions of the plan; return the policy."""
        plan = self._plan
        return aws.iam.RolePolicy(
            plan.identity, name="function", role=role.name, policy=document(*plan.statements), opts=self._mine
        )

    def _create_function(
        self,
        package: Path,
        layer: pulumi.Input[str],
        variables: Mapping[str, pulumi.Input[str]],
        role: aws.iam.Role,
        needs: tuple[pulumi.Resource, ...],
    ) -> aws.lambda_.Function:
        """Create and return the Lambda function after the resources in `needs`; `variables` extend the plan's."""
        plan = self._plan
        return aws.lambda_.Function(
            plan.identity,
            name=plan.lambda_name,
            role=role.arn,
            runtime=self._runtime,
            architectures=[self._architecture],
            handler=plan.handler,
            code=pulumi.FileArchive(str(package)),
            layers=[layer],
            timeout=plan.timeout,
            memory_size=plan.memory,
            reserved_concurrent_executions=0 if plan.stopped else plan.concurrency,
            environment={"variables": {**plan.environment, **variables}},
            logging_config={
                "log_format": "JSON",
                "log_group": plan.log_group,
                # Lambda drops lines below this level, and the journal and the metrics are lines of level INFO.
                "application_log_level": "DEBUG" if plan.environment["POWERTOOLS_LOG_LEVEL"] == "DEBUG" else "INFO",
                "system_log_level": "WARN",
            },
            tracing_config={"mode": "Active" if plan.tracing else "PassThrough"},
            tags=plan.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=needs),
        )

    def retry(
        self, plan: AsyncPlan, dead_letters: pulumi.Input[str] | None, *, parent: pulumi.Resource
    ) -> aws.lambda_.FunctionEventInvokeConfig:
        """Configure Lambda's retries of asynchronous invocations; failed events go to the ARN `dead_letters`, if given.

        It depends on the role's policy, because Lambda refuses a destination that the role may not send to.
        """
        return aws.lambda_.FunctionEventInvokeConfig(
            self._plan.identity,
            function_name=self.name,
            maximum_retry_attempts=plan.retries,
            maximum_event_age_in_seconds=plan.max_age,
            destination_config={"on_failure": {"destination": dead_letters}} if dead_letters else None,
            opts=pulumi.ResourceOptions(parent=parent, depends_on=[self.policy]),
        )

    def permit(self, service: str, source: pulumi.Input[str], *, parent: pulumi.Resource) -> aws.lambda_.Permission:
        """Let a service invoke the function, from the ARN `source` only; return the permission."""
        return aws.lambda_.Permission(
            self._plan.identity,
            statement_id="Invoke",
            action="lambda:InvokeFunction",
            function=self.name,
            principal=service,
            source_arn=source,
            opts=pulumi.ResourceOptions(parent=parent),
        )
