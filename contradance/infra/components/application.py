"""The root component: all resources of a stack."""

from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter

import pulumi
import pulumi_aws as aws

from contradance.infra.components.alarm import Topics
from contradance.infra.components.api import HttpApi
from contradance.infra.components.schedule import ScheduleComponent
from contradance.infra.components.schemas import Schemas
from contradance.infra.components.shared_resources import DeploymentPackages, SharedResources
from contradance.infra.components.storage import Storage
from contradance.infra.components.subscriber import SubscriberComponent
from contradance.infra.planning.plan import StackPlan


class ApplicationComponent(pulumi.ComponentResource):
    """All resources of a stack: bus, archive, storage, functions, dashboard and alarm topic."""

    def __init__(self, plan: StackPlan, packages: DeploymentPackages, secrets: Mapping[str, pulumi.Input[str]]) -> None:
        super().__init__("contradance:aws:Application", plan.setup.site.app)
        self._plan, self._config = plan, plan.setup.config
        self._mine = pulumi.ResourceOptions(parent=self)
        bus = self._create_bus()
        self._create_archives()
        storage = Storage(plan, secrets, parent=self)
        shared = SharedResources(
            packages,
            self._create_layer(packages),
            self._config.log_days,
            self._config.protect,
            self._create_topics(),
            storage.all,
            plan.consumers,
        )
        self.subscribers = self._create_subscribers(bus, shared)
        self.api = HttpApi(plan.api, plan.routes, shared, parent=self) if plan.api else None
        group = self._create_schedule_group()
        self.schedules = [
            ScheduleComponent(each, group, plan.group.trust, shared, parent=self)
            for each in (*plan.schedules, plan.sweeper)
        ]
        self._create_dashboard()
        if plan.schemas:
            Schemas(plan.registry, plan.schemas, plan.setup.tags(), parent=self)
        self.urls: Mapping[str, pulumi.Output[str]] = dict(self._urls())
        """URLs of queues by function, and of dead letter queues by `function.dead-letters`."""
        self.register_outputs({"busArn": plan.setup.bus.arn})

    def _urls(self) -> Iterator[tuple[str, pulumi.Output[str]]]:
        """Yield (deployed name, URL) of each queue, and (`deployed name.dead-letters`, URL) of dead letter queues."""
        for each in self.subscribers:
            yield f"{each.name}.dead-letters", each.dead_letters.url
            if each.queue_url is not None:
                yield each.name, each.queue_url
        for scheduled in self.schedules:
            if scheduled.dead_letters is not None:
                yield f"{scheduled.name}.dead-letters", scheduled.dead_letters.url

    def _create_subscribers(self, bus: pulumi.Input[str], shared: SharedResources) -> list[SubscriberComponent]:
        """Create and return the subscribers, those of an event before those that publish it; `bus` is the own one."""
        plans = {each.function.name: each for each in self._plan.subscribers}
        after = {name: self._plan.consumers[name] for name in plans}
        own = self._plan.setup.bus
        return [
            SubscriberComponent(each, bus if each.rule.bus == own else each.rule.bus.name, shared, parent=self)
            for each in (plans[name] for name in TopologicalSorter(after).static_order())
        ]

    def _create_bus(self) -> pulumi.Input[str]:
        """Create the bus and its archive, unless another stack owns the bus; return the name of the bus."""
        bus = self._plan.setup.bus
        if not bus.owned:
            return bus.name
        created = aws.cloudwatch.EventBus(
            "bus",
            name=bus.name,
            description=f"Events of {self._plan.setup.site.app}",
            tags=self._plan.setup.tags(),
            opts=pulumi.ResourceOptions(parent=self, protect=self._config.protect),
        )
        aws.cloudwatch.EventArchive(
            "archive",
            name=self._plan.archive,
            event_source_arn=created.arn,
            retention_days=self._config.archive_days,
            opts=pulumi.ResourceOptions(parent=self, protect=self._config.protect),
        )
        return created.name

    def _create_archives(self) -> None:
        """Create the archives that are planned on buses of events of others, which the stack does not own."""
        for name, other in self._plan.setup.buses.items():
            if other.archive:
                aws.cloudwatch.EventArchive(
                    f"archive-{name}",
                    name=other.archive.name,
                    event_source_arn=other.bus.arn,
                    event_pattern=other.archive.pattern,
                    retention_days=other.archive.days,
                    opts=pulumi.ResourceOptions(parent=self, protect=self._config.protect),
                )

    def _create_layer(self, packages: DeploymentPackages) -> pulumi.Output[str]:
        """Create the layer of all functions and return the ARN of its version; a changed zip makes a new version."""
        version = aws.lambda_.LayerVersion(
            "layer",
            layer_name=self._plan.layer,
            code=pulumi.FileArchive(str(packages.layer)),
            compatible_runtimes=[packages.runtime],
            compatible_architectures=[packages.architecture],
            opts=self._mine,
        )
        return version.arn

    def _create_schedule_group(self) -> aws.scheduler.ScheduleGroup:
        """Create and return the group of the stack's schedules."""
        return aws.scheduler.ScheduleGroup(
            "schedules", name=self._plan.group.name, tags=self._plan.setup.tags(), opts=self._mine
        )

    def _create_topics(self) -> Topics:
        """Return the alarms' topics: a new one for the mail address, a configured, or none; `page` may have its own."""
        config = self._config
        ticket = self._create_topic(config.alarm_mail) if config.alarm_mail else config.alarm_topic
        page = config.page_topic or ticket
        return Topics((page,) if page else (), (ticket,) if ticket else ())

    def _create_topic(self, mail: str) -> pulumi.Output[str]:
        """Create a topic that sends alarms to a mail address; return its ARN."""
        topic = aws.sns.Topic("alarms", name=self._plan.topic, tags=self._plan.setup.tags(), opts=self._mine)
        aws.sns.TopicSubscription("alarms", topic=topic.arn, protocol="email", endpoint=mail, opts=self._mine)
        return topic.arn

    def _create_dashboard(self) -> None:
        """Create the dashboard; do nothing when the plan has none."""
        plan = self._plan.dashboard
        if plan:
            aws.cloudwatch.Dashboard("dashboard", dashboard_name=plan.name, dashboard_body=plan.body, opts=self._mine)
