"""What an update changes about data that stays in its place: it is kept for a shorter time, or found by another key."""

from collections.abc import Iterator

from contradance.deployed import Deployed
from contradance.infra.planning.plan import StackPlan


def describe_keeping(plan: StackPlan, before: Deployed) -> Iterator[str]:
    """Yield a warning for each archive, log, backup, key or URL that an update deletes, shortens or makes unusable.

    What an older version of contradance did not store in the outputs is not compared.
    """
    yield from _archives(plan, before)
    config = plan.setup.config
    if before.log_days is not None and config.log_days < before.log_days:
        yield _shorter(plan, "logDays", "the logs, with the journal,", before.log_days, config.log_days)
    if before.point_in_time_recovery and not config.point_in_time_recovery:
        keep = f"pulumi config set --stack {plan.setup.site.stack} pointInTimeRecovery true"
        yield f"pointInTimeRecovery is off: AWS removes the continuous backups of all tables.\n  To keep them: {keep}"
    yield from _remembered(plan, before)
    yield from _keys(plan, before)
    if before.api_url and plan.api is None:
        yield (
            f"no route is declared any more: this update deletes the HTTP API, its URL {before.api_url} and its access log. "
            "A later API has another URL.\n  To keep them, leave one route, or a detail-type in the key ingress."
        )


def _archives(plan: StackPlan, before: Deployed) -> Iterator[str]:
    """Yield a warning for each archive of the stack that is deleted, or that keeps events for a shorter time."""
    config, own = plan.setup.config, plan.setup.names.name("archive")
    if before.archive_name == own:
        if plan.archive is None:
            yield _deleted("bus or busStack names another stack's bus", own, "remove that key")
        elif before.archive_days is not None and config.archive_days < before.archive_days:
            yield _shorter(plan, "archiveDays", f"archive {plan.archive}", before.archive_days, config.archive_days)
    for name, bus in before.buses.items():
        if bus.archive_name is None:
            continue
        now = plan.setup.buses.get(name)
        if now is None or now.archive is None:
            why = f"archives.{name} is not set" if now else f"no function consumes from the bus {name!r} any more"
            yield _deleted(why, bus.archive_name, f"leave a function on that bus, and set the key archives.{name}")
        elif bus.archive_days is not None and now.archive.days < bus.archive_days:
            yield _shorter(plan, f"archives.{name}", f"archive {now.archive.name}", bus.archive_days, now.archive.days)
        elif now.bus.arn != bus.arn:
            yield _deleted(f"buses.{name} names another bus", bus.archive_name, "name the bus as before")


def _deleted(why: str, archive: str, fix: str) -> str:
    """Return the warning for an archive that an update deletes or replaces, with its events."""
    return f"{why}: this update deletes the archive {archive} with all its events, which no replay can then read.\n  To keep it, {fix}."


def _shorter(plan: StackPlan, key: str, what: str, old: int, new: int) -> str:
    """Return the warning for data that AWS deletes because it is older than what a key now configures."""
    place = f"--path '{key}'" if "." in key else key
    return (
        f"{key} goes from {old} to {new}: AWS deletes from {what} all that is older than {new} days.\n"
        f"  To keep it: pulumi config set --stack {plan.setup.site.stack} {place} {old}"
    )


def _remembered(plan: StackPlan, before: Deployed) -> Iterator[str]:
    """Yield a warning when archives keep events for longer than what was handled until now is remembered."""
    days = plan.setup.config.archive_retention.days
    if before.once_days is not None and before.once_days < days:
        yield (
            f"archives keep events for {days} days from now on, but what was handled until now is remembered for "
            f"{before.once_days:.0f} days: a later replay of events from before this update would handle them again.\n"
            "  Note the time of this update, and replay only events that are younger."
        )


def _keys(plan: StackPlan, before: Deployed) -> Iterator[str]:
    """Yield a warning for each table whose key has other fields: its items stay under the values of the old ones."""
    now = {table.identity: table.key for table in plan.tables}
    for name, table in before.tables.items():
        key = now.get(name, table.key)
        if table.key and key != table.key and len(key) == len(table.key):
            yield (
                f"table {name} has the key {', '.join(key)}, and had {', '.join(table.key)}. Its items stay under the values "
                "of the old key: get and query find them only if both fields have the same values.\n"
                "  If only the name changed, leave its items as they are. Else declare a table with a new name, and copy the items."
            )
