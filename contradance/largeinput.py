"""Validates large JSON at a cost that depends on its size alone, however much of it is wrong.

Pydantic collects every problem: 240 KB of empty items, each of which lacks eight fields in each of four classes, cost
seconds and a gigabyte. So large input is read by a copy of the model's validator that stops at the first wrong item of
each collection, and has one problem for a union that no member matches: 10,000 unknown fields are as many problems for
each member. If that refuses the input, another copy finds the first `MAX_PROBLEMS` problems, counts up to `MAX_COUNTED`
others, and skips the rest; it has the problems of each member of a union unless they could be too many.
"""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import cache
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticOmit, SchemaValidator
from pydantic_core.core_schema import ValidatorFunctionWrapHandler, no_info_wrap_validator_function

from contradance.bounds import MAX_COUNTED, MAX_PROBLEMS

NO_MEMBER: Final = "no_member"
"""The type of the one problem of a union."""
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
_ONE_PROBLEM: Final = {"custom_error_type": NO_MEMBER, "custom_error_message": "No member of the union matches"}
"""What makes Pydantic drop the problems of each member of a union."""
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
    return len(text) > _LARGE and _commas(text) > _MANY


def _commas(text: str | bytes) -> int:
    """Return the number of commas in JSON."""
    return text.count(",") if isinstance(text, str) else text.count(b",")


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
        _counting_validator(model, by_member=_commas(text) * _most_members(model) <= MAX_COUNTED).validate_json(
            text, **how
        )
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
    """Return a validator that stops at the first wrong item of each collection, and has one problem for a union."""
    return _copy_validator(
        model, lambda schema: schema | (_ONE_PROBLEM if schema["type"] == "union" else {"fail_fast": True})
    )


@cache
def _counting_validator(model: type[BaseModel], *, by_member: bool) -> SchemaValidator:
    """Return a validator that collects the first problems of items, and counts the others; of a union `by_member`."""

    def watched(schema: dict[str, Any]) -> dict[str, Any]:
        """Return the schema of a union, or of a collection whose items are validated by `_validate_item`."""
        if schema["type"] == "union":
            return schema if by_member else schema | _ONE_PROBLEM
        for key in _ITEMS[schema["type"]]:
            items = schema.get(key)
            if isinstance(items, list):
                schema[key] = [no_info_wrap_validator_function(_validate_item, one) for one in items]
            elif items is not None:
                schema[key] = no_info_wrap_validator_function(_validate_item, items)
        return schema

    return _copy_validator(model, watched)


@cache
def _most_members(model: type[BaseModel]) -> int:
    """Return the largest number of members of a union in a model; 1 without a union."""
    most = 1

    def count(schema: dict[str, Any]) -> dict[str, Any]:
        """Note the members of a union."""
        nonlocal most
        most = max(most, len(schema.get("choices", ())))
        return schema

    _copy_schema(model.__pydantic_core_schema__, count)
    return most


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
    """Return a validator of `model` whose collections and unions have the schemas that `change` returns."""
    return SchemaValidator(_copy_schema(model.__pydantic_core_schema__, change), _use_prebuilt=False)


def _copy_schema(part: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """Return a part of a core schema, copied at any depth, with its collections and unions changed."""
    if isinstance(part, list | tuple):
        return type(part)([_copy_schema(item, change) for item in part])
    if not isinstance(part, dict):
        return part
    schema = {key: item if key in _NOT_SCHEMAS else _copy_schema(item, change) for key, item in part.items()}
    kind = schema.get("type")
    return change(schema) if isinstance(kind, str) and (kind in _ITEMS or kind == "union") else schema
