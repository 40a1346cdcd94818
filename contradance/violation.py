"""Builds error messages for validation failures: fields and fixes, never values."""

from collections.abc import Container, Sequence
from typing import Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, core_schema

from contradance.annotation import models_inside
from contradance.bounds import MAX_COUNTED, MAX_PATH, MAX_PROBLEM, MAX_PROBLEMS, shortened
from contradance.contract import Contract, where_defined
from contradance.errors import ContractViolation
from contradance.foreign import ForeignEvent, is_foreign
from contradance.largeinput import NO_MEMBER
from contradance.proof import NotFaithful
from contradance.quantity import counted
from contradance.wire import wire_fields

_SAFE_TYPES: Final = frozenset(get_args(core_schema.ErrorType)) - {
    "assertion_error",
    "get_attribute_error",
    "iteration_error",
    "mapping_type",
    "timezone_offset",
    "union_tag_invalid",
    "uuid_parsing",
    "value_error",
}
"""Pydantic's error types whose message never contains the value; the message of an author's own error may."""

_REWORDED: Final = {
    NO_MEMBER: "Input should match a member of the union",
    "timezone_offset": "Input should have another timezone offset",
    "union_tag_invalid": "Input should have a known tag",
    "uuid_parsing": "Input should be a valid UUID",
}
"""Replacements for messages of Pydantic that contain a part of the value."""
_FIX_READING: Final = "\n  A validator must accept the JSON of its own result."
_OWN_CHECK: Final = "Does not satisfy the contract's own check"


def problems(error: ValidationError, prefix: str = "", names: Container[str] | None = None) -> list[tuple[str, str]]:
    """Return (field path, message) of the first problems, without the input; a last pair counts the others.

    Of more than `MAX_PROBLEMS` problems the last pair gives the number of those that are not named.

    With `names`, a part of a path that is not one of them is replaced by `*`: the key of a dictionary is data.
    """
    found = error.errors(include_context=False, include_input=False)[:MAX_PROBLEMS]
    named = [
        (
            shortened(
                ".".join(filter(None, (prefix, masked_path(problem["loc"], names, problem["type"])))),
                MAX_PATH,
            ),
            shortened(_safe_message(problem), MAX_PROBLEM),
        )
        for problem in found
    ]
    not_counted = getattr(error, "left_out", 0)  # see contradance.largeinput
    left_out = error.error_count() - len(found) + not_counted
    if left_out:
        about = "at least " if not_counted >= MAX_COUNTED else ""
        named.append((prefix or "...", f"and {about}{counted(left_out, 'more problem')}"))
    return named


def violation(
    contract: type[Contract | ForeignEvent],
    error: ValidationError | NotFaithful,
    *,
    event_id: str,
    publisher: str,
    consumer: str | None = None,
) -> ContractViolation:
    """Return the error, to raise, that names the event, the invalid fields, publisher, consumer and the fix."""
    names = names_in(contract)
    root, fix = "data", f"Fix the publisher, or publish the new shape as version {contract.identity.version + 1}."
    if is_foreign(contract):
        root, fix = "detail", "Correct the class: the event comes from others."
    if isinstance(error, NotFaithful):
        found, fix = [(f"data.{masked_path(error.path, names)}".strip("."), error.problem)], error.fix
    else:
        found = problems(error, root, names)
        if consumer is None:
            fix += _FIX_READING
    lines = [f"event {event_id} breaks {contract.identity}"]
    lines += [f"  {path}: {message}" for path, message in found]
    parties = f"published by {publisher}" + (f", consumed by {consumer}" if consumer else "")
    lines.append(f"  {parties}; contract in {where_defined(contract)}\n  {fix}")
    return ContractViolation("\n".join(lines))


def names_in(model: type[BaseModel]) -> set[str]:
    """Return the names of a model, of the models in it at any depth, and of their fields: what a path may show."""
    models = [model, *(inner for _, inner in models_inside(model) if issubclass(inner, BaseModel))]
    return {name for one in models for name in (one.__name__, *one.model_fields, *wire_fields(one))}


def masked_path(path: Sequence[int | str], names: Container[str] | None, problem: str = "") -> str:
    """Return the path of a field as text, `*` for what is not in `names`; an unknown field, the last, keeps its name."""
    last = len(path) - 1 if problem == "extra_forbidden" else None
    return ".".join(
        str(part) if names is None or isinstance(part, int) or part in names or number == last else "*"
        for number, part in enumerate(path)
    )


def _safe_message(problem: ErrorDetails) -> str:
    """Return the message of a problem, or a replacement if it may contain the value.

    Only Pydantic's own errors have a URL: an author's error may have the type of one of them, and any message.
    """
    if problem["type"] in _SAFE_TYPES and "url" in problem:
        return str(problem["msg"])
    return _REWORDED.get(problem["type"], _OWN_CHECK)
