"""Deploys a choreography: the whole of one `pulumi up`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pulumi

from contradance.choreography import Choreography
from contradance.errors import ContradanceError
from contradance.fingerprint import fingerprint
from contradance.gate import own_contracts
from contradance.infra.components.application import ApplicationComponent
from contradance.infra.components.shared_resources import DeploymentPackages
from contradance.infra.config import StackConfig
from contradance.infra.outputs import outputs
from contradance.infra.planning.keeping import describe_keeping
from contradance.infra.planning.leaving import describe_leaving
from contradance.infra.planning.pause import describe_pause
from contradance.infra.planning.plan import chosen, make_plan
from contradance.infra.planning.quotas import check_quotas
from contradance.infra.planning.start import check_starts
from contradance.infra.planning.succession import check_succession
from contradance.infra.reading import read_bus, read_deployed, read_secrets, read_site
from contradance.schemas import promised


@contextmanager
def as_run_error() -> Iterator[None]:
    """Context manager: raise a `ContradanceError` as `pulumi.RunError`, which Pulumi prints without a traceback."""
    try:
        yield
    except ContradanceError as error:
        raise pulumi.RunError(str(error)) from error


async def deploy(
    choreography: Choreography, config: StackConfig, packages: DeploymentPackages, *, registry: str | None = None
) -> pulumi.Inputs:
    """Create a stack, return its outputs; raise `RunError` before any resource if its plan is refused.

    Args:
        choreography: the whole system; the configuration may select some of its services.
        config: the stack's configuration, from `read_config`.
        packages: zips of the layer and the functions, built before, so that preview and update use the same.
        registry: location of the contracts for the ingress: `library_contracts.registry:registry`.

    Raises:
        RunError: the configuration does not fit, or AWS would refuse the plan. No resource has been created.
    """
    with as_run_error():
        site = read_site(choreography.name)
        bus = await read_bus(config, site)
        plan = make_plan(choreography, config, site, bus=bus, registry=registry)
        check_quotas(plan)
        before = await read_deployed()
        check_starts(plan, before, datetime.now(UTC))
        if before is not None:
            check_succession(plan, before)
            for warning in (*describe_leaving(plan, before), *describe_keeping(plan, before)):
                pulumi.log.warn(warning)
        pause = describe_pause(plan)
        if pause:
            pulumi.log.warn(pause)
    application = ApplicationComponent(plan, packages, read_secrets())
    promises = promised(own_contracts(choreography.contracts))
    return outputs(plan, application, fingerprint(choreography, chosen(choreography, config)), promises)
