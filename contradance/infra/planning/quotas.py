"""Checks a plan against AWS's quotas at preview, so that no update fails half-way."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Final

from contradance.catalog.eventbridge import LONGEST_SCHEMA
from contradance.deployed import FunctionKind
from contradance.errors import InvalidStack
from contradance.infra.planning.plan import StackPlan
from contradance.infra.planning.statement import document
from contradance.infra.planning.tags import TAG_LENGTHS, wrong_tags
from contradance.pattern.syntax import MAX_CHARACTERS

FEWER_RULES: Final = {"af-south-1": 100, "eu-south-1": 100}
"""Regions with a lower default quota of rules. EventBridge user guide, eb-quota."""
WILDCARD_RULES: Final = 30
"""Maximum number of rules with a wildcard on one bus; AWS does not raise it. EventBridge user guide, eb-quota."""
ROLE_POLICY: Final = 10_240
"""Maximum size of a role's policies in characters, without white space; fixed. IAM user guide, reference_iam-quotas."""
ENVIRONMENT: Final = 4096
"""Maximum number of bytes of a function's environment; fixed. Lambda developer guide, gettingstarted-limits."""
ROUTES: Final = 300
"""Default quota of routes for one HTTP API. API Gateway developer guide, http-api-quotas."""
SCHEMAS: Final = 100
"""Default quota of schemas for one registry. EventBridge user guide, eb-quota."""
WIDGETS: Final = 500
"""Maximum number of widgets of a dashboard; fixed. CloudWatch user guide, cloudwatch_limits."""
WIDGET_METRICS: Final = 500
"""Maximum number of metrics of a dashboard's widget; fixed. CloudWatch user guide, cloudwatch_limits."""
DASHBOARD_METRICS: Final = 2_500
"""Maximum number of metrics of a dashboard, in all its widgets; fixed. CloudWatch user guide, cloudwatch_limits."""
TAGS: Final = 50
"""Maximum number of tags of a resource; fixed."""
UNRESERVED: Final = 100
"""Concurrent executions that an account keeps unreserved; fixed. Lambda developer guide, configuration-concurrency."""
ALARM_DESCRIPTION: Final = 1024
"""Maximum number of characters of an alarm's description. CloudWatch API reference, PutMetricAlarm."""
PARAMETER_NAME: Final = 1011
"""Maximum number of characters of a parameter's name. SSM API reference, PutParameter."""
_SMALLER: Final[dict[FunctionKind, str]] = {
    "ingress": "name fewer detail-types in the key ingress",
    "sweeper": "deploy some services in a stack of their own",
}
"""How contradance's own functions get smaller, which no author can split."""
METRICS_NAMESPACE: Final = 255
"""Maximum number of characters of a metric's namespace. CloudWatch API reference, MetricDatum."""
QUEUE_URL: Final = 200
"""Bytes reserved for the URL of the dead letter queue, which is known only after deployment."""


def check_quotas(plan: StackPlan) -> None:
    """Raise `InvalidStack` when a plan breaks one of AWS's quotas.

    Raises:
        InvalidStack: the message lists every broken quota, its cause and the fix.
    """
    found = [
        *_too_many_rules(plan),
        *_long_patterns(plan),
        *_large_functions(plan),
        *_large_stack(plan),
        *_large_dashboard(plan),
        *wrong_tags(plan),
        *_too_much_concurrency(plan),
        *_foreign_regions(plan),
        *_long_texts(plan),
    ]
    if found:
        site = plan.setup.site
        raise InvalidStack(f"stack {site.stack!r} would break quotas of AWS in {site.region}:\n" + "\n".join(found))


def _too_many_rules(plan: StackPlan) -> Iterator[str]:
    """Yield a problem for each bus with too many rules, archives included, or too many rules with a wildcard."""
    region, config = plan.setup.site.region, plan.setup.config
    configured = "rule_quota" in config.model_fields_set
    quota = config.rule_quota if configured else min(config.rule_quota, FEWER_RULES.get(region, config.rule_quota))
    # An archive has a rule of its own on its bus. Of another team's bus only this stack's rules are known.
    archives = Counter(other.bus.name for other in plan.setup.buses.values() if other.archive)
    archives[plan.setup.bus.name] += plan.archive is not None
    for bus in dict.fromkeys([plan.setup.bus.name, *(each.rule.bus.name for each in plan.subscribers)]):
        on_it = [each for each in plan.subscribers if each.rule.bus.name == bus]
        rules = len(on_it) + archives[bus]
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
    """Yield a problem for each subscriber whose pattern is longer than the configured quota.

    No pattern is longer than AWS's limit: `EventPattern` refuses it.
    """
    quota = plan.setup.config.pattern_quota
    for each in plan.subscribers:
        if len(each.rule.pattern) > quota:
            yield (
                f"  {each.function.name} has an event pattern of {len(each.rule.pattern)} characters; it may have {quota}.\n"
                "  Fix: filter less in where=, split the function, or ask AWS for longer patterns and configure them: "
                f"pulumi config set patternQuota {MAX_CHARACTERS}"
            )


