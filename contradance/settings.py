"""Configuration of functions: settings, in plain text, and secrets, encrypted and never printed."""

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Generic, TypeVar
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError

from contradance.annotation import type_name
from contradance.errors import DeclarationError
from contradance.unit import running

T = TypeVar("T", str, bool, int, float, Decimal, date, timedelta, UUID)
"""Types of a setting. It is text in the stack's configuration and the environment, and a value in the handler."""

_NAME = r"[a-z][a-z0-9_]*"


@dataclass(frozen=True)
class Setting(Generic[T]):
    """A typed value from the stack's configuration: `Setting("renewal_limit", int, default=2)`."""

    name: str
    type: type[T]
    default: T

    def __post_init__(self) -> None:
        _check_name("setting", self.name)
        if self.parse(str(self.default)) != self.default:
            raise DeclarationError(
                f"setting {self.name!r} has the type {type_name(self.type)}, but its default, of type "
                f"{type_name(type(self.default))}, changes when it is written as text and read back.\n"
                f"  Give it a default of type {type_name(self.type)}."
            )

    @property
    def variable(self) -> str:
        """The environment variable that carries it: `SETTING_RENEWAL_LIMIT` for `renewal_limit`."""
        return f"SETTING_{self.name.upper()}"

    def get(self) -> T:
        """Return the configured value, or the default; raise `WorkError` outside a handler or without `uses=`."""
        unit = running(f"setting {self.name!r}")
        unit.check_linked(self.name, frozenset({self}))
        text = unit.variable(self.variable)
        return self.default if text is None else self.parse(text)

    def parse(self, text: str) -> T:
        """Convert `text` to the setting's type; raise `DeclarationError` for text of another type."""
        try:
            adapter = TypeAdapter(self.type)
        except PydanticSchemaGenerationError as error:
            raise DeclarationError(
                f"setting {self.name!r} has the type {type_name(self.type)}, which cannot be read from text.\n"
                "  Make it a str, a bool, a number, a date, a timedelta or a UUID."
            ) from error
        try:
            return adapter.validate_strings(text)
        except ValidationError as error:
            raise DeclarationError(
                f"setting {self.name!r} should be {type_name(self.type)}: {error.errors(include_input=False)[0]['msg']}.\n"
                "  Correct its default, or its value in the stack's configuration."
            ) from error


@dataclass(frozen=True)
class Secret:
    """A value that is stored encrypted and never printed: `Secret("gateway_key")`.

    `on_laptop` is the value on the laptop if its environment has none. Use a test key, never a real one.
    """

    name: str
    on_laptop: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _check_name("secret", self.name)

    @property
    def variable(self) -> str:
        """The environment variable that carries it on the laptop."""
        return f"SECRET_{self.name.upper()}"

    def get(self) -> str:
        """Return the secret's value, on the laptop else `on_laptop`; raise `DeclarationError` without one."""
        unit = running(f"secret {self.name!r}")
        unit.check_linked(self.name, frozenset({self}))
        value = unit.variable(self.variable) or self.on_laptop
        if value is None:
            raise DeclarationError(
                f"secret {self.name!r} has no value.\n"
                f"  Set {self.variable} in the environment, or declare it with on_laptop='a test key'."
            )
        return value


def _check_name(kind: str, name: str) -> None:
    """Raise `DeclarationError` for a name that an environment variable cannot have."""
    if not re.fullmatch(_NAME, name):
        raise DeclarationError(
            f"{kind} {name!r} has a name that an environment variable cannot have.\n"
            "  Use lower-case letters, digits and '_'."
        )
