"""Which client calls AWS: the runtime's own, unless the environment asks for boto3 or for what only boto3 can do."""

import logging
from collections.abc import Mapping
from typing import Final

from contradance.runtime.aws.caller import Caller
from contradance.runtime.aws.client import LeanClient
from contradance.runtime.aws.endpoint import UnsupportedConfig
from contradance.runtime.aws.retry_budget import RetryBudget

_LOG: Final = logging.getLogger("contradance.aws")


def caller(environ: Mapping[str, str], retry_budget: RetryBudget) -> Caller:
    """Return what calls AWS in this environment."""
    try:
        return LeanClient(environ, retry_budget)
    except UnsupportedConfig as reason:
        from contradance.runtime.aws.boto import BotoCaller  # noqa: PLC0415 - what the own client is there to avoid

        _LOG.debug("Calling AWS through boto3: %s.", reason)
        return BotoCaller()
