"""Trees for the terminal: of the choreography, and of a flow."""

from itertools import groupby
from typing import Final

from rich.text import Text
from rich.tree import Tree

from contradance.catalog.paths import failure_path
from contradance.choreography import AnyFunction, Choreography, Relied
from contradance.cli.attempt import ShownTracebacks
from contradance.cli.log_lines import entry_lines
from contradance.cli.moment import clock_time
from contradance.cli.narrator import flow_summary, flow_title
from contradance.cli.theme import Services, event_name, short
from contradance.contract import Contract
from contradance.function import Schedule
from contradance.httproute import Route
from contradance.operate.flow import Flow, Handled, Happened
from contradance.runtime.journal_record import COMPLETED, JournalRecord


def choreography_tree(choreography: Choreography) -> Tree:
    """Return the tree of a choreography from routes, schedules and outside events on; failure paths are red."""
    return _ChoreographyTree(choreography).root


class _ChoreographyTree:
    """Builds the tree; the consumers of an event are shown where it first appears. Every function is in it."""

    def __init__(self, choreography: Choreography) -> None:
        self._choreography = choreography
        self._services = Services(choreography.services)
        self._failing = failure_path(choreography)
        self._shown: set[type[Contract]] = set()
        self._placed: set[str] = set()
        """Names of the functions that are in the tree."""
        self.root = Tree(Text(choreography.name, "bold"))
        starts = [one for one in choreography.functions.values() if isinstance(one.trigger, Route | Schedule)]
        for function in sorted(starts, key=lambda one: not one.publishes):
            self._add_function(self.root, function, self._start_label(function))
        for contract in choreography.contracts:
            if choreography.consumers(contract) and not choreography.publishers(contract):
                self._add_event(self.root, contract, choice="")
        for one in choreography.foreign:
            self._add_foreign(one)
        for function, subscription in choreography.subscriptions:
            if function.name not in self._placed:  # its events are published only inside a cycle
                self._add_event(self.root, subscription.contracts[0], choice="")

    def _add_function(self, branch: Tree, function: AnyFunction, label: Text) -> None:
        """Add a function to a branch under `label`, and below it each event that it publishes, as alternatives."""
        self._placed.add(function.name)
        node = branch.add(label)
        for position, contract in enumerate(function.publishes):
            choice = ("or " if position else "either ") if len(function.publishes) > 1 else ""
            self._add_event(node, contract, choice=choice)

    def _add_foreign(self, one: Relied) -> None:
        """Add an event of others with its source, and the functions that consume it."""
        source, name, _ = one.identity
        node = self.root.add(Text(name, "bold cyan").append(f"  from {source}", "dim not bold"))
        for consumer in one.consumers:
            self._add_consumer(node, self._choreography.functions[consumer])

    def _add_consumer(self, branch: Tree, consumer: AnyFunction, prefix: str = "") -> None:
        """Add a consumer with its number of attempts, after a text, and below it what it publishes."""
        attempts = f" ×{consumer.retry.times + 1}{' queued' if consumer.delivery == 'queue' else ''}"
        name = self._services.function(consumer.name).append(attempts, "dim")
        self._add_function(branch, consumer, Text(prefix, "dim").append_text(name))

    def _add_event(self, branch: Tree, contract: type[Contract], *, choice: str) -> None:
        """Add an event and the consumers of all its renderings; a note instead if they are shown above, or are none."""
        label = Text(choice, "dim")
        style = "bold red" if contract in self._failing.contracts else "bold green"
        label.append(event_name(str(contract.identity)), style)
        consumers = self._choreography.receivers(contract)
        if contract in self._shown or not consumers:
            none = "end" if self._choreography.is_end(contract) else "no consumer"
            label.append("  (as above)" if consumers else f"  {none}", "dim not bold")
            branch.add(label)
            return
        self._shown.add(contract)
        node = branch.add(label)
        for name, rendering in consumers.items():
            as_older = "" if rendering is contract else f"as v{rendering.identity.version}: "
            self._add_consumer(node, self._choreography.functions[name], as_older)

    def _start_label(self, function: AnyFunction) -> Text:
        """Return the label of a function that begins flows: its route or schedule, and its name."""
        trigger = function.trigger
        began = trigger.key if isinstance(trigger, Route) else ""
        if isinstance(trigger, Schedule):
            began = trigger.timetable.label
        return Text(began, "bold").append("  ").append_text(self._services.function(function.name))


