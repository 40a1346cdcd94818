"""Checks whether both stacks are ready for the next step of a move, and returns the commands of the last steps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from contradance.deployed import Deployed, DeployedFunction
from contradance.operate.doctor import HealthCheck, checked
from contradance.operate.move import MovePlan
from contradance.operate.ports import System
from contradance.operate.replay import ignores_replay, replay_name, unrecognised
from contradance.subscription import Subscription
from contradance.table import Grant

PauseKey = Literal["paused", "stopped"]
"""The keys of the configuration that name services."""


@dataclass(frozen=True, slots=True)
class NamedSystem:
    """A stack with its name, and with the options that name it in commands."""

    system: System
    name: str
    """As the operator named it: `prod`, or a file of its outputs."""
    pulumi_option: str
    """` --stack prod`; empty when only a file of outputs is known."""
    options: str
    """` --stack prod`, or ` --outputs prod.json`."""


def checks_before_enabling(plan: MovePlan, source: NamedSystem, target: NamedSystem) -> Iterator[HealthCheck]:
    """Yield the result of each check, passed or not, that has to pass before the new stack is enabled."""
    for name in plan.functions:
        yield from _archived(target, name)
        yield from _replayable(plan, target, name)
        yield from _stopped(plan, source, name)
        yield from _drained(source, name)
    yield from checks_before_copying(plan, target)


def checks_before_copying(plan: MovePlan, target: NamedSystem) -> Iterator[HealthCheck]:
    """Yield the result of each check, passed or not, that has to pass before anything is written to the new stack."""
    for name in plan.functions:
        yield from _paused(plan, target, name)
        yield from _silent(plan, target, name)


def commands_after(plan: MovePlan, target: NamedSystem) -> Sequence[str]:
    """Return the commands that enable the new stack and replay, to each subscriber, what happened since the pause."""
    deployed, option = target.system.deployed, target.pulumi_option
    key: PauseKey = "stopped" if any(deployed.functions[name].stopped for name in plan.functions) else "paused"
    others = _others(key, plan.service, deployed)
    entry, note = (f"--path '{key}[N]'", f"  # N: the position of {plan.service} in {key}") if others else (key, "")
    replays = [
        f"contradance replay{target.options} --subscriber {name} --from MOMENT --to now --yes"
        for name in plan.functions
        if target.system.deployed.functions[name].rule_arn is not None
    ]
    return [f"pulumi config rm {entry}{option}{note}", f"pulumi up{option}", *replays]


def _others(key: PauseKey, service: str, deployed: Deployed) -> Sequence[str]:
    """Return the names of the other services of a stack that its configuration has in the key, in order."""
    named = {name.partition(".")[0] for name, function in deployed.functions.items() if getattr(function, key)}
    return sorted(named - {service})


def _commands_to_set(key: PauseKey, plan: MovePlan, stack: NamedSystem) -> str:
    """Return the commands, in one line, that add the service to a key of the configuration and deploy."""
    option = stack.pulumi_option
    others = _others(key, plan.service, stack.system.deployed)
    position = "N" if others else "0"
    commands = f"pulumi config set --path '{key}[{position}]' {plan.service}{option}; pulumi up{option}"
    if not others:
        return commands
    return f"{commands} (N: how many services {key} has already; it has {', '.join(others)})"


def _archived(target: NamedSystem, name: str) -> Iterator[HealthCheck]:
    """Yield whether the bus of a subscriber has an archive that its stack knows; nothing for other functions."""
    deployed = target.system.deployed
    if deployed.functions[name].rule_arn is None:
        return
    what, bus, own = f"archive for {name} in {target.name}", deployed.functions[name].bus, target.pulumi_option
    if deployed.bus_of(name).archive_arn is not None:
        yield HealthCheck(what, "")
        return
    key = "busArchive ARN" if bus is None else f"--path 'archives.{bus}' 14"
    trouble = f"bus {deployed.bus_of(name).name} has none that is known: what it misses would be lost"
    yield HealthCheck(what, trouble, f"Before the pause: pulumi config set {key}{own}; pulumi up{own}")


def _replayable(plan: MovePlan, target: NamedSystem, name: str) -> Iterator[HealthCheck]:
    """Yield whether a subscriber's rule matches replays, and recognises each event; nothing for other functions."""
    subscription = plan.declared[name].trigger
    if not isinstance(subscription, Subscription):
        return
    what = f"replay to {name} in {target.name}"

    def look() -> HealthCheck:
        """Return the result by the deployed rule, and by the declarations of the events."""
        if ignores_replay(target.system.health.rule(name), replay_name("any", again=False)):
            fix = "Before the pause: declare it with on_replay='run' until the last replay has ended, and deploy both stacks."
            return HealthCheck(what, "it ignores replays (on_replay='skip'): what it misses would be lost", fix)
        if unknown := unrecognised(subscription):
            kind = unknown[0].__name__
            trouble = f"only EventBridge's id identifies {kind}: a replay could handle it twice"
            return HealthCheck(what, trouble, f"Before the pause: give {kind} once_by=, and deploy both stacks.")
        return HealthCheck(what, "")

    yield from checked(what, look)


