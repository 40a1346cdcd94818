"""Validates large JSON at a cost that depends on its size alone, however much of it is wrong.

Pydantic collects every problem: 240 KB of empty items, each of which lacks eight fields in each of four classes, cost
seconds and a gigabyte. So large input is read by a copy of the model's validator that stops at the first wrong item of
each collection. If that refuses the input, another copy finds the first `MAX_PROBLEMS` problems, counts up to
`MAX_COUNTED` others, and skips the rest.
"""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import cache
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticOmit, SchemaValidator
from pydantic_core.core_schema import ValidatorFunctionWrapHandler, no_info_wrap_validator_function

from contradance.bounds import MAX_COUNTED, MAX_PROBLEMS

_LARGE: Final = 1_024
"""Bytes from which on input is large; reading less is cheap in any case."""
_MANY: Final = 256
"""Commas from which on large input may hold many items."""
_ITEMS: Final = {
    "list": ("items_schema",),
    "set": ("items_schema",),
    "frozenset": ("items_schema",),
    "tuple": ("items_schema",),
    "generator": ("items_schema",),
    "dict": ("keys_schema", "values_schema"),
}
"""The keys of the schemas of a collection's items, by the type of the collection's schema."""
_NOT_SCHEMAS: Final = frozenset({"config", "default", "expected", "function", "metadata", "serialization"})
"""Keys of a core schema whose values are not schemas, though they may look like one."""


class _Budget:
    """The problems that one validation has found."""

    def __init__(self) -> None:
        self.named = 0
        self.left_out = 0


_budget: ContextVar[_Budget] = ContextVar("contradance_problems")


def is_large(text: str | bytes) -> bool:
    """Whether JSON has the size and the number of items to be read by `read_large`."""
    return len(text) > _LARGE and (text.count(",") if isinstance(text, str) else text.count(b",")) > _MANY


def read_large(model: type[BaseModel], text: str | bytes, *, counted: bool, **how: Any) -> Any:
    """Parse JSON as a `model`, as its own validator does, but with few of its problems in the error.

    Raises:
        ValidationError: the JSON does not match the model. Unless it is `counted`, it names one item of each
            collection; else the first problems, and its `left_out` is the number of those that it lacks.
    """
    try:
        return _stopping_validator(model).validate_json(text, **how)
    except ValidationError as error:
        raise (_count_problems(model, text, how) if counted else None) or error from None


def _count_problems(model: type[BaseModel], text: str | bytes, how: Mapping[str, Any]) -> ValidationError | None:
    """Return the error with the first problems and the number of others; None if the model now accepts the JSON."""
    budget = _Budget()
    token = _budget.set(budget)
    try:
        _counting_validator(model).validate_json(text, **how)
    except ValidationError as error:
        error.left_out = budget.left_out  # type: ignore[attr-defined]  # `problems` reads it
        return error
    except Exception:  # noqa: BLE001 - an author's validator was given a collection without its wrong items
        return None
    finally:
        _budget.reset(token)
    return None


@cache
def _stopping_validator(model: type[BaseModel]) -> SchemaValidator:
    """Return a validator that stops at the first wrong item of each collection."""
    return _copy_validator(model, lambda schema: {**schema, "fail_fast": True})


@cache
def _counting_validator(model: type[BaseModel]) -> SchemaValidator:
    """Return a validator that collects the first problems of items, and counts the others."""

    def watched(schema: dict[str, Any]) -> dict[str, Any]:
        """Return the schema of a collection whose items are validated by `_validate_item`."""
        for key in _ITEMS[schema["type"]]:
            items = schema.get(key)
            if isinstance(items, list):
                schema[key] = [no_info_wrap_validator_function(_validate_item, one) for one in items]
            elif items is not None:
                schema[key] = no_info_wrap_validator_function(_validate_item, items)
        return schema

    return _copy_validator(model, watched)


def _validate_item(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    """Validate one item; after the first problems of a validation, count its problems and leave it out."""
    budget = _budget.get()
    before = budget.named
    if budget.left_out >= MAX_COUNTED:
        raise PydanticOmit
    try:
        item = validate(value)
    except ValidationError as error:
        if before >= MAX_PROBLEMS:
            budget.left_out += error.error_count()
            raise PydanticOmit from None
        budget.named = before + error.error_count()
        raise
    budget.named = before  # a problem inside a valid item is another member's of a union
    return item


def _copy_validator(model: type[BaseModel], change: Callable[[dict[str, Any]], dict[str, Any]]) -> SchemaValidator:
    """Return a validator of `model` whose collections have the schemas that `change` returns."""

    def copied(part: Any) -> Any:
        """Return a part of a core schema, copied at any depth, with its collections changed."""
        if isinstance(part, list | tuple):
            return type(part)([copied(item) for item in part])
        if not isinstance(part, dict):
            return part
        schema = {key: item if key in _NOT_SCHEMAS else copied(item) for key, item in part.items()}
        kind = schema.get("type")
        return change(schema) if isinstance(kind, str) and kind in _ITEMS else schema

    return SchemaValidator(copied(model.__pydantic_core_schema__), _use_prebuilt=False)
