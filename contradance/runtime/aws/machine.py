"""What an execution environment makes once, and what every invocation begins with."""

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple, Protocol, TypeVar

from contradance.errors import DeclarationError
from contradance.runtime.aws import variable_names
from contradance.runtime.aws.callers import caller
from contradance.runtime.aws.environment import aws_environment
from contradance.runtime.aws.logs import JsonFormatter, set_up
from contradance.runtime.aws.retry_budget import RetryBudget
from contradance.runtime.ports import Context, Environment

Handler = TypeVar("Handler", bound=Callable[..., object])


class LambdaContext(Context, Protocol):
    """Lambda's context, as far as log lines name it."""

    function_name: str
    memory_limit_in_mb: str
    invoked_function_arn: str


class Machine(NamedTuple):
    """What an execution environment makes once, for whatever it is that runs there."""

    environment: Environment
    retry_budget: RetryBudget
    formatter: JsonFormatter

    def begin(self, context: LambdaContext) -> None:
        """Begin an invocation: nothing waits longer than it may last, and every log line says which one it is."""
        self.retry_budget.begin(context.get_remaining_time_in_millis() / 1000)
        said = self.formatter.invocation
        said["cold_start"] = "cold_start" not in said
        said["function_name"] = context.function_name
        said["function_memory_size"] = context.memory_limit_in_mb
        said["function_arn"] = context.invoked_function_arn
        said["function_request_id"] = context.aws_request_id


def machine(environ: Mapping[str, str]) -> Machine:
    """Return what `environ` describes."""
    formatter, retry_budget = set_up(environ), RetryBudget()
    return Machine(aws_environment(environ, caller(environ, retry_budget), retry_budget), retry_budget, formatter)


def imported(name: str, variable: str) -> Any:
    """Return what `package.module:attribute` names; `variable` says so."""
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise DeclarationError(
            f"{variable} is {name!r}.\n  Name it like 'functions.loans.remind_reader:remind_reader'."
        )
    found: Any = getattr(import_module(module), attribute)
    return found


def exposed(handler: Handler) -> Handler:
    """Return what Lambda is to call: `handler`, traced where the environment asks for it."""
    if os.environ.get(variable_names.TRACING) != "1":
        return handler
    from contradance.runtime.aws.tracing import traced  # noqa: PLC0415 - only where it is asked for

    return traced(handler, os.environ)
