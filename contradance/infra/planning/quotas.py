"""AWS's quotas: what a plan would break is said at preview, not half-way through an update."""

from collections.abc import Iterator
from typing import Final

from contradance.errors import InvalidStack
from contradance.infra.planning.plan import StackPlan
from contradance.infra.planning.statement import document

FEWER_RULES: Final = {"af-south-1": 100, "eu-south-1": 100}
"""Regions in which a bus may have fewer rules unless AWS grants more. EventBridge user guide, eb-quota."""
WILDCARD_RULES: Final = 30
"""Rules of a bus with a wildcard in their pattern; fixed. EventBridge user guide, eb-quota."""
ROLE_POLICY: Final = 10_240
"""Characters of a role's own policies, white space not counted; fixed. IAM user guide, reference_iam-quotas."""
ENVIRONMENT: Final = 4096
"""Bytes of a function's environment; fixed. Lambda developer guide, gettingstarted-limits."""
ROUTES: Final = 300
"""Routes of an HTTP API unless AWS grants more. API Gateway developer guide, http-api-quotas."""
SCHEMAS: Final = 100
"""Schemas of a registry unless AWS grants more. EventBridge user guide, eb-quota."""
TAGS: Final = 50
"""Tags of a resource; fixed."""
QUEUE_URL: Final = 200
"""Bytes kept for the URL of the dead letter queue, which is not known before it is there."""


def check_quotas(plan: StackPlan) -> None:
    """Refuse a plan that AWS would not take.

    Raises:
        InvalidStack: says every quota that it would break, by whom, and what can be done.
    """
    found = [*_rules(plan), *_patterns(plan), *_functions(plan), *_stack(plan)]
    if found:
        site = plan.setup.site
        raise InvalidStack(f"stack {site.stack!r} would break quotas of AWS in {site.region}:\n" + "\n".join(found))


def _rules(plan: StackPlan) -> Iterator[str]:
    region, config = plan.setup.site.region, plan.setup.config
    said = "rule_quota" in config.model_fields_set
    quota = config.rule_quota if said else min(config.rule_quota, FEWER_RULES.get(region, config.rule_quota))
    # The archive has a rule of its own on the bus.
    rules = len(plan.subscribers) + bool(plan.archive)
    if rules > quota:
        yield (
            f"  {rules} rules on {plan.setup.bus.name}; a bus may have {quota}.\n"
            "  Fix: deploy some services from a stack with a bus of its own, or ask AWS for more rules and say so: "
            f"pulumi config set ruleQuota {rules}"
        )
    wild = [each.function.name for each in plan.subscribers if '"wildcard"' in each.rule.pattern]
    if len(wild) > WILDCARD_RULES:
        yield (
            f"  {len(wild)} rules have a wildcard; a bus may have {WILDCARD_RULES}.\n"
            f"  Fix: filter by prefix, suffix or value in {', '.join(wild[WILDCARD_RULES:])}."
        )


def _patterns(plan: StackPlan) -> Iterator[str]:
    quota = plan.setup.config.pattern_quota
    for each in plan.subscribers:
        if len(each.rule.pattern) > quota:
            yield (
                f"  {each.function.name} has an event pattern of {len(each.rule.pattern)} characters; it may have {quota}.\n"
                "  Fix: filter less in where=, split the function, or ask AWS for longer patterns and say so: "
                "pulumi config set patternQuota 4096"
            )


def _functions(plan: StackPlan) -> Iterator[str]:
    for function in plan.functions:
        policy = len(document(*function.statements))
        if policy > ROLE_POLICY:
            yield (
                f"  {function.name} needs a policy of {policy} characters; a role may have {ROLE_POLICY}.\n"
                "  Fix: split the function: it publishes or uses too much."
            )
        size = sum(len(name.encode()) + len(value.encode()) for name, value in function.environment.items()) + QUEUE_URL
        if size > ENVIRONMENT:
            yield (
                f"  {function.name} needs an environment of {size} bytes; it may have {ENVIRONMENT}.\n"
                "  Fix: keep long settings in a table, or split the function."
            )


def _stack(plan: StackPlan) -> Iterator[str]:
    if len(plan.routes) > ROUTES:
        yield f"  {len(plan.routes)} routes; an HTTP API may have {ROUTES}.\n  Fix: deploy services from several stacks."
    if len(plan.schemas) > SCHEMAS:
        yield (
            f"  {len(plan.schemas)} schemas; a registry may have {SCHEMAS}.\n"
            "  Fix: pulumi config set schemaRegistry false"
        )
    tags = max((len(function.tags) for function in plan.functions), default=0)
    if tags > TAGS:
        yield f"  {tags} tags; a resource may have {TAGS}.\n  Fix: set fewer tags."
