"""Moves a service from one stack to another on the same bus: which tables and once-records are copied.

Copied are the items of the service's tables, and the once-records of its functions that are complete. A replay to the new stack
then has no effect for what the old one has handled. The journal, dead letters and queues stay where they are.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from contradance.choreography import AnyFunction, Choreography
from contradance.deployed import Deployed
from contradance.errors import OperateError
from contradance.operate.copying import Counts, Rows, StoredRow, copy_rows
from contradance.table import Grant


@dataclass(frozen=True, slots=True)
class MovedRows:
    """One table of a service, or its once-records, in both stacks."""

    what: str
    """`table loans.copies`, or `once-records`."""
    source: str
    """Name in DynamoDB."""
    target: str
    is_once: bool


@dataclass(frozen=True, slots=True)
class MovePlan:
    """A move of one service, checked against the code and both stacks."""

    service: str
    functions: tuple[str, ...]
    """Names of the service's functions, as both stacks have them."""
    deployed_names: tuple[str, ...]
    """Their deployed names, which begin the keys of their once-records."""
    rows: tuple[MovedRows, ...]
    """The tables, then the once-records."""
    declared: Mapping[str, AnyFunction] = field(default_factory=dict)
    """The service's functions in the code, by their names."""

    @property
    def longest_run(self) -> timedelta:
        """The longest time that an invocation of one of the functions may take."""
        return max((function.invocation_timeout for function in self.declared.values()), default=timedelta())


def plan_move(choreography: Choreography, service: str, source: Deployed, target: Deployed) -> MovePlan:
    """Return a checked move of a service between two stacks; `OperateError` with the reason when it is not possible.

    Raises:
        OperateError: the move is not possible; the message has the reason.
    """
    if service not in choreography.services:
        raise OperateError(f"the code has no service {service}.\n  Services: {', '.join(choreography.services)}.")
    _check_stacks(source, target)
    moved = sorted(_functions_of(service, source, "old"))
    missing = {*moved} - (_functions_of(service, target, "new") & choreography.functions.keys())
    if missing:
        raise OperateError(
            f"the old stack has {', '.join(sorted(missing))}, which the new stack or the code does not have.\n"
            "  Deploy the same code in both stacks: pulumi up"
        )
    functions = choreography.functions
    tables = {use.deployed_name: use for name in moved for use in functions[name].uses if isinstance(use, Grant)}
    pairs = [_pair(name, source, target) for name in sorted(tables) if name in source.tables]
    once = MovedRows("once-records", str(source.once_table), str(target.once_table), is_once=True)
    declared = {name: functions[name] for name in moved}
    return MovePlan(service, (*moved,), tuple(one.deployed_name for one in declared.values()), (*pairs, once), declared)


def _functions_of(service: str, stack: Deployed, which: str) -> set[str]:
    """Return the names of a stack's functions of a service; raise `OperateError` when it has none."""
    found = {name for name in stack.functions if name.partition(".")[0] == service}
    if not found:
        raise OperateError(
            f"the {which} stack has no function of {service}.\n  Both stacks have it during a move: see the key services."
        )
    return found


def _check_stacks(source: Deployed, target: Deployed) -> None:
    """Raise `OperateError` unless these are two different stacks on one bus, both with a table of once-records."""
    if source.once_table is None or target.once_table is None:
        raise OperateError("a stack was deployed by an older version.\n  Deploy both stacks with this one: pulumi up")
    if source.once_table == target.once_table:
        raise OperateError("both are the same stack.\n  Name the old stack with --from, the new one with --to.")
    if source.bus_arn != target.bus_arn:
        raise OperateError(
            f"the new stack is on the bus {target.bus_name}, the old one on {source.bus_name}: what happens between could "
            "not be replayed.\n  Set busStack in the new stack."
        )


def _pair(name: str, source: Deployed, target: Deployed) -> MovedRows:
    """Return a table in both stacks; `OperateError` if the new one lacks it, or only one has a sort key."""
    old, new = source.tables[name], target.tables.get(name)
    if new is None or new.sorted != old.sorted:
        raise OperateError(
            f"the new stack has no table {name} with the same key.\n  Deploy the same code in both stacks: pulumi up"
        )
    return MovedRows(f"table {name}", old.table_name, new.table_name, is_once=False)


def check_direction(plan: MovePlan, rows: Callable[[MovedRows], tuple[Rows, Rows]]) -> None:
    """Raise `OperateError` when the source looks like the new stack, and the target like the old one.

    The functions of the old stack have written rows there, or these were copied from a third stack; the new stack, which has
    not run, has copies of the old one only. The search ends at the first row that is not a copy.
    """
    pairs = [rows(moved) for moved in plan.rows]
    is_empty = True
    for row in (row for old, _ in pairs for page in old.pages() for row in page):
        is_empty = False
        if not row.is_copy:
            return
    target = [row for _, new in pairs for row in _first_rows(new)]
    if any(not row.is_copy for row in target) or (target and is_empty):
        raise OperateError(
            f"the functions of {plan.service} have written nothing in the stack --from, and have in the stack --to.\n"
            "  Name the old stack with --from, the new one with --to."
        )


def _first_rows(rows: Rows) -> Sequence[StoredRow]:
    """Return the first page that has rows; an empty sequence when the table has no row."""
    return next((page for page in rows.pages() if page), ())


def copy(
    plan: MovePlan, rows: Callable[[MovedRows], tuple[Rows, Rows]], *, dry_run: bool
) -> Iterator[tuple[MovedRows, Counts]]:
    """Copy, or in a dry run compare, table by table; yield what was found and done with each, also before an error.

    The once-records are last: while one is missing, its event could be handled again, and its items are there then. A
    once-record is never deleted: the table forgets it by itself.
    """
    for moved in plan.rows:
        old, new = rows(moved)
        counts = Counts()
        try:
            copy_rows(old, new, dry_run=dry_run, delete=not moved.is_once, counts=counts)
        except BaseException:
            yield moved, counts
            raise
        yield moved, counts
