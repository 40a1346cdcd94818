"""The Pulumi program: a choreography, turned into AWS resources. The only room that knows Pulumi."""

from contradance.infra.config import StackConfig
from contradance.infra.deploy import deploy
from contradance.infra.reading import read_config

__all__ = ["StackConfig", "deploy", "read_config"]
