"""Resources that hold data which cannot be made again: dead letters, queued events, journals and tables."""

import pulumi


def retainable(
    parent: pulumi.Resource, *, retain: bool, depends_on: list[pulumi.Resource] | None = None
) -> pulumi.ResourceOptions:
    """Return the options of a resource that holds data; with `retain`, AWS keeps it when the program drops it.

    `pulumi import` puts such a resource below the stack itself, where the alias finds it when the program declares it
    again.
    """
    return pulumi.ResourceOptions(
        parent=parent,
        depends_on=depends_on,
        retain_on_delete=retain,
        aliases=[pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)],
    )
