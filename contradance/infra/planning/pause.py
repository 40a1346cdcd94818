"""Describes what the keys `paused` and `stopped` disable."""

from collections.abc import Iterator

from contradance.infra.config import StackConfig
from contradance.infra.planning.plan import StackPlan
from contradance.infra.planning.trigger import RulePlan


def describe_pause(plan: StackPlan) -> str | None:
    """Return a warning with what is disabled, what is lost meanwhile, how to continue; None when nothing is paused."""
    setup = plan.setup
    lines = [f"  {what}: {', '.join(names)}" for what, names in _disabled(plan).items() if names]
    if not lines:
        return None
    listed = "\n".join(lines)
    commands = "\n".join(f"    {one}" for one in _commands(setup.config, setup.site.stack))
    return (
        f"paused: this stack disables\n{listed}\n"
        "  Other events stay in the archive of their bus. What is on its way is handled, and routes go on, unless they are stopped.\n"
        f"  To continue what does not move to another stack:\n{commands}\n"
        "  Then replay the time between to each subscriber. A scheduled run of that time does not happen."
    )


def _commands(config: StackConfig, stack: str) -> Iterator[str]:
    """Yield, for each paused or stopped service, the commands that continue it and no other; for all, one line."""
    remove = f"pulumi config rm --stack {stack}"
    if config.paused is True:
        yield "; ".join(f"{remove} {key}" for key in ("paused", "stopped") if getattr(config, key)) + "; pulumi up"
        return
    named = {"paused": config.paused or (), "stopped": config.stopped}
    for service in sorted({*named["paused"], *named["stopped"]}):
        entries = [(key, names.index(service)) for key, names in named.items() if service in names]
        removals = "; ".join(f"{remove} --path '{key}[{position}]'" for key, position in entries)
        yield f"{service}: {removals}; pulumi up"


def _disabled(plan: StackPlan) -> dict[str, list[str]]:
    """Return names of functions by what the pause does to them, as a line begins: `rules of`, `and stops`, losses."""
    paused = [each for each in plan.subscribers if each.rule.paused]
    archived = [each for each in paused if _is_archived(plan, each.rule)]
    return {
        "rules of": [each.function.name for each in paused],
        "schedules of": [each.function.name for each in plan.schedules if each.paused],
        "and stops": [each.name for each in plan.functions if each.stopped],
        "and loses the events of": [each.function.name for each in paused if each not in archived],
        "and loses, because they ignore replays, the events of": [
            each.function.name for each in archived if each.rule.skips_replays
        ],
    }


def _is_archived(plan: StackPlan, rule: RulePlan) -> bool:
    """Whether a rule's events are kept in this stack's archive, or in another stack's whose ARN is configured."""
    own = plan.setup.bus
    if rule.declared_bus is None:
        return own.owned or own.archive_arn is not None
    return plan.setup.buses[rule.declared_bus].archive is not None
