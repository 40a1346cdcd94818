"""What Pulumi tells a program: its stack's configuration, where it is deployed, and whose bus it runs on."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from contradance.deployed import OUTPUT
from contradance.errors import InvalidStack
from contradance.infra.config import StackConfig, parse_config
from contradance.infra.planning.site import BusPlan, Site

SECRETS = "secrets"


def read_config() -> StackConfig:
    """Return the stack's configuration, checked; of secrets, the names alone.

    Raises:
        InvalidStack: it does not work; says which key of which stack, and what sets it right.
    """
    project, stack = pulumi.get_project(), pulumi.get_stack()
    known = {**pulumi.runtime.config.get_config_env(), **pulumi.runtime.config.CONFIG.get()}
    prefix = f"{project}:"
    values = {key.removeprefix(prefix): value for key, value in known.items() if key.startswith(prefix)}
    if SECRETS in values:
        secret = pulumi.runtime.is_config_secret(f"{prefix}{SECRETS}")
        values[SECRETS] = json.dumps(_names_of_secrets(values[SECRETS], secret=secret, stack=stack))
    return parse_config(values, project=project, stack=stack)


def _names_of_secrets(text: str, *, secret: bool, stack: str) -> list[str]:
    """Return the names alone; what is wrong is told without the values."""
    fix = f"  Fix: pulumi config set --stack {stack} --secret --path '{SECRETS}.<name>' <value>"
    if not secret:
        raise InvalidStack(
            f"stack {stack!r} has its {SECRETS} in plain text. Whoever can read Pulumi.{stack}.yaml knows them: change "
            f"them, then set them encrypted.\n{fix}"
        )
    try:
        named = json.loads(text)
    except ValueError:
        named = None
    if not isinstance(named, dict):
        raise InvalidStack(f"stack {stack!r} has {SECRETS} without names.\n{fix}") from None
    return sorted(named)


def read_secrets() -> Mapping[str, pulumi.Output[str]]:
    """Return the values of secrets by name, each known to Pulumi as a secret."""
    found = pulumi.Config().get_secret_object(SECRETS)
    if found is None:
        return {}
    names = json.loads(pulumi.runtime.get_config(f"{pulumi.get_project()}:{SECRETS}"))
    return {name: found[name] for name in names}


def read_site(app: str) -> Site:
    """Ask AWS where this stack is deployed."""
    caller, region = aws.get_caller_identity(), aws.get_region()
    return Site(app, pulumi.get_stack(), caller.account_id, region.region, partition=caller.arn.split(":")[1])


async def read_bus(config: StackConfig, site: Site) -> BusPlan | None:
    """Return the bus of another stack that the configuration names; None where the stack has a bus of its own."""
    if config.bus_stack:
        return _bus(await _bus_arn_of(config.bus_stack), f"busStack {config.bus_stack!r}", site)
    return _bus(config.bus, "the key bus", site) if config.bus else None


async def _bus_arn_of(stack: str) -> str:
    """Return the ARN of another stack's bus, as that stack said when it was last deployed.

    It is waited for: policies are made of it, and a bus in another account has to be refused before any resource.
    """
    details = await pulumi.StackReference(stack).get_output_details(OUTPUT)
    deployed: Any = details.value
    if not isinstance(deployed, Mapping) or "busArn" not in deployed:
        raise InvalidStack(
            f"stack {pulumi.get_stack()!r} has busStack, which names {stack!r}; that has no output {OUTPUT!r} with a bus.\n"
            f"  Fix: deploy that stack first, or name its bus: pulumi config set --stack {pulumi.get_stack()} bus <ARN>"
        )
    return str(deployed["busArn"])


def _bus(arn: str, where: str, site: Site) -> BusPlan:
    parts = arn.split(":")
    if len(parts) != 6 or parts[2] != "events" or not parts[5].startswith("event-bus/"):  # noqa: PLR2004 - an ARN has six
        raise InvalidStack(
            f"stack {site.stack!r} has {where}, which is no ARN of an event bus: {arn!r}.\n"
            f"  Fix: pulumi config set --stack {site.stack} bus {site.arn('events', 'event-bus/<name>')}"
        )
    for what, theirs, ours in (("region", parts[3], site.region), ("account", parts[4], site.account)):
        if theirs != ours:
            raise InvalidStack(
                f"stack {site.stack!r} has {where}, which names a bus in another {what}, {theirs}; the stack is deployed to "
                f"{ours}. A rule is in the {what} of its bus, and events are not forwarded from one to another yet.\n"
                f"  Fix: deploy this stack to {theirs}."
            )
    return BusPlan(parts[5].removeprefix("event-bus/"), arn, owned=False)
