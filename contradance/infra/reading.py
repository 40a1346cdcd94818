"""Reads the inputs of the Pulumi program: the stack's configuration, its account and region, and its bus."""

import json
from collections.abc import Mapping
from typing import Any, Final

import pulumi
import pulumi_aws as aws
from pydantic import ValidationError

from contradance.deployed import OUTPUT, Deployed
from contradance.errors import InvalidStack
from contradance.infra.config import StackConfig
from contradance.infra.parsing import parse_config
from contradance.infra.planning.buses import parse_bus
from contradance.infra.planning.site import BusPlan, Site

SECRETS = "secrets"
LONGEST_SECRET: Final = 4096
"""Most bytes of a standard parameter's value. SSM's quotas."""


def read_config() -> StackConfig:
    """Return the stack's configuration, of secrets the names only; raise `InvalidStack` for an invalid one.

    Raises:
        InvalidStack: the configuration is invalid; the message names the key, the stack and the fix.
    """
    project, stack = pulumi.get_project(), pulumi.get_stack()
    known = {**pulumi.runtime.config.get_config_env(), **pulumi.runtime.config.CONFIG.get()}
    prefix = f"{project}:"
    values = {key.removeprefix(prefix): value for key, value in known.items() if key.startswith(prefix)}
    if SECRETS in values:
        encrypted = pulumi.runtime.is_config_secret(f"{prefix}{SECRETS}")
        values[SECRETS] = json.dumps(_names_of_secrets(values[SECRETS], encrypted=encrypted, stack=stack))
    return parse_config(values, project=project, stack=stack)


def _names_of_secrets(text: str, *, encrypted: bool, stack: str) -> list[str]:
    """Return the sorted names of the secrets in a JSON object; raise `InvalidStack` if one is not encrypted or not a text."""
    fix = f"  Fix: pulumi config set --stack {stack} --secret --path '{SECRETS}.NAME' VALUE"
    if not encrypted:
        raise InvalidStack(
            f"stack {stack!r} has its {SECRETS} in plain text, readable in Pulumi.{stack}.yaml. Change them, then set "
            f"them encrypted.\n{fix}"
        )
    try:
        named = json.loads(text)
    except (ValueError, RecursionError):
        named = None
    if not isinstance(named, dict):
        raise InvalidStack(f"stack {stack!r} has {SECRETS} without names.\n{fix}") from None
    for name, value in named.items():
        if not isinstance(value, str | int) or not 1 <= len(str(value).encode(errors="replace")) <= LONGEST_SECRET:
            raise InvalidStack(
                f"stack {stack!r} has {SECRETS}.{name}, which is not a text of 1 to {LONGEST_SECRET} bytes.\n"
                f"{fix.replace('NAME', name)}"
            )
    return sorted(named)


def read_secrets() -> Mapping[str, pulumi.Output[str]]:
    """Return the values of secrets by name, as secret outputs of Pulumi; empty when the stack has none."""
    found = pulumi.Config().get_secret_object(SECRETS)
    if found is None:
        return {}
    names = json.loads(pulumi.runtime.get_config(f"{pulumi.get_project()}:{SECRETS}"))
    return {name: found[name] for name in names}


async def read_deployed() -> Deployed | None:
    """Return what the last update deployed; None before the first, after an older version, or if it cannot be read.

    It reads the stack's own outputs. A delete hook would run at a preview too, but then `pulumi destroy` refuses to run
    without `--run-program`.
    """
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    try:
        answer = await pulumi.runtime.invoke_async("pulumi:pulumi:readStackOutputs", {"name": name})
        found = (answer or {}).get("outputs") or {}
    except Exception as error:  # noqa: BLE001 - without the past there are no warnings, and the update is the same
        pulumi.log.debug(f"the last outputs of {name} cannot be read: {error}")
        return None
    try:
        return Deployed.model_validate(found[OUTPUT]) if OUTPUT in found else None
    except ValidationError:
        pulumi.log.warn(
            f"this version of contradance cannot read the output {OUTPUT!r} of {name}: it does not warn of what this update "
            "deletes.\n  Look at the preview yourself before the update."
        )
        return None


def read_site(app: str) -> Site:
    """Return the site of the stack of choreography `app`, with the account and region of the AWS credentials."""
    caller, region = aws.get_caller_identity(), aws.get_region()
    return Site(app, pulumi.get_stack(), caller.account_id, region.region, partition=caller.arn.split(":")[1])


async def read_bus(config: StackConfig, site: Site) -> BusPlan | None:
    """Return the bus that `busStack` or `bus` names, None without; raise `InvalidStack` if rules cannot be on it."""
    if config.bus_stack:
        owner = await _deployed_output(config.bus_stack)
        where = f"busStack {config.bus_stack!r}"
        bus = parse_bus(str(owner["busArn"]), where, site, archive_arn=owner.get("archiveArn"))
        _check_archive_days(config, site.stack, where, owner.get("archiveDays"))
        return bus
    return parse_bus(config.bus, "the key bus", site, archive_arn=config.bus_archive) if config.bus else None


def _check_archive_days(config: StackConfig, stack: str, where: str, their_days: float | None) -> None:
    """Raise `InvalidStack` when another stack's archive keeps events for more days than `archiveDays`; None never does.

    A stack of an older version does not have the days among its outputs: None.
    """
    if their_days is not None and config.archive_days < their_days:
        raise InvalidStack(
            f"stack {stack!r} has archiveDays {config.archive_days}, but the archive of {where} keeps events for "
            f"{their_days:.0f} days: a replay of older ones would handle them twice.\n"
            f"  Fix: pulumi config set --stack {stack} archiveDays {their_days:.0f}"
        )


async def _deployed_output(stack: str) -> Mapping[str, Any]:
    """Return another stack's output `deployed`; raise `InvalidStack` when the stack has none or none with a bus.

    The program waits for it: policies contain it, and a bus in another account is refused before any resource.
    """
    details = await pulumi.StackReference(stack).get_output_details(OUTPUT)
    deployed: Any = details.value
    if not isinstance(deployed, Mapping) or "busArn" not in deployed:
        raise InvalidStack(
            f"stack {pulumi.get_stack()!r} has busStack {stack!r}, a stack that has no output {OUTPUT!r} with a bus.\n"
            f"  Fix: deploy that stack first, or name its bus: pulumi config set --stack {pulumi.get_stack()} bus ARN"
        )
    return deployed
