"""The Lambda handler of every deployed function.

The function and its environment are loaded while Lambda initialises the process, with a whole processor and outside of
any invocation. Without CONTRADANCE_FUNCTION the first invocation fails and names the variable.
"""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from contradance.errors import DeclarationError
from contradance.function import AnyFunction, Function
from contradance.runtime.aws import variable_names
from contradance.runtime.aws.environment import needed
from contradance.runtime.aws.machine import LambdaContext, Machine, imported, log_received, machine, observe
from contradance.runtime.entry import invoke, load_for
from contradance.runtime.error_description import with_bounded_message


@cache
def _deployed() -> tuple[AnyFunction, Machine]:
    """Import this deployment's function and create its machine, once per process."""
    observe()
    function = imported(needed(os.environ, variable_names.FUNCTION), variable_names.FUNCTION)
    if not isinstance(function, Function):
        raise DeclarationError(
            f"{variable_names.FUNCTION} names {function!r}, which is not a function.\n"
            "  Decorate it with @subscriber(), @route('GET /x') or @schedule('rate(1 day)')."
        )
    load_for(function)
    return function, machine(os.environ)


def handler(event: Mapping[str, Any], context: LambdaContext) -> object:
    """Handle one invocation."""
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
    from contradance.runtime.aws.log_event import masked_event  # noqa: PLC0415 - only where it is asked for

    return masked_event(function, event)


if variable_names.FUNCTION in os.environ:
    _deployed()