def _stopped(plan: MovePlan, source: NamedSystem, name: str) -> Iterator[HealthCheck]:
    """Yield whether the old stack's function gets no new events, and can no longer run."""
    what = f"{name} in {source.name}"

    def look() -> HealthCheck:
        """Return the result of checking the rule or the schedule, and the reserved concurrency."""
        if _is_enabled(source.system, name, source.system.deployed.functions[name]):
            return HealthCheck(what, "it is not paused", f"Pause it: {_commands_to_set('paused', plan, source)}")
        if source.system.health.can_run(name):
            stop = _commands_to_set("stopped", plan, source)
            return HealthCheck(what, "it can still run", f"When it is drained, stop it: {stop}")
        return HealthCheck(what, "")

    yield from checked(what, look)


def _drained(source: NamedSystem, name: str) -> Iterator[HealthCheck]:
    """Yield whether the old stack's function has neither waiting events nor dead letters."""
    function = source.system.deployed.functions[name]
    if function.queue_url is not None:
        what = f"queue of {name} in {source.name}"

        def waiting() -> HealthCheck:
            """Return the result by the number of waiting events."""
            count = source.system.health.waiting(name)
            fix = "Wait until it is empty. A paused function handles what waits, a stopped one does not."
            return HealthCheck(what, f"about {count} events wait", fix) if count else HealthCheck(what, "")

        yield from checked(what, waiting)
    if function.dead_letter_queue_url is not None:
        letters = f"dead letters of {name} in {source.name}"

        def dead() -> HealthCheck:
            """Return the result by the number of dead letters."""
            count = source.system.dead_letters.count(name)
            letters_of = f"{source.options} --subscriber {name}"
            fix = (
                f"Before the stop: contradance dlq redrive{letters_of}\n"
                f"  After it, when the replay will handle their events: contradance dlq purge{letters_of}"
            )
            return HealthCheck(letters, f"about {count}", fix) if count else HealthCheck(letters, "")

        yield from checked(letters, dead)


def _paused(plan: MovePlan, target: NamedSystem, name: str) -> Iterator[HealthCheck]:
    """Yield whether the new stack's function consumes no events yet; nothing for a route."""
    what = f"{name} in {target.name}"
    function = target.system.deployed.functions[name]
    if function.kind == "route":
        return

    def look() -> HealthCheck:
        """Return the result by the rule or the schedule."""
        if not _is_enabled(target.system, name, function):
            return HealthCheck(what, "")
        trouble = "it runs already: a copy could bring back what it has deleted"
        return HealthCheck(what, trouble, f"Stop it: {_commands_to_set('stopped', plan, target)}")

    yield from checked(what, look)


def _silent(plan: MovePlan, target: NamedSystem, name: str) -> Iterator[HealthCheck]:
    """Yield whether a route of the new stack that may write or publish runs for no request yet; nothing for others."""
    function = plan.declared[name]
    writes = any(isinstance(use, Grant) and use.access != "read" for use in function.uses)
    if target.system.deployed.functions[name].kind != "route" or not (writes or function.publishes):
        return
    what = f"{name} in {target.name}"

    def look() -> HealthCheck:
        """Return the result by the reserved concurrency."""
        if not target.system.health.can_run(name):
            return HealthCheck(what, "")
        trouble = "it answers requests: the copy would keep what it writes, and bring back what it deletes"
        return HealthCheck(what, trouble, f"Stop it: {_commands_to_set('stopped', plan, target)}")

    yield from checked(what, look)


def _is_enabled(system: System, name: str, function: DeployedFunction) -> bool:
    """Whether a function gets new events: by its rule as it is now, a schedule by the outputs; False for a route."""
    if function.rule_name is not None:
        return system.health.rule(name).state == "ENABLED"
    return function.kind == "schedule" and not function.paused
