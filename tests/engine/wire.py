"""Property values on the engine's wire, as plain Python: numbers as they were meant, and what is not known yet."""

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from google.protobuf.json_format import (  # type: ignore[import-untyped]  # it carries no types
    MessageToDict,
    ParseDict,
)
from google.protobuf.struct_pb2 import Struct  # type: ignore[import-untyped]  # the same

Value: TypeAlias = bool | int | float | str | list["Value"] | dict[str, "Value"] | None

UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Stands for a value that no preview can know. Pulumi's protocol."""
SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
"""The key that makes an object an asset or an archive, with one of these:"""
ASSET: Final = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"


def read(struct: Struct) -> dict[str, Value]:
    """Return what `struct` says; a whole number is an `int`, although the wire knows floats alone."""
    return {key: _whole(value) for key, value in MessageToDict(struct).items()}


def write(properties: Mapping[str, Value]) -> Struct:
    """Return `properties` for the wire."""
    return ParseDict(dict(properties), Struct())


def unknown(value: Value) -> bool:
    """Return whether any part of `value` is unknown."""
    return any(part == UNKNOWN for part in _leaves(value))


def is_file(value: Value) -> bool:
    """Return whether `value` is an asset or an archive."""
    return isinstance(value, dict) and value.get(SIGNATURE) in (ASSET, ARCHIVE)


def _leaves(value: Value) -> Iterator[Value]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _whole(value: Value) -> Value:
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
