"""Describes what the keys `paused` and `stopped` disable."""

from contradance.infra.planning.plan import StackPlan


def describe_pause(plan: StackPlan) -> str | None:
    """Return a warning with what is disabled, and how to continue; None when nothing is paused."""
    disabled = {
        "rules of": [each.function.name for each in plan.subscribers if each.rule.paused],
        "schedules of": [each.function.name for each in plan.schedules if each.paused],
        "and stops": [each.name for each in plan.functions if each.stopped],
    }
    lines = [f"  {what}: {', '.join(names)}" for what, names in disabled.items() if names]
    if not lines:
        return None
    stack = plan.setup.site.stack
    listed = "\n".join(lines)
    return (
        f"paused: this stack disables\n{listed}\n"
        "  Their events stay in the archive, and what is on its way is handled, unless it is stopped.\n"
        f"  To continue: pulumi config rm --stack {stack} paused; pulumi config rm --stack {stack} stopped; pulumi up; then "
        "replay the time between to each subscriber. A scheduled run of that time does not happen."
    )
