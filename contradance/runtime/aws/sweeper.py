"""The sweeper's handler: every minute it publishes what was committed by a process that died before it could publish."""

import logging
import os
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from contradance.runtime.aws import variable_names
from contradance.runtime.aws.machine import LambdaContext, Machine, exposed, machine
from contradance.runtime.sweep import sweep

_LOG: Final = logging.getLogger("contradance.sweeper")
_RESERVE_SECONDS: Final = 5.0
"""Kept back, so that the last publish can end."""


@cache
def _machine() -> Machine:
    return machine(os.environ)


@exposed
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, int]:  # noqa: ARG001 - Lambda gives it
    """Publish what waits; return how many deliveries' events were published.

    Raises:
        PublishFailed: some could not be published; the next run tries again.
    """
    here = _machine()
    here.begin(context)
    swept = sweep(here.environment, max(context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS, 0.0))
    if swept:
        _LOG.warning("Published the events of %d deliveries whose process had died.", swept)
    return {"swept": swept}


if variable_names.BUS in os.environ and variable_names.FUNCTION not in os.environ:
    _machine()
