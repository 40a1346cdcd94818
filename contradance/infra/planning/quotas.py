"""Checks a plan against AWS's quotas at preview, so that no update fails half-way."""

from collections.abc import Iterator
from typing import Final

from contradance.errors import InvalidStack
from contradance.infra.planning.plan import StackPlan
from contradance.infra.planning.statement import document

FEWER_RULES: Final = {"af-south-1": 100, "eu-south-1": 100}
"""Regions with a lower default quota of rules. EventBridge user guide, eb-quota."""
WILDCARD_RULES: Final = 30
"""Most rules with a wildcard on one bus; fixed. EventBridge user guide, eb-quota."""
ROLE_POLICY: Final = 10_240
"""Most characters of a role's own policies, without white space; fixed. IAM user guide, reference_iam-quotas."""
ENVIRONMENT: Final = 4096
"""Most bytes of a function's environment; fixed. Lambda developer guide, gettingstarted-limits."""
ROUTES: Final = 300
"""Most routes of an HTTP API, by default. API Gateway developer guide, http-api-quotas."""
SCHEMAS: Final = 100
"""Most schemas of a registry, by default. EventBridge user guide, eb-quota."""
TAGS: Final = 50
"""Most tags of a resource; fixed."""
QUEUE_URL: Final = 200
"""Bytes reserved for the URL of the dead letter queue, which is known only after deployment."""


def check_quotas(plan: StackPlan) -> None:
    """Refuse a plan that breaks one of AWS's quotas.

    Raises:
        InvalidStack: the message lists every broken quota, its cause and the fix.
    """
    found = [*_too_many_rules(plan), *_long_patterns(plan), *_large_functions(plan), *_large_stack(plan)]
    if found:
        site = plan.setup.site
        raise InvalidStack(f"stack {site.stack!r} would break quotas of AWS in {site.region}:\n" + "\n".join(found))


def _too_many_rules(plan: StackPlan) -> Iterator[str]:
    region, config = plan.setup.site.region, plan.setup.config
    configured = "rule_quota" in config.model_fields_set
    quota = config.rule_quota if configured else min(config.rule_quota, FEWER_RULES.get(region, config.rule_quota))
    # An archive has a rule of its own on its bus. Of another team's bus only this stack's rules are known.
    archived = {plan.setup.bus.name} if plan.archive else set()
    archived |= {other.bus.name for other in plan.setup.buses.values() if other.archive}
    for bus in dict.fromkeys([plan.setup.bus.name, *(each.rule.bus.name for each in plan.subscribers)]):
        on_it = [each for each in plan.subscribers if each.rule.bus.name == bus]
        rules = len(on_it) + (bus in archived)
        if rules > quota:
            yield (
                f"  {rules} rules on {bus}; a bus may have {quota}.\n"
                "  Fix: deploy some services in a stack with its own bus, or ask AWS for more rules and configure them: "
                f"pulumi config set ruleQuota {rules}"
            )
        wild = [each.function.name for each in on_it if '"wildcard"' in each.rule.pattern]
        if len(wild) > WILDCARD_RULES:
            yield (
                f"  {len(wild)} rules have a wildcard; a bus may have {WILDCARD_RULES}.\n"
                f"  Fix: filter by prefix, suffix or value in {', '.join(wild[WILDCARD_RULES:])}."
            )


def _long_patterns(plan: StackPlan) -> Iterator[str]:
    quota = plan.setup.config.pattern_quota
    for each in plan.subscribers:
        if len(each.rule.pattern) > quota:
            yield (
                f"  {each.function.name} has an event pattern of {len(each.rule.pattern)} characters; it may have {quota}.\n"
                "  Fix: filter less in where=, split the function, or ask AWS for longer patterns and configure them: "
                "pulumi config set patternQuota 4096"
            )


def _large_functions(plan: StackPlan) -> Iterator[str]:
    for function in plan.functions:
        policy = len(document(*function.statements))
        if policy > ROLE_POLICY:
            yield (
                f"  {function.name} needs a policy of {policy} characters; a role may have {ROLE_POLICY}.\n"
                "  Fix: split the function, so that each part publishes and uses less."
            )
        size = sum(len(name.encode()) + len(value.encode()) for name, value in function.environment.items()) + QUEUE_URL
        if size > ENVIRONMENT:
            yield (
                f"  {function.name} needs an environment of {size} bytes; it may have {ENVIRONMENT}.\n"
                "  Fix: keep long settings in a table, or split the function."
            )


def _large_stack(plan: StackPlan) -> Iterator[str]:
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
