"""Describes what the keys `paused` and `stopped` disable."""

from contradance.infra.planning.plan import StackPlan


def describe_pause(plan: StackPlan) -> str | None:
    """Return a warning with what is disabled, what is lost meanwhile, and how to continue; None when nothing is paused."""
    setup = plan.setup
    lines = [f"  {what}: {', '.join(names)}" for what, names in _disabled(plan).items() if names]
    if not lines:
        return None
    listed = "\n".join(lines)
    keys = [key for key in ("paused", "stopped") if getattr(setup.config, key)]
    commands = "; ".join(f"pulumi config rm --stack {setup.site.stack} {key}" for key in keys)
    return (
        f"paused: this stack disables\n{listed}\n"
        "  Other events stay in the archive of their bus, and what is on its way is handled, unless it is stopped.\n"
        f"  To continue: {commands}; pulumi up; then replay the time between to each subscriber. A scheduled run of that time "
        "does not happen."
    )


def _disabled(plan: StackPlan) -> dict[str, list[str]]:
    """Return the functions that are paused or stopped in some way, by a text that begins the line about them."""
    buses = plan.setup.buses.values()
    archived = {plan.setup.bus.name, *(other.bus.name for other in buses if other.archive)}
    paused = [each for each in plan.subscribers if each.rule.paused]
    return {
        "rules of": [each.function.name for each in paused],
        "schedules of": [each.function.name for each in plan.schedules if each.paused],
        "and stops": [each.name for each in plan.functions if each.stopped],
        "and loses the events of": [each.function.name for each in paused if each.rule.bus.name not in archived],
    }
