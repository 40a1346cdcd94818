"""A copy of the contracts in EventBridge's schema registry, for people. EventBridge does not validate events with it."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from contradance.catalog.eventbridge import TYPE, RegistrySchema


class Schemas(pulumi.ComponentResource):
    """A schema registry with one schema for each version of each contract."""

    def __init__(
        self, registry: str, plans: Sequence[RegistrySchema], tags: Mapping[str, str], *, parent: pulumi.Resource
    ) -> None:
        super().__init__("contradance:aws:Schemas", "schemas", None, pulumi.ResourceOptions(parent=parent))
        mine = pulumi.ResourceOptions(parent=self)
        created = aws.schemas.Registry("schemas", name=registry, tags=tags, opts=mine)
        for plan in plans:
            aws.schemas.Schema(
                plan.name,
                name=plan.name,
                registry_name=created.name,
                type=TYPE,
                content=plan.content,
                description=plan.description,
                tags=tags,
                opts=mine,
            )
            if plan.dropped:
                pulumi.log.info(f"{plan.name}: JSON Schema Draft 4 cannot express {', '.join(plan.dropped)}", self)
        self.register_outputs({"name": created.name})