LEGEND: Final = "×3      attempts, after which the event is kept as a dead letter\nqueued  through a queue of its own"
"""Explains the marks in the choreography's tree."""


def flow_tree(flow: Flow, services: Services, *, with_logs: bool = False) -> Tree:
    """Return the tree of one flow: each delivery with its attempts and its published events.

    With logs, also what each attempt logged, and each traceback once.
    """
    tracebacks = ShownTracebacks() if with_logs else None
    root = Tree(Text(flow_title(flow), "bold").append(f"\n{flow_summary(flow)}", "not bold"))

    def add_handled(branch: Tree, handled: Handled, label: Text) -> None:
        node = branch.add(label.append_text(_outcome_label(handled)))
        _add_tries(node, handled, services, tracebacks)
        for event in handled.published:
            add_event(node, event)

    def add_event(branch: Tree, event: Happened) -> None:
        node = branch.add(Text(event_name(event.contract), "bold").append(f"  {short(event.event_id)}", "dim not bold"))
        for delivery in event.deliveries:
            add_handled(node, delivery, services.function(delivery.last.function))
        for one in event.outstanding:
            node.add(services.function(one.function).append("  … not delivered yet", "yellow"))

    for began in flow.roots:
        if isinstance(began, Handled):
            label = Text(began.last.trigger, "bold").append("  ").append_text(services.function(began.last.function))
            add_handled(root, began, label)
        else:
            add_event(root, began)
    return root


def _add_tries(node: Tree, handled: Handled, services: Services, tracebacks: ShownTracebacks | None) -> None:
    """Add a delivery's attempts: with `tracebacks` each with its logs; else failed ones, equal results in one line."""
    if tracebacks is not None:
        for attempt in handled.attempts:
            _add_logs(node, attempt, services, tracebacks)
        return
    tries = [attempt for attempt in handled.attempts if attempt is not handled.last or attempt.error]
    for (outcome, error), group in groupby(tries, key=lambda attempt: (attempt.outcome, attempt.error)):
        node.add(_attempts_line(outcome, error, list(group)))


def _add_logs(node: Tree, attempt: JournalRecord, services: Services, tracebacks: ShownTracebacks) -> None:
    """Add what an attempt logged, its error and its traceback; nothing for one that succeeded in silence."""
    if not attempt.logs and attempt.outcome in COMPLETED:
        return
    branch = node.add(_attempts_line(attempt.outcome, attempt.error, [attempt]))
    service = attempt.function.partition(".")[0]
    for entry in attempt.logs:
        branch.add(Text("\n").join(entry_lines(entry, service, services)))
    if lines := tracebacks.lines(attempt):
        branch.add(Text("\n".join(lines), "dim"))


def _outcome_label(handled: Handled) -> Text:
    """Return a delivery's state as text: done, unreadable, dead letter, answered with 500, or waiting."""
    last = handled.last
    if last.outcome in COMPLETED:
        tries = f", attempt {last.attempt}" if last.attempt > 1 else ""
        return Text("  ✓", "green").append(f" {last.duration_ms:.1f} ms{tries}", "dim")
    if last.outcome == "unreadable":
        return Text("  ? unreadable", "dim")
    if last.dead:
        return Text(f"  ✗ {last.outcome} → dead letter", "bold red")
    if last.is_request:
        return Text("  ✗ failed: answered with 500", "bold red")
    return Text(
        f"  … again at {clock_time(handled.again, last.started_at)}" if handled.again else "  … waits for a retry",
        "yellow",
    )


def _attempts_line(outcome: str, error: str | None, attempts: list[JournalRecord]) -> Text:
    """Return one line for attempts with the same result: their numbers, outcome, times and error."""
    first, last = attempts[0], attempts[-1]
    numbers, times = f"attempt {first.attempt}", f"{first.started_at:%H:%M:%S}"
    if last is not first:
        numbers, times = (
            f"attempts {first.attempt} to {last.attempt}",
            f"{times} to {clock_time(last.started_at, first.started_at)}",
        )
    style = "green" if outcome in ("done", "duplicate") else "yellow"
    return Text(f"{numbers} {outcome}", style).append(f", {times}  ", "dim").append(error or "", "dim")
