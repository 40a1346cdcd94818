"""What botocore's service models say of a call: required members, types, choices, patterns, bounds.

botocore itself checks types and required members when it calls; choices, patterns and most bounds it leaves to AWS.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session  # type: ignore[import-untyped]  # it has no types
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape  # type: ignore[import-untyped]  # the same
from botocore.validate import ParamValidator  # type: ignore[import-untyped]  # the same

from tests.infra.aws_calls import Call


@cache
def _model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


def problems(call: Call) -> list[str]:
    """Return what AWS would not take of a call, and why."""
    shape = _model(call.service).operation_model(call.operation).input_shape
    report = ParamValidator().validate(call.parameters, shape)
    found = [report.generate_report()] if report.has_errors() else []
    return [f"{call.operation}: {problem}" for problem in (*found, *_narrow(call.parameters, shape, ""))]


def _narrow(value: Any, shape: Shape, place: str) -> Iterator[str]:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        for name, item in value.items():
            if name not in shape.members:
                yield f"{place}.{name} is no member of {shape.name}"
            else:
                yield from _narrow(item, shape.members[name], f"{place}.{name}")
    elif isinstance(shape, ListShape) and isinstance(value, list):
        yield from _bounds(len(value), shape, f"{place} has a length")
        for at, item in enumerate(value):
            yield from _narrow(item, shape.member, f"{place}[{at}]")
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        for key, item in value.items():
            yield from _narrow(key, shape.key, f"{place} key {key!r}")
            yield from _narrow(item, shape.value, f"{place}.{key}")
    elif isinstance(shape, StringShape) and isinstance(value, str):
        yield from _text(value, shape, place)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _bounds(value, shape, place)


def _text(value: str, shape: StringShape, place: str) -> Iterator[str]:
    yield from _bounds(len(value), shape, f"{place} has a length")
    if shape.enum and value not in shape.enum:
        yield f"{place} is {value!r}, none of {shape.enum}"
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(_python(pattern), value, re.DOTALL):
        yield f"{place} is {value!r}, which does not match {pattern}"


def _bounds(value: float, shape: Shape, place: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if (low is not None and value < low) or (high is not None and value > high):
        yield f"{place} of {value}, which is not within {low} and {high}"


def _python(pattern: str) -> str:
    """Return one of AWS's patterns, which are Java's, as Python spells it; of letters, the ASCII ones."""
    for java, python in (
        (r"\p{L}", "A-Za-z"),
        (r"\p{Z}", r"\s"),
        (r"\p{N}", "0-9"),
        (r"\p{Print}", r"\x20-\x7e"),
        (r"\p{Space}", r"\s"),
    ):
        pattern = pattern.replace(java, python)
    return pattern
