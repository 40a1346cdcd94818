"""What an execution environment makes once, and what every invocation begins with."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final, NamedTuple, Protocol

from contradance.errors import DeclarationError
from contradance.runtime.aws import logs, metrics
from contradance.runtime.aws.callers import caller
from contradance.runtime.aws.environment import aws_environment
from contradance.runtime.aws.retry_budget import RetryBudget
from contradance.runtime.ports import Context, Environment

_LOG: Final = logging.getLogger("contradance.events")
_LOG_EVENT: Final = "POWERTOOLS_LOGGER_LOG_EVENT"
_TRUE: Final = ("1", "y", "yes", "t", "true", "on")
"""What Powertools reads as true."""


class LambdaContext(Context, Protocol):
    """Lambda's context, as far as log lines name it."""

    function_name: str
    memory_limit_in_mb: str
    invoked_function_arn: str


class Machine(NamedTuple):
    """What an execution environment makes once, for whatever it is that runs there."""

    environment: Environment
    retry_budget: RetryBudget
    cold: list[bool]
    """Empty from the first invocation on."""

    @contextmanager
    def invocation(self, context: LambdaContext) -> Iterator[None]:
        """Nothing waits longer than the invocation may last; its lines name it; its metrics are written at its end."""
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


def machine(environ: Mapping[str, str]) -> Machine:
    """Return what `environ` describes."""
    retry_budget = RetryBudget()
    return Machine(aws_environment(environ, caller(environ, retry_budget), retry_budget), retry_budget, [True])


def observe() -> None:
    """Set up logs and metrics: before an author's module is imported, which makes Loggers and Metrics of its own."""
    logs.install()
    metrics.watch_authors_metrics()


def log_received(environ: Mapping[str, str], shown: Callable[[], object]) -> None:
    """Log an invocation's event where POWERTOOLS_LOGGER_LOG_EVENT asks for it."""
    if environ.get(_LOG_EVENT, "").lower() in _TRUE:
        _LOG.info(shown())


def imported(name: str, variable: str) -> Any:
    """Return what `package.module:attribute` names; `variable` says so."""
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise DeclarationError(
            f"{variable} is {name!r}.\n  Name it like 'functions.loans.remind_reader:remind_reader'."
        )
    found: Any = getattr(import_module(module), attribute)
    return found
