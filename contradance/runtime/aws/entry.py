"""The Lambda handler of every deployed function.

This module loads the function and its environment during Lambda's initialisation phase. In this phase the process has
a full CPU, and no invocation's timeout runs.

Without CONTRADANCE_FUNCTION the first invocation fails and names the variable.
"""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from contradance.errors import DeclarationError
from contradance.function import AnyFunction, Function
from contradance.runtime.aws import variable_names
from contradance.runtime.aws.machine import LambdaContext, Machine, create_machine, imported, log_received, observe
from contradance.runtime.aws.variable_value import needed
from contradance.runtime.entry import invoke, load_for
from contradance.runtime.error_description import with_bounded_message


@cache
def _deployed() -> tuple[AnyFunction, Machine]:
    """Return the function that CONTRADANCE_FUNCTION names and what its invocations share, made once per process."""
    observe()
    function = imported(needed(os.environ, variable_names.FUNCTION), variable_names.FUNCTION)
    if not isinstance(function, Function):
        raise DeclarationError(
            f"{variable_names.FUNCTION} names {function!r}, which is not a function.\n"
            "  Decorate it with @subscriber(), @route('GET /x') or @schedule('rate(1 day)')."
        )
    load_for(function)
    return function, create_machine(os.environ)


def handler(event: Mapping[str, Any], context: LambdaContext) -> object:
    """Handle one invocation and return its result; raise the function's error, with a message that is not too long."""
    function, here = _deployed()
    with here.invocation(context):
        log_received(os.environ, lambda: _shown(function, event))
        try:
            return invoke(function, event, context, here.environment)
        except Exception as error:
            bounded = with_bounded_message(error)
            if bounded is error:
                raise
            raise bounded from error


def _shown(function: AnyFunction, event: Mapping[str, Any]) -> object:
    """Return the event with personal data masked, for a log line."""
    from contradance.runtime.aws.log_event import masked_event  # noqa: PLC0415 - for POWERTOOLS_LOGGER_LOG_EVENT only

    return masked_event(function, event)


if variable_names.FUNCTION in os.environ:
    _deployed()
