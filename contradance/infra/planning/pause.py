"""Describes what the key `paused` disables."""

from contradance.infra.planning.plan import StackPlan


def describe_pause(plan: StackPlan) -> str | None:
    """Return a warning with the functions whose rules and schedules are disabled; None when nothing is paused."""
    rules = [each.function.name for each in plan.subscribers if each.rule.paused]
    schedules = [each.function.name for each in plan.schedules if each.paused]
    lines = [
        f"  {what} of: {', '.join(names)}" for what, names in (("rules", rules), ("schedules", schedules)) if names
    ]
    if not lines:
        return None
    listed = "\n".join(lines)
    return (
        f"paused: this stack disables\n{listed}\n"
        "  Their events stay in the archive. Queues are still polled, so what is on its way is handled.\n"
        f"  To continue: pulumi config rm --stack {plan.setup.site.stack} paused; pulumi up; then replay the time between "
        "to each subscriber. A scheduled run of that time does not happen."
    )
