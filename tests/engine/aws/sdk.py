"""What pulumi-aws itself says of a resource type: what goes in, what comes out."""

import importlib
from functools import cache
from threading import Lock
from typing import Final

from pulumi import _types

_ONE_AT_A_TIME: Final = Lock()
"""pulumi-aws loads its modules when they are first used, which two threads must not do at once."""


@cache
def inputs_of(kind: str) -> frozenset[str]:
    """Return the names of what a program may say of a resource, as they are on the wire."""
    return frozenset(_types.input_type_types(_class(kind, "Args")))


@cache
def outputs_of(kind: str) -> frozenset[str]:
    """Return the names of everything that can be read from a resource."""
    return frozenset(_types.resource_types(_class(kind, "")))


def _class(kind: str, suffix: str) -> type:
    package, module, name = kind.split(":")
    room = module.split("/")[0]
    with _ONE_AT_A_TIME:
        found = getattr(
            importlib.import_module(f"pulumi_{package}.{room}{'_' if room == 'lambda' else ''}"), name + suffix
        )
    assert isinstance(found, type)
    return found
