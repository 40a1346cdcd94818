"""The parts of a Lambda execution environment that are created once and shared by all invocations."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final, NamedTuple, Protocol

from contradance.errors import DeclarationError
from contradance.runtime.aws import logs, metrics
from contradance.runtime.aws.client import caller
from contradance.runtime.aws.environment import aws_environment
from contradance.runtime.aws.retry_budget import RetryBudget
from contradance.runtime.ports import Context, Environment

_LOG: Final = logging.getLogger("contradance.events")
_LOG_EVENT: Final = "POWERTOOLS_LOGGER_LOG_EVENT"
_TRUE: Final = ("1", "y", "yes", "t", "true", "on")
"""Values that Powertools reads as true."""


class LambdaContext(Context, Protocol):
    """Lambda's context, with the fields that log lines hold."""

    function_name: str
    memory_limit_in_mb: str
    invoked_function_arn: str


class Machine(NamedTuple):
    """The parts of an execution environment that a function, the sweeper or the ingress needs."""

    environment: Environment
    retry_budget: RetryBudget
    cold: list[bool]
    """Holds one element before the first invocation, and none from then on."""

    @contextmanager
    def invocation(self, context: LambdaContext) -> Iterator[None]:
        """Limit waits in the block to the invocation's time, add its keys to log lines, and write its metrics."""
        self.retry_budget.begin(context.get_remaining_time_in_millis() / 1000)
        cold_start = bool(self.cold)
        self.cold.clear()
        keys = {
            "cold_start": cold_start,
            "function_name": context.function_name,
            "function_memory_size": context.memory_limit_in_mb,
            "function_arn": context.invoked_function_arn,
            "function_request_id": context.aws_request_id,
        }
        naming, counting = logs.invocation_keys.set(keys), metrics.collected.set({})
        if not cold_start:
            logs.sample_again()
        try:
            yield
        finally:
            metrics.flush()
            logs.invocation_keys.reset(naming)
            metrics.collected.reset(counting)


def create_machine(environ: Mapping[str, str]) -> Machine:
    """Return what all invocations of this process share, by the environment variables."""
    retry_budget = RetryBudget()
    return Machine(aws_environment(environ, caller(environ, retry_budget), retry_budget), retry_budget, [True])


def observe() -> None:
    """Set up logs and metrics; call it before an author's module is imported, which may create its own Loggers."""
    logs.install()
    metrics.watch_authors_metrics()


def log_received(environ: Mapping[str, str], shown: Callable[[], object]) -> None:
    """Log the result of `shown` when POWERTOOLS_LOGGER_LOG_EVENT is true; else do not call it."""
    if environ.get(_LOG_EVENT, "").lower() in _TRUE:
        _LOG.info(shown())


def imported(name: str, variable: str) -> Any:
    """Import and return `package.module:attribute`, the value of `variable`; `DeclarationError` for other text."""
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise DeclarationError(
            f"{variable} is {name!r}.\n  Name it like 'functions.loans.remind_reader:remind_reader'."
        )
    found: Any = getattr(import_module(module), attribute)
    return found
