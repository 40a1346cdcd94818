"""Checks during a move whether both stacks are ready for the next step, and has the commands of the last ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contradance.deployed import DeployedFunction
from contradance.operate.doctor import HealthCheck, checked
from contradance.operate.move import MovePlan
from contradance.operate.ports import System


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


def find_obstacles(plan: MovePlan, source: NamedSystem, target: NamedSystem) -> Iterator[HealthCheck]:
    """Yield the result of each check that has to pass before the new stack is enabled."""
    for name in plan.functions:
        yield from _archived(target, name)
        yield from _stopped(plan, source, name)
        yield from _drained(source, name)
    yield from may_write(plan, target)


def may_write(plan: MovePlan, target: NamedSystem) -> Iterator[HealthCheck]:
    """Yield the result of each check that has to pass before anything is written to the new stack."""
    for name in plan.functions:
        yield from _paused(target, name)


def commands_after(plan: MovePlan, target: NamedSystem) -> Sequence[str]:
    """Return the commands that enable the new stack and replay, to each subscriber, what happened since the pause."""
    option = target.pulumi_option
    replays = [
        f"contradance replay{target.options} --subscriber {name} --from MOMENT --to now --yes"
        for name in plan.functions
        if target.system.deployed.functions[name].rule_arn is not None
    ]
    return [f"pulumi config rm paused{option}", f"pulumi up{option}", *replays]


def _archived(target: NamedSystem, name: str) -> Iterator[HealthCheck]:
    """Yield whether what a subscriber misses meanwhile can be replayed to it: its bus has an archive that is known."""
    deployed = target.system.deployed
    if deployed.functions[name].rule_arn is None:
        return
    what, bus, own = f"archive for {name} in {target.name}", deployed.functions[name].bus, target.pulumi_option
    if deployed.bus_of(name).archive_arn is not None:
        yield HealthCheck(what, "")
        return
    key = "busArchive <ARN>" if bus is None else f"--path 'archives.{bus}' 14"
    trouble = f"bus {deployed.bus_of(name).name} has none that is known: what it misses would be lost"
    yield HealthCheck(what, trouble, f"Before the pause: pulumi config set {key}{own}; pulumi up{own}")


def _stopped(plan: MovePlan, source: NamedSystem, name: str) -> Iterator[HealthCheck]:
    """Yield whether the old stack's function gets no new events, and can no longer run."""
    what, option = f"{name} in {source.name}", source.pulumi_option

    def look() -> HealthCheck:
        """Return the result of checking the rule or the schedule, and the reserved concurrency."""
        if _is_enabled(source.system, name, source.system.deployed.functions[name]):
            fix = f"Pause it: pulumi config set --path 'paused[0]' {plan.service}{option}; pulumi up{option}"
            return HealthCheck(what, "it is not paused", fix)
        if source.system.health.can_run(name):
            fix = f"pulumi config set --path 'stopped[0]' {plan.service}{option}; pulumi up{option}"
            return HealthCheck(what, "it can still run", f"When it is drained, stop it: {fix}")
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
            look_at = f"contradance dlq list{source.options} --subscriber {name}"
            fix = f"Redrive them before the stop, and purge what arrives after it: {look_at}"
            return HealthCheck(letters, f"about {count}", fix) if count else HealthCheck(letters, "")

        yield from checked(letters, dead)


def _paused(target: NamedSystem, name: str) -> Iterator[HealthCheck]:
    """Yield whether the new stack's function consumes no events yet; nothing for a route."""
    what, option = f"{name} in {target.name}", target.pulumi_option
    function = target.system.deployed.functions[name]
    if function.kind == "route":
        return

    def look() -> HealthCheck:
        """Return the result by the rule or the schedule."""
        if not _is_enabled(target.system, name, function):
            return HealthCheck(what, "")
        trouble = "it runs already: a copy could bring back what it has deleted"
        return HealthCheck(what, trouble, f"Pause it: pulumi config set paused true{option}; pulumi up{option}")

    yield from checked(what, look)


def _is_enabled(system: System, name: str, function: DeployedFunction) -> bool:
    """Whether a function gets new events: by its rule as it is now, for a schedule by the outputs; False for a route."""
    if function.rule_name is not None:
        return system.health.rule(name).state == "ENABLED"
    return function.kind == "schedule" and not function.paused