def _large_functions(plan: StackPlan) -> Iterator[str]:
    """Yield a problem for each function whose policy or whose environment is too large."""
    for function in plan.functions:
        fix = _SMALLER.get(function.kind)
        policy = len(document(*function.statements))
        if policy > ROLE_POLICY:
            yield (
                f"  {function.name} needs a policy of {policy} characters; a role may have {ROLE_POLICY}.\n"
                f"  Fix: {fix or 'split the function, so that each part publishes and uses less'}."
            )
        size = sum(len(name.encode()) + len(value.encode()) for name, value in function.environment.items()) + QUEUE_URL
        if size > ENVIRONMENT:
            yield (
                f"  {function.name} needs an environment of {size} bytes; it may have {ENVIRONMENT}.\n"
                f"  Fix: {fix or 'keep long settings in a table, or split the function'}."
            )


def _large_stack(plan: StackPlan) -> Iterator[str]:
    """Yield a problem for too many routes, for too many schemas, and for a function with too many tags."""
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


def _large_dashboard(plan: StackPlan) -> Iterator[str]:
    """Yield a problem for a dashboard with too many widgets, or with too many metrics in one or in all of them."""
    widgets = json.loads(plan.dashboard.body)["widgets"] if plan.dashboard else []
    metrics = [len(widget["properties"]["metrics"]) for widget in widgets]
    for number, what, most in (
        (len(widgets), "widgets", WIDGETS),
        (max(metrics, default=0), "metrics in a widget", WIDGET_METRICS),
        (sum(metrics), "metrics", DASHBOARD_METRICS),
    ):
        if number > most:
            yield (
                f"  {number} {what} on the dashboard; it may have {most}.\n"
                f"  Fix: deploy services from several stacks, or: pulumi config set --stack {plan.setup.site.stack} dashboard false"
            )


def _too_much_concurrency(plan: StackPlan) -> Iterator[str]:
    """Yield a problem when the functions reserve more concurrency than the account's quota allows."""
    reserved = {each.name: each.concurrency for each in plan.functions if each.concurrency}
    quota, total = plan.setup.config.concurrency_quota, sum(reserved.values())
    if reserved and total > quota - UNRESERVED:
        named = ", ".join(f"{name} {number}" for name, number in sorted(reserved.items()))
        yield (
            f"  {total} concurrent executions are reserved ({named}); the account has {quota}, and {UNRESERVED} of them stay "
            "unreserved.\n"
            "  Fix: write no concurrency= there, or ask AWS for a higher limit and configure it: "
            f"pulumi config set --stack {plan.setup.site.stack} concurrencyQuota {total + UNRESERVED}"
        )


def _foreign_regions(plan: StackPlan) -> Iterator[str]:
    """Yield a problem for each configured topic or KMS key that is in another region than the stack."""
    site, config = plan.setup.site, plan.setup.config
    for key, arn in (
        ("alarmTopic", config.alarm_topic),
        ("pageTopic", config.page_topic),
        ("secretsKey", config.secrets_key),
    ):
        region = arn.split(":")[3] if arn and arn.count(":") > 3 else site.region  # noqa: PLR2004 - an ARN has five at least
        if region != site.region:
            yield (
                f"  {key} is in {region}, but alarms and secrets in {site.region} need one of their own region.\n"
                f"  Fix: pulumi config set --stack {site.stack} {key} <ARN in {site.region}>"
            )


def _long_texts(plan: StackPlan) -> Iterator[str]:
    """Yield a problem for each too long name, alarm's description, secret's parameter name and contract's schema."""
    app = plan.setup.site.app
    if len(app) > METRICS_NAMESPACE:
        yield (
            f"  the choreography has a name of {len(app)} characters; the namespace of its metrics may have "
            f"{METRICS_NAMESPACE}.\n  Fix: give the choreography a shorter name."
        )
    for function in plan.functions:
        if len(function.identity) > TAG_LENGTHS[1]:
            yield (
                f"  {function.identity[:40]} has a name of {len(function.identity)} characters; its tag may have "
                f"{TAG_LENGTHS[1]}.\n  Fix: give the service or the function a shorter name."
            )
    for alarm in (alarm for each in plan.workloads for alarm in each.alarms):
        if len(alarm.description) > ALARM_DESCRIPTION:
            yield (
                f"  the alarm {alarm.name} has a description of {len(alarm.description)} characters; it may have "
                f"{ALARM_DESCRIPTION}.\n  Fix: give the function or the stack a shorter name."
            )
    for secret in plan.secrets:
        if len(secret.parameter) > PARAMETER_NAME:
            yield (
                f"  the secret {secret.name[:40]} has a parameter name of {len(secret.parameter)} characters; it may have "
                f"{PARAMETER_NAME}.\n  Fix: give the secret a shorter name."
            )
    for schema in plan.schemas:
        if len(schema.content) > LONGEST_SCHEMA:
            yield (
                f"  the schema {schema.name} has {len(schema.content)} characters; it may have {LONGEST_SCHEMA}.\n"
                f"  Fix: pulumi config set --stack {plan.setup.site.stack} schemaRegistry false"
            )
