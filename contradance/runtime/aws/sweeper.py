"""The sweeper's handler: every minute it publishes events that a dead process committed and did not publish."""

import logging
import os
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from contradance.runtime.aws import variable_names
from contradance.runtime.aws.machine import LambdaContext, Machine, create_machine, observe
from contradance.runtime.sweep import sweep

_LOG: Final = logging.getLogger("contradance.sweeper")
_RESERVE_SECONDS: Final = 5.0
"""Kept back for the last publish."""


@cache
def _machine() -> Machine:
    """Return what all invocations of this process share, made once."""
    observe()
    return create_machine(os.environ)


def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, int]:  # noqa: ARG001 - Lambda gives it
    """Publish the unpublished events of dead processes; return the number of once-records under `swept`.

    Raises:
        PublishFailed: some could not be published; the next run tries again.
    """
    here = _machine()
    with here.invocation(context):
        swept = sweep(here.environment, max(context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS, 0.0))
        if swept:
            _LOG.warning("Published the events of %d deliveries whose process had died.", swept)
    return {"swept": swept}


if variable_names.BUS in os.environ and variable_names.FUNCTION not in os.environ:
    _machine()
