"""The Pulumi program: turns a choreography into AWS resources. No other part of contradance imports Pulumi."""

from contradance.infra.config import StackConfig
from contradance.infra.deploy import deploy
from contradance.infra.reading import read_config
from contradance.infra.run_error import as_run_error

__all__ = ["StackConfig", "as_run_error", "deploy", "read_config"]
