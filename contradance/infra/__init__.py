"""The Pulumi program: turns a choreography into AWS resources. No other part of contradance imports Pulumi.

Names are loaded on first use, because `contradance lint` reads `infra.config` where Pulumi is not installed.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contradance.infra.config import StackConfig
    from contradance.infra.program import deploy
    from contradance.infra.reading import read_config
    from contradance.infra.run_error import as_run_error

__all__ = ["StackConfig", "as_run_error", "deploy", "read_config"]

_HOME = {"StackConfig": "config", "deploy": "program", "as_run_error": "run_error", "read_config": "reading"}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'contradance.infra' has no attribute {name!r}")
    return getattr(import_module(f"contradance.infra.{_HOME[name]}"), name)
