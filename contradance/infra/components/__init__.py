"""Pulumi components: they create the resources of a plan, and make no decisions."""
