"""What every function of a stack is created with: its package, the layer, and whom alarms tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pulumi

from contradance.infra.components.alarm import create_alarm
from contradance.infra.components.function import FunctionComponent
from contradance.infra.planning.alarm import AlarmPlan
from contradance.infra.planning.function import FunctionPlan


class DeploymentPackages(Protocol):
    """Zip files on disk, as `contradance.packaging.build` makes them."""

    @property
    def runtime(self) -> str:
        """Lambda's name of the runtime that they are for."""

    @property
    def architecture(self) -> str:
        """Lambda's name of the architecture that they are for."""

    @property
    def layer(self) -> Path:
        """What every function runs on."""

    @property
    def functions(self) -> Mapping[str, Path]:
        """One for each function, by name."""


@dataclass(frozen=True)
class SharedResources:
    """What the functions of a stack share."""

    packages: DeploymentPackages
    layer: pulumi.Input[str]
    """ARN of the layer's version."""
    log_days: int
    tell: Sequence[pulumi.Input[str]]
    """ARNs of the topics that alarms tell."""
    needs: tuple[pulumi.Resource, ...]
    """What has to be there before a function runs: tables and secrets."""

    def create_function(
        self,
        plan: FunctionPlan,
        variables: Mapping[str, pulumi.Input[str]] | None = None,
        *,
        parent: pulumi.Resource,
    ) -> FunctionComponent:
        """Create a function with its role and its log group."""
        return FunctionComponent(
            plan,
            self.packages.functions[plan.name],
            self.layer,
            runtime=self.packages.runtime,
            architecture=self.packages.architecture,
            log_days=self.log_days,
            variables=variables,
            parent=parent,
            needs=self.needs,
        )

    def create_alarms(self, alarms: Sequence[AlarmPlan], owner: str, *, parent: pulumi.Resource) -> None:
        """Create the alarms of one function."""
        for alarm in alarms:
            create_alarm(alarm, owner, self.tell, parent=parent)
