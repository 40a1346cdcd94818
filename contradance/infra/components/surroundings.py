"""What every function of a stack is created with: its package, the layer, and whom alarms tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi

from contradance.infra.components.alarm import create_alarm
from contradance.infra.components.function import Function
from contradance.infra.planning.alarm import AlarmPlan
from contradance.infra.planning.function import FunctionPlan


@dataclass(frozen=True)
class Surroundings:
    """What the functions of a stack share."""

    packages: Mapping[str, Path]
    """Zip files by function."""
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
    ) -> Function:
        """Create a function with its role and its log group."""
        return Function(
            plan,
            self.packages[plan.name],
            self.layer,
            log_days=self.log_days,
            variables=variables,
            parent=parent,
            needs=self.needs,
        )

    def create_alarms(self, alarms: Sequence[AlarmPlan], owner: str, *, parent: pulumi.Resource) -> None:
        """Create the alarms of one function."""
        for alarm in alarms:
            create_alarm(alarm, owner, self.tell, parent=parent)
