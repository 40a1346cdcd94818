"""A scheduled function."""

from datetime import UTC, datetime

import pulumi
import pulumi_aws as aws

from contradance.infra.components.shared_resources import SharedResources, create_dead_letter_queue
from contradance.infra.planning.start import start_to_send
from contradance.infra.planning.statement import canonical
from contradance.infra.planning.trigger import SchedulePlan
from contradance.runtime.aws import variable_names

INPUT = canonical({"schedule": "<aws.scheduler.schedule-arn>", "scheduled_time": "<aws.scheduler.scheduled-time>"})
"""The event of an invocation. Scheduler fills in the scheduled time, which identifies the run."""


class ScheduleComponent(pulumi.ComponentResource):
    """A function, and the schedule of EventBridge Scheduler that invokes it."""

    def __init__(
        self,
        plan: SchedulePlan,
        group: aws.scheduler.ScheduleGroup,
        trust: str,
        shared: SharedResources,
        *,
        parent: pulumi.Resource,
    ) -> None:
        self._plan, self.name = plan, plan.function.identity
        super().__init__("contradance:aws:Schedule", self.name, None, pulumi.ResourceOptions(parent=parent))
        self._mine = pulumi.ResourceOptions(parent=self)
        self.dead_letters, ready = self._create_dead_letter_queue(retain=shared.retain)
        variables = {variable_names.DEAD_LETTERS: self.dead_letters.url} if self.dead_letters else {}
        self.function = shared.create_function(plan.function, variables, parent=self)
        ready.append(self.function.retry(plan.retry, self.dead_letters.arn if self.dead_letters else None, parent=self))
        role, policy = self._create_role(trust)
        self._create_schedule(group, role, [*ready, policy])
        shared.create_alarms(plan.alarms, self.name, parent=self)
        self.register_outputs({"functionArn": self.function.arn})

    def _create_dead_letter_queue(self, *, retain: bool) -> tuple[aws.sqs.Queue | None, list[pulumi.Resource]]:
        """Create the dead letter queue; return it and what its users depend on; (None, []) when the plan has none."""
        if self._plan.dead_letters is None:
            return None, []
        plan, tags = self._plan.dead_letters, self._plan.function.tags
        return create_dead_letter_queue(self.name, plan, tags, retain=retain, parent=self)

    def _create_role(self, trust: str) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        """Create the role that Scheduler assumes to invoke the function; return the role and its policy.

        A new role may not be assumable for up to a minute: the first runs of a new schedule may fail, and Scheduler tries
        them again.
        """
        name = f"{self.name}.schedule"
        role = aws.iam.Role(
            name,
            name=self._plan.role_name,
            assume_role_policy=trust,
            tags=self._plan.function.tags,
            opts=self._mine,
        )
        policy = aws.iam.RolePolicy(
            name, name="schedule", role=role.name, policy=self._plan.role_policy, opts=self._mine
        )
        return role, policy

    def _create_schedule(
        self, group: aws.scheduler.ScheduleGroup, role: aws.iam.Role, ready: list[pulumi.Resource]
    ) -> None:
        """Create the schedule in `group`; it invokes the function with `role`, after the resources in `ready`."""
        aws.scheduler.Schedule(
            self.name,
            name=self._plan.schedule_name,
            group_name=group.name,
            schedule_expression=self._plan.timetable.expression,
            schedule_expression_timezone=self._plan.timetable.timezone,
            start_date=_utc(start_to_send(self._plan.timetable, datetime.now(UTC))),
            end_date=_utc(self._plan.timetable.end),
            state="DISABLED" if self._plan.paused else "ENABLED",
            flexible_time_window={"mode": "OFF"},
            target={
                "arn": self.function.arn,
                "role_arn": role.arn,
                "input": INPUT,
                "retry_policy": {
                    "maximum_retry_attempts": self._plan.retries,
                    "maximum_event_age_in_seconds": self._plan.max_age,
                },
                "dead_letter_config": {"arn": self.dead_letters.arn} if self.dead_letters else None,
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=ready),
        )


def _utc(moment: datetime | None) -> str | None:
    """Return a moment as UTC text for the provider: `2026-01-31T18:00:07Z`; None for None."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
