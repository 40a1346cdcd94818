"""Contract-first choreography on AWS: the public API; each name is loaded at its first use."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contradance.choreography import Choreography
    from contradance.contract import Contract, Value
    from contradance.decorator import route, schedule, subscriber
    from contradance.delivery import Delivery
    from contradance.errors import ContractViolation, ContradanceError, DeclarationError, UnconsumedEvent
    from contradance.foreign import ForeignEvent
    from contradance.pii import PII, mask
    from contradance.registry import Registry
    from contradance.reply import HttpError, Reply
    from contradance.retry import Retry
    from contradance.settings import Secret, Setting
    from contradance.table import Page, Table

__all__ = [
    "PII",
    "Choreography",
    "Contract",
    "ContractViolation",
    "ContradanceError",
    "DeclarationError",
    "Delivery",
    "ForeignEvent",
    "HttpError",
    "Page",
    "Registry",
    "Reply",
    "Retry",
    "Secret",
    "Setting",
    "Table",
    "UnconsumedEvent",
    "Value",
    "mask",
    "route",
    "schedule",
    "subscriber",
]

_HOME = {
    "PII": "pii",
    "Choreography": "choreography",
    "Contract": "contract",
    "ContractViolation": "errors",
    "ContradanceError": "errors",
    "DeclarationError": "errors",
    "Delivery": "delivery",
    "ForeignEvent": "foreign",
    "HttpError": "reply",
    "Page": "table",
    "Registry": "registry",
    "Reply": "reply",
    "Retry": "retry",
    "Secret": "settings",
    "Setting": "settings",
    "Table": "table",
    "UnconsumedEvent": "errors",
    "Value": "contract",
    "mask": "pii",
    "route": "decorator",
    "schedule": "decorator",
    "subscriber": "decorator",
}


def __getattr__(name: str) -> object:
    """Load a public name from the module that defines it."""
    if name not in _HOME:
        raise AttributeError(f"module 'contradance' has no attribute {name!r}")
    value = getattr(import_module(f"contradance.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
