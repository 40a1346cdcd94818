"""Resources that all functions of a stack share: packages, layer, alarm topics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pulumi
import pulumi_aws as aws

from contradance.infra.components.alarm import Topics, create_alarm
from contradance.infra.components.function import FunctionComponent
from contradance.infra.components.retention import retainable
from contradance.infra.planning.alarm import AlarmPlan
from contradance.infra.planning.function import FunctionPlan
from contradance.infra.planning.queue import DeadLetterPlan
from contradance.retry import QUEUE_RETENTION

DAY = 86_400
"""In seconds."""


class DeploymentPackages(Protocol):
    """Zip files on disk, built by `contradance.packaging.build`."""

    @property
    def runtime(self) -> str:
        """The Lambda runtime: `python3.13`."""
        ...

    @property
    def architecture(self) -> str:
        """The architecture: `arm64` or `x86_64`."""
        ...

    @property
    def layer(self) -> Path:
        """Zip of the layer of all functions."""
        ...

    @property
    def functions(self) -> Mapping[str, Path]:
        """Zips of the functions, by name: `service.handler`."""
        ...


@dataclass(frozen=True)
class SharedResources:
    """Resources that all functions of a stack share."""

    packages: DeploymentPackages
    layer: pulumi.Input[str]
    """ARN of the layer's version."""
    log_days: int
    retain: bool
    """Whether what holds data stays in AWS when the program no longer declares it."""
    topics: Topics
    needs: tuple[pulumi.Resource, ...]
    """Resources that a function depends on: tables and secrets."""
    consumers: Mapping[str, tuple[str, ...]]
    """The subscribers that are deployed before a function, by its name."""
    targets: dict[str, pulumi.Resource] = field(default_factory=dict)
    """The targets of the rules so far, by subscriber: with its target, a subscriber is complete."""

    def create_function(
        self,
        plan: FunctionPlan,
        variables: Mapping[str, pulumi.Input[str]] | None = None,
        *,
        needs: Sequence[pulumi.Resource] = (),
        parent: pulumi.Resource,
    ) -> FunctionComponent:
        """Create and return a function with its role and its log group, after `needs` and its events' consumers.

        `variables` are added to those of the plan.
        """
        consumers = (self.targets[name] for name in self.consumers.get(plan.name, ()))
        return FunctionComponent(
            plan,
            self.packages.functions[plan.name],
            self.layer,
            runtime=self.packages.runtime,
            architecture=self.packages.architecture,
            log_days=self.log_days,
            retain=self.retain,
            variables=variables,
            parent=parent,
            needs=(*self.needs, *needs, *consumers),
        )

    def create_alarms(self, alarms: Sequence[AlarmPlan], owner: str, *, parent: pulumi.Resource) -> None:
        """Create the alarms of one function, whose resource name is `owner`."""
        for alarm in alarms:
            create_alarm(alarm, owner, self.topics, parent=parent)


def create_dead_letter_queue(
    name: str, plan: DeadLetterPlan, tags: Mapping[str, str], *, retain: bool, parent: pulumi.Resource
) -> tuple[aws.sqs.Queue, list[pulumi.Resource]]:
    """Create a dead letter queue, and its policy if planned; return the queue, and both as what its users depend on."""
    mine = pulumi.ResourceOptions(parent=parent)
    queue = aws.sqs.Queue(
        f"{name}.dead-letters",
        name=plan.name,
        message_retention_seconds=int(QUEUE_RETENTION.total_seconds()),
        redrive_allow_policy=plan.redrive_allow_policy,
        sqs_managed_sse_enabled=True,
        tags=tags,
        opts=retainable(parent, retain=retain),
    )
    if plan.policy is None:
        return queue, [queue]
    policy = aws.sqs.QueuePolicy(f"{name}.dead-letters", queue_url=queue.url, policy=plan.policy, opts=mine)
    return queue, [queue, policy]
